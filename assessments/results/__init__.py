"""Results that can be compared: counts by school, grade, student group and year, and which of them may be shown to
whom."""
