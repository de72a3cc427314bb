"""Fixtures of load tests: the real processes of the fault tests."""

from tests.faults.conftest import database_url  # noqa: F401
