"""Geometry of the score chart: a column of level bands per year, and the student's score in it. No Django, no drawing.

The page draws this as SVG; the table below it says the same.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from assessments.results.cuts import range_of
from assessments.structure import Range, ranges_key, structure, tested_grades

_TOP, _BELOW = 30, 34
_GAP = 0.27  # of a year's width stays free
_ROOM_FOR_A_NAME = 14
_EDGE = 8  # how far beyond the axis an out-of-range score is drawn


@dataclass(frozen=True, slots=True)
class Paper:
    """The drawing's size: the margins `left` and `right` of the years, the right one for the names of the levels."""

    width: int
    height: int
    left: int
    right: int
    most_years: int


WIDE = Paper(760, 264, 28, 108, 6)
NARROW = Paper(360, 220, 6, 104, 4)  # with letters readable on a phone


@dataclass(frozen=True, slots=True)
class Words:
    """The few words in a chart. `dropped`: the common part of level names, too long for the margin."""

    title: str = "{name}, scale scores: {points}; the table below has the same data"
    entry: str = "{score} in {year}"
    outside: str = "{score} in {year}, which is outside the scores of this test and grade"
    year: str = "{year} · gr {grade}"
    level: str = "Level {level}"
    dropped: tuple[str, ...] = ("Standard ", " - Alternate")


@dataclass(frozen=True, slots=True)
class Point:
    """One year's score."""

    label: str
    year: int
    grade: str
    score: int
    ranged: bool = True  # the published ranges apply to it


@dataclass(frozen=True, slots=True)
class Band:
    level: int
    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Mark:
    x: int
    y: int
    text_y: int
    score: int
    label: str
    outside: bool = False  # of the range of its test and grade: drawn at the edge


@dataclass(frozen=True, slots=True)
class LevelName:
    x: int
    y: int
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Everything to draw; `title` is the text for screen readers."""

    title: str
    bands: tuple[Band, ...]
    marks: tuple[Mark, ...]
    names: tuple[LevelName, ...]
    path: str
    width: int
    height: int
    label_y: int


def fits(code: str, year: int, grade: str, score: int | None) -> bool:
    """Whether a score is possible for this test in this grade. True if no ranges are published, or without a scale
    score."""
    score_range = range_of(code, year, grade)
    if score_range is not None:
        return score is None or score_range.lowest <= score <= score_range.highest
    if code not in structure()["tests"] or grade in {"", "UE", "US"}:
        return True
    grades = tested_grades(ranges_key(code, year))
    return not grades or grade in grades


def level_range(code: str, year: int, grade: str, level: str) -> tuple[int, int] | None:
    """Lowest and highest scale score of a level (its code: 1 is the lowest); None if no ranges are published."""
    score_range = range_of(code, year, grade)
    bounds = _bounds(score_range) if score_range else []
    if not level.isdigit() or not 1 <= int(level) < len(bounds):
        return None
    number = int(level)
    return bounds[number - 1], bounds[number] - (number < len(bounds) - 1)


def _bounds(score_range: Range) -> list[int]:
    return [score_range.lowest, *(level for level in score_range.levels if level is not None), score_range.highest]


def chart_of(
    name: str,
    code: str,
    points: Iterable[Point],
    result_names: dict[str, str],
    *,
    paper: Paper = WIDE,
    words: Words = Words(),
) -> Chart | None:
    """A chart of a test's scores over the years, oldest first; None without a scale score."""
    shown = sorted(points, key=lambda point: point.year)[-paper.most_years :]
    if not shown:
        return None
    ranges = [range_of(code, point.year, point.grade) if point.ranged else None for point in shown]
    outside = [point.ranged and not fits(code, point.year, point.grade, point.score) for point in shown]
    # Out-of-range scores do not stretch the axis: that would squeeze the bands of all years.
    inside = [point.score for point, out in zip(shown, outside, strict=True) if not out]
    inside += [bound for r in ranges if r for bound in (r.lowest, r.highest)]
    lowest, highest = (min(inside), max(inside)) if inside else (shown[0].score, shown[0].score)
    height_of = _scale(lowest, highest, paper)
    slot = min((paper.width - paper.left - paper.right) / len(shown), 170)
    bands: list[Band] = []
    marks: list[Mark] = []
    for number, (point, score_range) in enumerate(zip(shown, ranges, strict=True)):
        left, wide = round(paper.left + number * slot), round(slot * (1 - _GAP))
        if score_range is not None:
            bounds = _bounds(score_range)
            for level in range(1, len(bounds)):
                top, bottom = height_of(bounds[level]), height_of(bounds[level - 1])
                bands.append(Band(level, left, top, wide, max(bottom - top, 1)))
        y = height_of(point.score)
        label = words.year.format(year=point.label, grade=point.grade or "?")
        marks.append(Mark(left + wide // 2, y, max(y - 12, 14), point.score, label, outside[number]))
    last = paper.left + (len(shown) - 1) * slot
    at, end = round(last), round(last + slot * (1 - _GAP)) + 8
    path = " ".join(f"{'M' if n == 0 else 'L'}{mark.x} {mark.y}" for n, mark in enumerate(marks))
    summary = ", ".join(
        (words.outside if out else words.entry).format(score=point.score, year=point.label)
        for point, out in zip(shown, outside, strict=True)
    )
    return Chart(
        title=words.title.format(name=name, points=summary),
        bands=tuple(bands),
        marks=tuple(marks),
        names=_level_names([band for band in bands if band.x == at], end, result_names, words),
        path=path,
        width=paper.width,
        height=paper.height,
        label_y=paper.height - 12,
    )


def _scale(lowest: float, highest: float, paper: Paper) -> Callable[[float], int]:
    """From a score to its vertical position, in pixels from the top; values outside the axis are cut at its edges."""
    span = max(highest - lowest, 1)
    bottom = paper.height - _BELOW

    def height_of(score: float) -> int:
        y = round(bottom - (score - lowest) / span * (bottom - _TOP))
        return min(max(y, _TOP - _EDGE), bottom + _EDGE)

    return height_of


def _level_names(bands: Iterable[Band], x: int, result_names: dict[str, str], words: Words) -> tuple[LevelName, ...]:
    """Names next to the bands of the last year, if a band is high enough for one."""
    names = [
        (band, result_names.get(str(band.level), words.level.format(level=band.level)))
        for band in bands
        if band.height >= _ROOM_FOR_A_NAME
    ]
    return tuple(
        LevelName(x, band.y + band.height // 2 + 4, _short(name, band.level, words.dropped)) for band, name in names
    )


def _short(name: str, level: int, dropped: tuple[str, ...]) -> str:
    if name[-1:].isdigit():
        return name
    for part in dropped:
        name = name.removeprefix(part).removesuffix(part)
    return f"{level} {name[:1].upper()}{name[1:]}"
