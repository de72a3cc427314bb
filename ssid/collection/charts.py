"""The chart of the share of students with an SSID over time, as numbers for an inline SVG (no style attribute is needed)."""

from collections.abc import Sequence
from dataclasses import dataclass

from sisimport.web.moments import day_text
from students.collection import ShareOfDay

HEIGHT = 200
TOP, BOTTOM, RIGHT = 12, 28, 12


@dataclass(frozen=True, slots=True)
class Size:
    """`kind` is the class of the drawing. Letters shrink with the drawing: a phone gets its own drawing."""

    kind: str
    width: int
    left: int  # width of the labels
    most_dots: int


SIZES = (Size("wide", 640, 44, 60), Size("small", 260, 50, 12))


@dataclass(frozen=True, slots=True)
class Chart:
    """`points` for a polyline; `dots` (x, y, words); `grid` (y, label); `ends` (x, anchor, label) of the time axis."""

    size: Size
    right: int
    height: int
    points: str
    dots: list[tuple[str, str, str]]
    grid: list[tuple[str, str]]
    ends: list[tuple[str, str, str]]
    said: str


def share_charts(shares: Sequence[ShareOfDay]) -> list[Chart]:
    """The chart in each size; empty for fewer than two days, since a line needs two points."""
    return [_drawn(shares, size) for size in SIZES] if len(shares) > 1 else []


def _drawn(shares: Sequence[ShareOfDay], size: Size) -> Chart:
    first, last = shares[0].day, shares[-1].day
    days = max((last - first).days, 1)

    def x(share: ShareOfDay) -> float:
        return size.left + (size.width - size.left - RIGHT) * (share.day - first).days / days

    def y(percent: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (100 - percent) / 100

    places = [(f"{x(s):.1f}", f"{y(s.percent):.1f}", f"{day_text(s.day)}: {s.percent:.1f}%") for s in shares]
    return Chart(
        size=size,
        right=size.width - RIGHT,
        height=HEIGHT,
        points=" ".join(f"{px},{py}" for px, py, _words in places),
        dots=places if len(places) <= size.most_dots else [places[0], places[-1]],
        grid=[(f"{y(p):.1f}", f"{p}%") for p in (0, 50, 100)],
        ends=[
            (f"{size.left}", "start", f"{day_text(first)}"),
            (f"{size.width - RIGHT}", "end", f"{day_text(last)}"),
        ],
        said=(
            f"Share of students with an SSID: {shares[0].percent:.1f}% on {day_text(first)}, "
            f"{shares[-1].percent:.1f}% on {day_text(last)}."
        ),
    )
