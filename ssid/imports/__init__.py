"""One module for each import type, with its stages and codes in modules next to it."""
