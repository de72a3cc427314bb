"""Grades that other systems write as numbers and ordinals: refused with their choices, or read as somebody said once."""

import pytest
from django.test import Client
from django.urls import reverse

from sisimport.imports.models import ImportRun, Work
from students.models import DistrictSettings, Student
from tests.factories import UserFactory
from tests.imports.journey import District, Report, finish, make_district, run_file

pytestmark = pytest.mark.django_db
WRITTEN = ("0", "-1", "T1", "11th", "Grade 0", "Fifth", "K")


@pytest.fixture
def district() -> District:
    return make_district()


def content(*grades: str) -> str:
    rows = [f"1234567,0123456,{300 + at},Ade{at},Ann,2020-05-1{at},{grade}" for at, grade in enumerate(grades)]
    return "\n".join(["lea,school,local_number,last_name,first_name,birth_date,grade", *rows, ""])


def roster(*grades: str, **options: str) -> Report:
    return run_file("students", content(*grades), Work.UPDATE, options=options)


def grades() -> list[str]:
    return list(Student.objects.order_by("local_number").values_list("grade", flat=True))


@pytest.mark.parametrize(("said", "minus"), [("tk", "TK"), ("ps", "PS")])
def test_what_somebody_said_is_read_with_one_notice(district: District, said: str, minus: str) -> None:
    report = roster(*WRITTEN, grade_words=said)

    assert grades() == ["KN", minus, "TK", "11", "KN", "05", "KN"]
    assert [i["code"] for i in report.issues if i["severity"] != "warning"] == ["FILE-CODE-SPELLING"]
    assert report.counts == {"imported": 7}


def test_unsaid_they_are_refused_with_the_choices(district: District) -> None:
    report = roster(*WRITTEN)

    assert [i["code"] for i in report.issues if i["severity"] == "error"] == ["FILE-CODE"] * 6
    assert grades() == ["KN"]


def test_a_district_says_it_once_for_all_its_files(district: District) -> None:
    DistrictSettings.objects.create(lea=district.lea, import_defaults={"grade_words": "tk"})
    report = roster("-1")

    assert (report.counts, grades()) == ({"imported": 1}, ["TK"])


@pytest.mark.parametrize("grade", ["13", "K5", "UN", "-3"])
def test_what_stays_unclear_is_refused_all_the_same(district: District, grade: str) -> None:
    assert roster(grade, grade_words="tk").counts == {"refused": 1}


_WAYS = ("-1 is transitional kindergarten, 0 kindergarten", "-1 is preschool, 0 kindergarten")


@pytest.mark.parametrize(("written", "offered"), [(("0", "5"), True), (("Grade 0", "5"), True), (("13", "5"), False)])
def test_the_report_offers_both_meanings_where_saying_one_settles_a_line(
    client: Client, district: District, written: tuple[str, ...], offered: bool
) -> None:
    client.force_login(UserFactory(registrar=True, all_schools=True))
    run = run_file("students", content(*written)).run

    page = client.get(reverse("run", args=[run.pk])).content.decode()

    assert [f"Test again: {way}" in page for way in _WAYS] == [offered, offered]
    assert "Set it for all files" not in page, "a registrar sets nothing for the district"


def test_what_was_answered_is_tested_and_no_longer_offered(client: Client, district: District) -> None:
    client.force_login(UserFactory(registrar=True, all_schools=True))
    run = run_file("students", content("0", "13")).run
    client.post(reverse("test_again", args=[run.pk]), {"cause": "FILE-CODE", "answer": "ps"})
    again = finish(ImportRun.objects.latest("pk")).run

    page = client.get(reverse("run", args=[again.pk])).content.decode()

    assert (again.options["grade_words"], again.planned_count, again.refused_count) == ("ps", 1, 1)
    assert "Test again: " not in page


def test_an_answer_that_is_none_starts_nothing(client: Client, district: District) -> None:
    client.force_login(UserFactory(registrar=True, all_schools=True))
    run = run_file("students", content("0")).run

    page = client.post(reverse("test_again", args=[run.pk]), {"cause": "FILE-CODE", "answer": "xx"}, follow=True)

    assert "grade_words accepts one of" in page.content.decode()
    assert ImportRun.objects.latest("pk").pk == run.pk
