"""Which layout do the first lines of a file have, and where do its column names or records begin?"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from sisimport.files.dates import parse_date
from sisimport.files.first_lines import FirstLines
from sisimport.files.headings import FEWEST_COLUMNS, MOST_LINES, heading_lines
from sisimport.files.issues import FileError
from sisimport.files.layout_matching import DELIMITERS, Fit, fit_layout, holds_names, missing_markers, nearness
from sisimport.files.layouts import ColumnKind, Header, Layout
from sisimport.files.near_layouts import nearest_layouts
from sisimport.files.quoting import split_line

# If the user did not choose the layout, a file must look right, not only have the right number of columns.
_GUESS_SCORE: Final = 0.6
_NEARLY_ALL_NAMES: Final = 0.97
_OTHER_SCORE: Final = 0.8
# The share of a line that must be known column names before the lines above it are skipped.
_NAMES_SHARE: Final = 0.5


def choose_layout(
    layouts: Sequence[Layout], wanted: Sequence[Layout], lines: Sequence[str]
) -> tuple[int, Fit, tuple[Layout, ...]]:
    """How many lines are above the column names or the records, the fit of those below, and layouts that fit equally well.

    `wanted` are the layouts of the chosen import type; none: `lines` are recognized among all `layouts`. Raises FileError when
    nothing fits, or a layout that is not wanted fits better.
    """
    start = heading_lines(lines, list(DELIMITERS))
    fit: Fit | None = None
    also: tuple[Layout, ...] = ()
    reason: FileError | None
    try:
        fit, also = _choose(layouts, wanted, lines[start:])
        reason = fit.error
    except FileError as error:
        reason = error
    below = range(start + 1, min(start + MOST_LINES, len(lines) - 1))
    if reason is not None or fit is None:
        names = [at for at in below if _may_be_names(wanted or layouts, lines[at])]
    else:
        names = [] if fit.header or fit.fixed_width else _names_below(fit, lines, below)
    for at in names:
        if _may_hold_record(lines, start, at):
            break
        with suppress(FileError):
            better, others = _choose(layouts, wanted, lines[at:])
            if better.header and better.error is None:
                start, fit, also, reason = at, better, others, None
                break
    if reason is None and fit is not None and fit.header and fit.layout.optional_columns:
        # "School, Lincoln Elementary" also holds a column's name; the header is the line that holds more of them.
        name_counts = [nearness(fit.layout, [lines[at]], fit.delimiter).name_count for at in range(start, below.stop)]
        most = start + name_counts.index(max(name_counts)) if name_counts else start
        if most > start and not _may_hold_record(lines, start, most):
            start = most
            fit, also = _choose(layouts, wanted, lines[start:])
    if fit is None:
        assert reason is not None  # noqa: S101 - one of them is set
        raise reason
    return start, fit, also


def _names_below(fit: Fit, lines: Sequence[str], below: range) -> list[int]:
    """Where column names appear below other lines, for columns that were identified by position."""
    return [at for at in below if holds_names(fit.layout, lines[at], fit.delimiter)][:1]


def _may_hold_record(lines: Sequence[str], start: int, at: int) -> bool:
    """May one of the lines above the column names (line `at`) be a record, so that it must not be skipped?

    `School,Cedar High` has more than one cell but fills less than half of the columns that the records below the names fill; a
    record also has a number.
    """
    delimiter = max(DELIMITERS, key=lines[at].count)
    below = [filled for filled in (_filled(line, delimiter) for line in lines[at + 1 : at + 4]) if filled]
    usual = min(below, default=_filled(lines[at], delimiter))
    least = min(usual, max(FEWEST_COLUMNS, (usual + 1) // 2))
    return any(
        _filled(line, delimiter) >= least and any(cell.strip().isdigit() for cell in split_line(line, delimiter))
        for line in lines[start:at]
    )


def _filled(line: str, delimiter: str) -> int:
    return sum(bool(cell.strip()) for cell in split_line(line, delimiter))


def _may_be_names(layouts: Sequence[Layout], line: str) -> bool:
    """Does one of the layouts know most of the line's cells as column names?"""
    delimiters = [delimiter for delimiter in DELIMITERS if delimiter in line]
    named = [layout for layout in layouts if layout.header is not Header.NONE]
    lines = FirstLines([line])
    return any(nearness(layout, lines, delimiter).share >= _NAMES_SHARE for layout in named for delimiter in delimiters)


