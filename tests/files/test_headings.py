"""Lines above the column names or the first record: no records, passed over with one notice."""

import pytest

from sisimport.files.headings import heading_lines
from sisimport.files.issues import FileError
from sisimport.files.layout_matching import DELIMITERS
from tests.files.samples import ALL_LAYOUTS, DOWNLOAD_HEADER, ROSTER, SSID_LAYOUTS, THREE, line, look, read
from tests.ssid.request_files import HEADER
from tests.ssid.request_files import line as match_line

LIST = SSID_LAYOUTS["ssid-list"]
NAMES = "LEA,School,Local Student Number,Last Name,First Name,Birth Date,Grade,SSID"
ROW = "1234567,0123456,111001,Gale,Noa,2015-03-04,05,9001110001"
ROSTER_NAMES = "lea,school,local_number,last_name,first_name,birth_date"
ROSTER_ROW = "1234567,0123456,1,Lee,Sam,2011-03-04"
TITLES = {
    "one title": "Lincoln Elementary\n",
    "padded titles and a blank row": "Lincoln Elementary,,,,,,,\nPrinted 11/20/2026,,,,,,,\n,,,,,,,\n",
    "labels and values": "School:,Lincoln Elementary\nPrinted on:,11/20/2026\nFor:,the district office,by Friday\n",
    "title with commas": '"Lincoln, Fresno, CA"\n\n',
    "labels that are column names": "School,Lincoln Elementary\nGrade,5\n",
    "title with bare commas": "Lincoln, Fresno, CA\n",
    "separator named": "sep=,\n",
    "separator named with more": "sep=,,,,,,\nLincoln Elementary\n",
}


@pytest.mark.parametrize("above", TITLES.values(), ids=TITLES.keys())
@pytest.mark.parametrize(
    ("layout", "names", "row"), [(LIST, NAMES, ROW), (ROSTER, ROSTER_NAMES, ROSTER_ROW)], ids=["list", "roster"]
)
@pytest.mark.parametrize("told", [True, False], ids=["type chosen", "auto"])
def test_lines_above_the_column_names_are_passed_over_with_one_notice(above, layout, names, row, told) -> None:  # type: ignore[no-untyped-def]
    text = f"{above}{names}\n{row}\n"

    found = read(text, expected=layout if told else None)

    assert found.recognition.layout is layout
    assert [r[0] for r in found.rows] == [above.count("\n") + 2]
    assert found.values == read(f"{names}\n{row}\n", expected=layout).values
    assert found.codes.count("FILE-HEADING") == 1
    assert found.problems == []


@pytest.mark.parametrize("above", ["sep=^\n", "Students of the district, 11/20/2026\n", "sep=^\n\nTitle^^^^\n"])
@pytest.mark.parametrize("header", ["", f"{DOWNLOAD_HEADER}\n"], ids=["no header", "header"])
def test_lines_above_records_without_column_names_are_passed_over(above: str, header: str) -> None:
    found = read(above + header + THREE)

    assert found.values == read(THREE).values
    assert found.reader.record_count == 3
    assert found.rows[0][0] == (above + header).count("\n") + 1
    assert "FILE-HEADING" in found.codes


def test_a_first_record_that_was_cut_off_is_not_a_title() -> None:
    found = read(line()[:20] + "\n" + THREE)

    assert found.reader.record_count == 4
    assert found.rows[0][2][0].code == "FILE-COLUMNS"


def test_column_names_far_down_are_not_looked_for() -> None:
    text = "".join(f"line {n},of a letter,to parents\n" for n in range(40)) + f"{NAMES}\n{ROW}\n"

    assert look(text, expected=LIST).error is not None


def test_names_that_are_not_there_are_reported_by_the_first_line_still() -> None:
    found = look("Student Name,Phone,Room\nGale,1,2\n", expected=ROSTER, layouts=ALL_LAYOUTS)

    assert found.error is not None
    assert "Student Name" in str(found.error)


