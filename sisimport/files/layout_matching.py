"""How well a file's first lines fit a layout: by column names if there is a header, else by shape and content.

Scores run from 0 to 1 and are only compared with each other. A fit may carry the reason why the layout, though the nearest,
cannot be used (`error`).
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import translate
from functools import lru_cache
from itertools import filterfalse
from operator import contains
from typing import Any, Final, NamedTuple

from sisimport.files.dates import YEAR_FIRST, DaysSeen, read_date
from sisimport.files.first_lines import FirstLines
from sisimport.files.issues import FileError, Problem, Severity
from sisimport.files.layouts import Column, ColumnKind, Header, Layout, normalise_header
from sisimport.files.quoting import split_line
from sisimport.files.values import MemoColumn, column_reader

DELIMITERS: Final = {"^": "a caret (^)", ",": "a comma", "\t": "a tab", "|": "a bar (|)", ";": "a semicolon"}

# Below this share of readable dates, numbers and codes the columns hold something else.
_CONTENT_REFUSED: Final = 0.2
_HEADER_EDITED: Final = 0.7
_HEADER_OF_POSITIONAL: Final = 0.5
_FEW_LINES: Final = 3
_FEW_NAMES: Final = 2  # one word above the records may be a label
# A file without column names must be so wide that the match is not by chance, and its dates must be dates.
_WIDE: Final = 30
_CONTENT_WITHOUT_HEADER: Final = 0.8
_NAMES_SHOWN: Final = 8
_SIGN = re.compile(r"[^\w .,'-]|  ")  # hardly in a single value
_SPACES = re.compile(r" {2,}")


@dataclass(frozen=True, slots=True)
class Fit:
    """A layout against a file. `column_count` is that of the file, `positions` says where each field is (from 0)."""

    layout: Layout
    score: float = 0.0
    delimiter: str = ""
    header: bool = False
    fixed_width: bool = False
    column_count: int = 0
    positions: Mapping[str, int] = field(default_factory=dict)
    end_marker: str | None = None
    notices: tuple[Problem, ...] = ()
    error: FileError | None = None
    exact: bool = False


def fit_layout(layout: Layout, lines: Sequence[str]) -> Fit:
    """The best way to read the lines (not blank, the first one first) with this layout."""
    lines = FirstLines.of(lines)
    fixed = _fit_fixed_width(layout, lines)
    if fixed is not None:
        return fixed
    fits = [_fit_delimited(layout, lines, delimiter) for delimiter in _delimiters(layout, lines[0])]
    if not fits:
        return Fit(layout, error=_no_delimiter(layout, lines[0]))
    return max(fits, key=lambda fit: (fit.error is None, fit.exact, fit.score))


def _delimiters(layout: Layout, line: str) -> list[str]:
    own = layout.delimiter
    return [own] * (own in line) + [other for other in DELIMITERS if other != own and other in line]


def _no_delimiter(layout: Layout, line: str) -> FileError:
    if not _SIGN.search(line):
        found = "nothing (the lines have one column only)"
    elif len(_SPACES.findall(line.strip())) >= _FEW_LINES:
        found = "spaces only, as in a file of fixed width"
    else:
        found = "a character that is not a known delimiter"
    return FileError("FILE-DELIMITER", found=found, expected=DELIMITERS[layout.delimiter])


def _fit_delimited(layout: Layout, lines: FirstLines, delimiter: str) -> Fit:
    if layout.header is not Header.NONE or layout.optional_columns:
        named = _fit_header(layout, lines, delimiter)
        if layout.header is Header.REQUIRED:
            return _fit_without_header(layout, lines, delimiter) or named if named.error is not None else named
        if named.score >= _HEADER_EDITED:
            return named
    return _fit_positions(layout, lines, delimiter)


# -- by column names ---------------------------------------------------------------------------------------------------


class _KnownNames(NamedTuple):
    """Column by normalized name; the names with a `*` in them, and one expression that matches any of those; how many columns are
    not fillers.
    """

    names: dict[str, Column]
    patterns: tuple[tuple[re.Pattern[str], Column], ...]
    any_pattern: re.Pattern[str]
    column_count: int


@lru_cache(maxsize=256)
def _known_names(layout: Layout) -> _KnownNames:
    """The names of the layout's columns. Filler columns do not count as names.

    An alias that is another column's name, or an alias of two columns, counts only if the whole header fits by position.
    """
    names = {column.names[0]: column for column in layout.columns}
    patterns: list[tuple[str, Column]] = []
    aliases: dict[str, Column | None] = {}
    for column in layout.columns:
        for alias in column.names[1:]:
            if "*" in alias:
                patterns.append((alias, column))
            elif alias not in names:
                aliases[alias] = column if alias not in aliases else None
    names |= {alias: column for alias, column in aliases.items() if column is not None}
    names.pop("blank", None)
    expressions = [translate(alias) for alias, _column in patterns]
    compiled = tuple((re.compile(text), column) for text, (_alias, column) in zip(expressions, patterns, strict=True))
    any_pattern = re.compile("|".join(expressions) or r"(?!)")
    return _KnownNames(names, compiled, any_pattern, sum(column.names[0] != "blank" for column in layout.columns))


@lru_cache(maxsize=256)
def _names_in_order(layout: Layout) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(column.names) for column in layout.columns)


def find_columns(layout: Layout, header: Sequence[str]) -> list[Column | None]:
    """The layout's column for each name of the header; every column is found at most once, by exact names first."""
    names, patterns, any_pattern, _column_count = _known_names(layout)
    found = [names.get(name) for name in header]
    positions = {column.position for column in found if column}
    for at, name in enumerate(header):
        if found[at] is None and name and any_pattern.match(name):
            column = next((c for pattern, c in patterns if c.position not in positions and pattern.match(name)), None)
            if column is not None:
                found[at] = column
                positions.add(column.position)
    return found


