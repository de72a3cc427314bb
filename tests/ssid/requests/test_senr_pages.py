"""Pages of requests for SSIDs and of EL differences: what they show, to whom, and what they write."""

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from sisimport.audit.models import AuditEntry
from ssid.models import SENRRequest
from ssid.requests.senr_file import draft
from ssid.requests.services import keep_request
from students.models import ELRecord
from tests.factories import SchoolFactory, SSIDFactory, StudentFactory, UserFactory
from tests.ssid.request_files import run_test, update

pytestmark = pytest.mark.django_db


def complete(school: Any, **values: Any) -> Any:
    """A student with everything a request needs."""
    return StudentFactory(school=school, birth_country="US", **values)


def signed_in(**values: Any) -> Client:
    client = Client()
    client.force_login(UserFactory(**values))
    return client


@pytest.fixture
def school() -> Any:
    return SchoolFactory()


@pytest.fixture
def registrar(school: Any) -> Client:
    return signed_in(registrar=True, schools=[school])


def text_of(response: Any) -> str:
    assert response.status_code == 200
    return str(response.content.decode())


def request_of(*schools: Any) -> SENRRequest:
    return keep_request(draft(list(schools)), user=None)


def test_the_page_offers_the_schools_with_students_without_ssid(registrar: Client, school: Any) -> None:
    complete(school)
    complete(school, with_ssid=True)
    page = text_of(registrar.get(reverse("senr_requests")))
    assert school.name in page
    assert "1 California school with students enrolled today without an SSID" in page
    assert '<td class="num">1</td>' in page


def test_the_check_list_names_what_is_missing_and_writes_nothing(registrar: Client, school: Any) -> None:
    complete(school)
    lacking = complete(school, gender="")
    StudentFactory(school=school)

    page = text_of(registrar.get(reverse("senr_check"), {"school": school.pk}))

    assert "Gender is missing." in page
    assert "Birth country is missing." in page
    assert reverse("student", args=[lacking.pk]) in page
    assert not SENRRequest.objects.exists()


def test_making_a_request_leads_to_its_page_and_its_file(registrar: Client, school: Any) -> None:
    student = complete(school)

    made = registrar.post(reverse("senr_make"), {"school": school.pk, "delimiter": ","})
    kept = SENRRequest.objects.get()
    file = registrar.post(reverse("senr_file", args=[kept.pk]))

    assert made.headers["Location"] == reverse("senr_request", args=[kept.pk])
    content = b"".join(file.streaming_content).decode()  # type: ignore[attr-defined]
    assert content.startswith(f"SENR,,,1234567,{school.code},")
    assert student.local_number in content
    assert f"request-{kept.pk}.csv" in file.headers["Content-Disposition"]
    assert AuditEntry.looks.filter(kind="export").exists()


def test_a_request_shows_who_is_still_out(registrar: Client, school: Any) -> None:
    waiting, served = complete(school), complete(school)
    kept = request_of(school)
    SSIDFactory(student=served)
    page = text_of(registrar.get(reverse("senr_request", args=[kept.pk]), {"state": "out"}))
    assert waiting.full_name in page
    assert served.full_name not in page


def test_home_says_what_is_still_out(registrar: Client, school: Any) -> None:
    complete(school)
    kept = request_of(school)
    page = text_of(registrar.get(reverse("home")))
    assert "1 still out" in page
    assert reverse("senr_request", args=[kept.pk]) in page


def test_home_is_silent_when_everything_is_answered(registrar: Client, school: Any) -> None:
    student = complete(school)
    request_of(school)
    SSIDFactory(student=student)
    assert "still out" not in text_of(registrar.get(reverse("home")))


def answer(school: Any, *students: Any) -> list[str]:
    """The state knows nobody of these."""
    return [
        f"{school.lea.code},{school.code},,{s.local_number},{s.last_name},{s.first_name},,,,No Match,,{s.gender},20110304"
        for s in students
    ]


