"""The list of students whose English learner record differs from the state's values."""

import datetime as dt
from typing import Any

import pytest

from ssid.el_differences.queries import state_differences
from tests.ssid.journey import District, district

pytestmark = pytest.mark.django_db

SAME = {
    "program_status": "EL",
    "identified_date": dt.date(2015, 9, 1),
    "state_elas": "EL",
    "state_elas_date": dt.date(2015, 9, 1),
    "state_language": "spa",
}


@pytest.fixture
def valley() -> District:
    return district()


@pytest.mark.parametrize(
    "el",
    [
        SAME,
        {"program_status": "EL", "identified_date": dt.date(2015, 9, 1)},
        {
            **SAME,
            "program_status": "Exited EL",
            "state_elas": "RFEP",
            "identified_date": None,
            "exit_date": dt.date(2015, 9, 1),
        },
        {
            **SAME,
            "program_status": "Pending",
            "state_elas": "TBD",
            "identified_date": None,
            "tbd_date": dt.date(2015, 9, 1),
        },
    ],
    ids=["all equal", "never noted", "date of RFEP as exit date", "pending"],
)
def test_records_that_say_the_same_are_not_listed(valley: District, el: dict[str, Any]) -> None:
    valley.add("100", el=el, home_language="01")
    assert list(state_differences(None)) == []


@pytest.mark.parametrize(
    ("el", "language", "differs"),
    [
        ({**SAME, "state_elas": "IFEP"}, "spa", (True, False, False)),
        ({**SAME, "state_elas_date": dt.date(2014, 9, 1)}, "spa", (False, True, False)),
        ({**SAME, "identified_date": None}, "spa", (False, True, False)),
        (SAME, "vie", (False, False, True)),
        (SAME, "", (False, False, True)),
    ],
    ids=["status", "date", "no date of ours", "language", "no language of ours"],
)
def test_what_differs_is_reported(
    valley: District, el: dict[str, Any], language: str, differs: tuple[bool, ...]
) -> None:
    valley.add("100", el=el, home_language=language)
    (found,) = state_differences(None)
    assert (found.status_differs, found.date_differs, found.language_differs) == differs


def test_students_of_other_schools_are_not_listed(valley: District) -> None:
    valley.add("100", el={**SAME, "state_elas": "IFEP"}, home_language="spa")
    assert list(state_differences([valley.school.pk + 1])) == []


def test_the_list_costs_one_query(valley: District, django_assert_num_queries: Any) -> None:
    for number in range(5):
        valley.add(str(number + 1), el={**SAME, "state_elas": "IFEP"})
    with django_assert_num_queries(1):
        assert len([record.student.school for record in state_differences(None)]) == 5