def _fit_header(layout: Layout, lines: FirstLines, delimiter: str) -> Fit:
    header = list(lines.names(delimiter))
    while header and not header[-1]:
        header.pop()
    columns = layout.columns
    if len(header) == len(columns) and all(map(contains, _names_in_order(layout), header)):
        return _named(layout, columns, header, lines, delimiter, score=1.0, exact=True)
    found = find_columns(layout, header)
    named = [column for column in found if column is not None]
    in_file = sum(name not in {"", "blank"} for name in header)
    in_layout = _known_names(layout).column_count
    of = in_file if layout.optional_columns else max(in_file, in_layout)
    score = len({column.position for column in named}) / of if of else 0.0
    for position in range(min(layout.fixed_columns, len(found))):
        if found[position] is None and columns[position] not in found:
            found[position] = columns[position]
    return _named(layout, found, header, lines, delimiter, score=min(score, 0.999), exact=False)


def _named(
    layout: Layout,
    found: Sequence[Column | None],
    header: Sequence[str],
    lines: FirstLines,
    delimiter: str,
    *,
    score: float,
    exact: bool,
) -> Fit:
    """The fit for a header (the first line); `found` holds the column found for each name, if any."""
    cells = lines.cells(0, delimiter)
    positions: dict[str, int] = {}
    shape: dict[str, Any] = {
        "delimiter": delimiter,
        "header": True,
        "column_count": len(header),
        "positions": positions,
    }
    error: FileError | None = None
    for at, column in enumerate(found):
        if column is not None and column.field:
            if column.field in positions and error is None:
                places = {"places": f"{positions[column.field] + 1} and {at + 1}"}
                error = FileError("FILE-COLUMN-TWICE", found=cells[at].strip(), expected="each once", params=places)
            positions.setdefault(column.field, at)
    missing = [c for c in layout.fields.values() if c.field not in positions and c.field not in layout.constants]
    needed = [column.name for column in missing if column.required or layout.needs_every_field]
    # Two known names make a line of column names, even if others are missing.
    some = score >= 0.3 or len(positions) >= 2 or (not needed and bool(positions))
    is_header = some if layout.optional_columns else score >= _HEADER_EDITED
    if not is_header:
        shown = ", ".join(cell.strip()[:40] for cell in list(cells)[:3])
        expected = f"column names such as {', '.join(column.name for column in layout.columns[:3])}"
        return Fit(layout, score, error=FileError("FILE-NO-HEADER", found=f"“{shown}”", expected=expected), **shape)
    if needed and error is None:
        expected, params = f"the columns of {layout.title}", {"layout": layout.key}
        error = FileError("FILE-COLUMN-MISSING", found=listed(needed), expected=expected, params=params)
    notices = []
    unknown = [
        cells[at].strip() for at, column in enumerate(found) if column is None and header[at] not in {"", "blank"}
    ]
    if unknown:
        notices.append(Problem("FILE-COLUMN-UNKNOWN", Severity.NOTICE, None, listed(unknown)))
    absent = [column.name for column in missing if not column.required]
    if absent and not layout.optional_columns:
        notices.append(Problem("FILE-COLUMN-ABSENT", Severity.NOTICE, None, listed(absent)))
    marker = layout.end_marker if _has_end_marker(layout, found, lines, delimiter) else None
    if layout.end_marker is not None and marker is None and layout.columns[-1] not in found:
        notices.append(Problem("FILE-END-COLUMN", Severity.WARNING, None, layout.columns[-1].name, layout.end_marker))
    return Fit(layout, score, notices=tuple(notices), error=error, exact=exact, end_marker=marker, **shape)


