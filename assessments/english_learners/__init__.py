"""English learners counted: where each stands, who waits too long, who may be reclassified; each number is a list of students."""
