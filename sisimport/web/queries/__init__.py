"""Reads for pages: querysets and small dataclasses, no request objects."""
