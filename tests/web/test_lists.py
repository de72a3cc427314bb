"""Every list sorts, pages, filters, keeps its filter in the address without what was typed, saves filters, and exports."""

import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from openpyxl import load_workbook

from sisimport.accounts.models import SavedFilter
from sisimport.audit.models import AuditEntry
from sisimport.imports.models import ImportRun
from ssid.requests.senr_file import draft
from ssid.requests.services import keep_request
from students.models import LEA, School
from tests.factories import SchoolFactory, SSIDFactory, StudentFactory, UserFactory
from tests.files.samples import line
from tests.imports.journey import District, run_file

pytestmark = pytest.mark.django_db
# Address of each list -> the variable of its template that holds the page, and that which holds the listing.
LISTS = {
    "runs": ("page", "listing"),
    "students": ("page", "listing"),
    "collection": ("page", "listing"),
    "senr_requests": ("page", "made"),
    "el_differences": ("page", "listing"),
    "enrollments": ("page", "listing"),
    "english_learners": ("page", "listing"),
    "english_learner_students": ("page", "listing"),
}


@pytest.fixture
def everybody(client: Client) -> Any:
    user = UserFactory(is_superuser=True, is_staff=True, all_schools=True, username="ada")
    client.force_login(user)
    return user


def shown(client: Client, name: str, read: Callable[[Any], Any], **asked: Any) -> list[Any]:
    return [read(row) for row in client.get(reverse(name), asked).context[LISTS[name][0]].object_list]


def csv_of(answer: Any) -> list[str]:
    return b"".join(answer).decode("utf-8-sig").splitlines()


@pytest.mark.parametrize("name", LISTS)
def test_every_list_sorts_by_each_of_its_columns_and_says_so(
    client: Client, everybody: Any, district: District, name: str
) -> None:
    run_file("ssid-download", line() + "\n")
    school = f"?school={district.school.pk}" if name == "students" else ""
    page = client.get(reverse(name) + school)
    heads = [head for head in page.context[LISTS[name][1]].heads() if head.url]
    assert len(heads) >= 4

    for head in heads:
        answer = client.get(reverse(name) + head.url)
        assert answer.status_code == 200
        again = next(h for h in answer.context[LISTS[name][1]].heads() if h.column == head.column)
        assert again.sorts in ("ascending", "descending")
        assert again.url != head.url  # the second click turns it round
        assert answer.content.decode().count("aria-sort=") >= (1 if answer.context[LISTS[name][0]].object_list else 0)


@pytest.mark.combinations
@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("asked", ["sort=nothing", "sort=-", "sort=ssid", "page=x", "page=-4", "made=%00", "school=x'"])
def test_an_address_that_somebody_made_up_shows_the_list(client: Client, everybody: Any, name: str, asked: str) -> None:
    assert client.get(f"{reverse(name)}?{asked}").status_code == 200


def test_runs_are_sorted_filtered_and_exported(client: Client, everybody: Any, district: District) -> None:
    for name in ("b.txt", "a.txt", "c.txt"):
        run_file("ssid-download", line() + "\n" * len(name), name=name)
    run_file("ssid-download", "nothing", name="wrong.txt")

    def files(run: ImportRun) -> str:
        return run.file.name if run.file else ""

    assert shown(client, "runs", files, sort="file") == ["a.txt", "b.txt", "c.txt", "wrong.txt"]
    assert shown(client, "runs", files, sort="-file")[0] == "wrong.txt"
    assert shown(client, "runs", files) == ["wrong.txt", "c.txt", "a.txt", "b.txt"]

    answer = client.post(reverse("runs") + "?sort=file", {"text": "a.tx", "status": "completed"})
    assert answer["Location"] == reverse("runs") + "?status=completed&sort=file"
    assert shown(client, "runs", files, status="completed") == ["a.txt"]
    rows = csv_of(client.post(reverse("runs") + "?status=completed", {"export": "csv"}))
    assert len(rows) == 2
    assert ",a.txt," in rows[1]
    client.post(reverse("runs"), {"clear": "1"})
    assert len(shown(client, "runs", files)) == 4


