"""A quotation mark without its second one: it costs at most its own line, and is named with line, column and next step."""

import pytest

from sisimport.files.issues import Severity, codes
from tests.files.samples import ROSTER, Read, read

HEAD = "lea,school,local_number,last_name,first_name,birth_date,gender,grade,el_status\n"
STRAY = {
    "at the start": '"Ann',
    "inside": 'An"n',
    "at the end": 'Ann"',
    "alone": '"',
    "three": '"A"n"n',
}


def row(number: int, last: str = "Oh", first: str = "Lee", status: str = "") -> str:
    return f"1234567,0123456,{number},{last},{first},2011-03-04,F,05,{status}\n"


def quoted(text: str) -> str:
    return ",".join(f'"{cell}"' for cell in text.strip().split(",")) + "\n"


def roster(*rows: str) -> Read:
    return read(HEAD + "".join(rows), ROSTER, [ROSTER], HEAD.strip().split(","))


@pytest.mark.parametrize("field", ["last", "first"])
@pytest.mark.parametrize("place", [1, 2, 4])
@pytest.mark.parametrize("stray", STRAY.values(), ids=STRAY)
def test_a_lone_mark_in_a_name_costs_no_other_line(stray: str, place: int, field: str) -> None:
    found = roster(*(row(n, **({field: stray} if n == place else {})) for n in range(1, 5)))

    assert found.column("local_number") == ["1", "2", "3", "4"]
    assert found.column("birth_date") == ["2011-03-04"] * 4
    assert found.column(f"{field}_name")[place - 1] == stray
    assert {problem.severity for problem in found.problems} <= {Severity.WARNING}


@pytest.mark.parametrize("status", ["", "EO"])
@pytest.mark.parametrize("first", STRAY.values(), ids=STRAY)
@pytest.mark.parametrize("second", STRAY.values(), ids=STRAY)
def test_two_lone_marks_in_lines_below_each_other_join_no_students(first: str, second: str, status: str) -> None:
    found = roster(row(1), row(2, first, status=status), row(3, second, status=status), row(4), row(5, second), row(6))

    assert found.column("local_number") == ["1", "2", "3", "4", "5", "6"]
    assert found.reader.spans == {}


@pytest.mark.parametrize("stray", ['"Ann', 'Ann"', 'An"n'])
def test_a_lone_mark_among_cells_that_are_all_quoted_damages_only_its_own_cell(stray: str) -> None:
    damaged = quoted(row(2, "@")).replace('"@"', f'"{stray}"')

    found = roster(quoted(row(1)), damaged, quoted(row(3)))

    assert found.column("local_number") == ["1", "2", "3"]
    assert found.column("gender") == ["F", "F", "F"]
    assert found.column("grade") == ["05", "05", "05"]
    assert [(p.code, p.severity, p.found) for p in found.problems] == [
        ("FILE-QUOTE", Severity.WARNING, "column 4 (Last name)")
    ]


def test_a_separator_inside_a_mark_that_is_not_closed_refuses_that_line_alone_with_one_message() -> None:
    found = roster(row(1), row(2, '"Ann, Jr'), row(3))

    assert [[p.code for p in problems] for _, _, problems in found.rows] == [[], ["FILE-QUOTE"], []]
    (problem,) = found.problems
    assert problem.severity is Severity.ERROR
    assert str(problem) == (
        "A quotation mark in column 4 (Last name) has no closing mark in this line, and the line cannot be split into columns;"
        " expected closed quotation marks."
    )
    assert codes.get(problem.code).fix.startswith("Remove the quotation mark from the file")


def test_a_spreadsheets_blank_columns_at_the_end_are_not_extra_separators() -> None:
    padded = [row(n, '"Ann' if n == 2 else "Oh").strip() + ",,,\n" for n in range(1, 4)]

    found = roster(*padded)

    assert found.column("local_number") == ["1", "2", "3"]
    assert [problem.severity for problem in found.problems] == [Severity.WARNING]


def test_a_mark_in_the_column_names_is_read_over() -> None:
    text = HEAD.replace("last_name", '"last_name', 1) + row(1)

    assert read(text, ROSTER, [ROSTER], ["last_name"]).column("last_name") == ["Oh"]


def test_a_line_end_inside_quotes_still_belongs_to_its_cell() -> None:
    found = roster(row(1), row(2, '"Ann\nJones"'), row(3, '"Ann,\nJones, Jr"', status="EO"), row(4))

    assert found.column("last_name") == ["Oh", "Ann Jones", "Ann, Jones, Jr", "Oh"]
    assert [problem.code for problem in found.problems] == ["FILE-HIDDEN"] * 2  # the line feeds that were taken out
