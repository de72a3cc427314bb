"""School years are read and written in one place."""

import datetime as dt

import pytest

from students.school_years import (
    NotASchoolYearError,
    full_label,
    last_day_of_next,
    read_school_year,
    school_year_of,
    spring_of,
    year_label,
)


@pytest.mark.parametrize("text", ["2025-26", " 2025-26 ", "2025-2026"])
def test_a_school_year_is_read_in_both_forms(text: str) -> None:
    assert read_school_year(text) == 2026


@pytest.mark.parametrize(
    "text", ["", "2025", "2025-27", "2025-6", "25-26", "2025/26", "²025-26", "1925-26", "2025-1926"]
)
def test_what_is_not_a_school_year_is_refused_with_how_to_write_one(text: str) -> None:
    with pytest.raises(NotASchoolYearError, match="Enter it as 2025-26"):
        read_school_year(text)


def test_labels_are_read_back() -> None:
    for spring in (2010, 2026, 2099):
        assert read_school_year(year_label(spring)) == read_school_year(full_label(spring)) == spring


@pytest.mark.parametrize(("day", "spring"), [("2025-06-30", 2025), ("2025-07-01", 2026), ("2026-01-01", 2026)])
def test_a_school_year_begins_in_july(day: str, spring: int) -> None:
    date = dt.date.fromisoformat(day)
    assert (spring_of(date), school_year_of(date)) == (spring, full_label(spring))
    assert last_day_of_next(date) == dt.date(spring + 1, 6, 30)
