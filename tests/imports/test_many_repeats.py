"""A file that is one line again and again costs what its lines cost, not their square."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from sisimport.imports.engine import repeats
from sisimport.imports.models import Work
from tests.files.samples import line
from tests.imports.journey import make_district, run_file

pytestmark = pytest.mark.django_db


def test_which_first_lines_were_refused_is_looked_up_once_and_not_for_each_repeat(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_district().student()
    plans = []
    fetch_all = repeats.fetch_all

    def explained(sql: str, values: list[object] | None = None) -> list[tuple[object, ...]]:
        if "checked_line" in sql and sql.startswith("SELECT"):
            plans.append("\n".join(str(row[0]) for row in fetch_all(f"EXPLAIN {sql}", values)))
        return fetch_all(sql, values)

    monkeypatch.setattr(repeats, "fetch_all", explained)
    with CaptureQueriesContext(connection):
        run_file("ssid-download", f"{line()}\n" * 300, Work.TEST)

    assert plans
    assert all("hashed SubPlan" in plan for plan in plans), plans


def test_all_repeats_of_a_good_line_are_unchanged_and_none_is_lost() -> None:
    make_district().student()

    run = run_file("ssid-download", f"{line()}\n" * 5_000, Work.TEST).run

    assert (run.record_count, run.planned_count, run.error_count) == (5_000, 1, 0)
    assert run.planned_count + run.unchanged_count + run.skipped_count == 5_000
