"""Scores on pages: a student's, a run's, a family's."""
