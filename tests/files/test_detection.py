"""Recognising a file: container, encoding, separator, header, layout (rules F-3 to F-7, F-10)."""

import io
import zipfile
from collections.abc import Iterator
from dataclasses import replace

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sisimport.files import detection
from sisimport.files.detection import Recognition, recognise
from sisimport.files.issues import FileError, Severity
from sisimport.files.layouts import Layout
from tests.files.samples import (
    ALL_LAYOUTS,
    DOWNLOAD,
    DOWNLOAD_HEADER,
    ROSTER,
    SCORE_LAYOUTS,
    SSID_LAYOUTS,
    THREE,
    line,
    lines,
    look,
    read,
)
from tests.imports.properties import examples


def refusal(found: Recognition) -> FileError:
    assert found.error is not None
    return found.error


def notices(found: Recognition) -> list[str]:
    assert found.error is None
    assert all(notice.severity is Severity.NOTICE for notice in found.notices)
    return [notice.code for notice in found.notices]


# -- read as it is -----------------------------------------------------------------------------------------------------


def test_f3_the_download_file_as_it_comes() -> None:
    found = look(THREE)

    assert (found.container, found.encoding, found.delimiter, found.header) == ("text", "utf-8", "^", False)
    assert (found.layout, found.column_count, found.line_count) == (DOWNLOAD, 15, 3)
    assert notices(found) == []


# -- read with a notice ------------------------------------------------------------------------------------------------


def test_f5_a_byte_order_mark_is_skipped_with_a_notice() -> None:
    data = b"\xef\xbb\xbf" + THREE.encode()

    assert notices(look(data)) == ["FILE-BOM"]
    assert read(data).values == read(THREE).values


def test_f5_windows_1252_is_read_with_a_notice() -> None:
    data = THREE.encode("cp1252")

    assert look(data).encoding == "cp1252"
    assert notices(look(data)) == ["FILE-ENCODING"]
    assert read(data).values == read(THREE).values


def test_f4_a_header_line_is_skipped_with_a_notice() -> None:
    found = look(f"{DOWNLOAD_HEADER}\n{THREE}")

    assert found.header
    assert notices(found) == ["FILE-HEADER"]


def test_f4_a_header_line_in_other_words_is_skipped_too() -> None:
    header = "Dist^Sch^State No^No^Last^First^Mid^Sex^DOB^Begin^Gr^Status^Status Date^Lang^Made"

    assert notices(look(f"{header}\n{THREE}")) == ["FILE-HEADER"]


def test_f4_columns_in_another_order_are_found_by_the_names_of_the_header() -> None:
    shuffled = [*range(14, -1, -1)]
    text = "".join(
        "^".join(row.split("^")[at] for at in shuffled) + "\n" for row in [DOWNLOAD_HEADER, *THREE.splitlines()]
    )

    assert read(text).values == read(THREE).values


@pytest.mark.parametrize("separator", [",", "\t", "|", ";"])
def test_f4_another_separator_that_fits_is_read_with_a_notice(separator: str) -> None:
    found = look(THREE.replace("^", separator))

    assert found.delimiter == separator
    assert notices(found) == ["FILE-DELIMITER"]


@pytest.mark.parametrize(("end", "name"), [("\r\n", "CR LF"), ("\r", "CR (")], ids=["CRLF", "CR"])
def test_other_line_ends_are_read_with_a_notice(end: str, name: str) -> None:
    found = look(THREE.replace("\n", end))

    assert notices(found) == ["FILE-NEWLINE"]
    assert name in str(found.notices[0])


def test_one_bad_line_does_not_make_the_file_another() -> None:
    assert look(lines({}, {}) + "Total^2\n").layout is DOWNLOAD


# -- refused as a whole ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data", [b"", b"\n", b"  \r\n\t\n", b"\xef\xbb\xbf", b"\n" * 3_000_000], ids=lambda d: f"{len(d)} bytes"
)
def test_an_empty_file_is_refused(data: bytes) -> None:
    found = look(data)

    assert (found.container, refusal(found).code) == ("empty", "FILE-EMPTY")


def test_a_separator_that_fits_nothing_is_refused() -> None:
    error = refusal(look(THREE.replace("^", "~")))

    assert error.code == "FILE-DELIMITER"
    assert "a caret (^)" in str(error)


def test_f10_fourteen_columns_are_refused_with_the_hint() -> None:
    text = "".join("^".join(row.split("^")[:6] + row.split("^")[7:]) + "\n" for row in THREE.splitlines())

    error = refusal(look(text))

    assert (error.code, error.found, error.expected) == ("FILE-COLUMNS", "14", "15")
    assert "the middle name column is missing" in str(error)


