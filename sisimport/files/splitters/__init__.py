"""Splitting lines into records, by the form of their columns: even, plain, quoted, fixed width."""
