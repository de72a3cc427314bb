"""Saving beside an import: a person who cannot save within a moment is told so, and loses nothing they typed. On every page."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from typing import Any

import psycopg
import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.db import OperationalError, connection
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import reverse

from sisimport.imports.models import MatchDecision
from sisimport.web.views.errors import BusyMiddleware
from students import locks
from students.admin.busy import BUSY, ReturnsTyped
from students.models import SSID, AnnualEnrollment, CollectionPolicy, FamilyMember, School, Student
from students.school_years import current_school_year
from tests.factories import SchoolFactory, StudentFactory, UserFactory
from tests.matching.test_decisions import download, run_download
from tests.matching.test_desk_pages import own
from tests.ssid.request_files import make_district, make_student
from tests.web.test_admin import form_of, page_of

pytestmark = pytest.mark.django_db(transaction=True)

NUMBER = "9012345678"


@pytest.fixture(autouse=True)
def _patience_of_a_page(transactional_db: None) -> Iterator[None]:
    """Our session waits as one of the web server does, if not as long."""
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '200ms'")
    yield
    connection.close()


@pytest.fixture
def importing(other_session: psycopg.Connection) -> Callable[[int], Any]:
    """Somebody else holds the update lock of an LEA, as an import does while it writes."""

    @contextmanager
    def held(lea_id: int) -> Iterator[None]:
        other_session.execute("SELECT pg_advisory_lock(%s, %s)", [locks._LEA_LOCK, lea_id])
        yield
        other_session.execute("SELECT pg_advisory_unlock(%s, %s)", [locks._LEA_LOCK, lea_id])

    return held


@pytest.fixture
def holding(other_session: psycopg.Connection) -> Callable[..., Any]:
    """Somebody else holds a row."""

    @contextmanager
    def held(row: Any) -> Iterator[None]:
        with other_session.transaction():
            table = row._meta.db_table
            other_session.execute(f"SELECT 1 FROM {table} WHERE id = %s FOR UPDATE".encode(), [row.pk])
            yield

    return held


class Form(HTMLParser):
    """Address and hidden fields of the form on a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.address, self.fields = "", dict[str, str]()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form" and found.get("method") == "post":
            self.address = found["action"]
        if tag == "input" and found.get("type") == "hidden" and self.address:
            self.fields[found["name"]] = found["value"]


def assert_told(answer: Any) -> Form:
    """The page that says who writes, with everything that was sent."""
    assert answer.status_code == 503
    assert "An import is running" in answer.text
    assert answer["Retry-After"]
    assert "no-store" in answer["Cache-Control"]
    return Form(answer.text)


@pytest.fixture
def staff(client: Client) -> Any:
    user = UserFactory(ssid_staff=True, schools=[SchoolFactory()])
    client.force_login(user)
    return user


@pytest.fixture
def student(staff: Any) -> Student:
    return StudentFactory(school=staff.access.schools.get(), last_name="Before")


# ---- the admin ----


def test_the_admin_gives_the_form_back_as_it_was_typed(
    client: Client, student: Student, importing: Callable[[int], Any]
) -> None:
    typed = form_of(client, student, last_name="O'Typed", ssid=NUMBER, reason="Birth certificate")
    typed |= {"guardians-TOTAL_FORMS": "1", "guardians-0-first_name": "Ada", "guardians-0-last_name": "Inline"}

    with importing(student.lea_id):
        answer = client.post(page_of(student), typed)

    assert answer.status_code == 200
    assert BUSY in answer.text
    for value in ("O&#x27;Typed", NUMBER, "Birth certificate", 'value="Ada"', 'value="Inline"'):
        assert value in answer.text
    student.refresh_from_db()
    assert student.last_name == "Before"
    assert not SSID.objects.exists()
    assert not student.guardians.exists()

    client.post(page_of(student), typed)

    student.refresh_from_db()
    assert (student.last_name, SSID.objects.get().ssid) == ("O'Typed", NUMBER)


def test_the_admin_gives_the_form_of_a_district_back(client: Client, importing: Callable[[int], Any]) -> None:
    client.force_login(get_user_model().objects.create_superuser("root"))
    lea = SchoolFactory().lea
    typed = {"code": lea.code, "name": "Renamed Unified", "state": lea.state}

    with importing(lea.pk):
        answer = client.post(reverse("admin:students_lea_change", args=[lea.pk]), typed)

    assert answer.status_code == 200
    assert BUSY in answer.text
    assert "Renamed Unified" in answer.text
    lea.refresh_from_db()
    assert lea.name != "Renamed Unified"


