"""Removing a student, or a whole district, from all stored data."""