def test_a_value_full_of_another_separator_makes_no_title_of_the_column_names() -> None:
    names = '"lea","school","local_number","last_name","first_name","birth_date"'
    text = f'{names}\n"1234567","0123456","n0","^^","^^^","2010-01-02"\n'

    assert read(text, ROSTER, fields=["last_name", "first_name"]).rows[0][1] == ("^^", "^^^")


@pytest.mark.parametrize("key", ["calpads-ssid-download", "calpads-ela-import", "calpads-replacement-ssid"])
@pytest.mark.parametrize(
    "above", ["Report^Page 1\n", "School^Cedar High^^\nPrinted^11/20/2026\n\n"], ids=["one", "two"]
)
def test_labels_and_values_above_names_that_stand_by_their_places_are_passed_over(key: str, above: str) -> None:
    layout = SSID_LAYOUTS[key]
    names = "^".join(column.name for column in layout.columns)
    rows = THREE if "replacement" not in key else "1234567^0123456^1^9012345678^9012345679\n"

    found = read(f"{above}{names}\n{rows}", layout)

    assert found.values == read(rows, layout).values
    assert found.problems == []
    assert "FILE-HEADER-AGAIN" not in found.codes


def test_labels_above_match_results_leave_the_columns_that_are_known_by_name_alone() -> None:
    layout = SSID_LAYOUTS["calpads-ssid-request-results"]
    text = f"{HEADER},Result_SELA_ELASCode\n{match_line(more='EL')}\n"

    found = read(f"School,Cedar High\nPrinted,11/20/2026\n{text}", layout)

    assert found.values == read(text, layout).values
    assert found.column("elas") == ["EL"]


@pytest.mark.parametrize(
    ("layout", "above", "names", "row"),
    [
        (ROSTER, f"{ROSTER_ROW}\n", ROSTER_NAMES, ROSTER_ROW),
        (ROSTER, f"{ROSTER_NAMES}\n{ROSTER_ROW}\n", f"{ROSTER_NAMES},grade,gender,suffix", f"{ROSTER_ROW},05,M,"),
        (LIST, "Local Student Number,Last Name,First Name,SSID\n1,Lee,Sam,9001110001\n", NAMES, ROW),
    ],
    ids=["no names", "fewer columns", "list"],
)
def test_records_above_column_names_are_never_passed_over(layout, above, names, row) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(FileError):
        read(f"{above}{names}\n{row}\n{row}\n", layout)


@pytest.mark.parametrize("first", [";", "\t", "|", "^"])
def test_a_record_with_another_separator_is_not_a_title(first: str) -> None:
    """Passed over as a title, the student would be lost with a notice."""
    rows = [f"1234567,0123456,90123456{n:02},10000{n},Lee,Sam" for n in range(4)]

    assert heading_lines([rows[0].replace(",", first), *rows[1:]], tuple(DELIMITERS)) == 0


def test_a_title_with_a_number_and_another_separator_is_one() -> None:
    rows = [f"1234567,0123456,90123456{n:02},10000{n},Lee,Sam" for n in range(4)]

    assert heading_lines(["Report | 45 | students", "", *rows], tuple(DELIMITERS)) == 2


@pytest.mark.parametrize("hidden", ["\ufeff", "\u200b", "\u00ad"])
@pytest.mark.parametrize(("layout", "names", "row"), [(LIST, NAMES, ROW), (ROSTER, ROSTER_NAMES, ROSTER_ROW)])
def test_an_invisible_character_in_a_column_name_is_not_part_of_it(layout, names, row, hidden) -> None:  # type: ignore[no-untyped-def]
    """A byte order mark within the quotation marks of the first column is the usual one."""
    quoted = ",".join(f'"{hidden}{name[:2]}{hidden}{name[2:]}"' for name in names.split(","))

    found = read(f"{quoted}\n{row}\n", expected=layout)

    assert found.values == read(f"{names}\n{row}\n", expected=layout).values
    assert found.recognition.header
