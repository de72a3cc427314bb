"""SSID download file: what it does to English learner data (section 8 of the SSID rules), and that its parts are independent."""

from datetime import date
from typing import Any

import pytest

from students.models import ELRecord, ProgramStatus, Student
from tests.files.samples import line
from tests.imports.journey import District, give_el, give_ssid
from tests.ssid.downloads import download, update

SINCE = date(2015, 9, 1)  # the date in `line()`
EARLIER, LATER = date(2014, 9, 1), date(2016, 9, 1)


def el_of(student: Student) -> dict[str, Any]:
    """Status and those dates that are not blank."""
    record = ELRecord.objects.get(student=student)
    dates = {name: getattr(record, f"{name}_date") for name in ("identified", "tbd", "exit")}
    return {"status": record.program_status} | {name: day for name, day in dates.items() if day}


def hints(report: Any) -> list[str]:
    """Numbers of the state's checks that were hinted at."""
    return [i["message"].rpartition("(")[2].partition(")")[0] for i in report.issues if i["code"] == "ELA-HINT"]


# ---- the overwrite table ----

TABLE = [
    ("EL", {"status": "EL", "identified": SINCE}),
    ("IFEP", {"status": "Not EL", "identified": SINCE}),
    ("RFEP", {"status": "Exited EL", "identified": SINCE}),
    ("TBD", {"status": "Pending", "tbd": SINCE}),
    ("TVD", {"status": "Pending", "tbd": SINCE}),
    ("EO", {"status": "EO", "identified": SINCE}),
]


def test_section_8_a_record_is_created_from_code_and_date(district: District) -> None:
    students = [district.student(local_number=str(n)) for n in range(len(TABLE))]
    update(*(line(local_number=str(n), ssid=f"901234567{n}", elas=code) for n, (code, _expected) in enumerate(TABLE)))
    assert [el_of(student) for student in students] == [expected for _code, expected in TABLE]


@pytest.mark.parametrize("before", list(ProgramStatus))
def test_section_8_a_record_is_overwritten(district: District, before: ProgramStatus) -> None:
    students = [district.student(local_number=str(n)) for n in range(len(TABLE))]
    for student in students:
        give_el(student, before)
    update(*(line(local_number=str(n), ssid=f"901234567{n}", elas=code) for n, (code, _expected) in enumerate(TABLE)))
    assert [el_of(student) for student in students] == [expected for _code, expected in TABLE]


def test_section_8_tbd_leaves_the_identified_date_alone(district: District) -> None:
    student = district.student()
    give_el(student, "EO", identified_date=EARLIER)
    update(line(elas="TBD"))
    assert el_of(student) == {"status": "Pending", "identified": EARLIER, "tbd": SINCE}


def test_section_8_the_tbd_date_stays_when_the_status_is_known(district: District) -> None:
    student = district.student()
    give_el(student, "Pending", tbd_date=EARLIER)
    update(line(elas="EL"))
    assert el_of(student) == {"status": "EL", "identified": SINCE, "tbd": EARLIER}


def test_section_8_eo_may_have_no_date(district: District) -> None:
    student = district.student()
    report = update(line(elas="EO", elas_date="", language="eng"))
    assert hints(report) == []
    assert el_of(student) == {"status": "EO"}


def test_section_8_a_blank_date_keeps_the_one_on_record(district: District) -> None:
    student = district.student()
    give_el(student, "EL", identified_date=EARLIER)
    update(line(elas="IFEP", elas_date=""))
    assert el_of(student) == {"status": "Not EL", "identified": EARLIER}


def test_section_8_a_date_without_code_changes_nothing(district: District) -> None:
    student = district.student()
    give_el(student, "EL", identified_date=EARLIER)
    report = update(line(elas=""))
    assert el_of(student) == {"status": "EL", "identified": EARLIER}
    assert "ELA-MISSING" not in report.codes()


def test_section_8_the_language_continues_without_a_code(district: District) -> None:
    student = district.student(home_language="eng")
    update(line(elas="", elas_date=""))
    student.refresh_from_db()
    assert student.home_language == "spa"


def test_section_8_no_record_is_made_without_a_code(district: District) -> None:
    student = district.student()
    update(line(elas=""))
    assert not ELRecord.objects.filter(student=student).exists()


