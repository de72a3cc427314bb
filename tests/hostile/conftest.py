"""The address of the test database, for processes of their own."""

from tests.faults.conftest import database_url  # noqa: F401 - a fixture for the tests here
