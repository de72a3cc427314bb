"""The sample response and the small Utah district it is for."""

import io

import pytest

from sisimport.demo.district import make_district
from ssid.demo.utah import make_utah_district, write_response
from students.models import LEA, Student
from tests.imports.journey import run_file

pytestmark = pytest.mark.django_db


def test_the_sample_response_has_lines_of_every_kind() -> None:
    lincoln = make_district(students=20, seed=1).lea
    text = io.StringIO()
    write_response(text, lincoln)

    report = run_file("utah-response", text.getvalue(), name="RESP_0001.csv")

    assert set(report.codes()) >= {"UTAH-NOMATCH", "UTAH-REFUSED", "SSID-TAKEN"}
    assert {"imported", "refused", "skipped"} <= set(report.counts)
    assert report.run.planned_count > 2


def test_the_utah_district_is_made_once_and_shares_no_number_with_the_other() -> None:
    make_district(students=20, seed=1)
    make_utah_district()
    make_utah_district()

    assert LEA.objects.filter(state="UT").count() == 1
    numbers = list(Student.objects.values_list("local_number", flat=True))
    assert len(set(numbers)) == len(numbers)
