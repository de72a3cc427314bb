"""The district's own student list: an import type like any other."""
