"""A file for many schools costs what its lines cost, not lines times schools."""

import pytest

from sisimport.imports.models import ImportChange, Work
from sisimport.roster import staging
from students.models import School
from tests.imports.journey import District, run_file
from tests.roster.test_roster import ANA, JOSE, csv

pytestmark = pytest.mark.django_db


def test_no_line_is_compared_with_every_school_on_record(district: District, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither in a file of schools on record nor in one that brings some."""
    School.objects.bulk_create(School(lea=district.lea, code=f"{n:07}", name=f"School {n}") for n in range(1, 60))
    plans = []
    execute, fetch_all = staging.execute, staging.fetch_all

    def explained(sql: str, values: list[object] | None = None) -> None:
        if "fresh AS" in sql:
            plans.append("\n".join(str(row[0]) for row in fetch_all(f"EXPLAIN {sql}", values)))

    def note_execute(sql: str, values: list[object] | None = None) -> int:
        explained(sql, values)
        return execute(sql, values)

    def note_fetch_all(sql: str, values: list[object] | None = None) -> list[tuple[object, ...]]:
        explained(sql, values)
        return fetch_all(sql, values)

    monkeypatch.setattr(staging, "execute", note_execute)
    monkeypatch.setattr(staging, "fetch_all", note_fetch_all)
    lines = [JOSE | {"local_number": f"{n:06}", "school": f"{n % 80 + 1:07}"} for n in range(300)]
    report = run_file("students", csv(*lines, ANA), Work.TEST, name="roster.csv")

    assert ImportChange.objects.filter(run=report.run, kind="school").count() == 21, "schools that the file brings"
    assert len(plans) >= 3
    assert not [plan for plan in plans if "Nested Loop" in plan]
