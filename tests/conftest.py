"""Shared by all tests: with no DATABASE_URL, the embedded PostgreSQL of the test data directory runs while they do."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from sisimport import embedded


@pytest.fixture(scope="session")
def database_server() -> Iterator[str]:
    """Address of a running PostgreSQL: the given one, or the embedded one, started or joined (by each xdist worker)."""
    if not settings.EMBEDDED:
        yield settings.DATABASE_URL
        return
    with embedded.running(settings.DATA_DIR) as url:
        yield url


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None, database_server: str) -> None:
    """Called by pytest-django before it makes the test database: the server must be there by then."""


@pytest.fixture(autouse=True)
def _own_uploads(request: pytest.FixtureRequest, tmp_path: Path, settings: Any) -> None:
    """Uploaded files of a test go into its own folder, unless processes of their own are to read them."""
    if request.node.get_closest_marker("processes"):
        return
    storages = dict(settings.STORAGES)
    storages["default"] = storages["default"] | {"OPTIONS": {"location": str(tmp_path / "uploads")}}
    settings.STORAGES = storages
