"""Refused lines put right on the page: their fields, what was changed so far, and a Test of the corrected lines only.

The file of a run never changes. What is tested is a file of its own with the corrected lines under the numbers they have in the
file they came from: every other line of it is blank. So reports, plan and journal name the lines as the first report did.
"""

import csv
import io
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any

from django.contrib.auth.models import User
from django.db import transaction

from sisimport.files.encodings import UTF8, codec_of
from sisimport.files.layouts import Layout
from sisimport.files.lines import REREAD_LIMIT, read_lines, whole_lines
from sisimport.files.quoting import split_line
from sisimport.imports.models import ImportRun, LineDraft, RunStatus, Work
from sisimport.imports.runs import services, uploads
from sisimport.imports.runs.report import field_label, layout_of
from sisimport.imports.runs.uploads import RunRefusedError
from sisimport.imports.storage.files import StoredFileError, open_file
from sisimport.imports.storage.records import long_records

WHOLE_LINE = -1  # the column of a line that cannot be cut into its fields
MAX_VALUE = 1000
MAX_WHOLE_LINE = 100_000
_LINE_ENDS = str.maketrans({"\n": " ", "\r": " ", "\x00": ""})


@dataclass(frozen=True, slots=True)
class LineField:
    """One field of a line: its column (from 0, or WHOLE_LINE), what the layout calls it, and what the file has."""

    at: int
    key: str
    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Correction:
    """One field of a corrected line, as it came and as it was corrected."""

    key: str
    label: str
    before: str
    after: str


def can_be_corrected(run: ImportRun) -> bool:
    """Is this a completed run of a file, some lines of which may have been refused?"""
    return run.file_id is not None and run.status == RunStatus.COMPLETED and run.work not in (Work.REVERT, Work.CONVERT)


def raw_records(run: ImportRun, lines: Iterable[int]) -> dict[int, str]:
    """Whole text of the records that start in these lines. Raises StoredFileError when the file is not there as it was kept."""
    wanted = sorted(set(lines))
    if run.file is None or not wanted:
        return {}
    with open_file(run.file) as stream:
        index, encoding = run.file.line_index, _encoding(run)
        found = read_lines(stream, index, wanted, encoding)
        if run.facts.get("several_lines"):
            delimiter, columns = str(run.facts["delimiter"]), int(run.facts["columns"])
            long = long_records(stream, index, found, encoding=encoding, delimiter=delimiter, columns=columns)
            found |= {number: "\n".join(several.values()) for number, several in long.items()}
    return found


def fields_of(run: ImportRun, text: str) -> list[LineField]:
    """The fields of one line in file order; the line as one field when it has not the columns of its file."""
    layout, delimiter = layout_of(run), str(run.facts.get("delimiter") or "")
    if delimiter:
        cells, names = split_line(text, delimiter), _names(run, layout)
        if names and len(cells) == int(run.facts.get("columns") or 0):
            return [LineField(at, *names[at], cells[at].translate(_LINE_ENDS)) for at in sorted(names)]
    elif layout is not None and len(text) == (layout.record_length or 0):
        return [
            LineField(at, column.field, column.label, text[column.span[0] - 1 : column.span[1]].strip())
            for at, column in enumerate(layout.columns)
            if column.field and column.span
        ]
    return [LineField(WHOLE_LINE, "", "Whole line", text.translate(_LINE_ENDS))]


def _names(run: ImportRun, layout: Layout | None) -> dict[int, tuple[str, str]]:
    """Column -> key and label of the fields that are read."""
    positions: Mapping[str, Any] = run.facts.get("positions") or {}
    return {int(at): (field, field_label(layout, field)) for field, at in positions.items()}


def _encoding(run: ImportRun) -> str:
    return str(run.facts.get("encoding") or UTF8)


def drafts_of(run: ImportRun, lines: Collection[int] | None = None) -> dict[int, dict[int, str]]:
    """New values kept so far: line -> column -> text."""
    drafts = LineDraft.objects.filter(run=run)
    if lines is not None:
        drafts = drafts.filter(line__in=lines)
    return {
        line: {int(at): text for at, text in values.items()} for line, values in drafts.values_list("line", "values")
    }


def save_draft(run: ImportRun, line: int, values: Mapping[int, str], *, user: User | None) -> None:
    """Keep the new values of a line; none takes the draft back. Values are cut at the length that any layout allows."""
    if not values:
        LineDraft.objects.filter(run=run, line=line).delete()
        return
    kept = {
        str(at): text.translate(_LINE_ENDS)[: MAX_WHOLE_LINE if at == WHOLE_LINE else MAX_VALUE]
        for at, text in values.items()
    }
    LineDraft.objects.update_or_create(run=run, line=line, defaults={"values": kept, "edited_by": user})


