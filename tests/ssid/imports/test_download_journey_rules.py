"""SSID download file: how files are read and what Test and Update do (rules F-1 to F-10, W-1 to W-9, section 14)."""

import io
import zipfile
from datetime import date
from types import SimpleNamespace

import pytest

from sisimport.files.issues import Severity, codes
from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.definition.registry import get_type
from sisimport.imports.engine import planning
from sisimport.imports.models import ImportRun, RunStatus, Work
from sisimport.imports.models.absent import absent_students
from sisimport.imports.runs import execution, services, uploads
from sisimport.imports.runs.uploads import RunRefusedError
from students.models import Student
from tests.files.samples import DOWNLOAD_HEADER, line
from tests.imports.evaluating import report_of
from tests.imports.journey import District, Report, give_el, give_ssid, run_file, snapshot
from tests.ssid.downloads import download, update

ANA = {
    "ssid": "9012345679",
    "local_number": "100235",
    "last_name": "O'Neil",
    "first_name": "Ana",
    "middle_name": "",
    "gender": "F",
    "birth_date": "20120630",
    "grade": "07",
    "elas": "EO",
    "elas_date": "",
    "language": "eng",
}


def rejected(report: Report, code: str) -> None:
    """The whole file was refused for this one reason, in words, and nothing was counted."""
    assert report.run.status == RunStatus.REJECTED
    assert [i["code"] for i in report.issues] == [code]
    assert report.run.message
    assert (report.run.record_count, report.run.error_count) == (0, 1)


# ---- files ----


@pytest.mark.parametrize("name", ["ssid.txt", "ssid.csv", "ssid", "SSID.TXT"])
def test_f1_f2_text_and_csv_files_are_accepted(district: District, name: str) -> None:
    district.student()
    assert report_of("ssid-download", line(), name=name).counts == {"imported": 1}


def test_f3_a_caret_file_without_header_is_read(district: District) -> None:
    district.student()
    report = download(line())
    assert (report.run.record_count, report.run.facts["delimiter"], report.run.facts["header"]) == (1, "^", False)


@pytest.mark.parametrize("delimiter", [",", "\t", "|"])
def test_f4_another_delimiter_is_found_and_reported(district: District, delimiter: str) -> None:
    district.student()
    report = download(line().replace("^", delimiter))
    assert report.run.facts["delimiter"] == delimiter
    assert report.issue("FILE-DELIMITER")["severity"] == "notice"
    assert report.counts == {"imported": 1}


def test_f4_a_header_line_is_skipped_and_reported(district: District) -> None:
    district.student()
    report = download(DOWNLOAD_HEADER, line())
    assert report.issue("FILE-HEADER")["severity"] == "notice"
    assert (report.run.record_count, report.counts) == (1, {"imported": 1})


def test_f5_a_byte_order_mark_is_accepted_with_a_notice(district: District) -> None:
    district.student()
    report = report_of("ssid-download", b"\xef\xbb\xbf" + line().encode())
    assert report.issue("FILE-BOM")["severity"] == "notice"
    assert report.counts == {"imported": 1}


def test_f5_windows_1252_is_read_with_a_notice(district: District) -> None:
    student = district.student(last_name="Muñoz")
    report = report_of("ssid-download", line(last_name="Muñoz").encode("cp1252"), Work.UPDATE)
    assert report.issue("FILE-ENCODING")["severity"] == "notice"
    assert student.ssids.exists()
    assert "García" not in str(report.json)


@pytest.mark.parametrize("written", ["2009-02-14", "2/14/2009", "02/14/2009"])
def test_f6_dates_as_a_spreadsheet_leaves_them_are_read_with_a_notice(district: District, written: str) -> None:
    district.student()
    report = download(line(birth_date=written))
    assert report.issue("FILE-DATE-FORM")["severity"] == "notice"
    assert report.counts == {"imported": 1}


@pytest.mark.parametrize("written", ["20090230", "2009021", "03.04.2009", "unknown", "00000000"])
def test_f6_a_date_that_does_not_exist_is_an_error(district: District, written: str) -> None:
    district.student()
    report = download(line(birth_date=written))
    issue = report.issue("FILE-DATE")
    assert (issue["severity"], issue["field"], issue["found"]) == ("error", "birth_date", written)
    assert report.counts == {"refused": 1}


def test_f7_an_excel_file_is_refused_in_words(district: District) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as book:
        book.writestr("[Content_Types].xml", "<Types/>")
        book.writestr("xl/workbook.xml", "<workbook/>")
    report = report_of("ssid-download", stream.getvalue(), name="ssid.txt")
    rejected(report, "FILE-TYPE")
    assert "Excel" in report.run.message or "spreadsheet" in report.run.message


