"""Import type SSID list: a school's filled-in list is read back (rules M-1, M-5, M-8, ID-3 to ID-5)."""

import csv
import datetime as dt
import io
from collections.abc import Sequence
from pathlib import Path

import pytest
from openpyxl import load_workbook

from sisimport.imports.runs import conversions, uploads
from ssid.collection.school_lists import COLUMNS, write_list
from students.models import SSID, School, Student
from students.services import report_ssid
from tests.imports.base_suite import ImportTypeSuite
from tests.imports.evaluating import report_of
from tests.imports.journey import Report, Work, give_ssid, make_district
from tests.ssid.journey import District as Valley
from tests.ssid.journey import district

pytestmark = pytest.mark.django_db

NUMBER, OTHER = "9012345678", "9012345679"
HEADER = "LEA,School,Local Student Number,Last Name,First Name,Birth Date,SSID"


@pytest.fixture
def valley(db: None) -> Valley:
    return district()


def line(
    ssid: str = NUMBER, number: str = "100", last: str = "Lee", first: str = "Sam", born: str = "2011-03-04"
) -> str:
    return f"1234567,0123456,{number},{last},{first},{born},{ssid}"


def read(*lines: str, header: str = HEADER, work: Work = Work.TEST, **more: object) -> Report:
    return report_of("ssid-list", "\n".join([header, *lines]) + "\n", work, name="list.csv", **more)  # type: ignore[arg-type]


def ssids(student: Student) -> list[tuple[str, str, bool]]:
    return list(SSID.objects.filter(student=student).values_list("ssid", "origin", "verified"))


class TestListJourney(ImportTypeSuite):
    import_type = "ssid-list"

    def arrange(self) -> None:
        made = make_district()
        students = [
            made.student(local_number=str(n), last_name=f"Name{n}", first_name="Sam", middle_name="") for n in range(6)
        ]
        give_ssid(students[2], "9012345672", verified=True)
        give_ssid(students[3], "9012345600")
        give_ssid(students[5], "9012345675", verified=False)

    def content(self) -> str:
        rows = [
            f"1234567,0123456,{n},Name{n},Sam,2009-02-14,{ssid}"
            for n, ssid in [(0, "9012345670"), (2, "9012345672"), (3, "9012345673"), (4, ""), (5, "9012345675")]
        ]
        return "\n".join([HEADER, *rows, "1234567,0123456,,Name1,Sam,2009-02-14,9012345671", "1,,77,,,,12"]) + "\n"


def test_m5_the_ssid_of_a_filled_in_line_is_given_with_its_origin(valley: Valley) -> None:
    sam = valley.add("100")

    report = read(line(), work=Work.UPDATE)

    assert (report.run.layout, report.counts, report.issues) == ("ssid-list", {"imported": 1}, [])
    assert ssids(sam) == [(NUMBER, "school_list", True)]
    assert SSID.objects.get().origin_line == 2


def test_m8_a_list_that_students_filled_in_stays_unverified(valley: Valley) -> None:
    sam = valley.add("100")
    read(line(), work=Work.UPDATE, options={"verified": ""})
    assert ssids(sam) == [(NUMBER, "school_list", False)]


def test_m5_a_blank_line_is_skipped(valley: Valley) -> None:
    valley.add("100")
    report = read(line(ssid=""))
    assert (report.codes(), report.counts) == (["LIST-BLANK"], {"skipped": 1})


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("12345", "too short"),
        ("90123456789", "too long"),
        ("901234567O", "not digits"),
        ("9.01235E+09", "spreadsheet"),
        ("100234", "local number"),
        ("0000100234", "local number"),
    ],
    ids=["short", "long", "letter O", "spreadsheet", "local number", "local number with zeros"],
)
def test_m1_mistyped_short_and_local_numbers_are_refused_with_their_cause(
    valley: Valley, typed: str, words: str
) -> None:
    valley.add("100234")

    report = read(line(typed, number="100234"))

    assert (report.codes(), report.counts) == (["SSID-FORMAT"], {"refused": 1})
    assert words in report.issue("SSID-FORMAT")["message"]


def test_id4_the_local_number_is_known_even_if_the_list_leaves_it_out(valley: Valley) -> None:
    valley.add("1234567890")
    report = read("Lee,Sam,2011-03-04,1234567890", header="Last Name,First Name,Birth Date,SSID")
    assert report.codes() == ["SSID-FORMAT"]


@pytest.mark.parametrize(
    "typed", ["901-234-5678", "901 234 5678", "'9012345678"], ids=["hyphens", "groups", "apostrophe"]
)
def test_m1_a_number_written_in_groups_is_read(valley: Valley, typed: str) -> None:
    sam = valley.add("100")
    read(line(typed), work=Work.UPDATE)
    assert ssids(sam) == [(NUMBER, "school_list", True)]


