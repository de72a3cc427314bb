"""Grades that other systems write as numbers and ordinals: refused with their choices, or read as somebody said once."""

import pytest

from sisimport.imports.models import Work
from students.models import DistrictSettings, Student
from tests.imports.journey import District, Report, make_district, run_file

pytestmark = pytest.mark.django_db
WRITTEN = ("0", "-1", "T1", "11th", "Grade 0", "Fifth", "K")


@pytest.fixture
def district() -> District:
    return make_district()


def roster(*grades: str, **options: str) -> Report:
    rows = [f"1234567,0123456,{300 + at},Ade{at},Ann,2020-05-1{at},{grade}" for at, grade in enumerate(grades)]
    content = "\n".join(["lea,school,local_number,last_name,first_name,birth_date,grade", *rows, ""])
    return run_file("students", content, Work.UPDATE, options=options)


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