def _has_end_marker(layout: Layout, found: Sequence[Column | None], lines: Sequence[str], delimiter: str) -> bool:
    """Do the records end with the marker's column? Found by its name or, under an unknown name, by the marker."""
    if layout.end_marker is None or not found:
        return False
    if found[-1] is not None:
        return found[-1].position == len(layout.columns)
    ends = (line.rstrip(f" {delimiter}").rpartition(delimiter)[2] for line in lines[1:])
    return any(end.strip(' "') == layout.end_marker for end in ends)


def listed(names: Sequence[str]) -> str:
    """The names separated by commas; only the first few of many."""
    more = len(names) - _NAMES_SHOWN
    listed = ", ".join(name[:60] for name in names[:_NAMES_SHOWN])
    return f"{listed} and {more} more" if more > 0 else listed


@dataclass(frozen=True, slots=True)
class Nearness:
    """How much of a header of `named` columns a layout knows (0 to 1, and in names), which names it does not know, and what the
    header lacks to match that layout.
    """

    share: float
    name_count: int
    named: int
    strange: tuple[str, ...]
    missing: tuple[str, ...]


def missing_markers(layout: Layout, lines: Sequence[str], delimiter: str) -> list[str]:
    """Marker columns of the layout whose own names are not in the header."""
    if not layout.marker_columns:
        return []
    header = set(FirstLines.of(lines).names(delimiter))
    return [name for name in layout.marker_columns if normalise_header(name) not in header]


def nearness(layout: Layout, lines: Sequence[str], delimiter: str) -> Nearness:
    """Compare the first line, taken for column names, with those of the layout."""
    lines = FirstLines.of(lines)
    cells, header = lines.cells(0, delimiter), lines.names(delimiter)
    columns = find_columns(layout, header)
    found = {column.position for column in columns if column is not None}
    strange = [
        cell.strip()
        for cell, name, column in zip(cells, header, columns, strict=True)
        if name not in {"", "blank"} and column is None
    ]
    read = [c for c in layout.fields.values() if c.field not in layout.constants]
    needed = [c.name for c in read if (c.required or layout.needs_every_field) and c.position not in found]
    markers = missing_markers(layout, lines, delimiter)
    named = sum(bool(name) for name in header)
    missing = tuple(dict.fromkeys([*markers, *needed]))
    return Nearness(len(found) / named if named else 0.0, len(found), named, tuple(strange), missing)


def _fit_without_header(layout: Layout, lines: FirstLines, delimiter: str) -> Fit | None:
    """The fit of records whose header line was removed: the layout's number of columns and the right content.

    Only for wide layouts without optional columns, which no other file matches by chance.
    """
    width = len(layout.columns)
    if layout.optional_columns or width < _WIDE or _count(layout, lines.cells(0, delimiter)) != width:
        return None
    fit = _fit_positions(layout, lines, delimiter)
    if fit.error is not None or fit.header or fit.score < _CONTENT_WITHOUT_HEADER:
        return None
    notice = Problem("FILE-HEADERLESS", Severity.NOTICE, None, f"{width:,}", layout.title)
    return replace(fit, notices=(*fit.notices, notice))