def test_f10_another_column_count_is_refused() -> None:
    error = refusal(look("\n".join(["a^b^c"] * 5)))

    assert str(error) == "The file has 3 columns; expected 15."


@pytest.mark.parametrize(
    ("broken", "at"),
    [
        pytest.param(b"Garc\xc3(a", 5, id="cut character"),
        pytest.param(b"Garc\xc3\xada \xff", 9, id="damage beside good UTF-8"),
        pytest.param(b"Garc\x81a", 5, id="no Windows character"),
        pytest.param(b"Jos\xc3", 4, id="half a character"),
    ],
)
def test_f5_broken_utf8_is_refused_naming_line_and_byte(broken: bytes, at: int) -> None:
    data = lines({"last_name": "Smith", "first_name": "Ana"}) + line(last_name="@", first_name="Ana")

    error = refusal(look(data.encode().replace(b"@", broken)))

    assert error.code == "FILE-ENCODING"
    assert error.params == {"line": 2, "byte": line().index("García") + at}
    assert "line 2" in str(error)


def test_a_nul_is_refused_naming_line_and_byte() -> None:
    error = refusal(look(THREE.replace("Tran", "Tr\0n")))

    assert (error.code, error.params["line"]) == ("FILE-NUL", 3)


def test_a_long_single_line_is_refused() -> None:
    assert refusal(look("x" * 3_000_000)).code == "FILE-LINE-LENGTH"


def workbook() -> bytes:
    stream = io.BytesIO()
    book = openpyxl.Workbook()
    book.active.append(line().split("^"))
    book.save(stream)
    return stream.getvalue()


def archive() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as packed:
        packed.writestr("scores.csv", THREE)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("data", "container", "name"),
    [
        pytest.param(workbook(), "xlsx", "an Excel workbook", id="xlsx"),
        pytest.param(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "xls", "an old Excel workbook", id="xls"),
        pytest.param(archive(), "zip", "a zip archive", id="zip"),
        pytest.param(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n", "pdf", "a PDF document", id="pdf"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + b"\0" * 50, "binary", "a picture", id="png"),
        pytest.param(bytes(range(1, 32)) * 30, "binary", "not a text file", id="binary"),
        pytest.param(b"<!DOCTYPE html><html><body>", "binary", "a web page", id="web page"),
        pytest.param(b"{\\rtf1\\ansi", "binary", "a rich text document", id="rtf"),
    ],
)
def test_f7_other_kinds_of_file_are_refused_by_name(data: bytes, container: str, name: str) -> None:
    found = look(data)

    assert found.container == container
    assert refusal(found).code == "FILE-TYPE"
    assert name in str(found.error)


def test_columns_that_hold_something_else_are_refused() -> None:
    error = refusal(look("^".join(["lorem"] * 15) + "\n" + ("^".join(["ipsum 1"] * 15) + "\n") * 5))

    assert error.code == "FILE-MIXED"


# -- files of another type ---------------------------------------------------------------------------------------------

SELA = "SELA^^^1234567^0123456^2024-2025^9012345678^Ana^Diaz^20100203^F^100^EL^20150901^spa^\n"
SELA_R = SELA.replace("SELA", "SELA-R").replace("spa^", "spa^^20240101^20240102")
REPLACEMENT = "1234567^0123456^100235^9012345600^9012345679\n"
RESULTS = (
    "1234567,0123456,,100240,Lee,Sam,,8012345678,20160810,Multiple Match,91%,M,20110304\n"
    "1234567,0123456,X,100240,Lee,Sam,,8012345690,20170811,Multiple Match,100%,M,20110304\n"
    "1234567,0123456,,100241,Diaz,Eva,Luz,,,No Match,,F,20190812\n"
)
ROSTER_FILE = "lea,school,local_number,last_name,first_name,birth_date\n1234567,0123456,1,Lee,Sam,2011-03-04\n"
UTAH = "1,1234567,2005,Diaz,Eva,,,2/3/1999,F,,01,101,555,R,Match,\n"
OF_TYPE = {
    "calpads-ssid-download": THREE,
    "calpads-sela": SELA,
    "calpads-replacement-ssid": REPLACEMENT,
    "calpads-ssid-request-results": RESULTS,
    "utah-ssid-response": UTAH,
    "students": ROSTER_FILE,
}
BY_KEY = {layout.key: layout for layout in ALL_LAYOUTS}


