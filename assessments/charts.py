"""Geometry of the score chart: a column of level bands per year, and the student's score in it. No Django, no drawing.

The page draws what is told here as SVG; the table below it says the same.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from assessments.structure import Range, ranges_of, structure

WIDTH, HEIGHT = 760, 264
_TOP, _BOTTOM, _LEFT, _RIGHT = 30, 230, 28, 108
_MOST_YEARS = 6
_GAP = 0.27  # of a year's width stays free
_ROOM_FOR_A_NAME = 14


@dataclass(frozen=True, slots=True)
class Point:
    """One year's score."""

    label: str
    year: int
    grade: str
    score: int


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


@dataclass(frozen=True, slots=True)
class LevelName:
    x: int
    y: int
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Everything to draw; `title` is what a screen reader says."""

    title: str
    bands: tuple[Band, ...]
    marks: tuple[Mark, ...]
    names: tuple[LevelName, ...]
    path: str
    width: int = WIDTH
    height: int = HEIGHT
    label_y: int = HEIGHT - 12


def range_of(code: str, year: int, grade: str) -> Range | None:
    """Published ranges of a test in a year and grade; later years keep the last that are known."""
    test = structure()["tests"].get(code, {}).get("ranges", "")
    for asked in (year, year - 1, year - 2, year - 3):
        found = next((r for r in ranges_of(test, asked) if r.grade == grade), None)
        if found is not None:
            return found
    return None


def chart_of(name: str, code: str, points: Iterable[Point], result_names: dict[str, str]) -> Chart | None:
    """A chart of a test's scores over the years, oldest first; None when there is no scale score."""
    shown = sorted(points, key=lambda point: point.year)[-_MOST_YEARS:]
    if not shown:
        return None
    ranges = [range_of(code, point.year, point.grade) for point in shown]
    lowest = min([point.score for point in shown] + [r.lowest for r in ranges if r])
    highest = max([point.score for point in shown] + [r.highest for r in ranges if r])
    span = max(highest - lowest, 1)

    def height_of(score: float) -> int:
        return round(_BOTTOM - (score - lowest) / span * (_BOTTOM - _TOP))

    slot = (WIDTH - _LEFT - _RIGHT) / len(shown)
    slot = min(slot, 170)
    bands: list[Band] = []
    marks: list[Mark] = []
    names: list[LevelName] = []
    for number, (point, known) in enumerate(zip(shown, ranges, strict=True)):
        left, wide = round(_LEFT + number * slot), round(slot * (1 - _GAP))
        if known is not None:
            bounds = [known.lowest, *(level for level in known.levels if level is not None), known.highest]
            for level in range(1, len(bounds)):
                top, bottom = height_of(bounds[level]), height_of(bounds[level - 1])
                bands.append(Band(level, left, top, wide, max(bottom - top, 1)))
        y = height_of(point.score)
        marks.append(
            Mark(left + wide // 2, y, max(y - 12, 14), point.score, f"{point.label} · gr {point.grade or '?'}")
        )
    end = round(_LEFT + (len(shown) - 1) * slot + slot * (1 - _GAP)) + 8
    last = round(_LEFT + (len(shown) - 1) * slot)
    for band in bands:
        if band.x == last and band.height >= _ROOM_FOR_A_NAME:
            text = result_names.get(str(band.level), f"Level {band.level}")
            names.append(LevelName(end, band.y + band.height // 2 + 4, _short(text, band.level)))
    path = " ".join(f"{'M' if n == 0 else 'L'}{mark.x} {mark.y}" for n, mark in enumerate(marks))
    told = ", ".join(f"{point.score} in {point.label}" for point in shown)
    title = f"{name}, scale scores: {told}; the table below holds the same"
    return Chart(title, tuple(bands), tuple(marks), tuple(names), path)


def _short(name: str, level: int) -> str:
    return f"{level} {name.removeprefix('Standard ').removesuffix(' - Alternate')}" if not name[-1:].isdigit() else name
