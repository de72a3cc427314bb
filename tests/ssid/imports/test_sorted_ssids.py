"""SSIDs in order beside local numbers or names in order: the column was sorted separately. No type that writes SSIDs is silent
about it, even if no student has an SSID yet.
"""

import datetime as dt

import pytest

from tests.imports.journey import Report, give_ssid, make_district
from tests.ssid.imports.lines_with_ssids import line_of, put_on_record, report_on
from tests.ssid.imports.test_ssids_filled_down import BY_CHANCE, FILLED, LASTS

pytestmark = pytest.mark.django_db
TYPES = ("students", "ssid-download", "ssid-list", "ssid-request", "ssid-replacement")
SORTED = sorted(BY_CHANCE)
MIXED = [5, 2, 11, 0, 7, 9, 1, 10, 4, 8, 3, 6]  # an order of twelve lines


def report(kind: str, ssids: list[str], *, order: list[int] | None = None) -> Report:
    """Of a file with a line for each of twelve students, in the order of their numbers and names unless another is given."""
    made = make_district()
    lines = []
    for at, ssid in zip(order or range(12), ssids, strict=True):
        student, retired = put_on_record(made, f"3{at:02}", LASTS[at], dt.date(2012, at + 1, 13)), f"80000000{at:02}"
        if kind == "ssid-replacement":
            give_ssid(student, retired)
        lines.append(line_of(kind, student, ssid, retired=retired))
    return report_on(kind, lines)


def said(report: Report) -> list[tuple[int, str, str]]:
    return [(i["line"], i["severity"], i["code"]) for i in report.issues if i["code"].startswith("SSID-S")]


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("ssids", [SORTED, SORTED[::-1]], ids=["up", "down"])
def test_ssids_in_order_beside_numbers_in_order_are_a_warning(kind: str, ssids: list[str]) -> None:
    found = report(kind, ssids)

    assert said(found) == [(0, "warning", "SSID-SORTED")]
    assert "The 12 SSIDs" in found.issues[0]["message"]


@pytest.mark.parametrize("kind", TYPES)
def test_the_order_of_ssids_alone_says_nothing(kind: str) -> None:
    """A file may come in the order of its SSIDs, and then its names and numbers are in none."""
    assert said(report(kind, SORTED, order=MIXED)) == []


@pytest.mark.parametrize("kind", TYPES)
def test_the_order_of_numbers_alone_says_nothing(kind: str) -> None:
    assert said(report(kind, BY_CHANCE)) == []


@pytest.mark.parametrize("kind", TYPES)
def test_numbers_that_the_state_gave_one_after_another_say_nothing(kind: str) -> None:
    assert said(report(kind, [f"{1_234_567_890 + 40 * at}" for at in range(12)])) == []


def test_a_column_that_was_filled_down_is_reported_once() -> None:
    assert said(report("ssid-list", FILLED)) == [(0, "warning", "SSID-SERIES")]


@pytest.mark.parametrize("kind", ["ssid-download", "ssid-request", "ssid-replacement"])
@pytest.mark.parametrize("blanks", [1, 3])
def test_a_gap_in_the_ssids_of_the_states_file_is_a_warning(kind: str, blanks: int) -> None:
    found = report(kind, [*BY_CHANCE[:-blanks], *[""] * blanks])

    assert [(i["line"], i["severity"]) for i in found.issues if i["code"] == "SSID-GAP"] == [(0, "warning")]
    assert f"Line {13 - blanks + (kind == 'ssid-request')} has no SSID" in found.issues[0]["message"]


def test_replacements_that_go_up_by_one_were_filled_down() -> None:
    assert said(report("ssid-replacement", FILLED)) == [(0, "warning", "SSID-SERIES")]


def test_a_list_of_a_school_may_have_gaps() -> None:
    assert "SSID-GAP" not in report("ssid-list", [*BY_CHANCE[:-1], ""]).codes()