@pytest.mark.parametrize("key", OF_TYPE)
def test_a_file_is_recognised_without_being_told_its_type(key: str) -> None:
    found = look(OF_TYPE[key], expected=None)

    assert found.layout is BY_KEY[key]
    assert found.error is None


@pytest.mark.parametrize("key", [key for key in OF_TYPE if key != "calpads-ssid-download"])
def test_a_file_of_another_type_is_refused_by_its_name(key: str) -> None:
    error = refusal(look(OF_TYPE[key]))

    assert error.code == "FILE-OTHER-TYPE"
    assert error.params == {"layout": key}
    assert str(error) == f"The file looks like {BY_KEY[key].title}; CALPADS SSID Download File was chosen."


def test_the_states_sela_extract_is_the_sela_layout_with_two_more_columns() -> None:
    assert look(SELA_R, expected=None).layout is SSID_LAYOUTS["calpads-sela"]


def test_the_ela_import_reads_the_download_file_when_it_is_chosen() -> None:
    ela = SSID_LAYOUTS["calpads-ela-import"]

    assert look(THREE, expected=ela).layout is ela
    assert look(THREE, expected=None).also == (ela,)


def test_an_unknown_file_says_what_was_seen() -> None:
    error = refusal(look("hello, world\nhow, are you\n", expected=None))

    assert str(error) == "The file has 2 columns separated by a comma; expected a known layout."


def test_an_unknown_file_says_which_layout_is_nearest_and_the_difference() -> None:
    layout = max(ALL_LAYOUTS, key=lambda layout: len(layout.columns))
    width = len(layout.columns)

    near = str(refusal(look("x" + "^x" * width + "\n", expected=None)))
    assert "; nearest: " in near
    assert f"{layout.title} ({width} columns, the file has 1 more)" in near


# -- the roster: columns by name ---------------------------------------------------------------------------------------


def test_optional_columns_of_the_roster_may_be_missing() -> None:
    found = look(ROSTER_FILE, expected=ROSTER)

    assert notices(found) == []
    assert set(found.positions) == {"lea", "school", "local_number", "last_name", "first_name", "birth_date"}


def test_unknown_columns_of_the_roster_are_left_out_with_a_notice() -> None:
    found = look(
        ROSTER_FILE.replace("birth_date\n", "birth_date,bus,Locker No\n").replace("03-04\n", "03-04,4,77\n"), ROSTER
    )

    assert [str(notice) for notice in found.notices] == [
        "Columns that are not part of this layout were left out: bus, Locker No."
    ]


def test_a_missing_required_column_of_the_roster_is_named() -> None:
    error = refusal(look(ROSTER_FILE.replace("last_name", "surname"), ROSTER))

    assert (error.code, error.found) == ("FILE-COLUMN-MISSING", "last_name")


def test_a_column_that_comes_twice_is_named() -> None:
    error = refusal(look(ROSTER_FILE.replace("first_name", "Last Name"), ROSTER))

    assert (error.code, error.found) == ("FILE-COLUMN-TWICE", "Last Name")
    assert "(columns 4 and 5)" in str(error)


@pytest.mark.parametrize("field", ["scale_score", "grade_assessed", "ssid"])
@pytest.mark.parametrize("key", ["caaspp-2023-24", "elpac-summative-2018-19"])
def test_a_column_that_comes_twice_is_named_if_the_layout_was_not_chosen(key: str, field: str) -> None:
    names = [column.name for column in SCORE_LAYOUTS[key].columns]
    name = SCORE_LAYOUTS[key].fields[field].name
    text = "^".join([*names, name]) + "\n" + "^".join(["1"] * (len(names) + 1)) + "\n"

    error = refusal(look(text, None, list(SCORE_LAYOUTS.values())))

    assert (error.code, error.found) == ("FILE-COLUMN-TWICE", name)
    assert f"and {len(names) + 1})" in str(error)


def test_a_roster_without_column_names_is_refused() -> None:
    error = refusal(look("1234567,0123456,1,Lee,Sam,2011-03-04\n", ROSTER, [ROSTER]))

    assert error.code == "FILE-NO-HEADER"


def test_r2_request_results_go_by_position_and_then_by_name() -> None:
    layout = SSID_LAYOUTS["calpads-ssid-request-results"]
    header = (
        ",".join(column.name for column in layout.columns[:13])
        + ",Result_SELA_ELAS_Start_Date,Result_ELAS,Result_New\n"
    )
    text = header + RESULTS.replace("\n", ",20150901,EL,x\n")

    result = read(text, layout, fields=["local_number", "ssid", "score", "category", "elas", "elas_date"])

    assert result.rows[0][1] == ("100240", "8012345678", "91%", "Multiple Match", "EL", "2015-09-01")
    assert result.codes == ["FILE-COLUMN-UNKNOWN"]


