"""Birth places, suffixes and ethnicities that nobody knows never take the place of what is on record in silence."""

import pytest

from tests.imports.journey import District
from tests.roster.test_roster import JOSE, roster

RECORD = {"birth_country": "US", "birth_state": "US-CA", "suffix": "Jr", "ethnicity": "Filipino"}


@pytest.fixture
def student(district: District) -> None:
    district.student(**RECORD)


@pytest.mark.parametrize(
    ("field", "value", "code", "severity"),
    [
        *[("birth_country", "XX", "VALUE-ODD", "warning"), ("birth_country", "1", "VALUE-NONE", "error")],
        *[("birth_state", "ZZ", "VALUE-ODD", "warning"), ("birth_state", "CALIF.", "VALUE-NONE", "error")],
        *[("suffix", "Peña", "VALUE-ODD", "warning"), ("suffix", "5", "VALUE-ODD", "warning")],
        *[("ethnicity", "Filip?no", "FILE-DAMAGED", "error"), ("ethnicity", "Fili\ufffdino", "FILE-DAMAGED", "error")],
        *[("ethnicity", "=1+1", "FILE-DAMAGED", "error"), ("ethnicity", "###", "FILE-DAMAGED", "error")],
    ],
)
def test_what_nobody_knows_is_reported(student: None, field: str, value: str, code: str, severity: str) -> None:
    report = roster(JOSE | RECORD | {field: value})

    assert [(i["code"], i["severity"], i["field"]) for i in report.issues] == [(code, severity, field)]
    assert (field in report.written("student")) == (severity == "warning")


@pytest.mark.parametrize(
    "values",
    [
        {"birth_country": "MX", "birth_state": "MX-JAL"},
        {"birth_country": "us", "birth_state": "CA"},
        {"suffix": "III"},
        {"suffix": "sr."},
        {"ethnicity": "Hispanic or Latino"},
        {"ethnicity": "500"},
        {"ethnicity": "Two or more"},
    ],
)
def test_what_is_known_is_written_without_a_notice(student: None, values: dict[str, str]) -> None:
    assert roster(JOSE | RECORD | values).issues == []


def test_what_is_on_record_is_not_news(district: District) -> None:
    odd = {"birth_country": "XX", "birth_state": "ZZ", "suffix": "Peña", "ethnicity": "?"}
    district.student(**odd)

    assert roster(JOSE | odd).issues == []
