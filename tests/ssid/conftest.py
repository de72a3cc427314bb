"""Fixtures of tests of the SSID imports."""

from tests.imports.conftest import command, district

__all__ = ["command", "district"]
