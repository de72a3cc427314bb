"""English learner data is judged alike by every import type that brings some: download file, match results, ELA Import, SELA."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from students.models import Student
from tests.ssid.journey import District, codes, district, record, try_file, update
from tests.ssid.request_files import HEADER, line

pytestmark = pytest.mark.django_db

RECORDS: list[dict[str, Any]] = [
    {"program_status": "EL", "identified_date": dt.date(2015, 9, 1)},
    {"program_status": "Pending", "tbd_date": dt.date(2015, 9, 1)},
    {"program_status": "Exited EL", "identified_date": dt.date(2012, 9, 1), "exit_date": dt.date(2015, 9, 1)},
    {"program_status": "Not EL", "identified_date": dt.date(2015, 9, 1)},
    {"program_status": "EO", "identified_date": dt.date(2015, 9, 1)},
]
EL_2015 = RECORDS[0]
REQUEST_HEADER = f"{HEADER},Result_SELA_ELASCode,Result_SELA_ELASStartDate,Result_SELA_PrimaryLanguage"


def ssid_line(elas: str, day: str, language: str) -> list[str]:
    return [f"1234567^0123456^9012345678^100^Lee^Sam^^M^20110304^20240812^05^{elas}^{day}^{language}^20140815"]


def request_lines(elas: str, day: str, language: str) -> list[str]:
    return [REQUEST_HEADER, line("100", pick="X", ssid="9012345678", more=f"{elas},{day},{language}")]


def sela_line(elas: str, day: str, language: str, transaction: str = "") -> list[str]:
    return [
        f"SELA^{transaction}^^1234567^0123456^2024-2025^9012345678^Sam^Lee^20110304^M^100^{elas}^{day}^{language}^1"
    ]


Way = tuple[str, Callable[[str, str, str], list[str]]]
WAYS: list[Way] = [
    ("ssid-download", ssid_line),
    ("ela", ssid_line),
    ("ela", sela_line),
    ("ssid-request", request_lines),
]
in_every_way = pytest.mark.parametrize("way", WAYS, ids=["download", "ela", "sela", "match results"])


@pytest.fixture
def valley() -> District:
    return district()


def learner(valley: District, el: dict[str, Any] | None, **values: Any) -> Student:
    return valley.add("100", ssid="9012345678", el=el, home_language="vie", **values)


def said_of_el(report: dict[str, Any]) -> dict[str, str]:
    return {issue["code"]: issue["severity"] for issue in report["issues"] if issue["code"].startswith("ELA-")}


@in_every_way
@pytest.mark.combinations
@pytest.mark.parametrize("code", ["TVD", "tvd"])
def test_section_8_tvd_is_read_as_tbd_in_every_way(valley: District, way: Way, code: str) -> None:
    student = learner(valley, None)

    report = update(way[0], way[1](code, "20200901", "vie"))

    assert said_of_el(report) == {"ELA-TVD": "notice"}
    el = record(student)["el"]
    assert (el["program_status"], el["tbd_date"], el["identified_date"]) == ("Pending", "2020-09-01", None)
    assert el["state_elas"] == "TBD"


@in_every_way
@pytest.mark.combinations
@pytest.mark.parametrize("code", ["FEP", "LEP"])
@pytest.mark.parametrize("el", [EL_2015, None], ids=["record", "no record"])
def test_section_8_an_unclear_status_leaves_the_language_free_in_every_way(
    valley: District, way: Way, code: str, el: dict[str, Any] | None
) -> None:
    student = learner(valley, el)

    report = update(way[0], way[1](code, "20201230", "01"))

    assert said_of_el(report) == {"ELA-LEGACY": "warning", "ELA-LANG": "warning"}
    assert "is overwritten" in next(i["message"] for i in report["issues"] if i["code"] == "ELA-LANG")
    after = record(student)
    assert after["home_language"] == "spa"
    assert (after["el"] or {}).get("program_status") == (el or {}).get("program_status")
    assert (after["el"] or {}).get("identified_date") == ("2015-09-01" if el else None)


@in_every_way
@pytest.mark.combinations
@pytest.mark.parametrize("el", RECORDS, ids=[str(el["program_status"]) for el in RECORDS])
def test_8_older_a_status_older_than_the_record_is_a_warning_and_written_in_every_way(
    valley: District, way: Way, el: dict[str, Any]
) -> None:
    student = learner(valley, el)
    elas, status = ("RFEP", "Exited EL") if el["program_status"] == "EL" else ("EL", "EL")

    report = update(way[0], way[1](elas, "20140831", "vie"))

    assert said_of_el(report)["ELA-OLDER"] == "warning"
    message = next(issue["message"] for issue in report["issues"] if issue["code"] == "ELA-OLDER")
    assert "is on record since 2015-09-01" in message
    assert message.endswith("It is overwritten.")
    assert "SELA0285" in message
    assert "error" not in said_of_el(report).values()
    after = record(student)["el"]
    assert (after["program_status"], after["identified_date"]) == (status, "2014-08-31")


@in_every_way
@pytest.mark.combinations
@pytest.mark.parametrize("el", RECORDS, ids=[str(el["program_status"]) for el in RECORDS])
def test_8_older_is_never_written_where_the_option_says_so(valley: District, way: Way, el: dict[str, Any]) -> None:
    student = learner(valley, el)
    before = record(student)["el"]
    elas = "RFEP" if el["program_status"] == "EL" else "EL"

    report = update(way[0], way[1](elas, "20140831", "01"), older_status="keep")

    assert said_of_el(report)["ELA-OLDER"] == "warning"
    for issue in report["issues"]:
        if issue["code"] in ("ELA-OLDER", "ELA-STATUS", "ELA-DATE"):
            assert "record is kept" in issue["message"].lower()
    after = record(student)
    kept = ("program_status", "identified_date", "tbd_date", "exit_date")
    assert {name: after["el"][name] for name in kept} == {name: before[name] for name in kept}
    assert (after["el"]["state_elas"], after["el"]["state_elas_date"]) == (elas, "2014-08-31")
    assert after["home_language"] == "spa"


@in_every_way
def test_8_older_the_option_keeps_out_nothing_that_is_not_older(valley: District, way: Way) -> None:
    undated = {"program_status": "EL"}
    student = learner(valley, undated)

    report = update(way[0], way[1]("RFEP", "20140831", "vie"), older_status="keep")

    assert "ELA-OLDER" not in codes(report)
    assert record(student)["el"]["program_status"] == "Exited EL"


@in_every_way
@pytest.mark.combinations
@pytest.mark.parametrize("el", [EL_2015, None], ids=["record", "no record"])
def test_8_birth_a_status_before_birth_is_an_error_of_its_part_in_every_way(
    valley: District, way: Way, el: dict[str, Any] | None
) -> None:
    student = learner(valley, el)
    before = record(student)

    report = update(way[0], way[1]("EL", "20110303", "spa"))

    assert said_of_el(report)["ELA-BIRTH"] == "error"
    assert "ELA-OLDER" not in codes(report)
    assert not any("is overwritten" in issue["message"].lower() for issue in report["issues"])
    assert (report["changes"], record(student)) == ([], before)


@in_every_way
def test_8_birth_the_day_of_birth_itself_is_not_an_error(valley: District, way: Way) -> None:
    learner(valley, None)
    assert "ELA-BIRTH" not in codes(try_file(way[0], way[1]("EL", "20110304", "vie")))


def test_8_birth_leaves_the_ssid_of_the_line_free(valley: District) -> None:
    student = valley.add("100")
    report = update("ssid-download", ssid_line("EL", "20110303", "spa"))
    assert said_of_el(report) == {"ELA-BIRTH": "error"}
    assert (student.ssids.get().ssid, report["import_count"]) == ("9012345678", 1)


@pytest.mark.parametrize("transaction", ["A", "a", "", " ", "R", "r"])
def test_e3_transactions_that_add_or_replace_are_read_alike(valley: District, transaction: str) -> None:
    student = learner(valley, None)

    report = update("ela", sela_line("EL", "20150901", "vie", transaction))

    assert report["issues"] == []
    assert (report["import_count"], record(student)["el"]["program_status"]) == (1, "EL")


def test_e3_a_deletion_is_skipped_and_an_unknown_transaction_refused(valley: District) -> None:
    student = learner(valley, EL_2015)

    deletion = update("ela", sela_line("RFEP", "20200901", "spa", "D"))
    other = try_file("ela", sela_line("RFEP", "20200901", "vie", "Q"))

    assert (codes(deletion), deletion["skipped_count"], deletion["changes"]) == (["ELA-DELETE"], 1, [])
    assert record(student)["el"]["program_status"] == "EL"
    assert codes(other, severity="error") == ["FILE-CODE"]  # it may have meant a deletion
    assert (other["changes"], other["refused_count"]) == ([], 1)
    assert "A, D or R" in other["issues"][0]["message"]


@pytest.mark.parametrize(("first", "second"), [("A", ""), ("R", "A"), ("", "R")])
def test_e3_one_status_added_and_replaced_is_one_status(valley: District, first: str, second: str) -> None:
    learner(valley, None)
    lines = [*sela_line("EL", "20150901", "vie", first), *sela_line("EL", "20150901", "vie", second)]

    report = try_file("ela", lines)

    assert (codes(report), report["planned_count"], report["refused_count"]) == (["DUP-SAME"], 1, 0)
