"""The update lock of an LEA: an Import holds it while it compares, a Test does not take it."""

import psycopg
import pytest

from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.engine import checking, staging
from students import locks
from tests.assessments.score_files import SSID_1, ela, start, text
from tests.ssid.journey import District, district

pytestmark = pytest.mark.django_db

TYPE, LAYOUT = "caaspp-2023-2024", "caaspp-2023-24"


@pytest.fixture
def home() -> District:
    made = district()
    made.add("100", ssid=SSID_1)
    return made


@pytest.fixture
def free(home: District, other_session: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> dict[str, bool]:
    """Whether somebody else could take the update lock, by the stage of the run that began."""
    seen: dict[str, bool] = {}

    def look(stage: str) -> None:
        # Without a transaction of its own the lock is free again at once.
        taken = other_session.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [locks._LEA_LOCK, home.lea.pk])
        seen[stage] = bool(taken.fetchall()[0][0])

    def watched(module: object, name: str) -> None:
        work = getattr(module, name)

        def wrapper(context: RunContext) -> object:
            look(name)
            return work(context)

        monkeypatch.setattr(module, name, wrapper)

    watched(staging, "stage")
    watched(checking, "check")
    return seen


def test_an_import_keeps_others_from_editing_from_its_comparison_on(free: dict[str, bool]) -> None:
    done = start(TYPE, text(LAYOUT, ela()), work="import")

    assert (done.status, done.import_count) == ("completed", 1)
    assert free == {"stage": True, "check": False}


def test_a_test_keeps_nobody_from_editing(free: dict[str, bool]) -> None:
    start(TYPE, text(LAYOUT, ela()))

    assert free == {"stage": True, "check": True}
