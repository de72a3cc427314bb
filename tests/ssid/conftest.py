"""Fixtures of tests of the SSID imports."""

from tests.imports.conftest import district

__all__ = ["district"]
