"""English learners counted: the status of each, who waits too long, who may be reclassified; each number has a list of
students."""
