"""A grown installation, written by the database itself: other LEAs and their students, years of scores, old runs."""

import time
from collections.abc import Callable
from contextlib import contextmanager
from datetime import timedelta
from statistics import median
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from sisimport.demo.people import make_people
from sisimport.demo.processor import session_or_clock
from sisimport.imports.engine.sql import execute, fetch_all, fetch_one
from sisimport.imports.models import ImportRun, RunStatus, Work
from sisimport.imports.storage import run_ranges
from students.models import LEA, StaffAccess, Student

CHANGES_OF_A_RUN = 100
_TIMES = 3
# SSIDs of the other LEAs' students; the state's numbers in the demo district come from a different series.
_SSIDS = """
INSERT INTO students_ssid (student_id, state, ssid, origin, verified, created_at)
SELECT s.id, 'CA', lpad((7000000000 + s.id)::text, 10, '0'), 'state_file', true, now() FROM students_student s
WHERE s.lea_id = %s AND s.id %% 20 <> 7
ON CONFLICT DO NOTHING
"""
_CHANGES = """
INSERT INTO imports_importchange (run_id, line, seq, part, kind, object_id, student_id, before, after)
SELECT r, n, 0, 'ssid', 'ssid', r, %(first)s + (r * 101 + n) %% %(among)s, '{"verified": false}', '{"verified": true}'
FROM generate_series(%(from)s, %(to)s) r, generate_series(1, %(each)s) n
"""

FillScores = Callable[[int], int]  # years -> scores written, for every student there is
_fill_scores: list[FillScores] = []


def register_scores(fill: FillScores) -> None:
    """Offer a function that writes scores for a number of years for all students; called by the app that stores
    scores."""
    _fill_scores.append(fill)


def grow(*, leas: int, students: int, years: int, runs: int) -> dict[str, float]:
    """Add LEAs with this many students in total, their scores, and old runs; returns the seconds for each."""
    seconds: dict[str, float] = {}
    with _timed(seconds, "students"):
        for number in range(leas):
            share = students * (number + 1) // leas - students * number // leas
            with transaction.atomic():  # its own transaction: the temporary tables of people end with it
                lea = LEA.objects.create(code=f"{2_000_000 + number}", name=f"Grown {number}")
                make_people(lea=lea, students=max(1, share), seed=2 + number, ssid_percent=0)
                execute(_SSIDS, [lea.pk])
    with _timed(seconds, "scores"):
        for fill in _fill_scores:
            fill(years)
    with _timed(seconds, "runs"):
        _old_runs(runs)
    return seconds


@contextmanager
def _timed(seconds: dict[str, float], name: str) -> Any:
    started = time.perf_counter()
    yield
    seconds[name] = time.perf_counter() - started


def _old_runs(count: int) -> None:
    now = timezone.now()
    made = ImportRun.objects.bulk_create(
        ImportRun(
            import_type="ssid-download", work=Work.IMPORT, status=RunStatus.COMPLETED, attempts=1,
            record_count=CHANGES_OF_A_RUN, import_count=CHANGES_OF_A_RUN, planned_count=CHANGES_OF_A_RUN,
            started_at=now - number * timedelta(hours=1), finished_at=now - number * timedelta(hours=1),
        )
        for number in range(count)
    )  # fmt: skip
    run_ranges.make_ranges()
    if made:
        first, among = fetch_one("SELECT min(id), max(id) - min(id) + 1 FROM students_student")
        execute(
            _CHANGES,
            {"first": first, "among": among, "from": made[0].pk, "to": made[-1].pk, "each": CHANGES_OF_A_RUN},  # type: ignore[arg-type]
        )


# What is counted and measured: a table, and what one row of it represents.
TABLES = {
    "students_student": "a student",
    "students_enrollment": "an enrollment",
    "students_ssid": "an SSID",
    "assessments_score": "a score",
    "imports_importchange": "a change of a run",
}


def sizes() -> dict[str, dict[str, float]]:
    """Rows and bytes (including indexes and partitions) of the tables that grow."""
    found = {}
    for table in TABLES:
        (rows,) = fetch_one(f"SELECT count(*) FROM {table}")
        ((size,),) = fetch_all(
            "SELECT coalesce(sum(pg_total_relation_size(relid)), pg_total_relation_size(%s::regclass))"
            " FROM pg_partition_tree(%s::regclass)",
            [table, table],
        )
        found[table] = {"rows": rows, "bytes": float(size)}
    return found


def pages() -> dict[str, float]:
    """Processor milliseconds that pages take in the database, for a registrar of all schools: the median of several
    times."""
    client = _registrar()
    student = Student.objects.order_by("-pk").values_list("pk", flat=True)[0]
    run = ImportRun.objects.order_by("-pk").values_list("pk", flat=True)[0]
    queries: dict[str, Callable[[], Any]] = {
        "home": lambda: client.get(reverse("home")),
        "history of runs": lambda: client.get(reverse("runs")),
        "run": lambda: client.get(reverse("run", args=[run])),
        "name search": lambda: client.post(reverse("students"), {"text": "Garcia"}, follow=True),
        "number search": lambda: client.post(reverse("students"), {"text": "100501"}, follow=True),
        "students": lambda: client.get(reverse("students")),
        "students without SSID": lambda: client.get(reverse("students"), {"ssid": "missing"}),
        "student": lambda: client.get(reverse("student", args=[student])),
        "missing SSIDs": lambda: client.get(reverse("collection")),
    }
    return {name: _database_ms(name, ask) for name, ask in queries.items()}


def _registrar() -> Client:
    user = get_user_model().objects.create_user(username=f"benchmark-{time.monotonic_ns()}")
    user.groups.add(Group.objects.get_or_create(name="registrar")[0])
    StaffAccess.objects.update_or_create(user=user, defaults={"all_schools": True})
    client = Client(SERVER_NAME="localhost")
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def _database_ms(name: str, ask: Callable[[], Any]) -> float:
    spent = 0.0

    def watch(execute: Any, *rest: Any) -> Any:
        nonlocal spent
        started = session_or_clock()
        try:
            return execute(*rest)
        finally:
            spent += session_or_clock() - started

    found = []
    for _n in range(_TIMES + 1):  # the first also does what a process does only once
        spent = 0.0
        with connection.execute_wrapper(watch):
            answer = ask()
        if answer.status_code != 200:
            raise RuntimeError(f"the page {name} answered {answer.status_code}")
        found.append(spent * 1000)
    return median(found[1:])
