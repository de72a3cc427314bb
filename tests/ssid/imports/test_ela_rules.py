"""Import type ELA Import, rule by rule (E-1 to E-6 and section 8 of the SSID rules)."""

import datetime as dt
from typing import Any

import pytest

from students.models import SSID, SSIDReplacement
from tests.ssid.journey import District, codes, district, record, revert, try_file, update

pytestmark = pytest.mark.django_db

EL_2015 = {"program_status": "EL", "identified_date": dt.date(2015, 9, 1)}


@pytest.fixture
def valley() -> District:
    return district()


def download(
    number: str = "100",
    *,
    elas: str = "EL",
    elas_date: str = "20150901",
    language: str = "spa",
    ssid: str = "9012345678",
    last: str = "Lee",
    first: str = "Sam",
    born: str = "20110304",
    grade: str = "05",
) -> str:
    """One line of the 15-column download file."""
    return f"1234567^0123456^{ssid}^{number}^{last}^{first}^^M^{born}^20240812^{grade}^{elas}^{elas_date}^{language}^20140815"


def sela(
    number: str = "100",
    *,
    kind: str = "SELA",
    elas: str = "EL",
    elas_date: str = "20150901",
    transaction: str = "",
    reason: str = "",
    language: str = "spa",
    more: str = "",
) -> str:
    """One line of a SELA file; `more` holds the columns of the extract."""
    return (
        f"{kind}^{transaction}^^1234567^0123456^2024-2025^9012345678^Sam^Lee^20110304^M^{number}^{elas}^{elas_date}"
        f"^{language}^{reason}{more}"
    )


# -- E-1 to E-5: whose line it is --------------------------------------------------------------------------------------


def test_e1_writes_status_date_and_language_and_never_an_ssid(valley: District) -> None:
    student = valley.add("100")

    report = update("ela", [download()])

    assert (report["import_count"], report["layout"]) == (1, "calpads-ela-import")
    assert record(student)["el"]["program_status"] == "EL"
    assert record(student)["home_language"] == "spa"
    assert not SSID.objects.exists()


def test_e2_a_student_with_the_right_ssid_is_imported_without_an_issue(valley: District) -> None:
    valley.add("100", ssid="9012345678")
    report = try_file("ela", [download()])
    assert (report["planned_count"], report["issues"]) == (1, [])


@pytest.mark.parametrize(
    ("line", "layout"),
    [
        (download(), "calpads-ela-import"),
        (sela(), "calpads-sela"),
        (sela(kind="SELA-R", more="^20240901^20240902"), "calpads-sela"),
        (sela(kind="SELA-R", more="^20240901"), "calpads-sela"),
    ],
    ids=["download file", "SELA", "SELA-R with two dates", "SELA-R with one date"],
)
def test_e3_the_files_are_distinguished_by_their_content(valley: District, line: str, layout: str) -> None:
    student = valley.add("100", ssid="9012345678")

    report = update("ela", [line])

    assert (report["layout"], report["import_count"]) == (layout, 1)
    assert record(student)["el"]["identified_date"] == "2015-09-01"


def test_e3_the_history_of_a_student_in_a_sela_file_imports_its_latest_status(valley: District) -> None:
    student = valley.add("100", ssid="9012345678")
    lines = [sela(elas="TBD", elas_date="20150820"), sela(elas="RFEP", elas_date="20200601"), sela()]

    report = update("ela", lines)

    assert codes(report) == ["ELA-EARLIER", "ELA-EARLIER"]
    assert (report["import_count"], report["skipped_count"]) == (1, 2)
    assert record(student)["el"]["program_status"] == "Exited EL"


def test_e3_two_statuses_of_one_day_contradict_each_other(valley: District) -> None:
    valley.add("100", ssid="9012345678")
    report = try_file("ela", [sela(), sela(elas="IFEP")])
    assert codes(report) == ["DUP-DIFFERS", "DUP-DIFFERS"]
    assert (report["refused_count"], report["planned_count"]) == (2, 0)


def test_e3_a_deletion_is_not_imported_and_leaves_the_line_beside_it(valley: District) -> None:
    student = valley.add("100", ssid="9012345678", el=EL_2015)
    lines = [sela(transaction="D"), sela(elas="IFEP", elas_date="20150915")]

    report = update("ela", lines)

    assert (report["import_count"], report["skipped_count"]) == (1, 1)
    assert "ELA-DELETE" in codes(report)
    assert record(student)["el"]["program_status"] == "Not EL"


