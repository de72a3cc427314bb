"""The import type of score files, one module for each of its stages."""