def test_m5_name_and_birth_date_find_the_student_in_any_column_order(valley: Valley) -> None:
    jose = valley.add("7", last_name="García-López", first_name="José")
    valley.add("8", last_name="Garcia", first_name="Jose")

    read(f"{NUMBER},3/4/2011,JOSE,Garcia Lopez Jr.", header="ssid,DOB,first name,Last Name", work=Work.UPDATE)

    assert ssids(jose) == [(NUMBER, "school_list", True)]


@pytest.mark.parametrize("number", ["100", ""], ids=["by number", "by name"])
@pytest.mark.parametrize("first", ["Ruby", "Rubén"], ids=["everyday", "legal"])
def test_m5_the_everyday_name_says_who_it_is_as_well_as_the_legal_one(valley: Valley, first: str, number: str) -> None:
    ruby = valley.add("100", first_name="Ruby", legal_first_name="Rubén")

    report = read(line(number=number, first=first), work=Work.UPDATE)

    assert (report.issues, ssids(ruby)) == ([], [(NUMBER, "school_list", True)])


@pytest.mark.parametrize(("first", "code"), [("Rubi", "DEMO-MISMATCH"), ("RUBY", "DEMO-NEAR"), ("RUBEN", "DEMO-NEAR")])
def test_m5_a_name_that_is_neither_is_compared_with_the_nearer_one(valley: Valley, first: str, code: str) -> None:
    valley.add("100", first_name="Ruby", legal_first_name="Rubén")
    assert read(line(first=first)).codes() == [code]


def test_m5_two_students_of_one_name_and_birth_date_are_not_guessed(valley: Valley) -> None:
    valley.add("1")
    valley.add("2")
    assert read(line(number="")).codes() == ["LIST-ALIKE"]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"number": "999"}, "STU-NOTFOUND"),
        ({"number": "", "last": "Nobody"}, "LIST-NOTFOUND"),
        ({"number": "", "last": ""}, "LIST-WHO"),
        ({"last": "Somebody"}, "DEMO-MISMATCH"),
        ({"born": "2012-03-04"}, "DEMO-MISMATCH"),
    ],
    ids=["unknown number", "unknown name", "nobody named", "another name", "another birth date"],
)
def test_m5_a_line_that_may_be_somebody_elses_is_refused(valley: Valley, given: dict[str, str], code: str) -> None:
    valley.add("100")
    report = read(line(**given))
    assert (report.codes(), report.counts) == ([code], {"refused": 1})


def test_m5_a_name_spelled_a_little_differently_is_only_noticed(valley: Valley) -> None:
    valley.add("100", last_name="O'Neil")
    report = read(line(last="Oneil"))
    assert (report.codes(), report.run.planned_count) == (["DEMO-NEAR"], 1)


def test_id5_the_ssid_of_another_student_is_refused(valley: Valley) -> None:
    valley.add("100")
    valley.add("200", ssid=NUMBER)
    assert read(line()).codes() == ["SSID-TAKEN"]


def test_id5_one_ssid_for_two_students_is_refused_for_both(valley: Valley) -> None:
    valley.add("100")
    valley.add("200", last_name="Diaz", first_name="Eva")
    report = read(line(), line(number="200", last="Diaz", first="Eva"))
    assert (report.codes(), report.counts) == (["DUP-DIFFERS"] * 2, {"refused": 2})


def test_m5_two_ssids_for_one_student_are_refused_and_a_blank_one_does_not_count(valley: Valley) -> None:
    valley.add("100")
    assert read(line(), line(OTHER)).codes() == ["DUP-DIFFERS"] * 2
    assert read(line(), line("")).codes() == ["LIST-BLANK"]


def test_d9_an_ssid_on_record_is_never_overwritten(valley: Valley) -> None:
    sam = valley.add("100", ssid=OTHER)
    report = read(line(), work=Work.UPDATE)
    assert (report.codes(), [s[0] for s in ssids(sam)]) == (["SSID-CONFLICT"], [OTHER])


def test_m8_the_school_confirms_a_number_that_was_not_verified(valley: Valley) -> None:
    sam = valley.add("100")
    give_ssid(sam, NUMBER, origin="roster", verified=False)

    report = read(line(), work=Work.UPDATE)

    assert report.codes() == ["LIST-CONFIRMED"]
    assert ssids(sam) == [(NUMBER, "roster", True)]


def test_m8_the_schools_number_counts_where_the_family_gave_another(valley: Valley) -> None:
    sam = valley.add("100")
    report_ssid(student=sam, ssid=OTHER, user=None)

    report = read(line(), work=Work.UPDATE)

    assert report.codes() == ["LIST-TOLD"]
    assert ssids(sam) == [(NUMBER, "school_list", True)]