def test_e4_a_local_number_nobody_has_refuses_the_line(valley: District) -> None:
    report = try_file("ela", [download("999")])
    assert codes(report, severity="error") == ["STU-NOTFOUND"]
    assert report["refused_count"] == 1


def test_e4_the_ssid_of_another_student_refuses_the_line(valley: District) -> None:
    valley.add("100")
    valley.add("200", ssid="9012345678")
    report = try_file("ela", [download("100")])
    assert codes(report, severity="error") == ["SSID-TAKEN"]
    assert report["planned_count"] == 0


@pytest.mark.parametrize("ssid", ["9999999999", "", "12345"])
def test_e5_an_ssid_that_differs_or_is_missing_is_a_warning(valley: District, ssid: str) -> None:
    valley.add("100", ssid="9012345678")
    report = try_file("ela", [download(ssid=ssid)])
    assert (codes(report), report["planned_count"]) == (["SSID-OTHER"], 1)


def test_e5_no_ssid_in_the_file_and_none_on_record_are_not_a_difference(valley: District) -> None:
    valley.add("100")
    report = try_file("ela", [download(ssid="")])
    assert (codes(report), report["planned_count"]) == ([], 1)


@pytest.mark.parametrize(
    ("names", "code"),
    [({"last": "Kim"}, "DEMO-MISMATCH"), ({"first": ""}, "DEMO-MISMATCH"), ({"first": "SAM"}, "DEMO-NEAR")],
)
def test_e5_a_name_that_differs_or_is_missing_is_a_warning(valley: District, names: dict[str, str], code: str) -> None:
    valley.add("100", ssid="9012345678")
    report = try_file("ela", [download(**names)])
    assert codes(report, severity="warning") == [code]
    assert report["planned_count"] == 1


def test_e5_a_birth_date_that_differs_refuses_the_line(valley: District) -> None:
    valley.add("100", ssid="9012345678")
    report = try_file("ela", [download(born="20110305")])
    assert codes(report, severity="error") == ["DEMO-MISMATCH"]
    assert report["refused_count"] == 1


def test_e5_a_wrong_column_count_refuses_the_file(valley: District) -> None:
    report = try_file("ela", [download().replace("^^M^", "^M^")] * 3)
    assert (report["status"], codes(report)) == ("rejected", ["FILE-COLUMNS"])
    assert "middle name" in report["message"]


def test_x3_a_retired_ssid_of_the_student_is_known_with_a_notice(valley: District) -> None:
    valley.add("100", ssid="9012345699")
    SSIDReplacement.objects.create(retired_ssid="9012345678", replacement_ssid="9012345699")
    report = try_file("ela", [download()])
    assert (codes(report), report["planned_count"]) == (["SSID-OLD"], 1)


# -- E-6: overwrite or fill only ---------------------------------------------------------------------------------------


def test_e6_overwrite_is_the_default(valley: District) -> None:
    student = valley.add("100", ssid="9012345678", el=EL_2015, home_language="vie")

    report = update("ela", [download(elas="RFEP", elas_date="20220601")])

    assert codes(report) == ["ELA-STATUS", "ELA-DATE", "ELA-LANG"]
    assert "is overwritten" in report["issues"][0]["message"]
    after = record(student)
    assert (after["el"]["program_status"], after["el"]["identified_date"]) == ("Exited EL", "2022-06-01")
    assert after["home_language"] == "spa"


def test_e6_fill_only_keeps_what_is_on_record_and_notes_the_states_values(valley: District) -> None:
    student = valley.add("100", ssid="9012345678", el=EL_2015, home_language="vie")

    report = update("ela", [download(elas="IFEP", elas_date="20160901")], ela_mode="fill")

    assert all("the record is kept" in i["message"] for i in report["issues"] if i["code"] != "ELA-HINT")
    after = record(student)
    assert (after["home_language"], after["el"]["program_status"]) == ("vie", "EL")
    assert after["el"]["identified_date"] == "2015-09-01"
    assert (after["el"]["state_elas"], after["el"]["state_elas_date"]) == ("IFEP", "2016-09-01")
    assert after["el"]["state_language"] == "spa"


def test_e6_fill_only_never_imports_rfep(valley: District) -> None:
    valley.add("100", ssid="9012345678")
    report = try_file("ela", [download(elas="RFEP", language="")], ela_mode="fill")
    assert report["unchanged_count"] == 1


