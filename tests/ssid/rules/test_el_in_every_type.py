"""English learner data is judged alike by every import type that carries some (kind 6)."""

import datetime as dt
from collections.abc import Callable

import pytest

from students.models import ELRecord, Student
from tests.imports.evaluating import report_of
from tests.imports.journey import District, Report, give_el, give_ssid

pytestmark = pytest.mark.django_db

SSID, NUMBER = "9001000001", "100234"
LINE = f"1234567^0123456^{SSID}^{NUMBER}^García-López^José^Luis^M^20090214^20240812^10^{{}}^{{}}^spa^20140101\n"
SELA = f"SELA^{{}}^^1234567^0123456^2026-2027^{SSID}^José^García-López^20090214^M^{NUMBER}^{{}}^{{}}^spa^\n"
ROSTER = "lea,school,local_number,last_name,first_name,birth_date,grade,enrollment_start,el_status,{},home_language\n"


def _roster(status: str, day: str) -> str:
    date = "el_tbd_date" if status in {"TVD", "TBD"} else "el_identified_date"
    line = f"1234567,0123456,{NUMBER},García-López,José,2009-02-14,10,2024-08-12,{status},{day},spa\n"
    return ROSTER.format(date) + line


FILES: dict[str, tuple[str, Callable[[str, str], str]]] = {
    "download": ("ssid-download", LINE.format),
    "ela": ("ela", LINE.format),
    "sela": ("ela", lambda status, day: SELA.format("A", status, day)),
    "roster": ("students", _roster),
}
every_file = pytest.mark.parametrize("kind", FILES)


@pytest.fixture
def learner(district: District) -> Student:
    student = district.student(home_language="vie")
    give_ssid(student, SSID)
    give_el(student, "EL", identified_date=dt.date(2015, 9, 3))
    return student


def run(kind: str, status: str, day: str, **options: str) -> Report:
    import_type, text = FILES[kind]
    return report_of(import_type, text(status, day), options=options)


@every_file
def test_tvd_is_read_as_tbd_with_a_notice(kind: str, learner: Student) -> None:
    report = run(kind, "TVD", "20200901")

    assert report.issue("ELA-TVD")["severity"] == "notice"
    assert report.written("el") | {"program_status": "Pending", "tbd_date": "2020-09-01"} == report.written("el")


@every_file
def test_an_older_status_is_a_warning_and_written(kind: str, learner: Student) -> None:
    report = run(kind, "RFEP", "20150601")

    assert report.issue("ELA-OLDER")["severity"] == "warning"
    assert "SELA0285" in report.issue("ELA-OLDER")["message"]
    assert report.written("el")["program_status"] == "Exited EL"


@every_file
def test_an_older_status_is_kept_out_by_the_option(kind: str, learner: Student) -> None:
    report = run(kind, "RFEP", "20150601", older_status="keep")

    assert report.issue("ELA-OLDER")["severity"] == "warning"
    assert "program_status" not in report.written("el")
    assert "identified_date" not in report.written("el")


@every_file
def test_a_status_from_before_birth_is_an_error_of_that_part(kind: str, learner: Student) -> None:
    report = run(kind, "RFEP", "20080101")

    assert report.issue("ELA-BIRTH")["severity"] == "error"
    assert report.written("el") == {}
    assert "is overwritten" not in str([issue["message"] for issue in report.issues])


@every_file
def test_a_status_after_today_is_an_error_and_nothing_is_said_to_be_overwritten(kind: str, learner: Student) -> None:
    report = run(kind, "RFEP", "20990901")

    assert report.issue("FILE-DATE-FUTURE")["severity"] == "error"
    assert report.written("el") == {}
    assert "is overwritten" not in str([issue["message"] for issue in report.issues])


@pytest.mark.combinations
@pytest.mark.parametrize("status", ["FEP", "LEP"])
@every_file
def test_an_unclear_status_leaves_the_home_language_free(kind: str, status: str, learner: Student) -> None:
    report = run(kind, status, "20200901")

    assert report.issue("ELA-LEGACY")["severity"] == "warning"
    assert report.written("student") == {"home_language": "spa"}
    assert "program_status" not in report.written("el")


@pytest.mark.combinations
@pytest.mark.parametrize("status", ["FEP", "LEP", "lep"])
@every_file
def test_an_unclear_status_makes_no_record(kind: str, status: str, district: District) -> None:
    give_ssid(district.student(home_language="vie"), SSID)

    report = run(kind, status, "20200901")

    assert (report.issue("ELA-LEGACY")["severity"], report.written("el")) == ("warning", {})