@pytest.mark.parametrize("code", ["FEP", "LEP"])
def test_section_8_a_legacy_code_is_a_warning_and_writes_no_status(district: District, code: str) -> None:
    student = district.student()
    give_el(student, "EL", identified_date=EARLIER)
    report = update(line(elas=code))
    assert report.issue("ELA-LEGACY")["severity"] == "warning"
    assert el_of(student) == {"status": "EL", "identified": EARLIER}


@pytest.mark.parametrize("code", ["XX", "ADEL", "E L", "RFEPS", "1"])
def test_section_8_any_other_code_is_an_error_of_the_el_part(district: District, code: str) -> None:
    student = district.student()
    report = update(line(elas=code))
    assert report.issue("ELA-CODE")["severity"] == "error"
    assert not ELRecord.objects.filter(student=student).exists()
    assert student.ssids.get().ssid == "9012345678"
    assert report.counts == {"imported": 1}


def test_section_8_tvd_is_read_as_tbd_with_a_notice(district: District) -> None:
    district.student()
    assert download(line(elas="TVD")).issue("ELA-TVD")["severity"] == "notice"


def test_section_8_codes_in_small_letters_are_codes(district: District) -> None:
    student = district.student()
    update(line(elas="el"))
    assert el_of(student)["status"] == "EL"


def test_section_8_an_rfep_date_may_go_to_the_exit_date(district: District) -> None:
    student = district.student()
    give_el(student, "EL", identified_date=EARLIER)
    update(line(elas="RFEP"), options={"rfep_date": "exit"})
    assert el_of(student) == {"status": "Exited EL", "identified": EARLIER, "exit": SINCE}


def test_section_8_an_rfep_date_that_goes_to_the_exit_date_is_compared_with_it(district: District) -> None:
    student = district.student()
    give_el(student, "Exited EL", identified_date=EARLIER, exit_date=LATER)
    issue = download(line(elas="RFEP"), options={"rfep_date": "exit"}).issue("ELA-DATE")
    assert (issue["found"], issue["expected"]) == ("2015-09-01", "2016-09-01")


# ---- language ----


@pytest.mark.parametrize(
    ("on_record", "in_file"),
    [("spa", "01"), ("01", "spa"), ("eng", "00"), ("zho", "chi"), ("spa", "SPA"), ("und", "UU"), ("UU", "und")],
)
def test_section_8_two_codes_of_one_language_are_not_a_mismatch(
    district: District, on_record: str, in_file: str
) -> None:
    student = district.student(home_language=on_record)
    report = update(line(language=in_file, elas="", elas_date=""))
    student.refresh_from_db()
    assert report.codes() == []
    assert student.home_language == on_record


def test_section_8_a_language_is_stored_with_three_letters(district: District) -> None:
    student = district.student(home_language="eng")
    update(line(language="02"))
    student.refresh_from_db()
    assert student.home_language == "vie"


def test_section_8_a_blank_language_changes_nothing(district: District) -> None:
    student = district.student()
    update(line(language=""))
    student.refresh_from_db()
    assert student.home_language == "spa"


@pytest.mark.parametrize("language", ["Klingon", "xqx", "9", "spanish; castilian"])
def test_section_8_an_unknown_language_is_reported_and_not_written(district: District, language: str) -> None:
    student = district.student()
    report = update(line(language=language))
    student.refresh_from_db()
    assert report.codes() == ["ELA-LANG-CODE"]
    assert (student.home_language, student.el.program_status) == ("spa", "EL")


# ---- warnings ----


@pytest.mark.parametrize("on_record", [s for s in ProgramStatus if s != "EL"])
def test_w_ela_1_a_differing_status_is_a_warning_with_both_values(district: District, on_record: ProgramStatus) -> None:
    give_el(district.student(), on_record)
    issue = download(line()).issue("ELA-STATUS")
    assert (issue["severity"], issue["found"], issue["expected"]) == ("warning", "EL", on_record.value)


@pytest.mark.parametrize(
    ("code", "on_record"),
    [("EL", "EL"), ("IFEP", "Not EL"), ("RFEP", "Exited EL"), ("TBD", "Pending"), ("TVD", "Pending"), ("EO", "EO")],
)
def test_w_ela_1_statuses_are_compared_after_the_mapping(district: District, code: str, on_record: str) -> None:
    give_el(district.student(), on_record)
    assert "ELA-STATUS" not in download(line(elas=code)).codes()


def test_w_ela_2_a_differing_date_is_a_warning_with_both_values(district: District) -> None:
    give_el(district.student(), "EL", identified_date=EARLIER)
    issue = download(line()).issue("ELA-DATE")
    assert (issue["severity"], issue["found"], issue["expected"]) == ("warning", "2015-09-01", "2014-09-01")


