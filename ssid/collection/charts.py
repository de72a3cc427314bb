"""The chart of the share of students with an SSID over time, as numbers for an inline SVG (no style attribute is needed)."""

from collections.abc import Sequence
from dataclasses import dataclass

from sisimport.web.moments import day_text
from students.collection import ShareOfDay

WIDTH, HEIGHT = 640, 200
LEFT, RIGHT, TOP, BOTTOM = 44, 12, 12, 28


@dataclass(frozen=True, slots=True)
class Chart:
    """`points` for a polyline; `dots` (x, y, words); `grid` (y, label); `ends` (x, anchor, label) of the time axis."""

    width: int
    height: int
    points: str
    dots: list[tuple[str, str, str]]
    grid: list[tuple[str, str]]
    ends: list[tuple[str, str, str]]
    said: str


def share_chart(shares: Sequence[ShareOfDay]) -> Chart | None:
    """None while there are fewer than two days: a line needs two points."""
    if len(shares) < 2:
        return None
    first, last = shares[0].day, shares[-1].day
    days = max((last - first).days, 1)

    def x(share: ShareOfDay) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (share.day - first).days / days

    def y(percent: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (100 - percent) / 100

    places = [(f"{x(s):.1f}", f"{y(s.percent):.1f}", f"{day_text(s.day)}: {s.percent:.1f} %") for s in shares]
    return Chart(
        width=WIDTH,
        height=HEIGHT,
        points=" ".join(f"{px},{py}" for px, py, _words in places),
        dots=places if len(places) <= 60 else [places[0], places[-1]],
        grid=[(f"{y(p):.1f}", f"{p} %") for p in (0, 50, 100)],
        ends=[
            (f"{LEFT}", "start", f"{day_text(first)}"),
            (f"{WIDTH - RIGHT}", "end", f"{day_text(last)}"),
        ],
        said=(
            f"Share of students with an SSID: {shares[0].percent:.1f} % on {day_text(first)}, "
            f"{shares[-1].percent:.1f} % on {day_text(last)}."
        ),
    )
