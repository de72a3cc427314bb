"""What is this file? Container, text encoding, separator, header and layout, from a look at its beginning.

    bytes -> container -> encoding -> first lines -> fit of each layout -> Recognition

Nothing here raises, whatever the bytes: what cannot be read is said in `Recognition.error`, in the registrar's words.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import IO, Final

from sisimport.files.issues import FileError, Problem, Severity
from sisimport.files.layout_matching import (
    DELIMITERS,
    Fit,
    columns_said,
    day_first_fields,
    fit_layout,
    listed,
    missing_markers,
    nearness,
)
from sisimport.files.layouts import Header, Layout
from sisimport.files.lines import (
    BOM,
    MAX_LINE_BYTES,
    UTF8,
    UTF8_BOM,
    WINDOWS,
    broken_text,
    is_plausible_windows,
    refuse_nul,
    split_text,
    windows_notice,
)
from sisimport.files.quoting import split_line

__all__ = ["Recognition", "columns_said", "recognise"]

_SAMPLE_BYTES: Final = MAX_LINE_BYTES
_SAMPLE_LINES: Final = 200
# Without a choice by the user a file must look right, not only have the right number of columns.
_GUESS_SCORE: Final = 0.6
_OTHER_SCORE: Final = 0.8
# A layout that knows so much of a header is named as near, and no more than so many.
_NEAR_SHARE: Final = 0.25
_NEAR_SHOWN: Final = 3

TEXT: Final = "text"
XLSX: Final = "xlsx"
XLS: Final = "xls"
ZIP: Final = "zip"
PDF: Final = "pdf"
BINARY: Final = "binary"
EMPTY: Final = "empty"

# How files of other kinds begin: (bytes, container, what to call it)
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
_EXPECTED_FILE: Final = "a text file with one line for each student"


@dataclass(frozen=True, slots=True)
class Recognition:
    """What a file was recognised as; enough to read it unless `error` says why not.

    `positions` maps each field the file has to its column (from 0); `column_count` is that of the file. `line_count` is
    known for files that are no longer than the look taken. `day_first` are date fields in which some dates can only be
    day/month. `also` are layouts that fit just as well.
    """

    container: str = TEXT
    encoding: str = UTF8
    delimiter: str = ""
    header: bool = False
    fixed_width: bool = False
    layout: Layout | None = None
    column_count: int = 0
    line_count: int | None = None
    positions: Mapping[str, int] = field(default_factory=dict)
    end_marker: str | None = None
    day_first: frozenset[str] = frozenset()
    also: tuple[Layout, ...] = ()
    notices: tuple[Problem, ...] = ()
    error: FileError | None = None


def recognise(
    stream: IO[bytes], layouts: Iterable[Layout], *, expected: Layout | Collection[Layout] | None = None
) -> Recognition:
    """Look at the beginning of a file and say what it is.

    `layouts` are all that are known, `expected` the one (or those) of the import type chosen: a file that fits only
    another layout is refused with the name of that one.
    """
    wanted = [expected] if isinstance(expected, Layout) else list(expected or ())
    sample = _take_sample(stream)
    seen = Recognition()
    try:
        seen = replace(seen, container=_container(sample))
        text, seen = _decode(sample, seen)
        lines = split_text(text)
        if sample.complete:
            seen = replace(seen, line_count=sample.lines_before + len(lines))
        elif len(lines) > 1:
            lines.pop()
        lines = [line for line in lines if line.strip()]
        if not lines:
            raise FileError("FILE-EMPTY", found="nothing but blank lines", expected=_EXPECTED_FILE)
        fit, also = _choose(list(layouts), wanted, lines[:_SAMPLE_LINES])
    except _ContainerError as wrong:
        return replace(seen, container=wrong.container, error=wrong.error)
    except FileError as error:
        return replace(seen, error=error)
    notices = [*seen.notices, *_newline_notice(sample, fit.layout), *_fit_notices(fit, sample, text), *fit.notices]
    return replace(
        seen,
        delimiter=fit.delimiter,
        header=fit.header,
        fixed_width=fit.fixed_width,
        layout=fit.layout,
        column_count=fit.column_count,
        positions=fit.positions,
        end_marker=fit.end_marker,
        day_first=day_first_fields(fit, lines) if fit.error is None else frozenset(),
        also=also,
        notices=tuple(notices),
        error=fit.error,
    )


# -- bytes -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Sample:
    """The first bytes that are not blank lines. `lines_before` blank lines were passed over; `complete`: it is all."""

    data: bytes
    lines_before: int
    complete: bool
    at_start: bool


def _take_sample(stream: IO[bytes]) -> _Sample:
    stream.seek(0)
    data = stream.read(_SAMPLE_BYTES)
    lines_before, at_start = 0, True
    while len(data) == _SAMPLE_BYTES and not data.removeprefix(BOM).strip():
        lines_before += len(data.splitlines())
        at_start = False
        data = stream.read(_SAMPLE_BYTES)
    return _Sample(data, lines_before, complete=not stream.read(1), at_start=at_start)


class _ContainerError(Exception):
    def __init__(self, container: str, found: str) -> None:
        self.container = container
        code = "FILE-EMPTY" if container == EMPTY else "FILE-TYPE"
        self.error = FileError(code, found=found, expected=_EXPECTED_FILE)
        super().__init__(container)


def _container(sample: _Sample) -> str:
    """Raises _ContainerError for anything but text."""
    data = sample.data
    if not data.removeprefix(BOM).strip():
        raise _ContainerError(EMPTY, "nothing at all" if not data else "nothing but blank lines")
    for start, container, name in _SIGNATURES:
        if data.startswith(start):
            if container == ZIP:
                for part, office, office_name in _OFFICE_PARTS:
                    if part in data:
                        raise _ContainerError(office, office_name)
            raise _ContainerError(container, name)
    if _MARKUP.match(data.removeprefix(BOM)):
        raise _ContainerError(BINARY, "a web page or XML document")
    return TEXT


def _decode(sample: _Sample, seen: Recognition) -> tuple[str, Recognition]:
    """Raises FileError or _ContainerError."""
    data, first_line = sample.data, sample.lines_before + 1
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or _looks_utf16(data):
        raise FileError("FILE-ENCODING", found="text in UTF-16 (“Unicode” in some programs)", expected="text in UTF-8")
    controls = len(data) - len(data.translate(None, _CONTROLS + b"\0"))
    if controls >= _MANY_CONTROLS and controls * 50 > len(data):
        raise _ContainerError(BINARY, "not a text file (it holds bytes that are no characters)")
    refuse_nul(data, first_line)
    if not sample.complete:
        data = _whole_lines_of(data, first_line)
    if data.startswith(BOM) and sample.at_start:
        bom = Problem("FILE-BOM", Severity.NOTICE, None, "a byte order mark")
        seen = replace(seen, encoding=UTF8_BOM, notices=(bom,))
        data = data[len(BOM) :]
    try:
        return data.decode("utf-8"), seen
    except UnicodeDecodeError as error:
        if seen.encoding == UTF8_BOM or not is_plausible_windows(data):
            raise broken_text(data, error, first_line) from None
        return data.decode(WINDOWS), replace(seen, encoding=WINDOWS, notices=(*seen.notices, windows_notice()))


def _looks_utf16(data: bytes) -> bool:
    """Text in UTF-16 without a byte order mark: every other byte is zero."""
    head = data[:2000]
    return len(head) >= 4 and any(head[side::2].count(0) * 10 >= len(head[side::2]) * 9 for side in (0, 1))


def _whole_lines_of(data: bytes, first_line: int) -> bytes:
    """The sample without its last, cut line. Raises FileError when it is one line without end."""
    cut = max(data.rfind(b"\n"), data.rfind(b"\r"))
    if cut < 0:
        found = f"longer than {MAX_LINE_BYTES:,} bytes"
        expected = "lines of at most a few thousand characters"
        raise FileError("FILE-LINE-LENGTH", found=found, expected=expected, params={"line": first_line})
    return data[: cut + 1]


def _newline_notice(sample: _Sample, layout: Layout) -> list[Problem]:
    if layout.any_newline or b"\r" not in sample.data:
        return []
    ends, writers = ("CR LF", "Windows") if b"\r\n" in sample.data else ("CR", "old Mac")
    return [Problem("FILE-NEWLINE", Severity.NOTICE, None, f"{ends} (as {writers} programs write them)", "LF")]


def _fit_notices(fit: Fit, sample: _Sample, text: str) -> list[Problem]:
    notices = []
    if fit.delimiter and fit.delimiter != fit.layout.delimiter:
        expected = DELIMITERS[fit.layout.delimiter]
        notices.append(Problem("FILE-DELIMITER", Severity.NOTICE, None, DELIMITERS[fit.delimiter], expected))
    if fit.header and fit.layout.header is Header.NONE:
        first = next(number for number, line in enumerate(split_text(text), sample.lines_before + 1) if line.strip())
        notices.append(Problem("FILE-HEADER", Severity.NOTICE, None, "", "no such line", {"line": first}))
    return notices


# -- layouts -----------------------------------------------------------------------------------------------------------


def _choose(
    layouts: Sequence[Layout], wanted: Sequence[Layout], lines: Sequence[str]
) -> tuple[Fit, tuple[Layout, ...]]:
    """The fit to use and other layouts that fit as well. Raises FileError when nothing fits."""
    if not wanted:
        return _guess(layouts, lines)
    fits = [fit_layout(layout, lines) for layout in wanted]
    best = max(fits, key=_rank)
    rivals = [fit_layout(layout, lines) for layout in layouts if layout not in wanted and not layout.same_file_as]
    rival = _best([f for f in rivals if f.error is None and f.score >= _OTHER_SCORE and _holds_markers(f, lines)])
    if best.error is None:
        if rival is not None and _fits_clearly_better(rival, best):
            raise _other_type(rival, wanted)
        equals = [fit for fit in fits if fit is not best and fit.error is None and _rank(fit) == _rank(best)]
        if equals:
            names = " and ".join(fit.layout.title for fit in [best, *equals])
            raise FileError("FILE-AMBIGUOUS", found=names, expected="one of them")
        return best, ()
    if rival is not None:
        raise _other_type(rival, wanted)
    return best, ()


def _fits_clearly_better(rival: Fit, best: Fit) -> bool:
    """By name, any other layout that fits exactly; by content, one that fits while the chosen one hardly does."""
    if rival.header and rival.layout.header is not Header.NONE:
        return _rank(rival) > _rank(best)
    return best.score < 0.5 <= rival.score - best.score


def _guess(layouts: Sequence[Layout], lines: Sequence[str]) -> tuple[Fit, tuple[Layout, ...]]:
    fits = [fit_layout(layout, lines) for layout in layouts]
    good = [fit for fit in fits if fit.error is None and fit.score >= _GUESS_SCORE and _holds_markers(fit, lines)]
    best = _best([fit for fit in good if fit.layout.same_file_as is None])
    if best is not None:
        return best, tuple(fit.layout for fit in good if fit is not best and _rank(fit) == _rank(best))
    delimiter = next((delimiter for delimiter in DELIMITERS if delimiter in lines[0]), "")
    columns = len(split_line(lines[0], delimiter)) if delimiter else 1
    found = f"{columns} columns separated by {DELIMITERS[delimiter]}" if delimiter else "no columns"
    raise FileError("FILE-UNKNOWN", found=found, expected=_nearest(layouts, lines, delimiter))


def _holds_markers(fit: Fit, lines: Sequence[str]) -> bool:
    """Nobody said that the file is of this layout: are the columns there that no other file has?"""
    return not missing_markers(fit.layout, lines, fit.delimiter)


def _nearest(layouts: Sequence[Layout], lines: Sequence[str], delimiter: str) -> str:
    """The layouts whose column names come nearest, each with what the file lacks."""
    by_name = [
        (layout, nearness(layout, lines, delimiter)) for layout in layouts if delimiter and not layout.same_file_as
    ]
    near = sorted(
        (pair for pair in by_name if pair[1].share >= _NEAR_SHARE and pair[1].missing), key=lambda p: -p[1].share
    )
    told = [f"{layout.title} (missing: {listed(how.missing)})" for layout, how in near[:_NEAR_SHOWN]]
    return f"a layout that is known here; nearest: {'; '.join(told)}" if told else "a layout that is known here"


def _rank(fit: Fit) -> tuple[bool, bool, bool, float]:
    """Column names say more than positions and content: an edited header still beats a shape that happens to fit."""
    by_name = fit.header and fit.layout.header is Header.REQUIRED
    return (fit.error is None, fit.exact, by_name, fit.score)


def _best(fits: Sequence[Fit]) -> Fit | None:
    return max(fits, key=_rank, default=None)


def _other_type(fit: Fit, wanted: Sequence[Layout]) -> FileError:
    chosen = " or ".join(layout.title for layout in wanted)
    params = {"layout": fit.layout.key}
    return FileError("FILE-OTHER-TYPE", found=fit.layout.title, expected=chosen, params=params)
