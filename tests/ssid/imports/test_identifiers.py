"""Codes and numbers as spreadsheets leave them (rule ID-9), in every import type that finds students by local number."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from sisimport.files.numbers import SSID_FIELDS
from sisimport.files.values import BlockTraits, column_reader
from sisimport.imports.definition import registry
from sisimport.imports.models import Work
from sisimport.imports.runs.decisions import ACCEPT, MATCH, REFUSE, Decision, decide
from students.models import LEA, School, Student
from students.models.districts import StateProfile
from tests.imports.evaluating import report_of
from tests.imports.journey import LEA_CODE, District, Report, drop_temporary_tables, give_ssid, make_district, run_file
from tests.roster.test_roster import csv
from tests.ssid import request_files
from tests.ssid.imports.test_ela_rules import sela

pytestmark = pytest.mark.django_db

LEA_WITH_ZERO, SCHOOL_WITH_ZERO = "0161119", "0130229"
SSID = "9001040001"
Line = dict[str, str]
ADA: Line = {
    "lea": LEA_CODE,
    "school": "0123456",
    "local_number": "000451",
    "last_name": "Reyes",
    "first_name": "Ada",
    "birth_date": "2015-01-02",
    "ssid": SSID,
}


@pytest.fixture
def district(db: None) -> District:
    return make_district()


@pytest.fixture
def ada(district: District) -> Student:
    return add(district)


def add(district: District, number: str = "000451", **values: Any) -> Student:
    person = {"last_name": "Reyes", "first_name": "Ada", "middle_name": "", "birth_date": dt.date(2015, 1, 2)}
    return district.student(local_number=number, **{**person, "gender": "F", "grade": "05", **values})


# ---- one line of each type ----


def roster_file(*lines: Line) -> str:
    return csv(*({**line, "gender": "F", "grade": "05", "enrollment_start": "2024-08-12"} for line in lines))


def list_file(*lines: Line) -> str:
    names = ("lea", "school", "local_number", "last_name", "first_name", "birth_date", "ssid")
    rows = [",".join(line[name] for name in names) for line in lines]
    return "\n".join(["LEA,School,Local Student Number,Last Name,First Name,Birth Date,SSID", *rows, ""])


def day(line: Line) -> str:
    return line["birth_date"].replace("-", "")


def download_file(*lines: Line) -> str:
    return "".join(
        f"{x['lea']}^{x['school']}^{x['ssid']}^{x['local_number']}^{x['last_name']}^{x['first_name']}^^F^{day(x)}"
        "^20240812^05^EO^^eng^20190801\n"
        for x in lines
    )


def sela_file(*lines: Line) -> str:
    rows = []
    for x in lines:
        cells = sela("1", elas="EO", elas_date="", language="eng").split("^")
        at = {"lea": 3, "school": 4, "ssid": 6, "first_name": 7, "last_name": 8, "local_number": 11}
        for name, place in at.items():
            cells[place] = x[name]
        cells[9], cells[10] = day(x), "F"
        rows.append("^".join(cells) + "\n")
    return "".join(rows)


def request_file(*lines: Line) -> str:
    rows = [
        request_files.line(x["local_number"], pick="x", last=x["last_name"], first=x["first_name"], ssid=x["ssid"],
                           gender="F", born=day(x)).replace("1234567,0123456", f"{x['lea']},{x['school']}", 1)
        for x in lines
    ]  # fmt: skip
    return "\n".join([request_files.HEADER, *rows, ""])


FILES: dict[str, Callable[..., str]] = {
    "students": roster_file,
    "ssid-download": download_file,
    "ssid-list": list_file,
    "ela": sela_file,
    "ssid-request": request_file,
}
every_type = pytest.mark.parametrize("kind", FILES)


def run_of(kind: str, *lines: Line, **more: Any) -> Report:
    return report_of(kind, FILES[kind](*lines), **more)


def is_taken(report: Report) -> bool:
    return report.run.refused_count == 0 and report.run.planned_count + report.run.unchanged_count > 0


# ---- local numbers ----


@every_type
@pytest.mark.combinations
@pytest.mark.parametrize("written", ["451", "'000451", '"=""000451"""', "451.0", "\u200b451", "000451\u00a0"])
def test_id9_a_number_without_its_zeros_or_with_marks_is_the_student_whose_name_and_birth_date_agree(
    ada: Student, kind: str, written: str
) -> None:
    report = run_of(kind, ADA | {"local_number": written})

    assert is_taken(report), report.issues
    assert {issue["severity"] for issue in report.issues} <= {"notice", "warning"}
    assert {change["student"] for change in report.changes} <= {"000451"}
    if written.strip("\u200b\u00a0") != "000451":
        assert report.issue("NUMBER-READ")["expected"] == "000451"