def test_f8_a_line_of_the_wrong_width_is_said_to_be_that_and_nothing_else(district: District) -> None:
    district.student()
    report = download(line(), line(gender="Q", birth_date="x") + "^one^more")
    assert report.codes(2) == ["FILE-COLUMNS"]
    assert report.counts == {"imported": 1, "refused": 1}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"last_name": "A" * 51}, "FILE-LENGTH"),
        ({"first_name": "A" * 31}, "FILE-LENGTH"),
        ({"middle_name": "A" * 31}, "FILE-LENGTH"),
        ({"local_number": "1" * 17}, "FILE-LENGTH"),
        ({"school": "12345678"}, "FILE-LENGTH"),
        ({"birth_date": "x"}, "FILE-DATE"),
        ({"gender": "Q"}, "FILE-CODE"),
        ({"gender": ""}, "FILE-REQUIRED"),
        ({"last_name": ""}, "FILE-REQUIRED"),
        ({"first_name": ""}, "FILE-REQUIRED"),
        ({"birth_date": ""}, "FILE-REQUIRED"),
        ({"local_number": ""}, "FILE-REQUIRED"),
    ],
)
def test_f8_what_says_whose_record_it_is_must_be_well_formed(
    district: District, change: dict[str, str], code: str
) -> None:
    district.student()
    district.another()
    report = download(line(**change), line(**ANA))
    assert report.codes(1) == [code]
    assert report.issue(code)["severity"] == "error"
    assert report.counts == {"imported": 1, "refused": 1}


@pytest.mark.parametrize(("field", "value"), [("grade", "13"), ("school", "")])
def test_f8_what_is_not_imported_is_only_warned_of(district: District, field: str, value: str) -> None:
    district.student()
    report = download(line(**{field: value}))
    assert {i["severity"] for i in report.issues} == {"warning"}
    assert report.counts == {"imported": 1}


@pytest.mark.parametrize("field", ["enrollment_start", "ssid_created"])
def test_f8_columns_that_nothing_is_done_with_are_not_judged(district: District, field: str) -> None:
    district.student()
    assert download(line(**{field: "20141399"})).codes() == []


def test_f9_blank_lines_are_skipped_and_line_numbers_are_those_of_the_file(district: District) -> None:
    report = download("", line(), "", "   ", line(local_number="5", ssid="9012345679"), "")
    assert [i["line"] for i in report.issues if i["code"] == "STU-NOTFOUND"] == [2, 5]
    assert report.run.record_count == 2
    assert report.issue("FILE-BLANK-LINES")["severity"] == "notice"


def test_f10_fourteen_columns_are_refused_with_the_hint_of_the_middle_name(district: District) -> None:
    district.student()
    narrow = "^".join(value for n, value in enumerate(line().split("^")) if n != 6)
    report = download(narrow, narrow)
    rejected(report, "FILE-COLUMNS")
    assert "middle name" in report.run.message


@pytest.mark.parametrize("width", [5, 13, 16, 18])
def test_f10_other_widths_are_refused(district: District, width: int) -> None:
    text = "^".join((line() + "^x^y^z").split("^")[:width])
    report = download(text, text)
    assert report.run.status == RunStatus.REJECTED
    assert report.run.record_count == 0


@pytest.mark.parametrize("content", [b"", b"\n\n\n", b"\xef\xbb\xbf", b"  \r\n"])
def test_an_empty_file_is_refused(district: District, content: bytes) -> None:
    rejected(report_of("ssid-download", content), "FILE-EMPTY")


def test_a_file_of_another_district_is_refused(district: District) -> None:
    district.student()
    report = download(line(lea="7654321", local_number="1"), line(lea="7654321", local_number="2"))
    rejected(report, "FILE-LEA")
    assert "7654321" in report.run.message


def test_a_rejected_file_cannot_be_updated(district: District) -> None:
    test = run_file("ssid-download", b"")
    with pytest.raises(RunRefusedError, match="completed Test"):
        services.start_update(test_run=test.run, user=None, enqueue=False)


# ---- Test and Update ----


def test_w1_the_screen_offers_test_first_and_update() -> None:
    assert get_type("ssid-download").works == (Work.TEST, Work.UPDATE)


def test_w2_a_test_changes_nothing_and_says_what_would_be_overwritten(district: District) -> None:
    student = district.student(home_language="vie")
    give_el(student, "EL", identified_date=date(2014, 9, 1))
    before = snapshot()
    report = run_file("ssid-download", line())
    assert snapshot() == before
    assert set(report.codes()) == {"ELA-DATE", "ELA-LANG", "ELA-HINT"}