# -- by position -------------------------------------------------------------------------------------------------------


def _fit_positions(layout: Layout, lines: FirstLines, delimiter: str) -> Fit:
    rows = lines.rows(delimiter)
    counts = Counter(_count(layout, row) for row in rows)
    fitting = sum(lines for count, lines in counts.items() if _is_count(layout, count))
    if not fitting or (len(rows) >= 10 and fitting * 10 < len(rows)):
        wrong = _wrong_columns(layout, counts, blank_first=not any(row[0].strip() for row in rows))
        return Fit(layout, 0.1 * (delimiter == layout.delimiter), delimiter, error=wrong)
    columns = next(count for count, _ in counts.most_common() if _is_count(layout, count))
    usable = [row for row in rows if _count(layout, row) == columns]
    names = lines.names(delimiter)
    by_position = layout.fixed_columns or columns
    positions = {name: column.position - 1 for name, column in layout.fields.items() if column.position <= by_position}
    header = _is_header(layout, rows[0], names)
    notices: list[Problem] = []
    moved = ""
    if header:
        by_name = {column.field: at for at, column in enumerate(find_columns(layout, names)) if column and column.field}
        if by_name.keys() == positions.keys():
            positions = {name: by_name[name] for name in positions}
        elif len(by_name) >= _FEW_NAMES:
            moved = next((name for name, at in by_name.items() if positions.get(name, at) != at), "")
        # Beyond the columns of fixed order, a known name gives the place of its column, however few names are known.
        named = {name: at for name, at in by_name.items() if name not in positions and at >= by_position}
        positions |= named if layout.fixed_columns else {}
        usable = usable[1:] if usable and usable[0] is rows[0] else usable
    content = _content(layout, usable, positions)
    error = None
    if content < _CONTENT_REFUSED and len(usable) >= _FEW_LINES:
        share = f"{round(content * 100)}% of the dates, numbers and codes of the first lines can be read"
        error = FileError("FILE-MIXED", found=share, expected=f"the columns of {layout.title}")
    if moved:
        # Some names say that the columns are in another order, and the other names are not known.
        name, place = layout.fields[moved].name, positions[moved] + 1
        expected = f"it in column {place}, or all names as in {layout.title}"
        error = FileError(
            "FILE-MIXED", found=f"The column names have {name} in column {by_name[moved] + 1}", expected=expected
        )
    marker = layout.end_marker
    # A shape that fits half the lines says less than one that fits all.
    score = content * (0.5 + 0.5 * fitting / len(rows))
    return Fit(layout, score, delimiter, header, False, columns, positions, marker, tuple(notices), error)


def _is_count(layout: Layout, count: int) -> bool:
    """May a file of this layout have this many columns?"""
    return count >= layout.fixed_columns if layout.fixed_columns else count in layout.counts


def _count(layout: Layout, row: Sequence[str]) -> int:
    """Number of columns in a line, without surplus blank ones at its end."""
    count = len(row)
    fewest = layout.fixed_columns or min(layout.counts)
    while count > fewest and not _is_count(layout, count) and not row[count - 1].strip():
        count -= 1
    return count if _is_count(layout, count) else len(row)


def _wrong_columns(layout: Layout, counts: Counter[int], *, blank_first: bool) -> FileError:
    count = counts.most_common(1)[0][0]
    expected = f"at least {layout.fixed_columns}" if layout.fixed_columns else " or ".join(map(str, layout.counts))
    params = column_count_params(layout, count, "The file")
    if blank_first and not params["hint"]:
        params["hint"] = ": the first column is blank in every line and has to be removed"
    return FileError("FILE-COLUMNS", found=f"{count}", expected=expected, params=params)


def column_count_params(layout: Layout, count: int, what: str) -> dict[str, str]:
    """Parameters of FILE-COLUMNS for the line or file that has this many columns."""
    hint = layout.column_hints.get(count)
    return {"what": what, "noun": "column" if count == 1 else "columns", "hint": f": {hint}" if hint else ""}


