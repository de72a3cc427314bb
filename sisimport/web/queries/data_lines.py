"""Data lines of a run's file for pages: split into cells with visible delimiters, and searched."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from sisimport.files.encodings import UTF8, codec_of
from sisimport.files.issues import FileError, Severity
from sisimport.files.lines import REREAD_LIMIT, whole_lines
from sisimport.files.quoting import split_line
from sisimport.imports.models import ImportRun
from sisimport.imports.runs.report import data_lines, field_label, layout_of
from sisimport.imports.storage.files import open_file
from sisimport.web.ssid_masking import Masking

MOST_HITS = 5000
_SEARCHABLE = 256 << 20  # bytes; a longer file is searched by the values of its issues only
_SEARCH_CHUNK = 1 << 16  # fits the processor's cache: four times larger is half as fast
_LONGEST_SHOWN = 6000  # characters of one line
_WIDE = 20  # columns; a longer line is shown in brief first
# Fields that identify a line's student, in the order of a wide line's brief form.
TELLING = (
    "local_number",
    "local_student_id",
    "ssid",
    "last_name",
    "first_name",
    "birth_date",
    "school",
    "school_code",
    "grade",
    "grade_assessed",
)
_TONES = {Severity.ERROR: "bad", Severity.WARNING: "warn", Severity.NOTICE: "info"}


@dataclass(frozen=True, slots=True)
class Cell:
    """One column of a data line. `field`, `label`: its names in the layout, blank if the layout does not read the
    column.

    `tone`: set on what the issue is about: `bad` (a wrong value), `warn`, `info`.
    """

    text: str
    field: str = ""
    label: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True)
class DataLine:
    """A data line in its original form: its cells and the delimiter between them."""

    cells: tuple[Cell, ...]
    delimiter: str

    def marked(self, field: str, severity: Severity) -> "DataLine":
        """The line with the cells of one issue marked: red only for a wrong value."""
        cells = tuple(
            replace(cell, tone=_TONES[severity]) if field and cell.field == field else cell for cell in self.cells
        )
        return DataLine(cells, self.delimiter)

    @property
    def brief(self) -> tuple[Cell, ...]:
        """For a wide line, first the cells of the issue, then those that identify the student; empty for a short
        line."""
        if len(self.cells) <= _WIDE:
            return ()
        marked = [cell for cell in self.cells if cell.tone]
        by_field = {cell.field: cell for cell in self.cells if cell.field and not cell.tone}
        return (*marked, *(by_field[name] for name in TELLING if name in by_field and by_field[name].text))


def positions_of(run: ImportRun) -> dict[str, int]:
    """Field -> index of its cell in the lines of this run's file."""
    return {str(field): int(at) for field, at in (run.facts.get("positions") or {}).items()}


def shown_lines(run: ImportRun, lines: Iterable[int], masking: Masking) -> dict[int, DataLine]:
    """The data lines with these numbers, split into cells."""
    layout = layout_of(run)
    names = {at: (field, field_label(layout, field)) for field, at in positions_of(run).items()}
    delimiter = str(run.facts.get("delimiter") or "")
    return {line: _cut(text, delimiter, names, masking) for line, text in data_lines(run, lines).items()}


def _cut(text: str, delimiter: str, names: Mapping[int, tuple[str, str]], masking: Masking) -> DataLine:
    text = text[:_LONGEST_SHOWN]
    if not delimiter:
        return DataLine((Cell(masking.line(text)),), "")
    cells = []
    for at, cell in enumerate(split_line(text, delimiter)):
        field, label = names.get(at, ("", ""))
        cells.append(Cell(_masked(cell, field, masking), field, label))
    return DataLine(tuple(cells), _visible(delimiter))


def _masked(cell: str, field: str, masking: Masking) -> str:
    """The cell; of an SSID in quotes or between spaces only the number is masked."""
    number = cell.strip(" \"'")
    return cell.replace(number, masking.value(field, number)) if number else cell


def _visible(delimiter: str) -> str:
    return "⇥" if delimiter == "\t" else delimiter


def lines_with_text(run: ImportRun, text: str) -> tuple[list[int], bool]:
    """Numbers of the lines that contain a text, in any case; and whether there were more than are returned, or too much
    to read."""
    if run.file is None or not text:
        return [], False
    if run.file.size > _SEARCHABLE:
        return [], True
    encoding = str(run.facts.get("encoding") or UTF8)
    # Bytes have lower case only for ASCII letters: accented text is searched in lower case, upper case and title case.
    spellings = {text.lower(), text.upper(), text.title()} if not text.isascii() else {text}
    needles = {spelling.encode(codec_of(encoding), errors="ignore").lower() for spelling in spellings} - {b""}
    if not needles:
        return [], False
    found: list[int] = []
    try:
        with open_file(run.file) as stream:
            first = 1
            for _offset, chunk in whole_lines(
                stream, size=_SEARCH_CHUNK, max_line_bytes=REREAD_LIMIT, encoding=encoding
            ):
                text_of = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in chunk else chunk
                lowered = text_of.lower()
                here = {number for needle in needles for number in _hits(lowered, needle)}
                found += [first + number for number in sorted(here)]
                if len(found) > MOST_HITS:
                    return found[:MOST_HITS], True
                first += text_of.count(b"\n")
    except (OSError, FileError):
        return found, True
    return found, False


def _hits(text: bytes, needle: bytes) -> Iterator[int]:
    """Numbers (from 0) of the lines that contain the needle: jumps from match to match, however many lines are in
    between."""
    line, counted, at = 0, 0, text.find(needle)
    while at >= 0:
        line += text.count(b"\n", counted, at)
        yield line
        counted = text.find(b"\n", at)
        at = text.find(needle, counted) if counted >= 0 else -1
