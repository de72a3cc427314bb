"""Kept files, and rereading individual records of them."""
