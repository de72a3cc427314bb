"""Column names with another separator than the records; signs in place of line ends; lines of another shape, with their cause."""

import pytest

from sisimport.files.issues import FileError
from sisimport.files.layout_matching import DELIMITERS
from sisimport.files.separators import with_one_separator
from tests.files.samples import ROSTER, line, read

NAMES = ["lea", "school", "local_number", "last_name", "first_name", "birth_date"]
ROWS = [["1234567", "0123456", str(number), "Oh, Jr.", "Lee", "2011-03-04"] for number in range(3)]


def text(names: str, records: str, above: str = "") -> str:
    quote = '"' if records == "," else ""
    rows = [[cell if cell != "Oh, Jr." else f"{quote}{cell}{quote}" for cell in row] for row in ROWS]
    return above + names.join(NAMES) + "\n" + "".join(records.join(row) + "\n" for row in rows)


@pytest.mark.parametrize("names", DELIMITERS)
@pytest.mark.parametrize("records", DELIMITERS)
def test_names_and_records_are_each_read_by_their_own_separator(names: str, records: str) -> None:
    found = read(text(names, records), ROSTER, [ROSTER], NAMES)

    assert found.column("last_name") == ["Oh, Jr."] * 3
    assert found.column("birth_date") == ["2011-03-04"] * 3
    assert ("FILE-SEPARATORS" in found.codes) == (names != records)


def test_a_title_above_the_names_stays_a_title() -> None:
    found = read(text("\t", ",", "Roster of 2026\n"), ROSTER, [ROSTER], NAMES)

    assert found.column("local_number") == ["0", "1", "2"]
    assert {"FILE-HEADING", "FILE-SEPARATORS"} <= set(found.codes)


def test_records_of_another_width_are_not_read_by_those_names() -> None:
    assert with_one_separator(["a,b,c", "1\t2\t3\t4", "1\t2\t3\t4"])[1] is None


def test_a_line_with_the_separator_of_another_file_is_named() -> None:
    found = read(f"{line()}\n{line()}\n" + line().replace("^", "|") + "\n")

    assert "the columns of this line are separated by a bar (|)" in str(found.problems[0])


def test_two_records_in_one_line_are_named() -> None:
    assert "two records seem to be joined" in str(read(f"{line()}\n{line()}\n{line()}^{line()}\n").problems[0])


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        (f"{line()}\x85{line()}\x85{line()}\x85", "next line (U+0085)"),
        (f"{line()}\u2028{line()}\u2028{line()}\u2028", "line separator (U+2028)"),
        ("9012345678\n9012345679\n", "one column only"),
        (f"^{line()}\n^{line()}\n", "the first column is blank in every line"),
        ("1234567   0123456   9012345678   100001   Oh\n" * 2, "spaces only, as in a file of fixed width"),
    ],
)
def test_the_cause_of_a_refusal_is_named(data: str, cause: str) -> None:
    with pytest.raises(FileError) as refused:
        read(data)

    assert cause in str(refused.value)
