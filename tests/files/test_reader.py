"""The reader: from a recognized file to clean values and the problems of each line (rules F-5 to F-10)."""

import csv
import dataclasses
import io
import json
import re
import unicodedata
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from sisimport.files import chunks
from sisimport.files.damage import PLACEHOLDERS
from sisimport.files.detection import Recognition, recognise
from sisimport.files.issues import FileError, Severity, codes
from sisimport.files.layouts import Layout, load_layouts
from sisimport.files.lines import whole_lines
from sisimport.files.reader import iter_lines, read_lines
from sisimport.files.splitters.delimited import PlainSplitter
from sisimport.files.tallies import Tallies
from tests.files.samples import ALL_LAYOUTS, DOWNLOAD, DOWNLOAD_HEADER, ROOT, ROSTER, THREE, line, lines, read
from tests.imports.properties import examples

# -- values ------------------------------------------------------------------------------------------------------------


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


# -- problems of a line ------------------------------------------------------------------------------------------------


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


# -- columns -----------------------------------------------------------------------------------------------------------


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


# -- lines -------------------------------------------------------------------------------------------------------------


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


# -- encodings found on the way ----------------------------------------------------------------------------------------


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Chunks of a line or two, so that short files cross many chunk borders."""
    monkeypatch.setattr(chunks, "_CHUNK_BYTES", 150)
    monkeypatch.setattr(chunks, "_INDEX_BYTES", 300)
    return


def beyond_the_look(tail: bytes) -> bytes:
    """A file whose first accent stands beyond what recognition looks at."""
    return (line(last_name="Lopez", first_name="Jose") + "\n").encode() * 11_000 + tail


def test_f5_windows_1252_that_begins_late_is_read_with_a_notice() -> None:
    result = read(beyond_the_look(line().encode("cp1252")))

    assert result.rows[-1][1][4:6] == ("García-López", "José")
    assert [str(notice) for notice in result.reader.notices] == [
        "The file holds text in Windows-1252; expected text in UTF-8."
    ]
    assert result.reader.encoding == "cp1252"


def test_f5_damaged_utf8_is_refused_naming_line_and_byte() -> None:
    broken = line(last_name="García").encode() + b"\n" + line(last_name="Xy").encode().replace(b"Xy", b"X\xff")

    with pytest.raises(FileError) as refused:
        read(beyond_the_look(broken))

    assert refused.value.code == "FILE-ENCODING"
    assert refused.value.params == {"line": 11_002, "byte": line().index("García") + 2}


def test_f5_a_file_in_two_encodings_is_refused_naming_the_line() -> None:
    with pytest.raises(FileError) as refused:
        read(f"{line()}\n".encode("cp1252") + beyond_the_look(line().encode()))

    assert refused.value.code == "FILE-ENCODING"
    assert "two encodings" in str(refused.value)
    assert refused.value.params["line"] == 11_002


def test_f5_capitals_before_an_apostrophe_are_no_utf8() -> None:
    text = line(last_name="D’JOSÉ’S")

    assert read(text.encode("cp1252")).column("last_name") == ["D’JOSÉ’S"]


def test_a_nul_far_down_is_refused_naming_line_and_byte() -> None:
    with pytest.raises(FileError) as refused:
        read(beyond_the_look(b"12\x00"))

    assert refused.value.code == "FILE-NUL"
    assert refused.value.params == {"line": 11_001, "byte": 3}


def test_an_endless_line_far_down_is_refused() -> None:
    with pytest.raises(FileError) as refused:
        read(beyond_the_look(b"x" * 2_000_000))

    assert refused.value.code == "FILE-LINE-LENGTH"
    assert refused.value.params == {"line": 11_001}


class Endless(io.RawIOBase):
    """A line of a gigabyte, made as it is read; remembers how much was asked for."""

    def __init__(self) -> None:
        self.given = 0

    def readable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        return offset

    def read(self, size: int = -1) -> bytes:
        self.given += size
        return b"x" * size


def test_a_line_of_a_gigabyte_is_refused_after_a_look() -> None:
    stream = Endless()

    recognition = recognise(stream, ALL_LAYOUTS, expected=DOWNLOAD)  # type: ignore[arg-type]

    assert recognition.error is not None
    assert recognition.error.code == "FILE-LINE-LENGTH"
    assert stream.given < 3_000_000


# -- dates -------------------------------------------------------------------------------------------------------------


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


def test_f6_a_form_of_the_layout_passes_in_silence() -> None:
    roster = "lea,school,local_number,last_name,first_name,birth_date\n1234567,0123456,1,Lee,Sam,2011-03-04\n"

    assert read(roster, ROSTER).problems == []


def test_f6_many_dates_in_another_form_are_one_notice_with_their_number() -> None:
    result = read(lines(*[{"birth_date": "2/14/2009"}] * 50))

    assert len(result.problems) == 20
    assert [str(notice) for notice in result.reader.notices] == [
        "50 dates are in another form (2/14/2009 read as 2009-02-14) and were read all the same; expected CCYYMMDD."
    ]


def test_f6_a_date_that_can_be_read_two_ways_is_an_error_where_others_are_day_first() -> None:
    result = read(lines({"birth_date": "14/02/2009"}, {"birth_date": "03/04/2009"}))

    assert result.column("birth_date") == ["2009-02-14", None]
    assert [p.code for p in result.problems] == ["FILE-DATE-FORM", "FILE-DATE"]
    assert "two ways" in str(result.problems[1])


# -- quotes ------------------------------------------------------------------------------------------------------------


def comma(text: str) -> str:
    return text.replace("^", ",")


def test_quoted_cells_may_hold_separators_quotes_and_blanks() -> None:
    result = read(comma(line(last_name="@@", first_name='" Ana "')).replace("@@", '"O""Neil, Jr."'))

    assert result.column("last_name") == ['O"Neil, Jr.']
    assert result.column("first_name") == ["Ana"]


def test_a_file_with_every_cell_quoted_reads_the_same() -> None:
    quoted = "".join(",".join(f'"{cell}"' for cell in text.split("^")) + "\n" for text in THREE.splitlines())

    assert read(quoted).values == read(THREE).values


def test_a_line_end_inside_quotes_belongs_to_the_cell() -> None:
    result = read(comma(line(last_name='"Smith\nJones"')) + "\n" + comma(line()) + "\n")

    assert result.column("last_name") == ["Smith Jones", "García-López"]
    assert [row[0] for row in result.rows] == [1, 3]
    assert result.reader.spans == {1: 2}


def test_a_quotation_mark_in_a_name_is_part_of_it() -> None:
    result = read(line(first_name='Ana "Nita"'))

    assert result.column("first_name") == ['Ana "Nita"']
    assert result.problems == []


def test_a_mark_that_is_never_closed_swallows_no_other_line() -> None:
    result = read(lines({}, {"last_name": '"Smith'}, {"last_name": 'Jones"'}, {}))

    assert result.column("last_name") == ["García-López", '"Smith', 'Jones"', "García-López"]
    assert [(p.code, p.severity, p.found) for p in result.problems] == [
        ("FILE-QUOTE", Severity.WARNING, "column 5 (Last name)")
    ]


def test_a_line_that_is_neither_quoted_nor_plain_is_refused_alone() -> None:
    odd = comma(line(last_name='"Smith, Jones'))

    result = read(f"{comma(line())}\n{odd}\n{comma(line())}\n")

    assert [[p.code for p in row[2]] for row in result.rows] == [[], ["FILE-QUOTE"], []]


@pytest.mark.usefixtures("small_chunks")
def test_a_record_over_several_lines_may_cross_a_chunk() -> None:
    middle = comma(line(last_name='"' + "x\n" * 3 + 'Smith"'))

    result = read(f"{comma(line())}\n{middle}\n{comma(line())}\n" * 4)

    assert result.column("last_name") == ["García-López", "x x x Smith", "García-López"] * 4
    assert [row[0] for row in result.rows] == [n + 6 * block for block in range(4) for n in (1, 2, 6)]


# -- finding lines again -----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("small_chunks")
def test_the_line_index_finds_every_line_again() -> None:
    text = "".join(f"{line(local_number=str(number))}\n" for number in range(100))
    reader = read(text).reader
    index = json.loads(json.dumps(reader.line_index))

    found = read_lines(io.BytesIO(text.encode()), index, [1, 50, 100, 101], reader.encoding)

    assert len(index) > 10
    assert found == {n: line(local_number=str(n - 1)) for n in (1, 50, 100)}


def test_only_the_stretches_asked_for_are_read() -> None:
    text = ("".join(f"{line(local_number=str(number))}\n" for number in range(20_000))).encode()
    reader = read(text).reader
    stream = Counting(text)

    read_lines(stream, reader.line_index, [15_000], reader.encoding)

    assert stream.given < 400_000


class Counting(io.BytesIO):
    given = 0

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self.given += len(data)
        return data


# -- properties --------------------------------------------------------------------------------------------------------

SCRAPS = [
    *(cell.encode() for cell in line().split("^")),
    b"^", b",", b"\n", b"\r\n", b"\r", b'"', b" ", b"\t", b"\x00", b"\xff", b"\xc3", b"\xef\xbb\xbf", b"SELA", b"SSID", b"lea",
    b"local_number", (line() + "\n").encode(), DOWNLOAD_HEADER.encode(), ",".join(ROSTER.fields).encode(), b"PK\x03\x04", b"ZZ",
]  # fmt: skip


def spoil(data: bytes, at: int, scrap: bytes) -> bytes:
    return data[:at] + scrap + data[at + len(scrap) :]


NAMES = st.text(
    st.characters(
        codec="utf-8", exclude_categories=("Cc", "Cf", "Cs", "Zs", "Zl", "Zp"), exclude_characters='"^\u034f&'
    ),
    min_size=1,
    max_size=12,
).filter(lambda name: name == name.strip() and name not in PLACEHOLDERS and not re.search("[Â-ô]", name))


@settings(max_examples=examples(80), deadline=None)
@given(
    table=st.lists(st.tuples(NAMES, NAMES, st.integers(1990, 2024)), min_size=1, max_size=40),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_what_is_written_is_what_is_read(table: list[tuple[str, str, int]], end: str) -> None:
    text = "".join(line(last_name=last, first_name=first, birth_date=f"{y}0704") + end for last, first, y in table)

    result = read(text, fields=["last_name", "first_name", "birth_date"])

    assert [values for _, values, _ in result.rows] == [
        (nfc(last), nfc(first), f"{y}-07-04") for last, first, y in table
    ]


def nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def tables(alphabet: str) -> st.SearchStrategy[list[list[str]]]:
    """Two columns of text. Separators and line ends in one table could be cut into lines in more than one way."""
    cell = st.text(st.sampled_from(list(alphabet)), max_size=8)
    return st.lists(st.lists(cell, min_size=2, max_size=2), min_size=1, max_size=30)


def unquoted(name: str) -> str:
    """A name without the quotation marks around all of it, which are no part of one."""
    while len(name) > 2 and name[0] == name[-1] == '"':
        name = name[1:-1].strip()
    return name


@settings(max_examples=examples(100), deadline=None)
@given(table=st.one_of(tables('ab,"^ é'), tables("ab\n é")), chunk=st.integers(40, 400))
def test_a_table_written_with_quotes_is_read_as_written(table: list[list[str]], chunk: int) -> None:
    written = io.StringIO()
    writer = csv.writer(written, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(["lea", "school", "local_number", "last_name", "first_name", "birth_date"])
    for number, cells in enumerate(table):
        writer.writerow(["1234567", "0123456", f"n{number}", *cells, "2010-01-02"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunks, "_CHUNK_BYTES", chunk)

        result = read(written.getvalue(), ROSTER, fields=["local_number", "last_name", "first_name"])

    expected = [
        (f"n{n}", *[unquoted(re.sub(r"\s*\n\s*", " ", cell).strip()) or None for cell in cells])
        for n, cells in enumerate(table)
    ]
    assert [values for _, values, _ in result.rows] == expected


@settings(max_examples=examples(120), deadline=None)
@given(
    data=st.one_of(
        st.binary(max_size=400),
        st.lists(st.sampled_from(SCRAPS), max_size=40).map(b"".join),
        st.builds(spoil, st.just(THREE.encode()), st.integers(0, 600), st.binary(max_size=3)),
    ),
    expected=st.sampled_from([None, *ALL_LAYOUTS]),
)
def test_any_bytes_give_records_or_a_file_error(data: bytes, expected: Layout | None) -> None:
    result, refused = None, None
    try:
        result = read(data, expected)
    except FileError as error:
        refused = error

    if result is None:
        assert refused is not None
        assert refused.code in codes
    else:
        assert result.reader.record_count == len(result.rows) > 0
        assert all(len(values) in {0, len(result.fields)} for _, values, _ in result.rows)
        assert all(problem.code in codes for problem in [*result.problems, *result.reader.notices])


@settings(max_examples=examples(100), deadline=None)
@given(
    pieces=st.lists(
        st.sampled_from([b"ab", b"\n", b"\r", b"\r\n", b"\xc3\xa9", b"\xff", b"x" * 30, b"\x0c\x1c"]), max_size=60
    ),
    size=st.integers(1, 50),
    every=st.integers(1, 5),
)
def test_physical_lines_are_exactly_those_of_the_file(pieces: list[bytes], size: int, every: int) -> None:
    data = b"".join(pieces)
    expected = {number: text.decode("utf-8", "replace") for number, text in enumerate(data.splitlines(), 1)}
    index, number = [], 1
    for offset, chunk in whole_lines(io.BytesIO(data), size=size):
        index.append([number, offset])
        number += len(chunk.splitlines())

    assert dict(iter_lines(io.BytesIO(data), "utf-8")) == expected
    assert read_lines(io.BytesIO(data), index[::every] or [[1, 0]], range(number + 3), "utf-8") == expected


WIDE = load_layouts(ROOT / "assessments" / "layouts")["caaspp-2023-24"]
CELLS = st.sampled_from(
    ["", "", "x", "Lê", "É é", " padded ", "ﬁ", "a\u0301b", "\u00a0", "0001", "line\x85end", "tab\there"]
)


@settings(max_examples=examples(60), deadline=None)
@given(
    table=st.lists(st.lists(CELLS, min_size=6, max_size=6), min_size=1, max_size=25),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    chunk=st.integers(1500, 4000),
)
def test_wide_lines_are_read_alike_the_quick_way_and_through_the_csv_module(
    table: list[list[str]], end: str, chunk: int
) -> None:
    fields = ["ssid", "last_name", "first_name", "uin", "lexile_quantile", "local_student_id"]

    def written(quote: str) -> str:
        lines = ["^".join(column.name for column in WIDE.columns)]
        for number, cells in enumerate(table):
            row = [f"{quote}x{quote}" if number == 0 and at == 20 else "" for at in range(len(WIDE.columns))]
            row[0], row[-1] = "01", "ZZ"
            for name, cell in zip(fields, cells, strict=True):
                row[WIDE.fields[name].position - 1] = f"{quote}{cell}{quote}" if quote else cell
            lines.append("^".join(row))
        return "".join(f"{line}{end}" for line in lines)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunks, "_WIDE_CHUNK_BYTES", chunk)
        plain = read(written(""), WIDE, [WIDE], fields)
        quoted = read(written('"'), WIDE, [WIDE], fields)

    assert plain.rows == quoted.rows
    assert [number for number, _, _ in plain.rows] == list(range(2, len(table) + 2))


def splitter_of(recognition: Recognition, fields: Sequence[str]) -> PlainSplitter:
    return PlainSplitter(recognition, WIDE, fields, Tallies(WIDE))


@settings(max_examples=examples(100), deadline=None)
@given(data=st.data())
def test_wide_lines_give_any_choice_of_columns_as_a_plain_split_would(data: st.DataObject) -> None:
    names = sorted(WIDE.fields, key=lambda name: WIDE.fields[name].position)
    ends = st.sampled_from([*names[:3], *names[-3:]])  # far apart, with one or a few columns on a side of the gap
    fields = data.draw(st.lists(st.one_of(st.sampled_from(names), ends), min_size=1, max_size=9, unique=True))
    rows = data.draw(st.lists(st.integers(0, 9), min_size=1, max_size=6))
    trailing = data.draw(st.booleans())
    header = "^".join(column.name for column in WIDE.columns) + "\n"
    lines = ["^".join(f"{row}-{at}" for at in range(len(WIDE.columns))) + "^" * trailing for row in rows]
    recognition = recognise(io.BytesIO(header.encode()), [WIDE], expected=WIDE)
    splitter = splitter_of(recognition, fields)
    splitter._is_trailing(trailing)
    event(f"gap: {splitter._gap is not None}, trailing: {trailing}")

    columns = splitter._pick(lines)

    places = [WIDE.fields[name].position - 1 for name in fields]
    assert [list(column or ()) for column in columns] == [[line.split("^")[at] for line in lines] for at in places]


@pytest.mark.parametrize(
    ("left", "right"),
    [(["record_type"], ["uin"]), (["record_type", "ssid"], ["uin"]), (["record_type"], ["uin", "lexile_quantile"])],
)
def test_one_wanted_column_on_a_side_of_a_wide_gap_is_read(left: list[str], right: list[str]) -> None:
    places = {"record_type": 0, "ssid": 1, "uin": 98, "lexile_quantile": 99}
    recognition = dataclasses.replace(
        recognise(io.BytesIO(HEADER_OF_WIDE), [WIDE], expected=WIDE),
        column_count=100,
        positions=places,
        end_marker=None,
    )
    splitter = splitter_of(recognition, [*left, *right])
    assert splitter._gap is not None

    columns = splitter._pick(["^".join(f"{row}-{at}" for at in range(100)) for row in "ab"])

    assert columns == [tuple(f"{row}-{places[name]}" for row in "ab") for name in (*left, *right)]


HEADER_OF_WIDE = ("^".join(column.name for column in WIDE.columns) + "\n").encode()


# -- blank columns at the end ------------------------------------------------------------------------------------------

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