def test_w_ela_2_a_tbd_date_is_compared_with_the_tbd_date(district: District) -> None:
    give_el(district.student(), "Pending", identified_date=SINCE, tbd_date=EARLIER)
    assert download(line(elas="TBD")).issue("ELA-DATE")["expected"] == "2014-09-01"


def test_w_ela_2_an_equal_date_is_not_a_warning(district: District) -> None:
    give_el(district.student(), "EL", identified_date=SINCE)
    assert download(line()).codes() == []


def test_w_ela_3_a_differing_language_is_a_warning_with_both_values(district: District) -> None:
    district.student(home_language="vie")
    issue = download(line()).issue("ELA-LANG")
    assert (issue["severity"], issue["found"], issue["expected"]) == ("warning", "spa", "vie")


def test_w_ela_3_a_language_where_none_is_on_record_is_filled_in_silently(district: District) -> None:
    student = district.student(home_language="")
    assert update(line()).codes() == []
    student.refresh_from_db()
    assert student.home_language == "spa"


def test_w_ela_4_el_data_that_the_file_does_not_have_is_a_warning_and_stays(district: District) -> None:
    student = district.student()
    give_el(student, "EL", identified_date=EARLIER)
    report = update(line(elas="", elas_date=""))
    assert report.issue("ELA-MISSING")["severity"] == "warning"
    assert el_of(student) == {"status": "EL", "identified": EARLIER}


def test_w_ela_4_is_not_reported_for_a_student_without_el_data(district: District) -> None:
    district.student()
    assert download(line(elas="", elas_date="")).codes() == []


def test_w2_warnings_do_not_keep_the_line_out(district: District) -> None:
    student = district.student(home_language="vie")
    give_el(student, "EO", identified_date=EARLIER)
    report = update(line())
    assert set(report.codes()) >= {"ELA-STATUS", "ELA-DATE", "ELA-LANG"}
    assert report.counts == {"imported": 1}
    assert el_of(student) == {"status": "EL", "identified": SINCE}


# ---- plausibility hints ----


@pytest.mark.parametrize("code", ["EL", "IFEP", "RFEP", "TBD"])
def test_ivr0164_a_date_is_required_unless_eo(district: District, code: str) -> None:
    district.student()
    assert hints(download(line(elas=code, elas_date=""))) == ["IVR0164"]


@pytest.mark.parametrize("language", ["eng", "ENG", "00", "ase", "37", "sgn"])
def test_sela0280_english_or_sign_language_goes_only_with_eo(district: District, language: str) -> None:
    district.student(home_language="")
    assert hints(download(line(language=language))) == ["SELA0280"]


def test_sela0280_is_not_reported_for_eo(district: District) -> None:
    district.student(home_language="")
    assert hints(download(line(elas="EO", language="eng"))) == []


@pytest.mark.parametrize(("on_record", "said"), [("EL", True), ("Not EL", True), ("Exited EL", True), ("EO", False)])
def test_sela0281_tbd_is_only_a_first_status_or_follows_eo(district: District, on_record: str, said: bool) -> None:
    give_el(district.student(), on_record)
    assert ("SELA0281" in hints(download(line(elas="TBD")))) is said


def test_sela0283_the_same_status_keeps_its_date(district: District) -> None:
    give_el(district.student(), "EL", identified_date=EARLIER)
    assert hints(download(line())) == ["SELA0283"]


@pytest.mark.parametrize(("day", "said"), [("20150901", True), ("20150902", False)])
def test_sela0285_a_new_status_needs_a_later_date(district: District, day: str, said: bool) -> None:
    give_el(district.student(), "EL", identified_date=SINCE)
    assert hints(download(line(elas="RFEP", elas_date=day))) == (["SELA0285"] if said else [])


def test_sela0285_a_status_older_than_the_record_has_a_code_of_its_own(district: District) -> None:
    give_el(district.student(), "EL", identified_date=SINCE)
    report = download(line(elas="RFEP", elas_date="20140101"))
    assert (hints(report), report.issue("ELA-OLDER")["severity"]) == ([], "warning")


