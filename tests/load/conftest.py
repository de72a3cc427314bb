"""Fixtures of load tests: the real processes of the fault tests."""

from tests.faults.conftest import broker, brokers, database_url, uploads, worker  # noqa: F401