def _choose(
    layouts: Sequence[Layout], wanted: Sequence[Layout], lines: Sequence[str]
) -> tuple[Fit, tuple[Layout, ...]]:
    """The fit to use and other layouts that fit equally well. Raises FileError when nothing fits."""
    lines = FirstLines(lines)
    if not wanted:
        return _guess(layouts, lines)
    fits = [fit_layout(layout, lines) for layout in wanted]
    if len(fits) > 1:
        # Column names that a person declared for one file may also be in a file of a very different kind.
        fits = [fit for fit in fits if not fit.layout.needs_every_field or fit.score >= _GUESS_SCORE] or fits
    best = max(fits, key=_rank)
    rivals = [fit_layout(layout, lines) for layout in layouts if layout not in wanted and not layout.same_file_as]
    rival = _best([f for f in rivals if f.error is None and f.score >= _OTHER_SCORE and _shows(f, lines)])
    if best.error is None:
        if rival is not None and _fits_clearly_better(rival, best) and not _is_of_its_year(best, rival, lines):
            raise _other_type(rival, wanted)
        equals = [fit for fit in fits if fit is not best and fit.error is None and _rank(fit) == _rank(best)]
        equals = [fit for fit in equals if not _read_alike(fit, best)]
        if equals:
            names = " and ".join(fit.layout.title for fit in [best, *equals])
            params = {"layouts": [fit.layout.key for fit in [best, *equals]]}
            raise FileError("FILE-AMBIGUOUS", found=names, expected="one of them", params=params)
        return best, ()
    if rival is not None:
        raise _other_type(rival, wanted)
    return best, ()


def _fits_clearly_better(rival: Fit, best: Fit) -> bool:
    """By name, any other layout that fits exactly; by content, one that fits when the chosen one hardly does."""
    if rival.header and rival.layout.header is not Header.NONE:
        return _rank(rival) > _rank(best)
    return best.score < 0.5 <= rival.score - best.score


def _guess(layouts: Sequence[Layout], lines: Sequence[str]) -> tuple[Fit, tuple[Layout, ...]]:
    fits = [fit_layout(layout, lines) for layout in layouts]
    good = [fit for fit in fits if fit.error is None and fit.score >= _GUESS_SCORE and _holds_markers(fit, lines)]
    good = [fit for fit in good if _fills_required(fit, lines)]
    best = _best([fit for fit in good if fit.layout.same_file_as is None])
    _refuse_two_of_one_name(fits, best, lines)
    if best is not None:
        equals = [fit for fit in good if fit.layout.same_file_as is None and _rank(fit) == _rank(best)]
        unnamed = best.layout.header is Header.REQUIRED and not best.header
        if unnamed and len({fit.layout.period for fit in equals}) < len(equals):
            names = " and ".join(fit.layout.title for fit in equals)
            raise FileError("FILE-AMBIGUOUS", found=names, expected="one of them")
        best = _of_its_year(equals, lines)
        best = next((fit for fit in good if _is_of_its_year(fit, best, lines)), best)
        return best, tuple(fit.layout for fit in good if fit is not best and _rank(fit) == _rank(best))
    delimiter = next((delimiter for delimiter in DELIMITERS if delimiter in lines[0]), "")
    columns = len(split_line(lines[0], delimiter)) if delimiter else 1
    found = f"{columns} columns separated by {DELIMITERS[delimiter]}" if delimiter else "no columns"
    near = nearest_layouts(layouts, lines, delimiter)
    raise FileError("FILE-UNKNOWN", found=found, expected=near.text, params={"near": list(near.keys)})