# -- property ----------------------------------------------------------------------------------------------------------


@settings(max_examples=examples(120), deadline=None)
@given(data=st.binary(max_size=2000), expected=st.sampled_from([None, *ALL_LAYOUTS]))
def test_recognising_never_raises(data: bytes, expected: Layout | None) -> None:
    found = look(data, expected)

    assert found.error is not None or found.layout is not None


def test_a_file_with_an_ssid_and_names_is_not_a_school_list_unasked() -> None:
    text = (
        "Student ID,Last Name,First Name,Birthdate,Grade,School,State Student ID\n1,Lee,Sam,3/4/2015,5,101,9001150001\n"
    )
    school_list = SSID_LAYOUTS["ssid-list"]
    layouts = [*SSID_LAYOUTS.values(), ROSTER]

    unasked = refusal(look(text, None, layouts))
    as_roster = refusal(look(text, ROSTER, layouts))

    assert unasked.code == "FILE-UNKNOWN"
    assert f"{school_list.title} (missing: Local Student Number, SSID)" in str(unasked)
    assert f"{ROSTER.title} (missing: lea, local_number)" in str(unasked)
    assert (as_roster.code, as_roster.found) == ("FILE-COLUMN-MISSING", "lea, local_number")
    assert look(text, school_list, layouts).error is None


def test_a_list_of_ours_is_known_unasked() -> None:
    text = "LEA,School,Local Student Number,Last Name,First Name,SSID,Phone\n1234567,0123456,1,Lee,Sam,9001150001,5\n"

    assert look(text, None, [*SSID_LAYOUTS.values(), ROSTER]).layout == SSID_LAYOUTS["ssid-list"]


# -- looked at once ----------------------------------------------------------------------------------------------------


def test_the_same_bytes_among_the_same_layouts_are_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A decision on one line looks at its file again and again."""
    data = b"".join(line(local_number=str(n)).encode() + b"\n" for n in range(700, 740))
    layouts = list(SSID_LAYOUTS.values())
    first = recognise(io.BytesIO(data), layouts, expected=DOWNLOAD)
    looks: list[object] = []
    told = detection._recognised
    monkeypatch.setattr(detection, "_recognised", lambda *given: looks.append(given) or told(*given))

    stream = io.BytesIO(data)
    assert recognise(stream, layouts, expected=DOWNLOAD) == first
    assert not looks

    assert recognise(io.BytesIO(data), layouts, expected=ROSTER).error is not None
    recognise(io.BytesIO(data), [replace(layout) for layout in layouts], expected=DOWNLOAD)
    recognise(io.BytesIO(data.replace(b"700", b"701")), layouts, expected=DOWNLOAD)
    assert len(looks) == 4  # column names are looked for without the other layouts first


@pytest.mark.parametrize("key", ["caaspp-2023-24", "elpac-summative-2018-19"])
def test_a_header_with_every_name_in_its_place_needs_no_look_at_other_layouts(key: str) -> None:
    """Loading and trying forty others was most of what recognizing a file costs; whatever they are, none can fit better."""
    layouts = SCORE_LAYOUTS
    layout = layouts[key]
    names = layout.delimiter.join(column.name for column in layout.columns)
    data = f"{names}\n{layout.delimiter.join('1' for _ in layout.columns)}\n".encode()

    def others() -> Iterator[Layout]:
        raise AssertionError("another layout was asked for")
        yield

    alone = recognise(io.BytesIO(data), others(), expected=layout)
    assert alone.perfect
    among = recognise(io.BytesIO(data), layouts.values())
    assert (among.layout, among.positions, among.notices) == (layout, alone.positions, alone.notices)


def test_a_header_that_another_layout_may_have_written_is_compared_with_all() -> None:
    """One name less, and the others are asked: the file may be one of theirs."""
    layouts = SCORE_LAYOUTS
    layout, other = layouts["caaspp-2023-24"], layouts["caaspp-2024-25"]
    names = other.delimiter.join(column.name for column in other.columns)
    data = f"{names}\n{other.delimiter.join('1' for _ in other.columns)}\n".encode()

    found = recognise(io.BytesIO(data), layouts.values(), expected=layout)

    assert not found.perfect
    assert found.error is not None
    assert found.error.code == "FILE-OTHER-TYPE"