def test_w3_an_update_without_a_test_is_refused(district: District) -> None:
    file = uploads.keep_file(stream=io.BytesIO(line().encode()), name="a.txt", user=None)
    with pytest.raises(RunRefusedError, match="no completed Test"):
        services.start_run(
            file=file, import_type="ssid-download", work=Work.UPDATE, options={}, user=None, schools=None
        )


def test_w3_the_test_of_another_file_does_not_count(district: District) -> None:
    district.student()
    run_file("ssid-download", line())
    file = uploads.keep_file(stream=io.BytesIO(line(grade="11").encode()), name="file.txt", user=None)
    with pytest.raises(RunRefusedError):
        services.start_run(
            file=file, import_type="ssid-download", work=Work.UPDATE, options={}, user=None, schools=None
        )


def test_w3_the_test_with_other_options_does_not_count(district: District) -> None:
    district.student()
    test = run_file("ssid-download", line())
    assert test.run.file is not None
    with pytest.raises(RunRefusedError):
        services.start_run(
            file=test.run.file,
            import_type="ssid-download",
            work=Work.UPDATE,
            options={"rfep_date": "exit"},
            user=None,
            schools=None,
        )


def test_w3_an_update_finds_the_test_of_the_same_content_under_another_name(district: District) -> None:
    district.student()
    test = run_file("ssid-download", line(), name="monday.txt")
    file = uploads.keep_file(stream=io.BytesIO(line().encode()), name="tuesday.txt", user=None)
    run = services.start_run(
        file=file, import_type="ssid-download", work=Work.UPDATE, options={}, user=None, schools=None, enqueue=False
    )
    assert run.test_run_id == test.run.pk


def test_w4_an_update_prints_the_report_of_its_test(district: District) -> None:
    district.student(home_language="vie")
    test = run_file("ssid-download", f"{line()}\n{line(local_number='9')}\n")
    done = update(line(), line(local_number="9"), test_run=test.run)
    assert done.issues == test.issues
    assert done.changes == test.changes


def test_w5_the_report_has_head_and_detail(district: District) -> None:
    district.student()
    report = report_of("ssid-download", f"{line()}\n{line(local_number='9')}\n", name="March.txt")
    assert report.json["file_name"] == "March.txt"
    assert (report.json["record_count"], report.json["import_count"], report.json["error_count"]) == (2, 0, 2)
    issue = report.issue("STU-NOTFOUND")
    assert (issue["line"], issue["data"]) == (2, line(local_number="9"))
    assert "9" in issue["message"]


def test_w6_the_import_count_of_a_test_is_zero_and_says_what_would_be_imported(district: District) -> None:
    district.student()
    report = download(line())
    assert (report.json["import_count"], report.json["planned_count"]) == (0, 1)


def test_w6_the_import_count_of_an_update_is_what_was_imported(district: District) -> None:
    district.student()
    assert update(line()).json["import_count"] == 1


def test_w7_already_present_is_not_an_error_and_cannot_overwrite_is_one(district: District) -> None:
    give_ssid(district.student(), "9012345678")
    give_ssid(district.another(), "9012345600")
    report = download(line(), line(**ANA))
    assert (report.codes(1), report.codes(2)) == (["SSID-PRESENT"], ["SSID-CONFLICT"])
    assert report.json["error_count"] == 1


def test_w8_one_line_may_have_several_messages(district: District) -> None:
    student = district.student(home_language="vie")
    give_ssid(student, "9012345678")
    give_el(student, "EO")
    assert set(download(line()).codes(1)) >= {"SSID-PRESENT", "ELA-STATUS", "ELA-LANG"}


def test_w9_the_data_line_keeps_its_delimiters(district: District) -> None:
    text = line(local_number="9", middle_name="", elas="", elas_date="", language="")
    assert download(text).issue("STU-NOTFOUND")["data"] == text


# ---- counts ----


def test_counts_add_up_with_every_outcome(district: District) -> None:
    give_ssid(district.another(), "9012345679")
    give_el(district.another(local_number="100236"), "EL")
    district.student()
    report = update(
        line(),
        line(**ANA | {"elas": "", "elas_date": ""}),
        line(local_number="9", ssid="9012345670"),
        "only^four^columns^here",
        line(),
    )
    assert report.counts == {"imported": 1, "unchanged": 2, "refused": 2}
    assert sum(report.run.outcome_counts.values()) == report.run.record_count == 5


