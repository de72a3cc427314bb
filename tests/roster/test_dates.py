"""Dates of a roster that cannot be, or hardly."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from sisimport.files import beginnings
from sisimport.imports.models import ImportRun
from sisimport.imports.storage.records import read_records
from students.models import ELRecord
from tests.imports.journey import District, give_el, run_file
from tests.roster.test_roster import JOSE, csv, roster, student, update

YEAR = datetime.now(tz=UTC).year


@pytest.mark.parametrize(("born", "grade"), [(1911, "05"), (YEAR - 2, "05"), (YEAR - 30, "TD"), (1911, "AD")])
def test_an_age_unusual_for_the_grade_is_a_warning_that_names_it(district: District, born: int, grade: str) -> None:
    report = roster(JOSE | {"birth_date": f"{born}-01-01", "grade": grade, "enrollment_start": "", "el_status": ""})

    assert report.issue("STU-AGE")["severity"] == "warning"


def test_adults_in_adult_school_are_not_a_mistake(district: District) -> None:
    assert "STU-AGE" not in roster(JOSE | {"birth_date": f"{YEAR - 60}-01-01", "grade": "AD"}).codes()


def test_an_english_learner_date_before_birth_keeps_that_part_out(district: District) -> None:
    report = update(JOSE | {"el_status": "EL", "el_identified_date": "1999-09-01"})

    assert report.issue("ELA-BIRTH")["severity"] == "error"
    assert not ELRecord.objects.exists()


@pytest.mark.parametrize("start", ["1999-09-01", JOSE["birth_date"]])
def test_an_enrollment_before_birth_or_on_that_day_is_refused(district: District, start: str) -> None:
    report = update(JOSE | {"enrollment_start": start})

    assert report.issue("ENR-BIRTH")["severity"] == "error"


@pytest.mark.parametrize("field", ["enrollment_start", "enrollment_exit"])
def test_an_enrollment_after_the_next_school_year_is_refused(district: District, field: str) -> None:
    report = update(JOSE | {field: f"{YEAR + 40}-08-12"})

    assert (report.issue("ENR-FUTURE")["severity"], report.issue("ENR-FUTURE")["field"]) == ("error", field)
    assert report.counts == {"refused": 1}


def test_an_enrollment_of_the_next_school_year_is_not_a_mistake(district: District) -> None:
    today = datetime.now(tz=UTC).date()
    ahead = date(today.year + (today.month >= 7), 8, 12)
    assert roster(JOSE | {"enrollment_start": f"{ahead}"}).codes() == []


def test_dates_of_a_whole_file_are_read_by_what_all_of_it_shows(
    district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beginnings, "_SAMPLE_BYTES", 900)
    early = [JOSE | {"local_number": f"{n}", "first_name": f"José {n}", "birth_date": "03/04/2009"} for n in range(40)]
    late = JOSE | {"local_number": "99", "birth_date": "25/12/2009"}

    report = run_file("students", csv(*early, late), name="roster.csv")

    assert report.counts == {"imported": 1, "refused": 40}
    assert {i["code"] for i in report.issues if i["severity"] == "error"} == {"FILE-DATE"}
    run = ImportRun.objects.get(pk=report.run.pk)
    assert run.facts["day_first"] == ["birth_date"]
    assert read_records(run, [2, 42], ["birth_date"]) == {2: {"birth_date": None}, 42: {"birth_date": "2009-12-25"}}


# ---- English learner records: as in every other import type ----

ON_RECORD: list[dict[str, Any]] = [
    {"status": "EL", "identified_date": date(2019, 9, 1)},
    {"status": "Pending", "tbd_date": date(2019, 9, 1)},
    {"status": "Exited EL", "identified_date": date(2015, 9, 1), "exit_date": date(2019, 9, 1)},
]


def el_line(status: str, day: str) -> dict[str, str]:
    where = "el_tbd_date" if status in ("Pending", "TBD", "TVD") else "el_identified_date"
    return JOSE | {"el_status": status, where: day}


@pytest.mark.parametrize("option", ["write", "keep"])
@pytest.mark.parametrize("on_record", ON_RECORD, ids=lambda given: str(given["status"]))
def test_8_older_a_status_older_than_the_record_is_a_warning(
    district: District, on_record: dict[str, Any], option: str
) -> None:
    update(JOSE)
    give_el(student(), **on_record)

    report = update(el_line("IFEP", "2018-09-01"), options={"older_status": option})

    issue = report.issue("ELA-OLDER")
    assert (issue["severity"], issue["found"], issue["expected"]) == ("warning", "2018-09-01", "2019-09-01")
    assert ("It is overwritten." if option == "write" else "The record is kept.") in issue["message"]
    assert student().el.program_status == ("Not EL" if option == "write" else on_record["status"])


def test_8_older_is_not_reported_for_a_later_status_nor_for_the_same(district: District) -> None:
    update(JOSE)
    give_el(student(), "EL", identified_date=date(2019, 9, 1))

    assert "ELA-OLDER" not in roster(el_line("RFEP", "2020-09-01"), options={"older_status": "keep"}).codes()
    assert "ELA-OLDER" not in roster(el_line("EL", "2018-09-01"), options={"older_status": "keep"}).codes()


def test_section_8_tvd_is_read_as_tbd_in_a_roster_too(district: District) -> None:
    report = update(el_line("TVD", "2019-09-01"))

    assert report.issue("ELA-TVD")["severity"] == "notice"
    assert (student().el.program_status, student().el.tbd_date) == ("Pending", date(2019, 9, 1))