@every_type
def test_id9_all_digits_of_a_number_in_scientific_notation_are_read(district: District, kind: str) -> None:
    add(district, "1000451")

    assert is_taken(run_of(kind, ADA | {"local_number": "1.000451E+06"}))
    assert not is_taken(run_of(kind, ADA | {"local_number": "1.00045E+06"}))


@every_type
def test_id9_numbers_that_differ_by_zeros_only_are_two_people(district: District, kind: str) -> None:
    add(district, "713")
    add(district, "000713", first_name="Bea", birth_date=dt.date(2014, 5, 6))

    assert "NUMBER-READ" not in run_of(kind, ADA | {"local_number": "713"}).codes()
    near = run_of(kind, ADA | {"local_number": "0713"})
    assert near.run.refused_count == 1
    assert not near.changes
    assert any("000713 and 713" in issue["message"] for issue in near.issues) or "STU-ALIKE" in near.codes()


@every_type
def test_id9_a_number_but_for_zeros_of_somebody_else_is_near_and_not_taken(ada: Student, kind: str) -> None:
    other = ADA | {"local_number": "451", "last_name": "Okafor", "first_name": "Uma", "birth_date": "2013-09-10"}
    report = run_of(kind, other)

    assert (report.run.refused_count, report.changes) == (1, [])
    assert any("000451" in issue["message"] for issue in report.issues)


@every_type
def test_id9_a_student_of_another_school_is_neither_taken_nor_named(
    ada: Student, district: District, kind: str
) -> None:
    report = run_of(kind, ADA | {"local_number": "451"}, schools=[district.other_school.pk])

    assert not report.changes
    assert not any("000451" in issue["message"] for issue in report.issues)


def test_id9_a_twin_with_nearly_the_same_number_is_not_an_update_of_the_other(ada: Student) -> None:
    report = run_of("students", ADA | {"local_number": "451", "first_name": "Bea"})

    assert report.codes() == ["NUMBER-NEAR"]
    assert not report.changes


def test_id9_the_option_for_new_students_creates_whoever_has_a_number_but_for_zeros(ada: Student) -> None:
    other = ADA | {"local_number": "451", "last_name": "Okafor", "first_name": "Uma", "birth_date": "2013-09-10"}
    run_of("students", other, work=Work.UPDATE, options={"new_students": "yes"})

    assert Student.objects.get(local_number="451").last_name == "Okafor"


def test_id9_no_student_is_made_with_marks_in_the_number(district: District) -> None:
    report = run_of("students", ADA | {"local_number": "'109009"}, work=Work.UPDATE)

    assert list(Student.objects.values_list("local_number", flat=True)) == ["109009"]
    assert report.run.import_count == 1
    lost = run_of("students", ADA | {"local_number": "1.0901E+09"}, work=Work.UPDATE)
    assert lost.run.refused_count == 1
    assert Student.objects.count() == 1


def test_id9_marks_do_not_make_two_lines_of_a_new_student_two_students(district: District) -> None:
    report = run_of("students", ADA | {"local_number": "'109009"}, ADA | {"local_number": "109009"})

    assert report.json["planned_count"] == 1 or "DUP-SAME" in report.codes()
    run_of("students", ADA | {"local_number": "'109009"}, ADA | {"local_number": "109009"}, work=Work.UPDATE)
    assert Student.objects.count() == 1