# ---- section 14 ----

SEVERITIES = {
    "SSID-PRESENT": Severity.NOTICE,
    "SSID-CONFLICT": Severity.ERROR,
    "SSID-TAKEN": Severity.ERROR,
    "SSID-FORMAT": Severity.ERROR,
    "STU-NOTFOUND": Severity.ERROR,
    "STU-AMBIGUOUS": Severity.ERROR,
    "DEMO-MISMATCH": Severity.ERROR,
    "DEMO-NEAR": Severity.ERROR,
    "ELA-STATUS": Severity.WARNING,
    "ELA-DATE": Severity.WARNING,
    "ELA-LANG": Severity.WARNING,
    "ELA-MISSING": Severity.WARNING,
    "ELA-LEGACY": Severity.WARNING,
    "ELA-CODE": Severity.ERROR,
    "ELA-HINT": Severity.WARNING,
}


@pytest.mark.parametrize(("code", "severity"), SEVERITIES.items())
def test_section_14_each_message_has_its_severity(db: None, code: str, severity: Severity) -> None:
    from sisimport.imports.definition.import_type import RunContext
    from sisimport.imports.definition.progress import Progress

    kind = get_type("ssid-download")
    context = RunContext(run=ImportRun(options={}), import_type=kind, progress=Progress(0))
    assert {rule.severity for rule in kind.rules(context) if rule.code == code} == {severity}


def test_section_14_every_message_of_the_rules_is_worded(db: None) -> None:
    from sisimport.imports.definition.import_type import RunContext
    from sisimport.imports.definition.progress import Progress

    kind = get_type("ssid-download")
    context = RunContext(run=ImportRun(options={"replace_retired": "1"}), import_type=kind, progress=Progress(0))
    rules = kind.rules(context)
    assert all(rule.number for rule in rules)
    assert all(codes.get(rule.code).title and codes.get(rule.code).fix for rule in rules)


# ---- the list of those who are not in the file ----


def listed(run: ImportRun) -> list[tuple[int, bool]]:
    """Students the file does not name, and whether they had EL data."""
    found = absent_students(run.pk, Student.objects.order_by("pk"))
    return [(student.pk, getattr(student, "has_el", False)) for student in found]


def test_students_who_are_not_in_the_file_are_listed_with_those_who_have_el_data_marked(district: District) -> None:
    district.student()
    absent = district.another()
    give_el(absent, "EL")
    district.another(local_number="100236", school=district.other_school)
    report = run_file("ssid-download", line())
    assert listed(report.run) == [(absent.pk, True)]
    assert report.run.facts["absent_count"] == 1


def test_students_who_left_are_not_expected_in_the_file(district: District) -> None:
    district.student()
    district.another().enrollments.update(exit_date=date(2025, 1, 10))
    assert listed(run_file("ssid-download", line()).run) == []


# ---- schools ----


def test_a_run_of_one_school_neither_touches_nor_names_a_student_of_another(district: District) -> None:
    elsewhere = district.another(school=district.other_school)
    district.student()
    report = update(line(), line(**ANA), schools=[district.school.pk])
    assert report.codes(2) == ["STU-NOTFOUND"]
    assert not elsewhere.ssids.exists()
    assert "O'Neil" not in report.issue("STU-NOTFOUND")["message"]
    assert report.counts == {"imported": 1, "refused": 1}


def test_w3_a_test_for_all_schools_is_not_applied_for_one(district: District) -> None:
    student = district.another(school=district.other_school)
    test = run_file("ssid-download", line(**ANA))
    assert test.run.file is not None
    for named in (None, test.run):
        with pytest.raises(RunRefusedError, match="no completed Test"):
            services.start_run(
                file=test.run.file,
                import_type="ssid-download",
                work=Work.UPDATE,
                options={},
                user=None,
                schools=[district.school.pk],
                test_run=named,
            )
    assert not student.ssids.exists()


def test_lines_in_which_nothing_would_change_are_not_planned_again(
    district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a file that was imported before, only what is new costs planning."""
    idle: list[int] = []

    def plan(context: RunContext) -> None:
        idle.append(context.idle_rows)
        planning.plan(context)

    monkeypatch.setattr(execution, "planning", SimpleNamespace(**(vars(planning) | {"plan": plan})))
    district.student()
    district.student(local_number="100235")
    update(line(elas="", elas_date=""))

    report = download(line(elas="", elas_date=""), line(ssid="9012345679", local_number="100235"))

    assert idle == [0, 1]
    assert report.counts == {"imported": 1, "unchanged": 1}
