"""Fixtures of tests that run imports."""

from tests.imports.conftest import command, district

__all__ = ["command", "district"]
