"""Results that can be compared: counts by school, grade, student group and year, and what of them may be shown to whom."""
