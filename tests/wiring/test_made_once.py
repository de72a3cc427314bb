"""Records that are made once for a module are there for each of its tests, as they were made, and gone after the last."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import connection

from students.models import LEA
from tests.made_once import for_this_test, made_once


def make() -> LEA:
    storages["default"].save("kept.txt", ContentFile(b"kept"))
    return LEA.objects.create(code="7654321", name="Made once")


@pytest.fixture(scope="module")
def lea_once(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    # Beside the session of the tests: nothing of it is to be seen once the block has ended.
    with ExitStack() as stack:
        yield stack.enter_context(made_once(make, tmp_path_factory.mktemp("once"), django_db_blocker))
        stack.close()
        with django_db_blocker.unblock():
            assert not LEA.objects.filter(code="7654321").exists()
            assert not connection.in_atomic_block


@pytest.fixture
def lea(lea_once: tuple[LEA, Path], db: None) -> LEA:
    return for_this_test(lea_once)


@pytest.mark.parametrize("number", [1, 2])
def test_each_test_finds_them_as_they_were_made_whatever_another_did(lea: LEA, number: int) -> None:
    assert LEA.objects.get(code="7654321").name == lea.name == "Made once"
    assert storages["default"].open("kept.txt").read() == b"kept"

    LEA.objects.filter(pk=lea.pk).update(name=f"Of test {number}")
    lea.name = "Another"
    storages["default"].delete("kept.txt")
