"""Two students of two schools, with their ELA of 2023-24, and their run."""

import datetime as dt
from dataclasses import dataclass

import pytest

from sisimport.imports.models import ImportRun, Work
from students.models import Student
from tests.assessments.score_files import SSID_1, SSID_2, ela, start, text
from tests.factories import SSIDFactory, StudentFactory


@dataclass(frozen=True)
class Scored:
    people: list[Student]
    run: ImportRun


@pytest.fixture
def two_scored(db: None) -> Scored:
    people = [
        StudentFactory(
            last_name="Lee", first_name="Sam", middle_name="", birth_date=dt.date(2011, 3, 4), local_number=number
        )
        for number in ("000501", "000502")
    ]
    for student, ssid in zip(people, (SSID_1, SSID_2), strict=True):
        SSIDFactory(student=student, ssid=ssid)
    lines = [
        ela(ssid=SSID_1, composite_claim_1_level="2", school_code="0112345", district_code="19647330000000"),
        ela(ssid=SSID_2, scale_score="2610", achievement_level="4", uin="1000000000000002"),
    ]
    run = start("caaspp-2023-2024", text("caaspp-2023-24", *lines), work=Work.IMPORT)
    assert run.import_count == 2, run.message
    return Scored(people, run)
