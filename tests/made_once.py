"""Records that all tests of a module begin with: made once, for the module, instead of once per test.

They are made in a transaction around the module's tests, whose own transactions are savepoints in it, so that each test finds
them as they were made. Only for modules whose tests all begin with them, and none of which commits.
"""

import copy
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from django.conf import settings
from django.core.files.storage import storages
from django.db import transaction
from django.test import override_settings

T = TypeVar("T")


@contextmanager
def made_once(make: Callable[[], T], uploads: Path, blocker: Any) -> Iterator[tuple[T, Path]]:
    """What `make` makes, and the folder of its uploaded files. `blocker`: pytest-django's, which lets no test at the database
    unasked."""
    default = settings.STORAGES["default"] | {"OPTIONS": {"location": str(uploads)}}
    with blocker.unblock():
        around = transaction.atomic()
        around.__enter__()
        with override_settings(STORAGES={**settings.STORAGES, "default": default}):
            made = make()
    try:
        yield made, uploads
    finally:
        with blocker.unblock():
            transaction.set_rollback(True)
            around.__exit__(None, None, None)


def for_this_test(made: tuple[T, Path]) -> T:
    """The test's own copies of what was made, and of its files."""
    records, uploads = made
    if uploads.exists():
        shutil.copytree(uploads, storages["default"].path(""), dirs_exist_ok=True)
    return copy.deepcopy(records)
