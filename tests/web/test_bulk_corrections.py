"""All refused lines of one cause are corrected at once where their values have the same in common; the editor shows each."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from sisimport.imports.models import CorrectedLine, ImportRun, LineDraft
from sisimport.web.queries.bulk_corrections import swapped_date
from tests.factories import UserFactory
from tests.files.samples import lines
from tests.imports.journey import District, finish, run_file
from tests.web.test_diagnosis import TYPE, many, of_student

pytestmark = pytest.mark.django_db


@pytest.fixture
def swapped(district: District, registrar: User) -> ImportRun:
    """Three lines whose day and month changed places, one with another date, one with names that changed places."""
    many(district, 5)
    run = run_file(
        TYPE,
        lines(
            *(of_student(200100 + n, n, birth_date=f"2012{1 + n:02d}06") for n in range(3)),
            of_student(200103, 3, birth_date="20110604"),
            of_student(200104, 4, last_name="Ana", first_name="O'Neil"),
        ),
    ).run
    ImportRun.objects.filter(pk=run.pk).update(created_by=registrar)
    return ImportRun.objects.get(pk=run.pk)


def correct(client: Client, run: ImportRun, pattern: str, cause: str = "DEMO-MISMATCH") -> Any:
    return client.post(reverse("correct_many", args=[run.pk]), {"cause": cause, "pattern": pattern}, follow=True)


def test_the_report_offers_it_and_the_editor_shows_both_values(client: Client, swapped: ImportRun) -> None:
    report = client.get(reverse("run", args=[swapped.pk])).content.decode()
    assert "Swap day and month in these lines" in report

    shown = correct(client, swapped, "day_and_month").content.decode()

    birth = swapped.facts["positions"]["birth_date"]
    drafts = {draft.line: draft.values for draft in LineDraft.objects.all()}
    # Line 1 has the sixth of January for the first of June.
    assert drafts == {n + 1: {str(birth): f"201206{1 + n:02d}"} for n in range(3)}
    assert "3 lines are corrected below" in shown
    assert "In the file: 20120106" in shown


def test_they_are_tested_as_any_corrected_line(client: Client, swapped: ImportRun) -> None:
    correct(client, swapped, "day_and_month")
    client.post(reverse("correct_lines", args=[swapped.pk]), {"test": "1"})
    child = finish(swapped.corrected_by.get()).run
    assert (child.record_count, child.planned_count, child.refused_count) == (3, 3, 0)
    assert CorrectedLine.objects.get(line=1).fields[0]["before"] == "20120106"


def test_names_change_places_and_what_was_typed_before_stays(client: Client, swapped: ImportRun) -> None:
    at = swapped.facts["positions"]
    LineDraft.objects.create(run=swapped, line=5, values={str(at["gender"]): "X"})
    correct(client, swapped, "changed_places")
    draft = LineDraft.objects.get()
    assert draft.values == {
        str(at["gender"]): "X",
        str(at["last_name"]): "O'Neil",
        str(at["first_name"]): "Ana",
    }
    client.post(reverse("correct_lines", args=[swapped.pk]), {"take_back_all": "1"})
    assert not LineDraft.objects.exists()


def test_zeros_that_numbers_lost_are_put_back(client: Client, district: District, registrar: User) -> None:
    for n in range(3):
        district.another(local_number=f"0{20100 + n}", school=district.other_school, last_name=f"Person{n}")
    wrong = [of_student(20100 + n, n, birth_date="20050101", school="0123457") for n in range(3)]
    run = run_file(TYPE, lines(*wrong, {"local_number": "999999"})).run
    ImportRun.objects.filter(pk=run.pk).update(created_by=registrar)
    assert "Put the zeros back in these lines" in client.get(reverse("run", args=[run.pk])).content.decode()

    correct(client, run, "near_zeros", cause="STU-NOTFOUND")

    number = str(run.facts["positions"]["local_number"])
    drafts = {draft.line: draft.values for draft in LineDraft.objects.all()}
    assert drafts == {n + 1: {number: f"0{20100 + n}"} for n in range(3)}


def test_a_cause_or_pattern_that_is_not_there_changes_nothing(client: Client, swapped: ImportRun) -> None:
    assert correct(client, swapped, "year").status_code == 404
    assert "No problem of that kind is left" in correct(client, swapped, "zeros").content.decode()
    assert not LineDraft.objects.exists()


def test_someone_who_does_not_see_the_whole_run_corrects_nothing(
    client: Client, swapped: ImportRun, district: District
) -> None:
    client.force_login(UserFactory(registrar=True, schools=[district.school]))
    assert correct(client, swapped, "day_and_month").status_code == 404
    assert not LineDraft.objects.exists()


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("20120601", "20120106"),
        ("2012-06-01", "2012-01-06"),
        ("6/1/2012", "1/6/2012"),
        ("06.01.12", "01.06.12"),
        ("June 1, 2012", None),
        ("", None),
    ],
)
def test_a_date_is_swapped_in_the_form_it_is_written_in(text: str, other: str | None) -> None:
    assert swapped_date(text) == other
