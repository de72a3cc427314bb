"""The reader: from a recognized file to clean values and the problems of each line (rules F-5 to F-10)."""

import pytest

from sisimport.files.issues import FileError, Severity
from tests.files.samples import ALL_LAYOUTS, DOWNLOAD, ROSTER, THREE, line, lines, read


def test_values_come_in_the_order_of_the_fields_asked_for() -> None:
    result = read(THREE, fields=["birth_date", "ssid", "middle_name"])

    assert result.rows[1] == (2, ("2009-02-14", "9012345679", None), ())


def test_values_are_trimmed_and_blank_ones_are_none() -> None:
    result = read(line(last_name="  De La Cruz ", middle_name="   ", grade=" 10 "))

    assert result.column("last_name") == ["De La Cruz"]
    assert result.column("middle_name") == [None]
    assert result.column("grade") == ["10"]


def test_names_are_stored_in_normal_form_c() -> None:
    result = read(line(last_name="Lo\u0301pez", first_name="Zoë\u00a0"))

    assert result.values[0]["last_name"] == "López"
    assert result.values[0]["first_name"] == "Zoë"


def test_control_characters_never_reach_a_value() -> None:
    result = read(line(last_name="Van\x02Dam", first_name="\x1bAna"))

    assert result.values[0]["last_name"] == "Van Dam"
    assert result.values[0]["first_name"] == "Ana"


def test_d6_the_text_of_a_damaged_ssid_is_kept() -> None:
    result = read(lines({"ssid": "9.01235E+09"}, {"ssid": "12345"}, {"ssid": ""}))

    assert result.column("ssid") == ["9.01235E+09", "12345", None]
    assert result.problems == []


@pytest.mark.parametrize(("written", "read_as"), [("m", "M"), ("X", "X"), (" f ", "F")])
def test_gender_codes_are_read_in_any_case(written: str, read_as: str) -> None:
    assert read(line(gender=written)).column("gender") == [read_as]


@pytest.mark.parametrize(("written", "read_as"), [("7", "07"), ("07", "07"), ("tk", "TK"), ("10", "10")])
def test_grades_get_back_the_zero_a_spreadsheet_took(written: str, read_as: str) -> None:
    result = read(line(grade=written))

    assert result.column("grade") == [read_as]
    assert result.problems == []


def test_unknown_elas_codes_are_not_the_readers_business() -> None:
    result = read(lines({"elas": "FEP"}, {"elas": "tvd"}, {"elas": "QQQQQQ"}))

    assert result.column("elas") == ["FEP", "TVD", "QQQQQQ"]
    assert result.problems == []


def problem_of(**changes: str) -> tuple[str, str, str | None, str]:
    """Code, severity, field and found of the one problem of a line."""
    (problem,) = read(line(**changes)).problems
    return problem.code, problem.severity.label, problem.field, problem.found


def test_an_unknown_gender_is_an_error() -> None:
    assert problem_of(gender="Q") == ("FILE-CODE", "error", "gender", "Q")


def test_an_unknown_grade_is_a_warning() -> None:
    assert problem_of(grade="13") == ("FILE-CODE", "warning", "grade", "13")


def test_a_missing_required_value_is_an_error() -> None:
    assert problem_of(local_number="") == ("FILE-REQUIRED", "error", "local_number", "")


def test_a_date_of_a_column_nobody_imports_is_a_warning() -> None:
    assert problem_of(ssid_created="20150231") == ("FILE-DATE", "warning", "ssid_created", "20150231")


@pytest.mark.parametrize(
    "wrong", ["20110230", "20111301", "2011", "20110101x", "0", "18991231", "2.01E+07", "٢٠١١٠١٠١"]
)
def test_an_impossible_birth_date_is_an_error_and_no_value(wrong: str) -> None:
    result = read(line(birth_date=wrong))

    assert result.column("birth_date") == [None]
    assert [(p.code, p.severity, p.found) for p in result.problems] == [("FILE-DATE", Severity.ERROR, wrong)]


def test_f8_a_value_over_a_published_length_is_an_error() -> None:
    result = read(line(last_name="L" * 51))

    (problem,) = result.problems
    assert (problem.code, problem.severity, problem.field) == ("FILE-LENGTH", Severity.ERROR, "last_name")
    assert "51 characters" in str(problem)