def test_id9_an_exact_number_with_marks_on_record_comes_first(district: District) -> None:
    marked = add(district, "'451")
    add(district, "451", first_name="Bea")
    report = run_of("ssid-download", ADA | {"local_number": "'451"})

    assert report.written("SSID") == {"ssid": SSID} or {c["student"] for c in report.changes} == {marked.local_number}


def test_id9_who_was_decided_on_the_desk_is_not_read_otherwise(ada: Student, district: District) -> None:
    other = add(district, "777", last_name="Okafor")
    line = ADA | {"local_number": "451", "birth_date": "2015-01-03", "first_name": "Adah"}
    run = run_file("ssid-download", download_file(line)).run
    decision = Decision(line=1, subject=MATCH, answer=ACCEPT, student_id=other.pk)
    run = decide(run_id=run.pk, decisions=[decision], user=None, schools=None)
    drop_temporary_tables()

    assert {change["student"] for change in Report(run).changes} == {"777"}


def test_id9_a_roster_line_refused_on_the_desk_is_a_new_student(ada: Student) -> None:
    run = run_file("students", roster_file(ADA | {"local_number": "451", "first_name": "Bea"})).run
    decision = Decision(line=2, subject=MATCH, answer=REFUSE)
    run = decide(run_id=run.pk, decisions=[decision], user=None, schools=None)
    drop_temporary_tables()
    report = Report(run)

    assert report.run.refused_count == 0, report.issues
    assert report.run.planned_count == 1
    assert {change["student"] for change in report.changes} == {"451"}


def test_id9_marks_make_no_student_even_where_the_desk_refused_the_match(ada: Student) -> None:
    line = ADA | {"local_number": "'000451", "first_name": "Bea", "birth_date": "2014-01-02"}
    run = run_file("students", roster_file(line)).run
    decision = Decision(line=2, subject=MATCH, answer=REFUSE)
    run = decide(run_id=run.pk, decisions=[decision], user=None, schools=None)
    drop_temporary_tables()

    assert Report(run).codes() == ["NUMBER-NEAR"]
    assert run.refused_count == 1


def test_id9_a_replacement_finds_the_student_by_number_where_an_ssid_agrees(ada: Student) -> None:
    give_ssid(ada, SSID)
    agreeing = report_of("ssid-replacement", f"{LEA_CODE}^0123456^451^{SSID}^9001040002\n")
    nobody = report_of("ssid-replacement", f"{LEA_CODE}^0123456^451^9001040008^9001040009\n")

    assert agreeing.codes() == ["NUMBER-READ"]
    assert nobody.issue("STU-NOTFOUND")["message"].count("000451") == 1


# ---- SSIDs ----


@every_type
@pytest.mark.combinations
@pytest.mark.parametrize(
    "written",
    [
        *(f"'{SSID}", f'"=""{SSID}"""', f"{SSID}.0", "9.001040001E+09", f"\u200b{SSID}"),
        *("90010 40001", "9001-040-001", '"9,001,040,001"'),
    ],
)
def test_id9_an_ssid_is_read_without_marks_with_one_notice_for_the_file(ada: Student, kind: str, written: str) -> None:
    report = run_of(kind, ADA | {"ssid": written})

    assert is_taken(report), report.issues
    assert "SSID-FORMAT" not in report.codes()
    if kind != "ela":
        assert any(change["after"] == SSID for change in report.changes)
    if "\u200b" not in written:
        assert [i["line"] for i in report.issues if i["code"] == "FILE-MARKS"] == [0]


def test_id9_every_layout_reads_an_ssid_in_groups_and_says_so() -> None:
    columns = [(x, x.fields[name]) for x in registry.known_layouts() for name in SSID_FIELDS & set(x.fields)]

    assert len(columns) > 20
    for layout, column in columns:
        values, found = column_reader(layout, column).read(["90010 40001", SSID], BlockTraits(False, False))

        assert list(values) == [SSID, SSID], layout.key
        assert [(at, problem.code) for at, problem in found] == [(0, "FILE-MARKS")], layout.key


@every_type
def test_id4_an_ssid_that_lost_digits_stays_an_error(ada: Student, kind: str) -> None:
    report = run_of(kind, ADA | {"ssid": "9.00104E+09"})

    assert not any(change["field"] == "ssid" for change in report.changes)


