"""Requests for SSIDs to CALPADS: the SENR file and its results."""
