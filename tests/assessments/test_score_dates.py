"""The school year of a score: dates of other years, dates that cannot be, lines flagged as of an earlier year."""

import datetime as dt

import pytest
from django.utils import timezone

from assessments.models import Score
from assessments.pages.queries import scores_json
from assessments.structure import last_test_day, school_year
from students.models import Student
from students.school_years import spring_of
from tests.assessments.score_files import SSID_2, counts, dated, ela, report, start, text
from tests.assessments.score_home import LAYOUT, TYPE, TYPES
from tests.longer import first_and_last_years
from tests.ssid.journey import District, codes

pytestmark = pytest.mark.django_db


@pytest.mark.combinations
@pytest.mark.parametrize("step", [-1, 1], ids=["year before", "year after"])
@pytest.mark.parametrize("layout", first_and_last_years(key for key in TYPES if "preliminary" not in key))
def test_a_file_of_another_school_year_is_refused_as_a_whole(home: District, layout: str, step: int) -> None:
    year = school_year(layout) + step
    if year > spring_of(timezone.localdate()):
        pytest.skip("no test was taken in a year to come")

    done = report(TYPES[layout], dated(layout, f"{year}-04-15", f"{year}-04-16"), work="import")

    assert (done["status"], codes(done)) == ("rejected", ["EXC-FILE-YEAR"])
    chosen, found = f"{year - 1 - step}-{(year - step) % 100:02}", f"{year - 1}-{year % 100:02}"
    assert done["message"].startswith(
        f"The import type is for {chosen}, but the tests in this file were taken in {found} ("
    )
    assert done["message"].endswith(f"Upload the file again with the import type of {found}.")


@pytest.mark.parametrize("layout", first_and_last_years(key for key in TYPES if "preliminary" not in key))
def test_one_line_of_another_school_year_is_an_error_of_the_line(home: District, layout: str) -> None:
    year = school_year(layout)
    after = last_test_day(layout, year) + dt.timedelta(days=1)
    days = (f"{year - 1}-07-01", f"{year}-06-30", f"{after}", f"{year - 1}-06-30")

    done = report(TYPES[layout], dated(layout, *days))

    told = {i["line"] for i in done["issues"] if i["code"] == "EXC-YEAR"}
    assert (done["status"], told) == ("completed", {4, 5})


@pytest.mark.combinations
@pytest.mark.parametrize("layout", ["caaspp-2023-24", "elpac-summative-2023-24"])
@pytest.mark.parametrize(
    ("days", "status"), [(["2025-04-12"], "rejected"), (["2025-04-12", "2024-04-12"], "completed")]
)
def test_the_only_date_of_a_file_says_its_year(home: District, layout: str, days: list[str], status: str) -> None:
    """Thirty lines without any date, and one or two with."""
    found = report(TYPES[layout], dated(layout, *days, *[""] * 30), work="import")

    assert found["status"] == status
    assert ("2024-25" in found["message"]) == (status == "rejected")


def test_scores_of_another_year_do_not_overwrite_this_years(home: District) -> None:
    start(TYPE, text(LAYOUT, ela()), work="import")

    report(TYPE, text(LAYOUT, ela(scale_score="2600", final_test_completed_date="2025-04-12")), work="import")

    assert [(s["school_year"], s["scale_score"]) for s in scores_json(Student.objects.get())] == [("2023-24", "2502")]


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"final_test_completed_date": "2062-04-15"}, "EXC-FUTURE"),
        ({"final_test_completed_date": "2011-03-03"}, "EXC-BEFORE-BIRTH"),
    ],
)
def test_a_test_date_that_cannot_be_is_an_error_of_the_line(home: District, facts: dict[str, str], code: str) -> None:
    done = report(TYPE, text(LAYOUT, ela(**facts)))

    assert (done["status"], counts(done), codes(done)) == ("completed", {"refused": 1}, [code])


def test_a_date_that_no_score_needs_keeps_no_line_out(home: District) -> None:
    home.add("101", ssid=SSID_2, first_name="Kim")
    dated = {"test_completed_date_1": "15-03-2024", "test_completed_date_2": "15-03-2024"}
    other = {"test_completed_date_1": "05-03-2024", "test_completed_date_2": "never"}
    rows = [ela(**dated), ela(ssid=SSID_2, first_name="Kim", uin="2", **other)]

    done = report(TYPE, text(LAYOUT, *rows), work="import")

    assert (done["import_count"], done["error_count"]) == (2, 0)
    unread = {(i["field"], i["severity"], i["line"]) for i in done["issues"] if i["code"] == "FILE-DATE"}
    assert unread == {("test_completed_date_1", "warning", 3), ("test_completed_date_2", "warning", 3)}
    assert {score.date.isoformat() for score in Score.objects.all() if score.date} == {"2024-04-12"}


@pytest.mark.parametrize("layout", first_and_last_years(key for key in TYPES if "preliminary" not in key))
def test_ca_e_13_a_line_whose_only_date_cannot_be_read_is_refused(home: District, layout: str) -> None:
    done = report(TYPES[layout], dated(layout, "15-16-2020", f"{school_year(layout)}-04-15"))

    about = {i["code"]: i["severity"] for i in done["issues"] if i["line"] == 2 and "DATE" in i["code"]}
    assert about in ({"FILE-DATE": "error"}, {"FILE-DATE": "warning", "EXC-DATE": "error"})
    assert not [i for i in done["issues"] if i["line"] == 3 and "DATE" in i["code"]]


def test_only_science_lines_may_be_flagged_as_of_an_earlier_year(home: District) -> None:
    flagged = ela(record_type="02", current_year_flag="N", final_test_completed_date="2023-04-12")

    done = report(TYPE, text(LAYOUT, ela(), flagged))

    assert (counts(done), "EXC-YEAR" in codes(done)) == ({"refused": 1}, True)
