"""Requests for SSIDs to CALPADS: the SENR file and what came of it."""