# ---- codes ----


@pytest.fixture
def alameda(district: District) -> School:
    """A district and a school whose codes begin with zero, beside the usual one."""
    lea = LEA.objects.create(code=LEA_WITH_ZERO)
    school = School.objects.create(lea=lea, code=SCHOOL_WITH_ZERO)
    student = add(district, lea=lea, school=school)
    assert student.lea == lea
    return school


@every_type
@pytest.mark.parametrize(
    ("lea", "school"),
    [
        ("161119", "130229"),
        ("0161119", "130229"),
        ("161119", "0130229"),
        ("'161119", "'0130229"),
        ("161119.0", "130229.0"),
        ("01-61119", "01-61119-0130229"),
        ("01611190000000", "1611190130229"),
    ],
)
@pytest.mark.combinations
def test_id9_codes_get_their_zeros_back_with_one_notice(alameda: School, kind: str, lea: str, school: str) -> None:
    report = run_of(kind, *[ADA | {"lea": lea, "school": school}] * 2)

    assert not {"NEW-LEA", "NEW-SCHOOL", "ENR-LEA", "ENR-SCHOOL", "ENR-OTHER", "CODE-SHORT"} & set(report.codes())
    assert {change["student"] for change in report.changes} <= {"000451"}
    assert report.run.refused_count == 0, report.issues
    notices = [issue for issue in report.issues if issue["code"] in {"CODE-ZEROS", "FILE-MARKS"}]
    assert notices
    assert all(issue["line"] == 0 for issue in notices)
    if (lea, school) == ("161119", "130229"):
        assert [issue["field"] for issue in notices] == ["lea", "school"]
        assert all("2 lines" in issue["message"] for issue in notices)


@every_type
def test_id9_a_short_code_of_no_school_on_record_is_an_error_and_makes_none(alameda: School, kind: str) -> None:
    before = (LEA.objects.count(), School.objects.count())
    report = run_of(kind, ADA | {"lea": LEA_WITH_ZERO, "school": "130228"}, work=Work.UPDATE)

    assert set(report.codes()) <= {"CODE-SHORT", "SSID-OTHER"}
    assert report.issue("CODE-SHORT")["field"] == "school"
    assert report.run.refused_count == 1
    assert (LEA.objects.count(), School.objects.count()) == before


@every_type
def test_id9_a_short_code_of_no_district_on_record_is_an_error_and_makes_none(alameda: School, kind: str) -> None:
    good = ADA | {"lea": LEA_WITH_ZERO, "school": SCHOOL_WITH_ZERO}
    report = run_of(kind, good, ADA | {"lea": "61118", "local_number": "9"}, work=Work.UPDATE)

    assert report.issue("CODE-SHORT")["field"] == "lea"
    assert not LEA.objects.filter(code__endswith="61118").exists()


def test_id9_short_codes_of_a_utah_district_stay(db: None) -> None:
    lea = LEA.objects.create(code="41", state=StateProfile.UTAH)
    School.objects.create(lea=lea, code="0128")
    known = run_of("students", ADA | {"lea": "41", "school": "0128", "ssid": ""})
    new = run_of("students", ADA | {"lea": "41", "school": "130", "ssid": ""})
    unknown = run_of("students", ADA | {"lea": "42", "school": "0128", "ssid": ""})

    assert known.codes() == []
    assert new.codes() == ["NEW-SCHOOL"]
    assert unknown.codes() == ["CODE-SHORT"]


def test_id9_the_students_missing_from_a_file_are_those_of_the_school_that_is_meant(alameda: School) -> None:
    lea = alameda.lea
    Student.objects.create(
        lea=lea, school=alameda, local_number="5", last_name="Ng", first_name="Bo", birth_date=dt.date(2015, 1, 1)
    )
    report = run_of("ssid-download", ADA | {"lea": "161119", "school": "130229"})

    assert (
        report.json["facts"]["absent_count"] == 1 if "facts" in report.json else report.run.facts["absent_count"] == 1
    )