def test_what_is_typed_is_never_in_an_address(client: Client, everybody: Any) -> None:
    StudentFactory(last_name="Okafor")
    for name in LISTS:
        answer = client.post(reverse(name), {"text": "Okafor", "status": "Eva Okafor", "show": "Okafor, Eva"})
        assert "Okafor" not in answer["Location"]
    main = client.get(reverse("students")).content.decode().split("<main", 1)[1]
    assert 'value="Okafor"' in main
    assert not re.search(r'(?:href|action)="[^"]*Okafor', main)
    client.post(reverse("students"), {"save_filter": "1", "name": "Mine"})
    assert SavedFilter.objects.get().query == ""


def test_students_of_a_school_are_sorted_and_the_whole_county_is_not(client: Client, everybody: Any) -> None:
    school = SchoolFactory()
    for number, (name, grade) in enumerate([("Cole", "03"), ("Abbott", "11"), ("Baker", "01")]):
        StudentFactory(school=school, last_name=name, grade=grade, local_number=str(500 - number))

    def names(student: Any) -> str:
        return str(student.last_name)

    assert shown(client, "students", names, school=school.pk) == ["Abbott", "Baker", "Cole"]
    assert shown(client, "students", names, school=school.pk, sort="grade") == ["Baker", "Cole", "Abbott"]
    assert shown(client, "students", names, school=school.pk, sort="-grade") == ["Abbott", "Cole", "Baker"]
    assert shown(client, "students", names, school=school.pk, sort="number") == ["Baker", "Abbott", "Cole"]
    assert shown(client, "students", names, school=school.pk, sort="-name") == ["Cole", "Baker", "Abbott"]
    assert shown(client, "students", names, sort="-grade") == [
        "Abbott",
        "Baker",
        "Cole",
    ]  # all of them: by name, as the index is
    assert not any(head.url for head in client.get(reverse("students")).context["listing"].heads())


def test_the_export_of_students_is_masked_on_record_and_for_those_who_may(client: Client) -> None:
    school = SchoolFactory()
    SSIDFactory(student=StudentFactory(school=school, last_name="Okafor"), ssid="9012345999")
    client.force_login(UserFactory(registrar=True, schools=[school]))

    rows = csv_of(client.post(reverse("students"), {"export": "csv"}))

    assert len(rows) == 2
    assert "Okafor" in rows[1]
    assert "9012345999" not in rows[1]
    assert AuditEntry.looks.filter(kind=AuditEntry.Kind.EXPORT, subject="list students").count() == 1
    book = load_workbook(io.BytesIO(b"".join(client.post(reverse("students"), {"export": "xlsx"}))))
    assert book.active.max_row == 2

    client.force_login(UserFactory(viewer=True, schools=[school]))
    answer = client.post(reverse("students"), {"export": "csv"})
    assert "attachment" not in answer.get("Content-Disposition", "")


def test_a_filter_is_saved_under_a_name_for_its_owner_and_forgotten(client: Client, everybody: Any) -> None:
    address = reverse("runs") + "?status=failed&sort=file"
    assert client.post(address, {"save_filter": "1", "name": "  Broken  "})["Location"] == address
    client.post(reverse("runs") + "?status=queued", {"save_filter": "1", "name": "Broken"})  # again: written over
    kept = SavedFilter.objects.get()
    assert (kept.user, kept.list, kept.name, kept.query) == (everybody, "runs", "Broken", "status=queued")
    assert f'href="{reverse("runs")}?status=queued">Broken</a>' in client.get(reverse("runs")).content.decode()
    assert "Broken" not in client.get(reverse("students")).content.decode()
    client.post(reverse("runs"), {"save_filter": "1", "name": " "})
    assert SavedFilter.objects.count() == 1

    client.force_login(UserFactory(registrar=True, all_schools=True))
    assert "Broken" not in client.get(reverse("runs")).content.decode()
    client.post(reverse("runs"), {"forget_filter": str(kept.pk)})
    assert SavedFilter.objects.count() == 1
    client.force_login(everybody)
    client.post(reverse("runs"), {"forget_filter": str(kept.pk)})
    assert not SavedFilter.objects.exists()


# ---- 181 schools ----


@pytest.fixture
def county(everybody: Any) -> list[School]:
    """181 schools with students; school number n has n of them without SSID, up to seven."""
    lea = LEA.objects.create(code="1234567", name="Lincoln Unified")
    schools = School.objects.bulk_create(
        School(lea=lea, code=f"{n + 100:07d}", name=f"School {n:03d}") for n in range(181)
    )
    student = StudentFactory(school=schools[0])
    from students.models import Student

    copies = []
    for n, school in enumerate(schools):
        for number in range(n % 8):
            copy = Student(lea=lea, school=school, local_number=f"{n}-{number}", last_name="Diaz", first_name="Eva")
            copy.birth_date, copy.gender, copy.grade = student.birth_date, "F", f"{number + 1:02d}"
            copies.append(copy)
    Student.objects.bulk_create(copies)
    return schools


