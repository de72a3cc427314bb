"""A search reads what it needs by indexes, however many students there are."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from students.models import School
from students.search import FoundStudents, StudentSearch, find_students
from tests.load.population import depopulate, populate, settle

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def many(django_db_setup: None, django_db_blocker: Any) -> Iterator[frozenset[int]]:
    """50,000 students at rest, for the tests of this module; the ids of three schools."""
    with django_db_blocker.unblock():
        populate(50_000, schools=40)
        settle()
        yield frozenset(School.objects.order_by("pk").values_list("pk", flat=True)[:3])
        depopulate()


FEW = 15_000  # rows: more than any list counts, far less than there are


def rows_read(queries: CaptureQueriesContext) -> int:
    """The most rows that any node of any statement's plan reads."""
    most = 0

    def walk(node: dict[str, Any]) -> None:
        nonlocal most
        seen = sum(
            node.get(name, 0) for name in ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck")
        )
        most = max(most, seen * node["Actual Loops"])
        assert node["Node Type"] != "Seq Scan" or node["Relation Name"] != "students_student" or "Filter" not in node
        for part in node.get("Plans", ()):
            walk(part)

    for query in list(queries.captured_queries):
        if query["sql"].lstrip().startswith(("SELECT", "WITH")):
            with connection.cursor() as cursor:
                cursor.execute("EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) " + query["sql"].replace("%", "%%"), [])
                walk(cursor.fetchone()[0][0]["Plan"])
    return most


SEARCHES = [
    {"text": text}
    for text in (
        "s", "garcia", "Garcia, Mar", "mar garcia", "s j", "de la cruz", "100501", "a100500", "9000000123", "2010-05-06",
        "garcia 100501", "",
    )
] + [
    {"ssid": "missing"}, {"ssid": "present"}, {"ssid": "missing", "grade": "05"}, {"text": "garcia", "ssid": "missing"},
    {"grade": "05"}, {"text": "garcia", "grade": "05"}, {"school": 2}, {"school": 2, "ssid": "missing"},
]  # fmt: skip


@pytest.mark.combinations
@pytest.mark.parametrize("wanted", SEARCHES, ids=lambda w: " ".join(map(str, w.values())) or "all")
@pytest.mark.parametrize("limited", [False, True], ids=["all schools", "three schools"])
@pytest.mark.long
def test_no_search_reads_all_students(many: frozenset[int], wanted: dict[str, Any], limited: bool) -> None:
    with CaptureQueriesContext(connection) as queries:
        students = FoundStudents(many if limited else None, StudentSearch(**wanted))
        shown = students[:25]

    assert len(queries) <= 14
    assert rows_read(queries) < FEW
    assert (shown != []) == (len(students) > 0)


@pytest.mark.parametrize("text", ["garcia", "izqu", "o'n", "É"])
@pytest.mark.long
def test_what_indexes_find_is_what_a_look_at_all_students_finds(many: frozenset[int], text: str) -> None:
    names = "legal_last_name, alias_last_name, legal_first_name, alias_first_name, last_name || suffix, first_name || middle_name"
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM students_student s WHERE EXISTS (SELECT 1"
            f" FROM unnest(ARRAY[{names}]) AS name WHERE name <> '' AND starts_with(sis_loose(name), sis_loose(%s)))",
            [text],
        )
        expected = {pk for (pk,) in cursor.fetchall()}

    assert set(find_students(None, text, limit=50_000).ids(stop=50_000)) == expected != set()
