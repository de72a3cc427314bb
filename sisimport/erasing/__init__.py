"""Taking a student, or a whole district, out of everything that is kept."""
