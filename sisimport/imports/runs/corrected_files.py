"""Files of corrected lines: each line keeps its line number from the original file, with blank lines in between.

The corrections are stored with the file when it is made, so that no page has to read two files to show them.
"""

import csv
import io
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import IO, Any

from django.contrib.auth.models import User
from django.db import transaction

from sisimport.files.encodings import UTF8, codec_of
from sisimport.files.layouts import Layout
from sisimport.files.lines import REREAD_LIMIT, read_lines, whole_lines
from sisimport.files.quoting import split_line
from sisimport.imports.models import CorrectedLine, ImportFile, ImportRun
from sisimport.imports.runs import uploads
from sisimport.imports.runs.report import field_label, layout_of
from sisimport.imports.runs.uploads import RunRefusedError
from sisimport.imports.storage.files import open_file
from sisimport.imports.storage.records import long_records

WHOLE_LINE = -1  # the column of a line that cannot be cut into its fields
ONE_LINE = str.maketrans({"\n": " ", "\r": " ", "\x00": ""})
_BLOCK = 1000


@dataclass(frozen=True, slots=True)
class LineField:
    """One field of a line: its column (from 0, or WHOLE_LINE), its name in the layout, and its value in the file."""

    at: int
    key: str
    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Correction:
    """One field of a corrected line, original and corrected."""

    key: str
    label: str
    before: str
    after: str


def encoding_of(run: ImportRun) -> str:
    """The encoding of a run's file, as the run determined it."""
    return str(run.facts.get("encoding") or UTF8)


def raw_records(run: ImportRun, lines: Iterable[int]) -> dict[int, str]:
    """Whole text of the records that start on these lines. Raises StoredFileError when the file is missing or changed."""
    wanted = sorted(set(lines))
    if run.file is None or not wanted:
        return {}
    with open_file(run.file) as stream:
        index, encoding = run.file.line_index, encoding_of(run)
        found = read_lines(stream, index, wanted, encoding)
        if run.facts.get("several_lines"):
            delimiter, columns = str(run.facts["delimiter"]), int(run.facts["columns"])
            long = long_records(stream, index, found, encoding=encoding, delimiter=delimiter, columns=columns)
            found |= {number: "\n".join(several.values()) for number, several in long.items()}
    return found


def fields_of(run: ImportRun, text: str) -> list[LineField]:
    """The fields of one line in file order; the line as one field when its columns are not those of its file."""
    layout, delimiter = layout_of(run), str(run.facts.get("delimiter") or "")
    if delimiter:
        cells, names = split_line(text, delimiter), field_names(run, layout)
        if names and len(cells) == int(run.facts.get("columns") or 0):
            return [LineField(at, *names[at], cells[at].translate(ONE_LINE)) for at in sorted(names)]
    elif layout is not None and len(text) == (layout.record_length or 0):
        return [
            LineField(at, column.field, column.label, text[column.span[0] - 1 : column.span[1]].strip())
            for at, column in enumerate(layout.columns)
            if column.field and column.span
        ]
    return [LineField(WHOLE_LINE, "", "Whole line", text.translate(ONE_LINE))]


def field_names(run: ImportRun, layout: Layout | None) -> dict[int, tuple[str, str]]:
    """Column -> key and label of the fields that are read."""
    positions: Mapping[str, Any] = run.facts.get("positions") or {}
    return {int(at): (field, field_label(layout, field)) for field, at in positions.items()}


def put_in(run: ImportRun, line: int, text: str, values: Mapping[int, str]) -> str:
    """The line with its new values. Raises RunRefusedError for a value longer than its fixed column."""
    if WHOLE_LINE in values:
        return values[WHOLE_LINE]
    delimiter = str(run.facts.get("delimiter") or "")
    if not delimiter:
        return _put_at_positions(run, line, text, values)
    cells = split_line(text, delimiter)
    for at, value in values.items():
        cells[at] = value
    return joined(cells, delimiter)


def joined(cells: list[str], delimiter: str) -> str:
    """Cells as a line; a cell is quoted if it could be read as several."""
    if not any(mark in cell for cell in cells for mark in (delimiter, '"', "\n")):
        return delimiter.join(cells)
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="").writerow(cells)
    return out.getvalue()


def _put_at_positions(run: ImportRun, line: int, text: str, values: Mapping[int, str]) -> str:
    layout = layout_of(run)
    assert layout is not None  # noqa: S101 - such a line was split by its layout
    for at, value in values.items():
        column = layout.columns[at]
        first, last = column.span or (1, 0)
        width = last - first + 1
        if len(value) > width:
            raise RunRefusedError(
                f"Line {line:,}: {column.label} has room for {width} characters, and {len(value)} were entered. Shorten it."
            )
        text = text[: first - 1] + value.ljust(width) + text[last:]
    return text


# ---- the file ----


@transaction.atomic
def keep_lines(
    run: ImportRun, texts: Mapping[int, str], before: Mapping[int, str], *, user: User | None, name: str
) -> ImportFile:
    """Keep these lines of a run's file as a file of their own, and note how they differ from `before`.

    An existing file of these lines is reused. Raises RunRefusedError if there is no room, StoredFileError.
    """
    with tempfile.TemporaryFile() as stream:
        _write(run, texts, stream)
        file = uploads.keep_file(stream=stream, name=name, user=user)
    file.lines_of = run
    file.save(update_fields=["lines_of"])
    noted = (
        CorrectedLine(file=file, line=line, fields=[asdict(one) for one in _corrections(run, before[line], text)])
        for line, text in sorted(texts.items())
        if text != before[line]
    )
    CorrectedLine.objects.bulk_create(noted, batch_size=_BLOCK)
    return file


def _corrections(run: ImportRun, before: str, after: str) -> list[Correction]:
    was, now = fields_of(run, before), fields_of(run, after)
    values = {field.key: field.value for field in was}
    if set(values) != {field.key for field in now}:  # a line that could not be split into fields before
        return [Correction("", "Whole line", before, after)]
    changed = [
        Correction(field.key, field.label, values[field.key], field.value)
        for field in now
        if field.value != values[field.key]
    ]
    return changed or [Correction("", "Whole line", before, after)]  # the change is in a column that is not read


def _write(run: ImportRun, texts: Mapping[int, str], out: IO[bytes]) -> None:
    """Write the lines above the records unchanged, then each line at its number, with blank lines between."""
    number = 0
    for text in head_of(run):
        out.write(f"{text}\n".encode())
        number += 1
    for line in sorted(texts):
        out.write(b"\n" * (line - number - 1))
        out.write(f"{texts[line]}\n".encode())
        number = line + texts[line].count("\n")


def head_of(run: ImportRun) -> Iterator[str]:
    """Lines above the first record: titles, and the line with the column names."""
    assert run.file is not None  # noqa: S101 - only runs of files are corrected
    above, header, encoding = int(run.facts.get("lines_above") or 0), bool(run.facts.get("header")), encoding_of(run)
    if not above and not header:
        return
    number = 0
    with open_file(run.file) as stream:
        for _offset, chunk in whole_lines(stream, max_line_bytes=REREAD_LIMIT, encoding=encoding):
            for raw in chunk.splitlines():
                text = raw.decode(codec_of(encoding), errors="replace").lstrip("\ufeff")
                number += 1
                if number > above and not header:
                    return
                yield text
                if number > above and text.strip():
                    return
