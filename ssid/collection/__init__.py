"""Collecting missing SSIDs: school lists, records, enrollment forms, family accounts."""