def test_every_page_of_the_admin_that_saves_gives_its_form_back() -> None:
    request = RequestFactory().get("/")
    request.user = get_user_model()(is_superuser=True, is_staff=True, is_active=True)
    saving = {
        type(page).__name__: page
        for page in admin.site._registry.values()
        if page.has_change_permission(request) or page.has_add_permission(request)
    }
    assert "StudentAdmin" in saving
    assert {name for name, page in saving.items() if not isinstance(page, ReturnsTyped)} <= OF_PACKAGES


# Pages that packages register and on which nothing of a student is saved.
OF_PACKAGES = {"EmailAddressAdmin", "EmailConfirmationAdmin"}


# ---- pages ----


def test_a_typed_ssid_is_kept_and_sent_again_as_it_is(
    client: Client, student: Student, importing: Callable[[int], Any]
) -> None:
    address = reverse("record", args=[student.pk]) + "?grade=05"
    typed = {"ssid": NUMBER, "source": "document", "reason": 'shown "at" the desk', "save": "1"}

    with importing(student.lea_id):
        again = assert_told(client.post(address, typed))

    assert not SSID.objects.exists()
    assert again.address == address
    assert {name: again.fields[name] for name in typed} == typed
    client.post(again.address, again.fields)
    assert SSID.objects.get().ssid == NUMBER


def test_families_are_told_in_their_language(client: Client, holding: Callable[..., Any]) -> None:
    CollectionPolicy.objects.create(pk=1, online_enrollment=True)
    student, parent = StudentFactory(), UserFactory()
    FamilyMember.objects.create(user=parent, student=student)
    form = AnnualEnrollment.objects.create(student=student, school_year=current_school_year())
    client.force_login(parent)
    client.post(reverse("set_language"), {"language": "es", "next": "/"})

    with holding(form):
        answer = client.post(reverse("family_enroll", args=[student.pk]), {})

    assert answer.status_code == 503
    assert "Lo suyo aún no se guardó" in answer.text
    form.refresh_from_db()
    assert form.status == AnnualEnrollment.Status.DRAFT
    again = Form(answer.text)
    client.post(again.address, again.fields)
    form.refresh_from_db()
    assert form.status == AnnualEnrollment.Status.SUBMITTED


def test_marks_of_the_match_desk_are_kept(holding: Callable[..., Any]) -> None:
    school: School = make_district()
    student = make_student(school)
    registrar = UserFactory(registrar=True, all_schools=True)
    run = own(run_download(download("100999")), registrar)
    client = Client()
    client.force_login(registrar)
    marks = {"state": "open", "line-1": f"s{student.pk}", "reason-1": "seen the card", "seen-1": "0"}

    with holding(run):
        again = assert_told(client.post(reverse("run_matches", args=[run.pk]), marks))

    assert not MatchDecision.objects.exists()
    client.post(again.address, again.fields)
    assert MatchDecision.objects.get().student_id == student.pk


def test_no_password_is_written_into_the_page(client: Client, other_session: psycopg.Connection) -> None:
    user = get_user_model().objects.create_user("rosa", password="an-invented-passphrase")
    with other_session.transaction():
        other_session.execute("SELECT 1 FROM auth_user WHERE id = %s FOR UPDATE", [user.pk])
        answer = client.post(reverse("account_login"), {"login": "rosa", "password": "an-invented-passphrase"})

    assert answer.status_code == 503
    assert "an-invented-passphrase" not in answer.text
    assert "go back in your browser" in answer.text


def test_a_page_that_only_shows_offers_to_try_again(
    client: Client, student: Student, other_session: psycopg.Connection
) -> None:
    with other_session.transaction():
        other_session.execute("LOCK TABLE students_student IN ACCESS EXCLUSIVE MODE")
        answer = client.get(reverse("record", args=[student.pk]))

    assert answer.status_code == 503
    assert f'href="{reverse("record", args=[student.pk])}"' in answer.text


def test_a_statement_that_takes_too_long_is_ended_and_reported() -> None:
    request = RequestFactory().post("/anywhere/", {"ssid": NUMBER})
    request.user = AnonymousUser()
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = '50ms'")
        with pytest.raises(OperationalError) as raised:
            cursor.execute("SELECT pg_sleep(20)")

    answer = BusyMiddleware(lambda _request: HttpResponse()).process_exception(request, raised.value)

    assert answer is not None
    assert answer.status_code == 503
    assert "The database is busy" in answer.text
    assert Form(answer.text).fields["ssid"] == NUMBER
