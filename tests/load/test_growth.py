"""What pages ask of the database in a county of 600,000 students, printed page by page.

Searches, lists of students and a student's page have to stay below 20 ms. Time is the processor time of the database
session where the system tells it (other work on the machine does not count), else what EXPLAIN ANALYZE says.
"""

from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from students import headcounts
from students.models import School
from tests.factories import UserFactory
from tests.figures import Figure
from tests.load.population import STUDENTS, depopulate, populate, remember, settle
from tests.load.sessions import processor_ms

pytestmark = [pytest.mark.load, pytest.mark.django_db]
MOST_MS = 20
TIMES = 5
CHANGES = 500


@pytest.fixture(scope="module")
def county(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    with django_db_blocker.unblock():
        populate()
        remember(student=1, changes=CHANGES)
        headcounts.compact()  # as the reconciler does each minute
        settle()
        yield
        depopulate()


@pytest.fixture
def admin(client: Client, county: None) -> Client:
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def registrar(client: Client, county: None) -> Client:
    """Of three schools."""
    client.force_login(UserFactory(registrar=True, schools=list(School.objects.order_by("pk")[:3])))
    return client


def search(text: str) -> Callable[[Client], Any]:
    return lambda client: client.post(reverse("students"), {"text": text}, follow=True)


def get(name: str, *args: Any, **query: Any) -> Callable[[Client], Any]:
    return lambda client: client.get(reverse(name, args=args), query)


def post(name: str, *args: Any, **values: Any) -> Callable[[Client], Any]:
    return lambda client: client.post(reverse(name, args=args), values)


STUDENT_LIST = "admin:students_student_changelist"
FAST = {
    "name search, one letter": search("s"),
    "name search, a common name": search("garcia"),
    "name search, last and first": search("Garcia, Mar"),
    "name search, first and last": search("mar garcia"),
    "name search, nobody": search("zeta zulu"),
    "number search, local number": search("100501"),
    "number search, SSID": search("9000000123"),
    "number search, former SSID": search("8000000001"),
    "students, all": get("students"),
    "students without SSID": get("students", ssid="missing"),
    "students without SSID, page 100": get("students", ssid="missing", page=100),
    "students without SSID, of a grade": get("students", ssid="missing", grade="05"),
    "students of a school": get("students", school=2),
    f"student page with {CHANGES} changes": get("student", 1),
    f"student page with {CHANGES} changes, page 10": get("student", 1, page=10),
}
FAST_ADMIN = {
    "admin, students": get(STUDENT_LIST),
    "admin, students, page 50": get(STUDENT_LIST, p=50),
    "admin, students, local number": get(STUDENT_LIST, q="10050"),
    "admin, students without SSID": get(STUDENT_LIST, ssid="no"),
    "admin, students of a grade": get(STUDENT_LIST, grade="05"),
    "admin, SSIDs": get("admin:students_ssid_changelist"),
    "admin, SSIDs, local number": get("admin:students_ssid_changelist", q="10050"),
    "admin, record edits": get("admin:students_recordedit_changelist"),
    "admin, runs": get("admin:imports_importrun_changelist"),
    "Record Information, search": post("record_find", text="garcia"),
    "Record Information, next without SSID": get("record_next", grade="05"),
}
COUNTING = {
    "home": get("home"),
    "history": get("runs"),
    "missing SSIDs": get("collection"),
    "SSID requests": get("senr_requests"),
}
OTHERS = {
    "EL differences": get("el_differences"),
    "annual enrollment": get("enrollments"),
    "match desk": get("match_desk"),
}


def database_ms(queries: list[dict[str, str]]) -> float:
    """Milliseconds that the database needs for these statements: of several times, the median."""
    asked = [
        query["sql"].replace("%", "%%") for query in queries if query["sql"].lstrip().startswith(("SELECT", "WITH"))
    ]
    assert asked
    totals = []
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
        for _n in range(TIMES):
            before, told = processor_ms(pid), 0.0
            for sql in asked:
                cursor.execute("EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) " + sql, [])
                plan = cursor.fetchone()[0][0]
                told += plan["Planning Time"] + plan["Execution Time"]
            after = processor_ms(pid)
            totals.append(told if before is None or after is None else after - before)
    return median(totals)


def measured(client: Client, name: str, ask: Callable[[Client], Any], figure: Figure) -> float:
    ask(client)  # what a process reads once
    with CaptureQueriesContext(connection) as queries:
        answer = ask(client)
    assert answer.status_code in (200, 302)
    spent = database_ms(queries.captured_queries)
    figure(f"database, {STUDENTS:,} students: {name} ({len(queries)} queries)", spent, "ms")
    return spent


@pytest.mark.parametrize("name", FAST)
def test_searches_and_the_student_page_are_quick(admin: Client, name: str, figure: Figure) -> None:
    assert measured(admin, name, FAST[name], figure) < MOST_MS


@pytest.mark.parametrize("name", FAST)
def test_they_are_as_quick_for_somebody_of_three_schools(registrar: Client, name: str, figure: Figure) -> None:
    if "student page" in name:
        pytest.skip("the student is of another school")
    assert measured(registrar, f"{name}; of three schools", FAST[name], figure) < MOST_MS


@pytest.mark.parametrize("name", FAST_ADMIN)
def test_lists_of_staff_are_quick(admin: Client, name: str, figure: Figure) -> None:
    assert measured(admin, name, FAST_ADMIN[name], figure) < MOST_MS


@pytest.mark.parametrize("name", COUNTING)
def test_pages_that_say_how_many_there_are_read_kept_counts(admin: Client, name: str, figure: Figure) -> None:
    assert measured(admin, name, COUNTING[name], figure) < MOST_MS


@pytest.mark.parametrize("name", OTHERS)
def test_what_other_pages_take(admin: Client, name: str, figure: Figure) -> None:
    """Printed to be looked at."""
    assert measured(admin, name, OTHERS[name], figure) < 5000
