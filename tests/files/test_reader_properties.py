"""Properties of the reader: what is written is what is read, whatever is written."""

import csv
import dataclasses
import io
import re
import unicodedata
from collections.abc import Sequence

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from sisimport.files import chunks
from sisimport.files.damage import PLACEHOLDERS
from sisimport.files.detection import Recognition, recognise
from sisimport.files.issues import FileError, codes
from sisimport.files.layouts import Layout
from sisimport.files.lines import whole_lines
from sisimport.files.reader import iter_lines, read_lines
from sisimport.files.splitters.delimited import PlainSplitter
from sisimport.files.tallies import Tallies
from tests.files.samples import ALL_LAYOUTS, DOWNLOAD_HEADER, ROSTER, SCORE_LAYOUTS, THREE, line, read
from tests.imports.properties import examples

SCRAPS = [
    *(cell.encode() for cell in line().split("^")),
    b"^", b",", b"\n", b"\r\n", b"\r", b'"', b" ", b"\t", b"\x00", b"\xff", b"\xc3", b"\xef\xbb\xbf", b"SELA", b"SSID", b"lea",
    b"local_number", (line() + "\n").encode(), DOWNLOAD_HEADER.encode(), ",".join(ROSTER.fields).encode(), b"PK\x03\x04", b"ZZ",
]  # fmt: skip


def damage(data: bytes, at: int, scrap: bytes) -> bytes:
    return data[:at] + scrap + data[at + len(scrap) :]


SIGNS = "-\u2010\u2011,;:/\\!& "  # begin and end no name


def bare(name: str) -> str | None:
    """A name without the signs that begin and end none. A period at the end is left out here: it may belong to the name."""
    return name.lstrip(f"{SIGNS}.").rstrip(SIGNS) or None


NAMES = st.text(
    st.characters(
        codec="utf-8", exclude_categories=("Cc", "Cf", "Cs", "Zs", "Zl", "Zp"), exclude_characters='"^\u034f&'
    ),
    min_size=1,
    max_size=12,
).filter(
    lambda name: (
        name == name.strip()
        and name not in PLACEHOLDERS
        and not re.search("[Â-ô]", name)
        and not (bare(nfc(name)) or "").endswith(".")
    )
)


@settings(max_examples=examples(80), deadline=None)
@given(
    table=st.lists(st.tuples(NAMES, NAMES, st.integers(1990, 2024)), min_size=1, max_size=40),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_what_is_written_is_what_is_read(table: list[tuple[str, str, int]], end: str) -> None:
    text = "".join(line(last_name=last, first_name=first, birth_date=f"{y}0704") + end for last, first, y in table)

    result = read(text, fields=["last_name", "first_name", "birth_date"])

    assert [values for _, values, _ in result.rows] == [
        (bare(nfc(last)), bare(nfc(first)), f"{y}-07-04") for last, first, y in table
    ]


def nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def tables(alphabet: str) -> st.SearchStrategy[list[list[str]]]:
    """Two columns of text. Separators and line ends in one table could be cut into lines in more than one way."""
    cell = st.text(st.sampled_from(list(alphabet)), max_size=8)
    return st.lists(st.lists(cell, min_size=2, max_size=2), min_size=1, max_size=30)


def unquoted(name: str) -> str:
    """A name without the quotation marks around all of it, which are not part of one."""
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
        (f"n{n}", *[bare(unquoted(re.sub(r"\s*\n\s*", " ", cell).strip())) for cell in cells])
        for n, cells in enumerate(table)
    ]
    assert [values for _, values, _ in result.rows] == expected


@settings(max_examples=examples(120), deadline=None)
@given(
    data=st.one_of(
        st.binary(max_size=400),
        st.lists(st.sampled_from(SCRAPS), max_size=40).map(b"".join),
        st.builds(damage, st.just(THREE.encode()), st.integers(0, 600), st.binary(max_size=3)),
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


WIDE = SCORE_LAYOUTS["caaspp-2023-24"]


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
