"""What the page of missing SSIDs reads of a county at rest: sums by school and grade, of a year of kept counts some weeks."""

import datetime as dt
import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from students import collection, headcounts
from students.models import LastDay, MissingSnapshot, Student, WithoutSSID
from tests.load.population import depopulate, populate, settle

SCHOOLS = 181
READ = {"students_headcount", "students_school", "students_reportedssid", "students_withoutssid"}
_SUMMED = ("students", "missing", "reported")


@pytest.fixture(scope="module")
def county(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    with django_db_blocker.unblock():
        populate(20_000, schools=SCHOOLS)
        settle()
        yield
        depopulate()


def scans(sql: str) -> list[dict[str, Any]]:
    """The nodes of the plan that read a table, as it was carried out."""
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) " + sql)
        found, left = [], [cursor.fetchone()[0][0]["Plan"]]
    while left:
        node = left.pop()
        left += node.get("Plans", ())
        if "Relation Name" in node:
            found.append(node)
    return found


def few_rows(sql: str) -> bool:
    """Does the statement read kept counts, a few rows a school and grade, and of students those who told a number?"""
    read = scans(sql)
    rows = {
        name: sum(n["Actual Rows"] * n["Actual Loops"] for n in read if n["Relation Name"] == name) for name in READ
    }
    return {n["Relation Name"] for n in read} <= READ and sum(rows.values()) <= 20 * SCHOOLS


@pytest.mark.django_db
def test_the_counts_of_all_schools_read_no_student(county: None) -> None:
    headcounts.compact()
    with CaptureQueriesContext(connection) as asked:
        found = collection.count_missing(None)
        headcounts.count_without_ssid(None)
        headcounts.count_enrolled(None)
    assert len({row.school_id for row in found}) == SCHOOLS
    assert len(asked) == 3
    assert all(few_rows(query["sql"]) for query in asked)


@pytest.mark.django_db
def test_the_counts_are_those_of_every_student_looked_at(county: None) -> None:
    today = timezone.localdate()
    left = set(LastDay.objects.filter(day__lt=today).values_list("student", flat=True))
    missing = set(WithoutSSID.objects.values_list("student", flat=True))
    expected: dict[tuple[int | None, str], list[int]] = {}
    for pk, school, grade in Student.objects.values_list("pk", "school", "grade"):
        if pk not in left:
            counts = expected.setdefault((school, grade), [0, 0])
            counts[0] += 1
            counts[1] += pk in missing
    assert {(c.school_id, c.grade): [c.students, c.missing] for c in collection.count_missing(None)} == expected


@pytest.mark.django_db
def test_the_counts_of_a_school_are_the_sums_of_its_grades(county: None) -> None:
    counts = collection.count_missing(None)

    found = {row.school_id: (row.students, row.missing, row.reported) for row in collection.by_school(counts)}

    assert found == {
        school: tuple(sum(getattr(one, name) for one in counts if one.school_id == school) for name in _SUMMED)
        for school in {one.school_id for one in counts}
    }


@pytest.mark.django_db
def test_the_chart_of_a_year_reads_the_counts_of_its_points_alone(county: None) -> None:
    """Each of the last days, then one of a week, of four weeks: with counts of every day a year is 34 points."""
    collection.record_missing()
    per_day = MissingSnapshot.objects.count()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO students_missingsnapshot (day, school_id, grade, students, without_ssid)"
            " SELECT day - i, school_id, grade, students, without_ssid FROM generate_series(1, 365) i,"
            " students_missingsnapshot ORDER BY i DESC"
        )
        cursor.execute("ANALYZE students_missingsnapshot")
    today = timezone.localdate()

    with CaptureQueriesContext(connection) as asked:
        shares = collection.share_over_time(None)

    days = [share.day for share in shares]
    assert days == sorted(days)
    assert days[-14:] == [today - dt.timedelta(days=n) for n in range(13, -1, -1)]
    assert 30 <= len(days) <= 40
    assert (today - days[0]).days >= 330
    steps = [(after - before).days for before, after in itertools.pairwise(days)]
    assert max(steps) <= 28
    (read,) = scans(asked[-1]["sql"])
    assert read["Actual Rows"] * read["Actual Loops"] == per_day * len(days)
    assert read.get("Rows Removed by Filter", 0) == 0