def test_the_page_of_an_answer_says_which_request_it_answers(registrar: Client, school: Any) -> None:
    asked, other = complete(school), complete(school)
    kept = request_of(school)
    run = run_test(answer(school, asked), schools=[school.pk])

    tested = text_of(registrar.get(reverse("run", args=[run.pk])))
    updated = text_of(registrar.get(reverse("run", args=[update(run).pk])))

    for page in (tested, updated):
        assert reverse("senr_request", args=[kept.pk]) in page
        assert "1 of 2 students" in page
    assert "once this file is updated" in tested
    assert "once this file is updated" not in updated
    assert other.local_number not in tested


def test_the_page_of_an_answer_counts_no_students_of_other_schools(registrar: Client, school: Any) -> None:
    elsewhere = SchoolFactory(lea=school.lea)
    mine, theirs = complete(school), complete(elsewhere)
    request_of(school, elsewhere)
    run = run_test(answer(school, mine, theirs), schools=[school.pk])

    assert "1 of 1 student" in text_of(registrar.get(reverse("run", args=[run.pk])))


def test_a_file_that_answers_no_request_says_nothing_of_requests(registrar: Client, school: Any) -> None:
    run = run_test(answer(school, complete(school)), schools=[school.pk])

    assert "Answers a request" not in text_of(registrar.get(reverse("run", args=[run.pk])))


@pytest.mark.parametrize("name", ["senr_request", "senr_file"])
def test_a_request_of_other_schools_is_not_there(school: Any, name: str) -> None:
    complete(school)
    kept = request_of(school)
    stranger = signed_in(registrar=True, schools=[SchoolFactory()])
    call = stranger.post if name == "senr_file" else stranger.get
    assert call(reverse(name, args=[kept.pk])).status_code == 404


def test_someone_who_sees_half_of_a_request_sees_these_lines_and_gets_no_file(registrar: Client, school: Any) -> None:
    mine, other = complete(school), complete(SchoolFactory(lea=school.lea))
    kept = request_of(school, other.school)
    page = text_of(registrar.get(reverse("senr_request", args=[kept.pk])))
    assert mine.full_name in page
    assert other.full_name not in page
    assert registrar.post(reverse("senr_file", args=[kept.pk])).status_code == 404


def test_schools_of_others_cannot_be_asked_for(registrar: Client) -> None:
    other = complete(SchoolFactory())
    registrar.post(reverse("senr_make"), {"school": other.school.pk})
    assert not SENRRequest.objects.exists()


def test_a_viewer_sees_requests_and_makes_none(school: Any) -> None:
    complete(school)
    viewer = signed_in(viewer=True, schools=[school])
    assert viewer.get(reverse("senr_requests")).status_code == 200
    assert viewer.post(reverse("senr_make"), {"school": school.pk}).status_code == 403


# -- EL differences ----------------------------------------------------------------------------------------------------


def differing(school: Any, **values: Any) -> Any:
    student = StudentFactory(school=school, **values)
    ELRecord.objects.create(
        student=student,
        program_status="EL",
        identified_date=dt.date(2018, 9, 1),
        state_elas="RFEP",
        state_elas_date=dt.date(2022, 6, 1),
        state_language="spa",
    )
    return student


def test_el_differences_show_ours_beside_the_states(registrar: Client, school: Any) -> None:
    student = differing(school)
    page = text_of(registrar.get(reverse("el_differences")))
    assert student.full_name in page
    assert "RFEP" in page
    assert "6/1/2022" in page


def test_el_differences_are_filtered_by_what_differs(registrar: Client, school: Any) -> None:
    student = differing(school)
    assert student.full_name not in text_of(registrar.get(reverse("el_differences"), {"kind": "language"}))


def test_el_differences_of_other_schools_are_not_shown(registrar: Client) -> None:
    student = differing(SchoolFactory())
    assert student.full_name not in text_of(registrar.get(reverse("el_differences")))


def test_el_differences_are_downloaded_as_a_table(registrar: Client, school: Any) -> None:
    student = differing(school, last_name="=Diaz")
    response = registrar.post(reverse("el_differences_csv"))
    head, row = b"".join(response.streaming_content).decode("utf-8-sig").splitlines()  # type: ignore[attr-defined]
    assert head.startswith("Local number,")
    assert row.startswith(f"{student.local_number},'=Diaz,")