def test_a_run_for_one_school_finds_no_student_of_another(valley: Valley) -> None:
    sam = valley.add("100")
    for number in ("100", ""):
        report = read(line(number=number), schools=[valley.school.pk + 1])
        assert report.codes() in (["STU-NOTFOUND"], ["LIST-NOTFOUND"])
    assert ssids(sam) == []


def test_a_list_without_ssid_column_is_rejected(valley: Valley) -> None:
    valley.add("100")
    report = read("Lee,Sam,2011-03-04", header="Last Name,First Name,Birth Date")
    assert report.run.status == "rejected"


def test_the_list_we_write_is_the_list_we_read(valley: Valley, tmp_path: Path) -> None:
    sam = valley.add("100", last_name="=Lee", suffix="Jr.", birth_date=dt.date(2011, 3, 4))
    path = tmp_path / "list.csv"
    write_list(valley.school, path)
    filled_in = path.read_text(encoding="utf-8-sig").rstrip() + NUMBER + "\n"

    report = report_of("ssid-list", filled_in, Work.UPDATE)

    assert ssids(sam) == [(NUMBER, "school_list", True)], report.issues


# Spreadsheets take the first of these for formulas; the others begin with an apostrophe of their own (the Hawaiian ʻokina).
ODD_NAMES = ["=1+1", "+Kai", "-Ana", "@Home", "'Iolani", "''Aiea", "'-Ana", "O'Neil"]


@pytest.fixture
def odd_school(valley: Valley) -> School:
    """Students without SSID: one with each of the odd names, one with a legal name, one with a suffix."""
    for at, name in enumerate(ODD_NAMES):
        born = dt.date(2011, 3, 4 + at)
        valley.add(f"-{at}", last_name=name, first_name=name, middle_name=name, birth_date=born)
    valley.add("90", last_name="Diaz", first_name="Ruby", legal_last_name="Díaz Ruiz", legal_first_name="Rubén")
    valley.add("91", last_name="Hill", suffix="Jr.")
    return valley.school


def filled_in(rows: list[list[str]]) -> str:
    """The list with a number in every line; the state gives them by chance (a column filled down is refused)."""
    stream = io.StringIO()
    csv.writer(stream).writerows(
        [rows[0], *([*row[:-1], f"{9012345678 + 7919 * at}"] for at, row in enumerate(rows[1:]))]
    )
    return stream.getvalue()


def exported(school: School, path: Path, columns: Sequence[str] = COLUMNS) -> list[list[str]]:
    write_list(school, path, columns)
    if path.suffix == ".csv":
        return list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))
    sheet = load_workbook(path).active
    return [["" if value is None else str(value) for value in row] for row in sheet.values]


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
@pytest.mark.parametrize("columns", [COLUMNS, ("Last Name", "First Name", "Birth Date", "SSID")], ids=["all", "names"])
def test_every_line_of_the_list_we_write_finds_its_student_exactly(
    odd_school: School, tmp_path: Path, kind: str, columns: Sequence[str]
) -> None:
    rows = exported(odd_school, tmp_path / f"list.{kind}", columns)

    report = report_of("ssid-list", filled_in(rows), Work.UPDATE)

    assert (report.issues, report.counts) == ([], {"imported": len(ODD_NAMES) + 2})
    assert not Student.objects.filter(ssids__isnull=True).exists()


def test_an_apostrophe_that_a_spreadsheet_drops_from_before_a_formula_is_not_missed(
    odd_school: School, tmp_path: Path
) -> None:
    Student.objects.filter(last_name__startswith="'").delete()
    rows = exported(odd_school, tmp_path / "list.csv")

    report = report_of("ssid-list", filled_in([[cell.lstrip("'") for cell in row] for row in rows]), Work.UPDATE)

    assert (report.issues, report.counts) == ([], {"imported": len(rows) - 1})


def test_the_workbook_we_write_comes_back_through_the_safe_conversion(valley: Valley, tmp_path: Path) -> None:
    sam = valley.add("0100")
    path = tmp_path / "list.xlsx"
    write_list(valley.school, path)
    book = load_workbook(path)
    book.active.cell(row=2, column=len(COLUMNS), value="0012345678")
    book.save(path)
    with path.open("rb") as stream:
        uploaded = uploads.keep_file(stream=stream, name="list.xlsx", user=None)

    converted, _what = conversions.convert_workbook(file=uploaded, user=None)
    with converted.file.open("rb") as stream:
        report = report_of("ssid-list", stream.read(), Work.UPDATE)

    assert ssids(sam) == [("0012345678", "school_list", True)], report.issues