@pytest.mark.parametrize("name", ["collection", "senr_requests"])
def test_181_schools_cost_as_many_queries_as_three(client: Client, everybody: Any, name: str) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert client.get(reverse(name)).status_code == 200
        return len(asked)

    lea = LEA.objects.create(code="1234567", name="Lincoln Unified")
    for n in range(3):
        StudentFactory(school=School.objects.create(lea=lea, code=f"{n + 1:07d}", name=f"A {n}"))
    queries()
    few = queries()
    for n in range(178):
        StudentFactory(school=School.objects.create(lea=lea, code=f"{n + 10:07d}", name=f"B {n}"))

    assert queries() <= few


def test_missing_ssids_come_most_first_searchable_and_in_pages(client: Client, county: list[School]) -> None:
    page = client.get(reverse("collection"))
    rows = page.context["page"].object_list
    assert page.context["page"].paginator.count == sum(1 for n in range(181) if n % 8 or n == 0)  # those with students
    assert len(rows) == 25
    assert [row.missing for row in rows] == sorted((row.missing for row in rows), reverse=True)
    assert rows[0].missing == 7
    assert page.context["missing"] == sum(n % 8 for n in range(181)) + 1
    assert sum(row.missing for row in page.context["grades"][rows[0].school_id]) == 7

    client.post(reverse("collection"), {"text": "school 17"})
    assert [row.school for row in client.get(reverse("collection") + "?sort=school").context["page"]][:3] == [
        "School 170", "School 171", "School 172",
    ]  # fmt: skip
    client.post(reverse("collection"), {"text": "0000107"})
    assert [row.school for row in client.get(reverse("collection")).context["page"]] == ["School 007"]
    client.post(reverse("collection"), {"text": "", "show": "missing"})
    only = client.get(reverse("collection") + "?show=missing").context["page"]
    assert only.paginator.count == sum(1 for n in range(181) if n % 8 or n == 0)
    rows = csv_of(client.post(reverse("collection") + "?sort=school", {"export": "csv"}))
    assert len(rows) == 1 + only.paginator.count


def test_schools_to_ask_for_are_marked_over_pages_or_all_at_once(client: Client, county: list[School]) -> None:
    first = client.get(reverse("senr_requests"))
    assert first.context["school_page"].paginator.num_pages > 1
    assert [school.missing for school in first.context["school_page"]][:2] == [7, 7]
    assert "checked" not in first.content.decode().split("File format")[0].split("<tbody>")[1]
    marked = [school.pk for school in first.context["school_page"]][:2]

    second = client.get(reverse("senr_requests"), {"school": marked, "marked": "1", "page": "2"})

    text = second.content.decode()
    for pk in marked:
        assert f'<input type="hidden" name="school" value="{pk}">' in text
    assert "2 selected on other pages" in text
    checked = client.get(reverse("senr_check"), {"school": marked, "marked": "1", "delimiter": "^"})
    assert {school.pk for school in checked.context["made"].schools} == set(marked)
    whole = client.get(reverse("senr_check"), {"all": "1", "marked": "1", "school": marked})
    assert len(whole.context["made"].schools) == first.context["all_schools"]
    client.post(reverse("senr_requests"), {"text": "school 007"})
    assert [school.name for school in client.get(reverse("senr_requests")).context["school_page"]] == ["School 007"]


def test_requests_made_are_sorted_and_exported(client: Client, everybody: Any) -> None:
    for count in (2, 1, 3):
        school = SchoolFactory()
        for _n in range(count):
            StudentFactory(school=school, birth_country="US")
        keep_request(draft([school]), user=everybody)
    address = reverse("senr_requests")

    assert [made.sent for made in client.get(address).context["page"]] == [3, 1, 2]
    assert [made.sent for made in client.get(address + "?made=sent").context["page"]] == [1, 2, 3]
    assert [made.sent for made in client.get(address + "?made=-sent&sort=school").context["page"]] == [3, 2, 1]
    rows = csv_of(client.post(address + "?made=sent", {"export": "csv"}))
    assert [row.split(",")[-3] for row in rows[1:]] == ["1", "2", "3"]