@pytest.mark.parametrize(
    ("on_record", "code", "said"),
    [
        ("Pending", "EL", False),
        ("Pending", "IFEP", False),
        ("Pending", "EO", False),
        ("Pending", "RFEP", True),
        ("EL", "RFEP", False),
        ("EL", "IFEP", True),
        ("EL", "EO", True),
        ("Exited EL", "EL", True),
        ("Not EL", "EL", True),
        ("EO", "EL", True),
    ],
)
def test_sela0255_a_change_follows_the_usual_path(district: District, on_record: str, code: str, said: bool) -> None:
    give_el(district.student(), on_record)
    assert ("SELA0255" in hints(download(line(elas=code)))) is said


@pytest.mark.parametrize("grade", ["IN", "TD", "PS", "AD"])
def test_sela0301_these_grades_carry_no_status(district: District, grade: str) -> None:
    district.student(grade=grade)
    assert hints(download(line(grade=grade))) == ["SELA0301"]


@pytest.mark.parametrize("grade", ["TK", "KN", "01", "12"])
def test_sela0301_is_not_reported_for_school_grades(district: District, grade: str) -> None:
    district.student(grade=grade)
    assert hints(download(line(grade=grade))) == []


def test_hints_are_warnings(district: District) -> None:
    student = district.student()
    report = update(line(elas_date=""))
    assert report.issue("ELA-HINT")["severity"] == "warning"
    assert el_of(student) == {"status": "EL"}


def test_a_date_that_cannot_be_read_is_not_called_missing_as_well(district: District) -> None:
    district.student()
    report = download(line(elas_date="20150231"))
    assert report.codes() == ["FILE-DATE"]


# ---- W-10, W-11: independent parts ----


def test_w10_an_ssid_that_cannot_be_written_leaves_the_el_part_free(district: District) -> None:
    student = district.student()
    give_ssid(student, "9012345600")
    report = update(line())
    assert report.codes() == ["SSID-CONFLICT"]
    assert el_of(student) == {"status": "EL", "identified": SINCE}
    assert report.counts == {"imported": 1}


@pytest.mark.parametrize("ssid", ["", "12345", "9.0E+09", "100234"])
def test_w11_a_malformed_ssid_leaves_the_el_part_free(district: District, ssid: str) -> None:
    student = district.student()
    report = update(line(ssid=ssid))
    assert report.codes() == ["SSID-FORMAT"]
    assert el_of(student)["status"] == "EL"


def test_w11_an_ssid_that_no_column_could_hold_leaves_the_el_part_free(district: District) -> None:
    student = district.student()
    report = update(line(ssid="9" * 5_000))
    assert "FILE-LENGTH" in report.codes()
    assert el_of(student)["status"] == "EL"


def test_w11_a_taken_ssid_leaves_the_el_part_free(district: District) -> None:
    student = district.student()
    give_ssid(district.another(), "9012345678")
    update(line())
    assert el_of(student)["status"] == "EL"


@pytest.mark.parametrize("change", [{"elas": "XX"}, {"elas_date": "20150231"}])
def test_w10_an_error_of_the_el_part_leaves_the_ssid_free(district: District, change: dict[str, str]) -> None:
    student = district.student()
    report = update(line(**change))
    assert report.run.error_count == 1
    assert student.ssids.get().ssid == "9012345678"
    assert not ELRecord.objects.filter(student=student).exists()


@pytest.mark.parametrize(
    "change", [{"last_name": "Gómez"}, {"birth_date": "20090215"}, {"gender": "F"}, {"local_number": "100999"}]
)
def test_w11_a_line_of_uncertain_owner_is_refused_whole(district: District, change: dict[str, str]) -> None:
    student = district.student(home_language="eng")
    report = update(line(**change))
    student.refresh_from_db()
    assert report.counts == {"refused": 1}
    assert not student.ssids.exists()
    assert not ELRecord.objects.filter(student=student).exists()
    assert student.home_language == "eng"


def test_w11_a_line_of_uncertain_owner_is_not_asked_about_its_parts(district: District) -> None:
    give_el(district.student(home_language="vie"), "EO")
    assert download(line(last_name="Gómez")).codes() == ["DEMO-MISMATCH"]


def test_w10_both_parts_with_errors_refuse_the_line(district: District) -> None:
    district.student()
    report = update(line(ssid="1", elas="XX", language=""))
    assert report.counts == {"refused": 1}
    assert report.changes == []


def test_w10_errors_beside_an_unchanged_part_refuse_the_line(district: District) -> None:
    student = district.student()
    give_ssid(student, "9012345600")
    give_el(student, "EL", identified_date=SINCE)
    assert update(line()).counts == {"refused": 1}