def test_a_value_over_an_unpublished_length_is_a_warning_and_kept() -> None:
    layout = next(layout for layout in ALL_LAYOUTS if layout.key == "utah-ssid-response")
    name = "L" * 101

    result = read(f"1,7,2005,{name},Eva,,,2/3/1999,F,,01,101,555,R,Match,\n", layout)

    assert result.column("last_name") == [name]
    assert [(p.code, p.severity) for p in result.problems] == [("FILE-LENGTH", Severity.WARNING)]


def test_a_value_no_column_could_hold_is_cut_off_from_the_record() -> None:
    result = read(line(ssid="9" * 5000))

    assert result.column("ssid") == [None]
    assert [(p.code, p.severity, len(p.found) < 200) for p in result.problems] == [
        ("FILE-LENGTH", Severity.ERROR, True)
    ]


def test_f8_problems_of_a_line_come_in_the_order_of_the_states_checks() -> None:
    result = read(line(gender="Q", birth_date="20110230", last_name="L" * 51, first_name=""))

    assert [p.code for p in result.problems] == ["FILE-LENGTH", "FILE-DATE", "FILE-CODE", "FILE-REQUIRED"]


def test_a_problem_of_one_line_leaves_the_others_alone() -> None:
    result = read(lines({}, {"birth_date": "x"}, {}))

    assert [bool(row[2]) for row in result.rows] == [False, True, False]
    assert result.reader.record_count == 3


def test_f10_a_line_with_a_column_too_many_is_an_error_of_that_line() -> None:
    result = read(line() + "\n" + line().replace("Luis", "Luis^X") + "\n" + line())

    assert [row[0] for row in result.rows] == [1, 2, 3]
    (problem,) = result.rows[1][2]
    assert (problem.code, problem.found, problem.expected) == ("FILE-COLUMNS", "16", "15")
    assert result.rows[1][1] == ()
    assert result.rows[0][2] == result.rows[2][2] == ()


def test_f10_a_line_without_middle_name_column_says_so() -> None:
    result = read(line() + "\n" + line().replace("Luis^", "") + "\n")

    assert "the middle name column is missing" in str(result.problems[0])


def test_a_separator_at_the_end_of_lines_is_left_out_with_one_notice() -> None:
    result = read(THREE.replace("\n", "^\n"))

    assert result.values == read(THREE).values
    assert result.codes == ["FILE-TRAILING"]


@pytest.mark.parametrize("separator", [",", "\t", "|", ";"])
def test_f4_another_separator_reads_the_same(separator: str) -> None:
    assert read(THREE.replace("^", separator)).values == read(THREE).values


@pytest.mark.parametrize("end", ["\r\n", "\r"], ids=["CRLF", "CR"])
def test_other_line_ends_read_the_same(end: str) -> None:
    result = read(THREE.replace("\n", end))

    assert result.values == read(THREE).values
    assert [row[0] for row in result.rows] == [1, 2, 3]


def test_the_last_line_needs_no_end() -> None:
    assert read(THREE.rstrip("\n")).values == read(THREE).values


def test_f9_blank_lines_are_skipped_and_counted_and_numbers_stay_those_of_the_file() -> None:
    first, second, third = THREE.splitlines()

    result = read(f"\n{first}\n\n   \n{second}\n^^^^^^^^^^^^^^\n{third}\n\n")

    assert [row[0] for row in result.rows] == [2, 5, 7]
    assert [str(notice) for notice in result.reader.notices] == ["Blank lines skipped: 5, the first is line 1."]


def test_a_line_of_nothing_but_separators_and_spaces_is_blank() -> None:
    result = read(THREE + " ^" * 14 + "\n" + THREE)

    assert [row[0] for row in result.rows] == [1, 2, 3, 5, 6, 7]


def test_a_line_of_nothing_but_quotes_and_separators_is_blank() -> None:
    empty = ",".join(['""'] * 15)

    result = read(f"{THREE.replace('^', ',')}{empty}\n")

    assert len(result.rows) == 3
    assert result.codes == ["FILE-DELIMITER", "FILE-BLANK-LINES"]


def test_a_million_blank_lines_are_passed_over() -> None:
    result = read("\n" * 1_200_000 + line() + "\n")

    assert [row[0] for row in result.rows] == [1_200_001]
    assert result.reader.line_count == 1_200_001


def test_f4_a_header_line_is_skipped_and_numbers_stay_physical() -> None:
    header = "^".join(column.name for column in DOWNLOAD.columns)

    result = read(f"{header}\n{THREE}")

    assert [row[0] for row in result.rows] == [2, 3, 4]
    assert result.values == read(THREE).values


