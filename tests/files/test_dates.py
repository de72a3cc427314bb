"""Dates without their century, and dates that cannot be."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from sisimport.files import beginnings
from sisimport.files.dates import DateCheck
from sisimport.files.issues import Severity, codes
from tests.files.samples import SCORE_LAYOUTS, line, lines, read

TODAY = datetime.now(tz=UTC).date()


def born(year: int) -> str:
    return f"1/5/{year % 100:02}"


@pytest.mark.parametrize("age", [3, 12, 40, 90])
def test_a_birth_date_without_century_is_in_the_last_hundred_years(age: int) -> None:
    result = read(line(birth_date=born(TODAY.year - age)))

    assert result.column("birth_date") == [f"{TODAY.year - age}-01-05"]
    assert [p.code for p in result.problems] == ["FILE-DATE-FORM"]


def test_a_date_that_fits_no_century_is_refused_for_that() -> None:
    result = read(line(enrollment_start=f"1/5/{(TODAY.year + 10) % 100:02}"))

    assert result.column("enrollment_start") == [None]
    assert "the century is missing" in str(result.problems[0])


@pytest.mark.parametrize("field", ["birth_date", "elas_date"])
def test_what_has_happened_is_not_after_today(field: str) -> None:
    result = read(line(**{field: f"{TODAY + timedelta(days=2):%Y%m%d}"}))

    assert result.column(field) == [None]
    assert [(p.code, p.severity, p.field) for p in result.problems] == [("FILE-DATE-FUTURE", Severity.ERROR, field)]


def test_a_month_13_is_not_a_date() -> None:
    assert [p.code for p in read(line(birth_date="2012-13-01")).problems] == ["FILE-DATE"]


# -- the form of a column is learned from all of it ----


def test_a_day_first_date_beyond_the_look_makes_earlier_ones_unclear(monkeypatch: pytest.MonkeyPatch) -> None:
    first, last = {"birth_date": "03/04/2009"}, {"birth_date": "25/12/2009"}
    monkeypatch.setattr(beginnings, "_SAMPLE_BYTES", 400)

    result = read(lines(*[first] * 20, last))

    assert result.reader.day_first == {"birth_date"}


@pytest.mark.parametrize("last", ["12/25/2009", "2009-12-25", "20091225"])
def test_other_dates_beyond_the_look_change_nothing(monkeypatch: pytest.MonkeyPatch, last: str) -> None:
    monkeypatch.setattr(beginnings, "_SAMPLE_BYTES", 400)

    result = read(lines(*[{"birth_date": "03/04/2009"}] * 20, {"birth_date": last}))

    assert result.reader.day_first is None
    assert set(result.column("birth_date")) == {"2009-03-04", "2009-12-25"}


def test_a_column_that_turns_out_mixed_is_read_month_first(monkeypatch: pytest.MonkeyPatch) -> None:
    days = ["25/12/2009", *["03/04/2009"] * 20, "12/25/2009"]
    monkeypatch.setattr(beginnings, "_SAMPLE_BYTES", 400)

    assert read(lines(*[{"birth_date": day} for day in days])).reader.day_first == frozenset()


# -- months by their names ----


@pytest.mark.parametrize(
    "text",
    [
        *("14-Feb-2009", "14-Feb-09", "14 February 2009", "Feb 14, 2009", "Feb. 14 2009", "February 14, 2009"),
        *("20090214000000", "20090214235959", "20090214T080000Z", "2009-02-14 00:00:00.000"),
        *("14/feb/2009", "2009-02-14T00:00:00Z", "14FEB2009", "2009-Feb-14", "Saturday, February 14, 2009"),
    ],
)
def test_a_date_with_the_name_of_its_month_is_read_with_a_notice(text: str) -> None:
    result = read(line(birth_date=text))

    assert result.column("birth_date") == ["2009-02-14"]
    assert [p.code for p in result.problems] == ["FILE-DATE-FORM"]


@pytest.mark.parametrize("text", ["14-Fev-2009", "31-Feb-2009", "14-Marchant-2009", "Feb 2009", "Feb 14"])
def test_what_only_looks_like_the_name_of_a_month_is_not_a_date(text: str) -> None:
    assert [p.code for p in read(line(birth_date=text)).problems] == ["FILE-DATE"]


# -- forms of other programs and countries, as far as they leave no doubt ----


@pytest.mark.parametrize(
    "text",
    [
        *("14.02.2009", "14.2.09", "02.14.2009", "2009.02.14", "02142009", "14022009", "02 14 2009", "'02/14/2009"),
        *("20090214.0", "2009-02-14T08:00:00.000Z", "2009-02-14T00:00:00-08:00", "20090214T000000"),
        "14-FEB-09 12.00.00.000000000 AM",
    ],
)
def test_a_form_that_leaves_no_doubt_is_read_with_a_notice(text: str) -> None:
    result = read(line(birth_date=text))

    assert result.column("birth_date") == ["2009-02-14"]
    assert [p.code for p in result.problems] == ["FILE-DATE-FORM"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("03.04.2009", "two ways"),
        ("3.4.09", "two ways"),
        ("15-03-04", "day or year"),
        ("14/11/12", "day or year"),
        ("2142009", "that exists"),
        ("31.02.2009", "that exists"),
        ("99999", "that exists"),
        ("Feb-2009", "that exists"),
    ],
)
def test_a_form_in_doubt_is_refused_and_says_why(text: str, why: str) -> None:
    result = read(line(birth_date=text))

    assert [p.code for p in result.problems] == ["FILE-DATE"]
    assert why in str(result.problems[0])


def test_a_year_yet_to_come_cannot_be_first_so_the_day_is() -> None:
    result = read(line(birth_date="30/11/14"))

    assert result.column("birth_date") == ["2014-11-30"]


def test_digits_whose_day_and_month_can_change_places_are_unclear_where_days_come_first() -> None:
    result = read(lines({"birth_date": "02032009"}, {"birth_date": "25122009"}))

    assert result.column("birth_date") == [None, "2009-12-25"]


def test_the_day_number_of_a_spreadsheet_is_read_with_a_warning() -> None:
    result = read(line(birth_date="39858"))

    assert result.column("birth_date") == ["2009-02-14"]
    assert [(p.code, p.severity) for p in result.problems] == [("FILE-DAY-NUMBER", Severity.WARNING)]
    assert "1904" in codes.get("FILE-DAY-NUMBER").fix


@pytest.mark.parametrize("field", ["birth_date", "test_completed_date"])
def test_a_date_that_needs_no_closer_look_is_read_as_with_one(field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    layout = SCORE_LAYOUTS["elpac-summative-2018-19"]
    years, months, days = (
        ("1899", "1900", "2012", "2025", "2099", "2100"),
        ("00", "02", "12", "13"),
        ("00", "01", "28", "29", "31", "32"),
    )
    texts = ["-".join(parts) for parts in product(years, months, days)]
    texts += ["2012-02-01 ", "2012-2-1", "2012/02/01", "20120201", "२०१२-02-01", "2012-02-01T10:00", "2012-02-011"]
    closely = DateCheck(layout, layout.fields[field], day_first=False)
    monkeypatch.setattr(closely, "_last_usual", "")
    quickly = DateCheck(layout, layout.fields[field], day_first=False)

    assert [quickly(text) for text in texts] == [closely(text) for text in texts]
    assert quickly.days == closely.days
