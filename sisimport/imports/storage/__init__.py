"""Kept files, and reading some records of them again."""