def _refuse_two_of_one_name(fits: Sequence[Fit], best: Fit | None, lines: Sequence[str]) -> None:
    """Of the layout that has most of the file's column names, one appears twice: no other layout is meant."""
    named = [fit for fit in fits if fit.error is not None and fit.error.code == "FILE-COLUMN-TWICE"]
    nearest = max(named, key=lambda fit: fit.score, default=None)
    if nearest is None or nearest.score < _GUESS_SCORE or not _holds_markers(nearest, lines):
        return
    if best is None or nearest.score > best.score:
        assert nearest.error is not None  # noqa: S101 - chosen by it
        raise nearest.error


def _of_its_year(fits: Sequence[Fit], lines: Sequence[str]) -> Fit:
    """Of layouts with the same columns, the one for the school year with most of the file's dates; else the first."""
    return fits[0] if len(fits) == 1 else max(fits, key=lambda fit: _dates_inside(fit, lines))


def _is_of_its_year(fit: Fit, named: Fit, lines: Sequence[str]) -> bool:
    """Nearly all column names are those of `fit` too, and the dates only fit its school year: files of a year may have the
    columns of the year before."""
    periods = {fit.layout.period, named.layout.period}
    if len(periods) < 2 or None in periods or not fit.header or fit.score < _NEARLY_ALL_NAMES:
        return False
    return not _dates_inside(named, lines) and _dates_inside(fit, lines) > 0


def _dates_inside(fit: Fit, lines: Sequence[str]) -> int:
    """How many dates of the lines are in the school year of the layout."""
    period, inside = fit.layout.period, 0
    if period is None or fit.fixed_width:
        return 0
    at = [at for name, at in fit.positions.items() if fit.layout.fields[name].kind is ColumnKind.DATE]
    for line in lines[1:]:
        cells = split_line(line, fit.delimiter)
        dates = (parse_date(cells[place].strip()) for place in at if place < len(cells))
        inside += sum(date is not None and period[0] <= date.iso <= period[1] for date in dates)
    return inside


def _holds_markers(fit: Fit, lines: Sequence[str]) -> bool:
    """For a file whose layout was not chosen: does it have the columns that no other file has?"""
    return not missing_markers(fit.layout, lines, fit.delimiter)


def _shows(fit: Fit, lines: Sequence[str]) -> bool:
    return _holds_markers(fit, lines) and _fills_required(fit, lines)


def _fills_required(fit: Fit, lines: Sequence[str]) -> bool:
    """For a file whose layout was not chosen: does every required column hold values?"""
    if fit.fixed_width:
        return True
    rows = [split_line(line, fit.delimiter) for line in lines[int(fit.header) :]]
    needed = [at for name, at in fit.positions.items() if fit.layout.fields[name].required]
    return not rows or all(any(at < len(row) and row[at].strip() for row in rows) for at in needed)


def _rank(fit: Fit) -> tuple[bool, bool, bool, float]:
    """Column names count more than positions and content: an edited header still beats a shape that happens to fit."""
    by_name = fit.header and fit.layout.header is Header.REQUIRED
    return (fit.error is None, fit.exact, by_name, fit.score)


def is_perfect(fit: Fit) -> bool:
    """Is every column name in its place? Then no other layout ranks above this one."""
    return _rank(fit) == (True, True, True, 1.0)


def _read_alike(one: Fit, other: Fit) -> bool:
    """Both read the same columns of the file as the same fields, and no one has specified anything else about them."""
    named = one.layout.optional_columns and other.layout.optional_columns
    return (
        named
        and one.positions == other.positions
        and not (one.layout.needs_every_field or other.layout.needs_every_field)
    )


def _best(fits: Sequence[Fit]) -> Fit | None:
    return max(fits, key=_rank, default=None)


def _other_type(fit: Fit, wanted: Sequence[Layout]) -> FileError:
    chosen = " or ".join(layout.title for layout in wanted)
    params = {"layout": fit.layout.key}
    return FileError("FILE-OTHER-TYPE", found=fit.layout.title, expected=chosen, params=params)