@transaction.atomic
def start_corrected_test(
    *, run: ImportRun, user: User | None, schools: Collection[int] | None, lines: Collection[int], enqueue: bool = True
) -> ImportRun:
    """Queue a Test of those of the refused `lines` that were corrected, and of nothing else. The drafts stay.

    Raises RunRefusedError when nothing was corrected or a value does not fit its column, StoredFileError for a lost file.
    """
    if not can_be_corrected(run) or run.file is None:
        raise RunRefusedError("Only lines of a completed run can be corrected.")
    drafts = drafts_of(run, lines)
    texts = {
        line: corrected
        for line, text in raw_records(run, drafts).items()
        if (corrected := _put_in(run, line, text, drafts[line]))
    }
    if not texts:
        raise RunRefusedError("No line was corrected yet. Change a field of a line first.")
    with tempfile.TemporaryFile() as stream:
        _write(run, texts, stream)
        file = uploads.keep_file(stream=stream, name=run.file.name, user=user)
    return services.start_run(
        file=file,
        import_type=run.import_type,
        work=Work.TEST,
        options=run.options,
        user=user,
        schools=schools,
        corrects=run,
        enqueue=enqueue,
    )


def _put_in(run: ImportRun, line: int, text: str, values: Mapping[int, str]) -> str:
    """The line with its new values."""
    if WHOLE_LINE in values:
        return values[WHOLE_LINE]
    delimiter = str(run.facts.get("delimiter") or "")
    if not delimiter:
        return _put_at_positions(run, line, text, values)
    cells = split_line(text, delimiter)
    for at, value in values.items():
        cells[at] = value
    out = io.StringIO()
    if any(mark in cell for cell in cells for mark in (delimiter, '"', "\n")):
        csv.writer(out, delimiter=delimiter, lineterminator="").writerow(cells)
        return out.getvalue()
    return delimiter.join(cells)


def _put_at_positions(run: ImportRun, line: int, text: str, values: Mapping[int, str]) -> str:
    """A fixed-width line with its new values. Raises RunRefusedError for one that is longer than its column."""
    layout = layout_of(run)
    assert layout is not None  # noqa: S101 - such a line was cut by its layout
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


def _write(run: ImportRun, texts: Mapping[int, str], out: IO[bytes]) -> None:
    """What stands above the records as it came, then each corrected line under its number, with blank lines between."""
    number = 0
    for head in _head(run):
        out.write(f"{head}\n".encode())
        number += 1
    for line in sorted(texts):
        out.write(b"\n" * (line - number - 1))
        out.write(f"{texts[line]}\n".encode())
        number = line + texts[line].count("\n")


def _head(run: ImportRun) -> Iterator[str]:
    """Lines above the first record: titles, and the line with the column names."""
    assert run.file is not None  # noqa: S101 - only runs of files are corrected
    above, header, encoding = int(run.facts.get("lines_above") or 0), bool(run.facts.get("header")), _encoding(run)
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


def corrections_in(run: ImportRun, *, most: int) -> dict[int, list[Correction]]:
    """What was corrected in a run of corrected lines, of its first `most` lines: both files are read.

    Empty when one of the files is not there as it was kept.
    """
    if run.corrects is None:
        return {}
    try:
        lines = _filled_lines(run, most)
        before, after = raw_records(run.corrects, lines), raw_records(run, lines)
    except StoredFileError:
        return {}
    found = {}
    for line in sorted(set(before) & set(after)):
        was, now = fields_of(run.corrects, before[line]), fields_of(run, after[line])
        values = {field.key: field.value for field in was}
        if set(values) != {field.key for field in now}:  # a line that could not be cut into fields before
            found[line] = [Correction("", "Whole line", before[line], after[line])]
        elif changed := [
            Correction(field.key, field.label, values[field.key], field.value)
            for field in now
            if field.value != values[field.key]
        ]:
            found[line] = changed
    return found


def _filled_lines(run: ImportRun, most: int) -> list[int]:
    """Numbers of the first lines with anything in them; those above the records are among them."""
    assert run.file is not None  # noqa: S101 - only runs of files are corrected
    found: list[int] = []
    number = 0
    with open_file(run.file) as stream:
        for _offset, chunk in whole_lines(stream, max_line_bytes=REREAD_LIMIT, encoding=UTF8):
            for raw in chunk.splitlines():
                number += 1
                if raw.strip():
                    found.append(number)
                    if len(found) > most:
                        return found
    return found
