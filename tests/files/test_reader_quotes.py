"""The reader on quoted cells, stray marks, and records over several lines; lines found again by their number."""

import io
import json
from collections.abc import Iterator

import pytest

from sisimport.files import chunks
from sisimport.files.issues import Severity
from sisimport.files.reader import read_lines
from tests.files.samples import THREE, line, lines, read


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Chunks of a line or two, so that short files cross many chunk borders."""
    monkeypatch.setattr(chunks, "_CHUNK_BYTES", 150)
    monkeypatch.setattr(chunks, "_INDEX_BYTES", 300)
    return


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
