"""One module for each import type, with its stages and codes beside it."""
