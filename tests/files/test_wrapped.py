"""Lines that are each one cell in quotation marks, as a spreadsheet writes lines pasted into one column."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sisimport.files.archives import unpack
from sisimport.files.encodings import BOM
from sisimport.files.wrapped import bare_beginning

PLAIN = 'school,number,name\r\n0113185,100001,"Oh, Jr."\r\n0113185,100002,García\r\n'


def wrapped(text: str, end: str = "\r\n") -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator=end)
    writer.writerows([line] for line in text.splitlines())
    return out.getvalue().encode()


def kept(data: bytes) -> tuple[bytes, list[str]]:
    inner = unpack(io.BytesIO(data), max_bytes=1 << 20)
    return inner.stream.read(), [notice.code for notice in inner.notices]


def test_the_marks_around_the_lines_go_with_a_notice() -> None:
    assert kept(wrapped(PLAIN)) == (PLAIN.encode(), ["FILE-WRAPPED"])


def test_a_mark_before_the_first_line_and_blank_columns_after_them_are_not_an_obstacle() -> None:
    data = BOM + wrapped(PLAIN).replace(b"\r\n", b",,\r\n")

    assert kept(data) == (BOM + PLAIN.encode(), ["FILE-WRAPPED"])


def test_a_title_without_a_separator_needs_no_marks() -> None:
    title, *rest = wrapped("Roster\n" + PLAIN).splitlines(keepends=True)

    assert kept(b"".join([title.strip(b'"\r\n') + b"\r\n", *rest]))[1] == []  # the first line has to be wrapped
    assert kept(b"".join([*rest, b"End of list\r\n"])) == (PLAIN.encode() + b"End of list\r\n", ["FILE-WRAPPED"])


@pytest.mark.parametrize(
    "data",
    [
        PLAIN.encode(),
        b'"school","number","name"\r\n"0113185","100001","Oh, Jr."\r\n',
        b'"Oh, Jr."\r\n"Lee, Sr."\r\n',  # one column of names
        wrapped(PLAIN) + b"0113185,100003,Lee\r\n",  # only some lines: each is reported
    ],
)
def test_other_files_stay_as_they_are(data: bytes) -> None:
    assert kept(data) == (data, [])


@given(
    st.lists(
        st.lists(
            st.text(st.characters(codec="utf-8", exclude_characters="\r\n\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029\0")),
            min_size=3,
            max_size=4,
        ),
        min_size=1,
    )
)
def test_any_records_come_out_as_they_were(rows: list[list[str]]) -> None:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([["x", *row] for row in rows])
    plain = out.getvalue()

    assert kept(wrapped(plain, "\n")) == (plain.encode(), ["FILE-WRAPPED"])


def test_the_beginning_that_a_page_looks_at_is_read_alike() -> None:
    data = wrapped(PLAIN)

    assert bare_beginning(data) == PLAIN.encode()
    assert bare_beginning(data[:-9]).startswith(PLAIN.encode().splitlines(keepends=True)[0])
    assert bare_beginning(PLAIN.encode()) == PLAIN.encode()
