"""Dates of a roster that cannot be, or hardly."""

from datetime import UTC, datetime

import pytest

from students.models import ELRecord
from tests.imports.journey import District
from tests.roster.test_roster import JOSE, roster, update

YEAR = datetime.now(tz=UTC).year


@pytest.mark.parametrize(("born", "grade"), [(1911, "05"), (YEAR - 2, "05"), (YEAR - 30, "TD"), (1911, "AD")])
def test_an_age_unusual_for_the_grade_is_a_warning_that_names_it(district: District, born: int, grade: str) -> None:
    report = roster(JOSE | {"birth_date": f"{born}-01-01", "grade": grade, "enrollment_start": "", "el_status": ""})

    assert report.issue("STU-AGE")["severity"] == "warning"


def test_adults_in_adult_school_are_no_mistake(district: District) -> None:
    assert "STU-AGE" not in roster(JOSE | {"birth_date": f"{YEAR - 60}-01-01", "grade": "AD"}).codes()


def test_an_english_learner_date_before_birth_keeps_that_part_out(district: District) -> None:
    report = update(JOSE | {"el_status": "EL", "el_identified_date": "1999-09-01"})

    assert report.issue("EL-BIRTH")["severity"] == "error"
    assert not ELRecord.objects.exists()


def test_an_enrollment_before_birth_is_refused(district: District) -> None:
    report = update(JOSE | {"enrollment_start": "1999-09-01"})

    assert report.issue("ENR-BIRTH")["severity"] == "error"