@pytest.mark.combinations
@pytest.mark.parametrize(
    ("word", "status"),
    [
        *[("English Only", "EO"), ("english learner", "EL"), ("Reclassified", "Exited EL"), ("R-FEP", "Exited EL")],
        *[
            ("Not EL", "Not EL"),
            ("Not LEP", "Not EL"),
            ("Exited LEP", "Exited EL"),
            ("Pending", "Pending"),
            ("eo", "EO"),
        ],
    ],
)
@every_file
def test_a_word_for_a_status_is_read_as_it_in_every_file(kind: str, word: str, status: str, district: District) -> None:
    give_ssid(district.student(home_language="vie"), SSID)

    report = run(kind, word, "20200901")

    assert report.written("el")["program_status"] == status


@pytest.mark.combinations
@pytest.mark.parametrize("status", ["Fluent", "1", "Y", "ELLL", "E L"])
@every_file
def test_what_is_not_a_status_is_an_error_in_every_file(kind: str, status: str, learner: Student) -> None:
    report = run(kind, status, "20200901")

    assert {i["severity"] for i in report.issues if i["code"] in {"ELA-CODE", "FILE-CODE"}} == {"error"}
    assert report.written("el") == {}


@pytest.mark.combinations
@pytest.mark.parametrize(
    ("text", "code"),
    [
        *[
            ("spa", "spa"),
            ("01", "spa"),
            ("Spanish", "spa"),
            ("ENG", "eng"),
            ("English", "eng"),
            ("es", "spa"),
            ("03", "yue"),
        ],
        *[("1", ""), ("Klingonese", ""), ("Chinese", ""), ("zh", ""), ("9999", "")],
    ],
)
@every_file
def test_a_home_language_is_read_alike_in_every_file(kind: str, text: str, code: str, learner: Student) -> None:
    import_type, line = FILES[kind]
    report = report_of(import_type, line("EL", "20150903").replace("spa", text))

    said = [
        i["severity"] for i in report.issues if i["code"] in {"LANG-CODE", "ELA-LANG-CODE", "FILE-CODE", "FILE-LENGTH"}
    ]
    assert (report.written("student").get("home_language", ""), said) == (code, [] if code else ["error"])


@pytest.mark.parametrize("kind", ["ela", "sela", "download"])
def test_a_day_without_a_status_is_reported_and_writes_nothing(kind: str, learner: Student) -> None:
    import_type, line = FILES[kind]
    report = report_of(import_type, line("", "20150903"))

    said = [(i["code"], i["severity"]) for i in report.issues if i["field"] == "elas_date"]
    assert said == [("ELA-DATE-ALONE", "warning")]
    assert not {"program_status", "identified_date"} & report.written("el").keys()


def test_a_code_that_a_roster_cannot_read_leaves_the_home_language_free(learner: Student) -> None:
    report = run("roster", "Fluent", "20200901")

    assert report.written("student") == {"home_language": "spa"}
    assert report.written("el") == {}


@pytest.mark.parametrize("transaction", ["X", "?", "A,D", "Del", "1"])
def test_a_sela_line_with_an_unknown_transaction_is_refused_for_it_may_ask_to_delete(
    transaction: str, learner: Student
) -> None:
    report = report_of("ela", SELA.format(transaction, "RFEP", "20200901"))

    issue = report.issue("FILE-CODE")
    assert (issue["severity"], issue["field"]) == ("error", "transaction_type")
    assert "A, D or R" in issue["message"]
    assert (report.counts, report.changes) == ({"refused": 1}, [])


@pytest.mark.parametrize("transaction", ["A", "a", "", " ", "R", "r", "Add", "replace"])
def test_a_sela_line_that_adds_or_replaces_is_read(transaction: str, learner: Student) -> None:
    report = report_of("ela", SELA.format(transaction, "RFEP", "20200901"))

    assert report.written("el")["program_status"] == "Exited EL"
    assert "transaction_type" not in [issue["field"] for issue in report.issues]


@pytest.mark.parametrize("transaction", ["D", "d", "Delete"])
def test_a_sela_line_that_deletes_changes_nothing_and_says_so(transaction: str, learner: Student) -> None:
    report = report_of("ela", SELA.format(transaction, "RFEP", "20200901"))

    assert report.issue("ELA-DELETE")["severity"] == "notice"
    assert report.counts == {"skipped": 1}
    assert ELRecord.objects.get().program_status == "EL"