def test_a_file_with_only_a_header_is_refused() -> None:
    with pytest.raises(FileError) as refused:
        read(",".join(ROSTER.fields) + "\n", ROSTER)

    assert refused.value.code == "FILE-EMPTY"


def test_record_and_line_counts() -> None:
    reader = read("\n" + THREE).reader

    assert (reader.record_count, reader.line_count) == (3, 4)


@pytest.mark.parametrize(
    ("written", "iso"),
    [
        ("2009-02-14", "2009-02-14"),
        ("2/14/2009", "2009-02-14"),
        ("02/04/2009", "2009-02-04"),
        ("14/02/2009", "2009-02-14"),
        ("2-14-2009", "2009-02-14"),
        ("2009/02/14", "2009-02-14"),
        ("2009-02-14 00:00:00", "2009-02-14"),
    ],
)
def test_f6_dates_of_spreadsheets_are_read_with_a_notice(written: str, iso: str) -> None:
    result = read(line(enrollment_start=written))

    assert result.column("enrollment_start") == [iso]
    assert [(p.code, p.severity, p.found, p.expected) for p in result.problems] == [
        ("FILE-DATE-FORM", Severity.NOTICE, written, iso)
    ]


def test_f6_a_date_as_the_report_writes_it_is_named_by_its_form() -> None:
    """Not as "2009-02-14, read as 2009-02-14"."""
    result = read(lines(*[{"birth_date": "2009-02-14"}] * 50))

    assert str(result.problems[0]).endswith("2009-02-14, a date in the format CCYY-MM-DD; it was read as 2009-02-14.")
    assert "(2009-02-14)" in str(result.reader.notices[0])


def test_f6_a_form_of_the_layout_passes_without_a_notice() -> None:
    roster = "lea,school,local_number,last_name,first_name,birth_date\n1234567,0123456,1,Lee,Sam,2011-03-04\n"

    assert read(roster, ROSTER).problems == []


def test_f6_many_dates_in_another_form_are_one_notice_with_their_number() -> None:
    result = read(lines(*[{"birth_date": "2/14/2009"}] * 50))

    assert len(result.problems) == 20
    assert [str(notice) for notice in result.reader.notices] == [
        "50 dates are in another format (2/14/2009 read as 2009-02-14) and were read anyway; expected CCYYMMDD."
    ]


def test_f6_a_date_that_can_be_read_two_ways_is_an_error_where_others_are_day_first() -> None:
    result = read(lines({"birth_date": "14/02/2009"}, {"birth_date": "03/04/2009"}))

    assert result.column("birth_date") == ["2009-02-14", None]
    assert [p.code for p in result.problems] == ["FILE-DATE-FORM", "FILE-DATE"]
    assert "two ways" in str(result.problems[1])


ROSTER_TEXT = "lea,school,local_number,last_name,first_name,birth_date\n1234567,0123456,1,Lee,Sam,2011-03-04\n"


@pytest.mark.parametrize("pad", [",,", ", ,\t, ", "," * 300])
@pytest.mark.parametrize("names", [True, False], ids=["names padded", "names not padded"])
@pytest.mark.parametrize("quoted", ["Lee", '"Lee"', '"Le\ne"'])
def test_blank_columns_at_the_end_are_left_out_with_one_notice(pad: str, names: bool, quoted: str) -> None:
    head, row = ROSTER_TEXT.replace("Lee", quoted).split("\n", 1)
    plain = read(f"{head}\n{row}", expected=ROSTER)

    found = read(f"{head}{pad if names else ''}\n{row.removesuffix(chr(10))}{pad}\n", expected=ROSTER)

    assert found.values == plain.values
    assert found.codes.count("FILE-TRAILING") == 1


@pytest.mark.parametrize("pad", ["^^", "^ ^^", "^" * 40])
def test_blank_columns_at_the_end_of_records_without_names(pad: str) -> None:
    found = read(THREE.replace("\n", f"{pad}\n"))

    assert found.values == read(THREE).values
    assert found.codes == ["FILE-TRAILING"]


def test_a_value_in_a_column_too_many_is_still_an_error() -> None:
    found = read(THREE + line() + "^^x\n")

    assert [problem.code for problem in found.problems] == ["FILE-COLUMNS"]
