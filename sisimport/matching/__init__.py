"""The match desk: whose record a line is, decided by people."""