def test_e6_fill_only_leaves_a_pending_student_pending_where_the_file_says_rfep(valley: District) -> None:
    pending = {"program_status": "Pending", "tbd_date": dt.date(2015, 8, 20)}
    student = valley.add("100", ssid="9012345678", el=pending)
    update("ela", [download(elas="RFEP")], ela_mode="fill")
    assert record(student)["el"]["program_status"] == "Pending"


@pytest.mark.parametrize("el", [None, {"program_status": "Pending", "tbd_date": dt.date(2015, 8, 20)}])
def test_e6_fill_only_writes_where_there_is_no_record_or_a_pending_one(
    valley: District, el: dict[str, Any] | None
) -> None:
    student = valley.add("100", ssid="9012345678", el=el)
    update("ela", [download()], ela_mode="fill")
    after = record(student)
    assert (after["el"]["program_status"], after["home_language"]) == ("EL", "spa")


# -- Section 8: the table ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("elas", "status", "dated"),
    [
        ("EL", "EL", "identified_date"),
        ("IFEP", "Not EL", "identified_date"),
        ("RFEP", "Exited EL", "identified_date"),
        ("EO", "EO", "identified_date"),
        ("TBD", "Pending", "tbd_date"),
    ],
)
def test_section_8_status_and_date_go_where_the_table_says(
    valley: District, elas: str, status: str, dated: str
) -> None:
    student = valley.add("100", ssid="9012345678")
    update("ela", [download(elas=elas)])
    after = record(student)["el"]
    assert after["program_status"] == status
    assert [name for name in ("identified_date", "tbd_date", "exit_date") if after[name]] == [dated]


def test_section_8_without_code_the_status_stays_and_the_language_is_written(valley: District) -> None:
    student = valley.add("100", ssid="9012345678", el=EL_2015)
    update("ela", [download(elas="", elas_date="20200101")])
    after = record(student)
    assert (after["home_language"], after["el"]["identified_date"]) == ("spa", "2015-09-01")


def test_section_8_neither_code_nor_date_is_a_warning_and_no_change(valley: District) -> None:
    valley.add("100", ssid="9012345678", el=EL_2015)
    report = try_file("ela", [download(elas="", elas_date="", language="")])
    assert (codes(report), report["unchanged_count"]) == (["ELA-MISSING"], 1)


def test_section_8_codes_of_one_language_are_not_a_difference(valley: District) -> None:
    valley.add("100", ssid="9012345678", el=EL_2015, home_language="spa")
    report = try_file("ela", [download(language="01")])
    assert (report["issues"], report["unchanged_count"]) == ([], 1)


def test_section_8_a_two_digit_language_is_stored_as_three_letters(valley: District) -> None:
    student = valley.add("100", ssid="9012345678", el=EL_2015)
    update("ela", [download(language="02")])
    assert record(student)["home_language"] == "vie"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (download(elas="XYZ"), "ELA-CODE"),
        (download(elas_date="20110303"), "ELA-BIRTH"),
        (download(elas_date="20151332"), "FILE-DATE"),
    ],
    ids=["unknown code", "before birth", "no date"],
)
def test_section_8_bad_english_learner_data_has_its_own_message_and_writes_nothing(
    valley: District, line: str, code: str
) -> None:
    student = valley.add("100", ssid="9012345678", el=EL_2015, home_language="vie")
    before = record(student)

    report = update("ela", [line])

    assert code in codes(report)
    assert not any("is overwritten" in issue["message"] for issue in report["issues"] if issue["field"] != "language")
    assert (report["changes"], record(student)) == ([], before)


def test_section_8_an_unknown_language_leaves_the_status_free(valley: District) -> None:
    student = valley.add("100", ssid="9012345678", home_language="vie")

    report = update("ela", [download(language="Klingon")])

    assert codes(report, severity="error") == ["ELA-LANG-CODE"]
    after = record(student)
    assert (after["home_language"], after["el"]["program_status"], report["import_count"]) == ("vie", "EL", 1)


