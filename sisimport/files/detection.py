"""What is this file? Container, text encoding, separator, header and layout, determined from its beginning.

    bytes -> container -> encoding -> first lines -> fit of each layout -> Recognition

Nothing here raises, whatever the bytes: a file that cannot be read is reported in `Recognition.error`, in the registrar's words.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import IO, Final

from sisimport.files.beginnings import Sample, take_sample
from sisimport.files.encodings import (
    BOM,
    UTF8,
    UTF8_BOM,
    broken_text,
    encoding_notice,
    from_utf16,
    is_all_utf7,
    is_doubtful,
    judge,
    refused_encoding,
    wide_encoding,
    without_bom,
)
from sisimport.files.headings import heading_notice
from sisimport.files.issues import FileError, Problem, Severity
from sisimport.files.layout_choice import choose_layout, is_perfect
from sisimport.files.layout_matching import (
    DELIMITERS,
    Fit,
    column_count_params,
    day_first_fields,
)
from sisimport.files.layouts import Header, Layout
from sisimport.files.lines import MAX_LINE_BYTES, refuse_nul, split_text, without_dos_ends
from sisimport.files.remembered import Remembered, digest_of
from sisimport.files.separators import refuse_other_line_ends, with_one_separator

__all__ = ["MOST_COLUMNS", "Recognition", "column_count_params", "recognise"]

_SAMPLE_LINES: Final = 200
# The widest published layout has 401 columns; a district may add some of its own.
_USUAL_COLUMNS: Final = 600
MOST_COLUMNS: Final = 2000

TEXT: Final = "text"
XLSX: Final = "xlsx"
XLS: Final = "xls"
ZIP: Final = "zip"
PDF: Final = "pdf"
BINARY: Final = "binary"
EMPTY: Final = "empty"

# How files of other kinds begin: (bytes, container, name for the user)
_SIGNATURES: Final = (
    (b"PK\x03\x04", ZIP, "a zip archive"),
    (b"PK\x05\x06", ZIP, "an empty zip archive"),
    (b"\xd0\xcf\x11\xe0", XLS, "an old Excel workbook or another Office document"),
    (b"%PDF", PDF, "a PDF document"),
    (b"{\\rtf", BINARY, "a rich text document"),
    (b"\x1f\x8b", BINARY, "a compressed file (gzip)"),
    (b"7z\xbc\xaf", BINARY, "a compressed file (7z)"),
    (b"Rar!", BINARY, "a compressed file (rar)"),
    (b"\x89PNG", BINARY, "a picture"),
    (b"\xff\xd8\xff", BINARY, "a picture"),
    (b"GIF8", BINARY, "a picture"),
    (b"SQLite format 3", BINARY, "a database file"),
)
_OFFICE_PARTS: Final = ((b"xl/", XLSX, "an Excel workbook"), (b"word/", BINARY, "a Word document"))
_MARKUP = re.compile(rb"\s*<(?:!doctype|html|\?xml|table|head|body|meta)", re.IGNORECASE)
_CONTROLS: Final = bytes(sorted(set(range(1, 32)) - {9, 10, 12, 13, 26}))
_MANY_CONTROLS: Final = 8
# A decision on one line examines its file four times, and pages examine the same file repeatedly.
_looked_at: Final = Remembered["Recognition"](most=16)
_EXPECTED_FILE: Final = "a text file with one line for each student"


@dataclass(frozen=True, slots=True)
class Recognition:
    """The result of recognizing a file; enough to read it unless `error` says why not.

    `positions` maps each field the file has to its column (from 0); `column_count` is that of the file. `line_count` is known for
    files no longer than the part examined. `day_first` are date fields in which some dates can only be day/month. `also` are
    layouts that fit equally well. `lines_above` counts physical lines, including blank ones, above the column names or first
    record: a title, `sep=`. `perfect`: the first line holds exactly the layout's column names.
    """

    container: str = TEXT
    encoding: str = UTF8
    delimiter: str = ""
    header: bool = False
    fixed_width: bool = False
    layout: Layout | None = None
    column_count: int = 0
    line_count: int | None = None
    lines_above: int = 0
    positions: Mapping[str, int] = field(default_factory=dict)
    end_marker: str | None = None
    day_first: frozenset[str] = frozenset()
    also: tuple[Layout, ...] = ()
    notices: tuple[Problem, ...] = ()
    error: FileError | None = None
    perfect: bool = False


def recognise(
    stream: IO[bytes], layouts: Iterable[Layout], *, expected: Layout | Collection[Layout] | None = None
) -> Recognition:
    """Look at the beginning of a file and say what it is.

    `layouts` are all known layouts, `expected` the one (or those) of the chosen import type: a file that fits only another layout
    is refused with the name of that layout. Where no other layout can fit better, `layouts` is not iterated.
    """
    wanted = [expected] if isinstance(expected, Layout) else list(expected or ())
    sample = take_sample(stream)
    if wanted and all(layout.header is Header.REQUIRED for layout in wanted):
        found = _remembered(sample, wanted, wanted)
        if found.perfect:
            return found
    return _remembered(sample, list(layouts), wanted)


def _remembered(sample: Sample, all_layouts: list[Layout], wanted: list[Layout]) -> Recognition:
    key = (digest_of(sample.data), sample.lines_before, sample.complete, sample.at_start, len(all_layouts))
    found = _looked_at.get(key, [*all_layouts, *wanted])
    if found is None:
        found = _recognised(sample, all_layouts, wanted)
        if found.error is None:  # refusals are raised, and modified on the way
            _looked_at.keep(key, [*all_layouts, *wanted], found)
    return found


def _recognised(sample: Sample, all_layouts: list[Layout], wanted: list[Layout]) -> Recognition:
    seen = Recognition()
    try:
        seen = replace(seen, container=_container(sample))
        text, seen = _decode(sample, seen)
        lines = without_dos_ends(split_text(text))
        if sample.complete:
            seen = replace(seen, line_count=sample.lines_before + len(lines))
        elif len(lines) > 1:
            lines.pop()
        numbered = [(n, line) for n, line in enumerate(lines, sample.lines_before + 1) if line.strip()]
        if not numbered:
            raise FileError("FILE-EMPTY", found="only blank lines", expected=_EXPECTED_FILE)
        refuse_other_line_ends(lines)
        looked_at, two = with_one_separator(_narrowed([line for _, line in numbered[:_SAMPLE_LINES]]))
        start, fit, also = choose_layout(all_layouts, wanted, looked_at)
        numbered = numbered[start:]
        lines = [line for _, line in numbered]
    except _ContainerError as wrong:
        return replace(seen, container=wrong.container, error=wrong.error)
    except FileError as error:
        return replace(seen, error=error)
    above = numbered[0][0] - 1 if start else 0
    notices = [*seen.notices, *_newline_notice(text, fit.layout), *_fit_notices(fit, numbered[0][0]), *fit.notices]
    if two is not None and fit.header:
        notices.append(two)
    if above:
        notices.append(heading_notice(above, header=fit.header))
    return replace(
        seen,
        delimiter=fit.delimiter,
        header=fit.header,
        fixed_width=fit.fixed_width,
        layout=fit.layout,
        column_count=fit.column_count,
        lines_above=above,
        positions=fit.positions,
        end_marker=fit.end_marker,
        day_first=day_first_fields(fit, lines) if fit.error is None else frozenset(),
        also=also,
        notices=tuple(notices),
        error=fit.error,
        perfect=is_perfect(fit) and not start,
    )


# -- bytes -------------------------------------------------------------------------------------------------------------


class _ContainerError(Exception):
    def __init__(self, container: str, found: str) -> None:
        self.container = container
        code = "FILE-EMPTY" if container == EMPTY else "FILE-TYPE"
        self.error = FileError(code, found=found, expected=_EXPECTED_FILE)
        super().__init__(container)


def _container(sample: Sample) -> str:
    """Raises _ContainerError for anything but text."""
    data = sample.data
    if not without_bom(data).strip():
        raise _ContainerError(EMPTY, "nothing at all" if not data else "only blank lines")
    for start, container, name in _SIGNATURES:
        if data.startswith(start):
            if container == ZIP:
                for part, office, office_name in _OFFICE_PARTS:
                    if part in data:
                        raise _ContainerError(office, office_name)
            raise _ContainerError(container, name)
    if _MARKUP.match(without_bom(data)):
        raise _ContainerError(BINARY, "a web page or XML document")
    return TEXT


def _decode(sample: Sample, seen: Recognition) -> tuple[str, Recognition]:
    """Raises FileError or _ContainerError."""
    data, first_line = sample.data, sample.lines_before + 1
    wide = wide_encoding(data)
    if wide is not None:
        data = _utf16_as_utf8(data, wide)
        seen = replace(seen, encoding=wide, notices=(encoding_notice(wide),))
    controls = len(data) - len(data.translate(None, _CONTROLS + b"\0"))
    if controls >= _MANY_CONTROLS and controls * 50 > len(data):
        raise _ContainerError(BINARY, "not a text file (it contains bytes that are not characters)")
    refuse_nul(data, first_line)
    if not sample.complete:
        data = _whole_lines_of(data, first_line)
    if wide is not None:
        return without_bom(data).decode(), seen
    if data.startswith(BOM) and sample.at_start:
        bom = Problem("FILE-BOM", Severity.NOTICE, None, "a byte order mark")
        seen = replace(seen, encoding=UTF8_BOM, notices=(bom,))
        data = without_bom(data)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        judged = None if seen.encoding == UTF8_BOM else judge(data)
        if judged is None:
            raise broken_text(data, error, first_line) from None
        notice = encoding_notice(judged, doubtful=is_doubtful(data, judged))
        return data.decode(judged), replace(seen, encoding=judged, notices=(*seen.notices, notice))
    if text.isascii() and is_all_utf7(data):
        raise refused_encoding("UTF-7, which writes letters as groups such as +APo-")
    return text, seen


def _utf16_as_utf8(data: bytes, encoding: str) -> bytes:
    """Raises FileError (FILE-ENCODING) for incomplete characters, which are allowed only at the end of a sample."""
    try:
        return from_utf16(data, encoding)
    except UnicodeDecodeError as error:
        if error.start < len(data) - 4:
            line = len(split_text(data[: error.start].decode(encoding) + "x"))
            raise refused_encoding(f"UTF-16 with a broken character in line {line}") from None
        return from_utf16(data[: error.start], encoding)


def _whole_lines_of(data: bytes, first_line: int) -> bytes:
    """The sample without its last, incomplete line. Raises FileError if it is one line without a line end."""
    cut = max(data.rfind(b"\n"), data.rfind(b"\r"))
    if cut < 0:
        found = f"longer than {MAX_LINE_BYTES:,} bytes"
        expected = "lines of at most a few thousand characters"
        raise FileError("FILE-LINE-LENGTH", found=found, expected=expected, params={"line": first_line})
    return data[: cut + 1]


def _newline_notice(text: str, layout: Layout) -> list[Problem]:
    if layout.any_newline or "\r" not in text:
        return []
    ends, writers = ("CR LF", "Windows") if "\r\n" in text else ("CR", "old Mac")
    return [Problem("FILE-NEWLINE", Severity.NOTICE, None, f"{ends} (as {writers} programs write them)", "LF")]


def _fit_notices(fit: Fit, first_line: int) -> list[Problem]:
    notices = []
    if fit.delimiter and fit.delimiter != fit.layout.delimiter:
        expected = DELIMITERS[fit.layout.delimiter]
        notices.append(Problem("FILE-DELIMITER", Severity.NOTICE, None, DELIMITERS[fit.delimiter], expected))
    if fit.header and fit.layout.header is Header.NONE:
        notices.append(Problem("FILE-HEADER", Severity.NOTICE, None, "", "no such line", {"line": first_line}))
    return notices


def _narrowed(lines: Sequence[str]) -> list[str]:
    """The lines without the thousands of blank cells that spreadsheets may add at the end.

    Raises FileError if the first line has more non-blank columns than any file of students.
    """
    return [_narrow(line, first=not at) for at, line in enumerate(lines)]


def _narrow(line: str, *, first: bool) -> str:
    if len(line) <= _USUAL_COLUMNS:
        return line
    delimiter = max(DELIMITERS, key=line.count)
    if line.count(delimiter) < _USUAL_COLUMNS:
        return line
    filled = line.rstrip(f" {delimiter}").count(delimiter) + 1
    if first and filled > MOST_COLUMNS:
        params = {"what": "The file", "noun": "columns", "hint": ""}
        raise FileError("FILE-COLUMNS", found=f"{filled:,}", expected=f"at most {MOST_COLUMNS:,}", params=params)
    kept = min(max(filled, _USUAL_COLUMNS), MOST_COLUMNS)
    return delimiter.join(line.split(delimiter, kept)[:kept])
