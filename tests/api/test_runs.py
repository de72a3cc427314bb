"""Runs and their lines by the API: as the command line tells them, page by page, and nothing of another school."""

from typing import Any

import pytest

from sisimport.audit.models import AuditEntry
from sisimport.imports.models import ImportRun, Work
from sisimport.imports.runs.report import run_json
from tests.api.client import Program
from tests.factories import UserFactory
from tests.faults import two_schools
from tests.faults.two_schools import MARKS, TwoSchools

pytestmark = pytest.mark.django_db
two_schools_once, made = two_schools.two_schools_once, two_schools.made  # fixtures

LISTS = ("issues", "changes", "absent")


def all_of(program: Program, path: str, limit: int = 1000, **query: Any) -> list[dict[str, Any]]:
    """A list to its end, cursor by cursor."""
    items, cursor = [], ""
    for _page in range(500):
        told = program.get(path, {"limit": limit, **({"cursor": cursor} if cursor else {}), **query})
        assert len(told["items"]) <= limit
        items += told["items"]
        cursor = told["next"]
        if not cursor:
            return items
    raise AssertionError("the list has no end")


def test_a_run_is_the_object_of_the_command_line(made: TwoSchools) -> None:
    program = Program()
    for run in made.runs:
        run.refresh_from_db()
        expected = run_json(run)
        issues, changes = expected.pop("issues"), expected.pop("changes")

        assert program.get(f"runs/{run.pk}") == expected
        if run.work == Work.CONVERT:
            assert program.get(f"runs/{run.pk}/issues", status=404)
            continue
        found = all_of(program, f"runs/{run.pk}/issues")
        assert sorted(map(str, found)) == sorted(map(str, issues))
        assert all_of(program, f"runs/{run.pk}/changes") == changes


@pytest.mark.long
def test_pages_of_any_size_hold_every_line_once(made: TwoSchools) -> None:
    program = Program()
    for run in made.runs:
        if run.work == Work.CONVERT:
            continue
        for part in LISTS:
            whole = all_of(program, f"runs/{run.pk}/{part}")
            if 3 < len(whole) < 60:
                assert all_of(program, f"runs/{run.pk}/{part}", limit=3) == whole, (part, run.work, run.import_type)
    assert all_of(program, "runs", limit=2) == all_of(program, "runs")


def test_runs_are_filtered(made: TwoSchools) -> None:
    program = Program()
    tests = all_of(program, "runs", work="test", status="completed")

    assert {(run["work"], run["status"]) for run in tests} == {("test", "completed")}
    assert len(tests) < ImportRun.objects.count()
    for moment in ("2199-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00"):
        assert all_of(program, "runs", created_since=moment) == []
    for moment in ("0001-01-01T00:00:00+12:00", "0001-01-01T00:00:00", "1999-12-31"):
        assert len(all_of(program, "runs", created_since=moment)) == ImportRun.objects.count()
    errors = all_of(program, f"runs/{tests[-1]['run']}/issues", severity="error")
    assert {issue["severity"] for issue in errors} <= {"error"}


def test_refused_lines_come_as_they_came(made: TwoSchools) -> None:
    program = Program()
    run = next(run for run in made.runs if run.work == Work.TEST and run.refused_count and run.file)

    answer = program.client.get(f"/api/v1/runs/{run.pk}/refused-lines", headers=program.headers())

    lines = b"".join(answer.streaming_content).splitlines()  # type: ignore[attr-defined]
    with run.file.file.open() as kept:
        assert set(lines) <= set(kept.read().splitlines())
    assert len(lines) - int(bool(run.facts.get("header"))) == run.refused_count


def test_what_is_read_of_runs_is_on_record(made: TwoSchools) -> None:
    program = Program()
    before = AuditEntry.looks.count()

    program.get(f"runs/{made.runs[0].pk}/issues")

    view = AuditEntry.looks.latest("pk")
    assert AuditEntry.looks.count() == before + 1
    assert (view.user, view.kind) == (program.token.user, AuditEntry.Kind.EXPORT)


def programs(made: TwoSchools) -> list[Program]:
    """All who may see school A only: a service, a person, and a person of both schools with a token for one."""
    return [
        Program(schools=[made.a], name="of-a"),
        Program(user=UserFactory(registrar=True, schools=[made.a])),
        Program(user=made.both, schools=[made.a]),
    ]


@pytest.mark.long
def test_nothing_of_another_school_is_revealed(made: TwoSchools) -> None:
    for program in programs(made):
        for run in made.runs:
            for path in ("", "/issues", "/changes", "/absent", "/refused-lines"):
                answer = program.client.get(f"/api/v1/runs/{run.pk}{path}", headers=program.headers())
                assert answer.status_code < 500
                body = b"".join(answer.streaming_content) if answer.streaming else answer.content  # type: ignore[attr-defined]
                assert not MARKS.search(body.decode()), (path, run.work, body[:300])


def test_a_service_of_both_meets_the_marks(made: TwoSchools) -> None:
    """Otherwise the test above would find nothing because it looks at nothing."""
    program = Program()
    found = set()
    for run in made.runs:
        for path in ("/issues", "/changes", "/absent"):
            answer = program.client.get(f"/api/v1/runs/{run.pk}{path}", headers=program.headers())
            if MARKS.search(answer.content.decode()):
                found.add(path)
    assert found == {"/issues", "/changes", "/absent"}


def test_a_run_of_another_school_does_not_exist(made: TwoSchools) -> None:
    stranger = Program(user=UserFactory(registrar=True, schools=[made.utah_a]))
    of_a_and_b = next(run for run in made.runs if run.schools)
    ImportRun.objects.filter(pk=of_a_and_b.pk).update(schools=[made.a.pk])

    for path in ("", "/issues", "/changes", "/absent", "/refused-lines"):
        assert stranger.get(f"runs/{of_a_and_b.pk}{path}", status=404)["code"] == "NOT-FOUND"


def test_a_cursor_is_valid_for_its_user_list_and_filters_only(made: TwoSchools) -> None:
    mine, others = Program(), Program(user=UserFactory(import_admin=True))
    cursor = mine.get("runs", {"limit": 1})["next"]

    mine.get("runs", {"limit": 2, "cursor": cursor})
    assert others.get("runs", {"cursor": cursor}, status=422)["errors"][0]["field"] == "cursor"
    assert mine.get("runs", {"cursor": cursor, "work": "test"}, status=422)
    assert mine.get(f"runs/{made.runs[0].pk}/issues", {"cursor": cursor}, status=422)
    assert mine.get("runs", {"cursor": cursor[:-1] + "é"}, status=422)