def test_section_8_the_reclassification_date_goes_to_the_exit_date_where_asked(valley: District) -> None:
    student = valley.add("100", ssid="9012345678", el=EL_2015)
    update("ela", [download(elas="RFEP", elas_date="20220601")], rfep_date="exit")
    after = record(student)["el"]
    assert (after["identified_date"], after["exit_date"]) == ("2015-09-01", "2022-06-01")


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        (download(elas_date=""), "IVR0164"),
        (download(language="eng"), "SELA0280"),
        (download(elas="TBD", elas_date="20160901"), "SELA0281"),
        (download(elas_date="20150902"), "SELA0283"),
        (download(elas="RFEP", elas_date="20150901"), "SELA0285"),
        (download(elas="IFEP", elas_date="20160901"), "SELA0255"),
        (download(grade="AD"), "SELA0301"),
    ],
)
def test_section_8_what_the_state_would_question_is_a_warning(valley: District, line: str, rule: str) -> None:
    valley.add("100", ssid="9012345678", el=EL_2015)
    report = try_file("ela", [line])
    hints = [issue["message"] for issue in report["issues"] if issue["code"] == "ELA-HINT"]
    assert any(rule in hint for hint in hints)
    assert codes(report, severity="error") == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (sela(elas_date="20200701"), ["ELA-HINT"]),
        (sela(elas="IFEP", elas_date="20230901"), ["ELA-HINT"]),
        (sela(elas_date="20200630"), []),
        (sela(elas="RFEP", elas_date="20230901"), []),
        (sela(elas_date="20230901", reason="2"), []),
        (sela(kind="SELA-R", elas_date="20230901", more="^20240901^20240902"), []),
        (download(elas_date="20230901"), []),
    ],
    ids=["EL", "IFEP", "the day before", "RFEP", "correction with a reason", "state extract", "download file"],
)
def test_sela0520_questions_el_and_ifep_that_a_district_sends_since_july_2020(
    valley: District, line: str, expected: list[str]
) -> None:
    valley.add("100", ssid="9012345678")
    assert codes(try_file("ela", [line])) == expected


# -- State values beside local ones ------------------------------------------------------------------------------------


def test_a_line_that_says_what_is_on_record_is_unchanged_without_state_values(valley: District) -> None:
    valley.add("100", ssid="9012345678", el=EL_2015, home_language="spa")
    report = try_file("ela", [download()])
    assert (report["unchanged_count"], report["changes"]) == (1, [])


def test_state_values_are_noted_with_the_record_they_create(valley: District) -> None:
    student = valley.add("100", ssid="9012345678")
    update("ela", [download(language="01")])
    after = record(student)["el"]
    assert (after["state_elas"], after["state_elas_date"], after["state_language"]) == ("EL", "2015-09-01", "spa")


def test_state_values_on_record_follow_the_state(valley: District) -> None:
    noted = {**EL_2015, "state_elas": "IFEP", "state_elas_date": dt.date(2014, 9, 1), "state_language": "vie"}
    student = valley.add("100", ssid="9012345678", el=noted, home_language="spa")

    update("ela", [download()])

    after = record(student)["el"]
    assert (after["state_elas"], after["state_elas_date"], after["state_language"]) == ("EL", "2015-09-01", "spa")


def test_the_ssid_download_notes_state_values_too(valley: District) -> None:
    student = valley.add("100", el=EL_2015)
    update("ssid-download", [download(elas="RFEP", elas_date="20220601")])
    assert record(student)["el"]["state_elas"] == "RFEP"


# -- Test, Update, Revert ----------------------------------------------------------------------------------------------


def test_update_changes_what_the_test_said_and_a_second_one_changes_nothing(valley: District) -> None:
    valley.add("100", ssid="9012345678", el=EL_2015)
    valley.add("200", last_name="Kim")
    lines = [download(elas="RFEP", elas_date="20220601"), download("200", ssid="", last="Kim"), download("999")]

    tested, updated = try_file("ela", lines), update("ela", lines)
    again = update("ela", lines)

    assert (tested["import_count"], tested["planned_count"]) == (0, 2)
    assert updated["changes"] == tested["changes"]
    assert (updated["import_count"], updated["refused_count"], updated["record_count"]) == (2, 1, 3)
    assert (again["import_count"], again["unchanged_count"], again["refused_count"]) == (0, 2, 1)


def test_revert_restores_every_value(valley: District) -> None:
    one, two = valley.add("100", ssid="9012345678", el=EL_2015, home_language="vie"), valley.add("200")
    before = [record(one), record(two)]

    report = update("ela", [download(elas="RFEP", elas_date="20220601"), download("200", ssid="")])
    revert(report["run"])

    assert [record(one), record(two)] == before


def test_a_student_of_another_school_is_not_found(valley: District) -> None:
    valley.add("100", ssid="9012345678")
    report = try_file("ela", [download()], schools=[valley.school.pk + 1])
    assert (codes(report, severity="error"), report["changes"]) == (["STU-NOTFOUND"], [])