def holds_names(layout: Layout, line: str, delimiter: str) -> bool:
    """Does the layout know at least half of the line's cells as column names?"""
    return _are_names(layout, [normalise_header(cell) for cell in split_line(line, delimiter)])


def _are_names(layout: Layout, names: Sequence[str]) -> bool:
    name_count = sum(column is not None for column in find_columns(layout, names))
    return name_count > 0 and name_count >= _HEADER_OF_POSITIONAL * sum(map(bool, names))


def _is_header(layout: Layout, row: Sequence[str], names: Sequence[str]) -> bool:
    """Is the first line a header even though the layout does not promise one?

    Yes if half the names are known, or if every cell that should be a date, number or code is a word instead.
    """
    if _are_names(layout, names):
        return True
    cells = [row[column.position - 1].strip() for column in _checkable(layout) if column.position <= len(row)]
    words = [cell for cell in cells if any(map(str.isalpha, cell)) and not any(map(str.isdigit, cell))]
    return (
        len(words) >= _FEW_LINES
        and len(words) == len([cell for cell in cells if cell])
        and not any(
            _reads(layout, column, row[column.position - 1])
            for column in _checkable(layout)
            if column.position <= len(row) and row[column.position - 1].strip()
        )
    )


def _checkable(layout: Layout) -> Iterator[Column]:
    return (column for column in layout.columns if _is_checkable(column))


def _is_checkable(column: Column) -> bool:
    """Can a wrong value be distinguished from a right one?"""
    return column.kind is not ColumnKind.TEXT and (column.kind is not ColumnKind.CODE or column.codes is not None)


@lru_cache(maxsize=256)
def _readers(layout: Layout) -> dict[int, MemoColumn]:
    readers = {column.position: column_reader(layout, column) for column in _checkable(layout)}
    return {position: reader for position, reader in readers.items() if isinstance(reader, MemoColumn)}


def _reads(layout: Layout, column: Column, text: str) -> bool:
    return _readers(layout)[column.position].accepts(text)


def _content(layout: Layout, rows: Sequence[Sequence[str]], positions: Mapping[str, int]) -> float:
    """Share of dates, numbers and codes that can be read and are present where required; one half for a layout of only text."""
    right = total = 0
    for name, at in positions.items():
        column = layout.fields[name]
        if not _is_checkable(column):
            continue
        for text, count in Counter(row[at] for row in rows).items():  # a column has few different values
            if text.strip():
                total += count
                right += count * _reads(layout, column, text)
            else:
                total += count * column.required  # required in every record
    return right / total if total else 0.5


# -- fixed width -------------------------------------------------------------------------------------------------------


def _fit_fixed_width(layout: Layout, lines: Sequence[str]) -> Fit | None:
    """The fit for the fixed-width twin; None when the lines are not that wide."""
    length = layout.record_length
    if length is None:
        return None
    wide = [line for line in lines if len(line) == length or len(line.encode("utf-8")) == length]
    ended = [line for line in wide if not layout.end_marker or line.endswith(layout.end_marker)]
    if len(ended) * 2 <= len(lines):
        return None
    positions = {name: column.position - 1 for name, column in layout.fields.items()}
    return Fit(
        layout,
        len(ended) / len(lines),
        fixed_width=True,
        column_count=len(layout.columns),
        positions=positions,
        end_marker=layout.end_marker,
        exact=True,
    )


# -- days and months ---------------------------------------------------------------------------------------------------


def day_first_fields(fit: Fit, lines: Sequence[str]) -> frozenset[str]:
    """Date columns in which some dates can only be day/month and none can only be month/day."""
    if fit.fixed_width:
        return frozenset()
    dates = {name: at for name, at in fit.positions.items() if fit.layout.fields[name].kind is ColumnKind.DATE}
    rows = [split_line(line, fit.delimiter) for line in lines[int(fit.header) :]] if dates else []
    found = set()
    for name, at in dates.items():
        texts = {row[at].strip() for row in rows if at < len(row)}
        seen = DaysSeen()
        for read in filter(None, map(read_date, filterfalse(YEAR_FIRST.match, texts))):
            seen.note(read)
        if seen.is_day_first:
            found.add(name)
    return frozenset(found)
