"""The nearest layouts for a file that fits none, by its column names, else by its number of columns, and how it differs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sisimport.files.layout_matching import Nearness, listed, nearness
from sisimport.files.layouts import Layout
from sisimport.files.quoting import split_line

# A layout that knows this share of a header is named as near, up to a maximum number.
_NEAR_SHARE: Final = 0.25
_NEAR_SHOWN: Final = 3
# Wide files with a similar number of columns are hardly near a layout by chance; narrow ones always are.
_WIDE: Final = 20
_FEW_MORE: Final = 3
_UNKNOWN: Final = "a known layout"


@dataclass(frozen=True, slots=True)
class Near:
    """What was expected instead, in words, with each layout's difference; and the keys of the nearest layouts."""

    text: str
    keys: tuple[str, ...] = ()


def nearest_layouts(layouts: Sequence[Layout], lines: Sequence[str], delimiter: str) -> Near:
    """The layouts nearest to a file of unknown layout."""
    if not delimiter:
        return Near(f"{_UNKNOWN}, with columns separated by carets, commas or tabs")
    own = [layout for layout in layouts if layout.same_file_as is None]
    by_name = [(layout, nearness(layout, lines, delimiter)) for layout in own]
    near = sorted((pair for pair in by_name if pair[1].share >= _NEAR_SHARE), key=lambda pair: -pair[1].share)
    found = [(layout, _difference(how)) for layout, how in near[:_NEAR_SHOWN]]
    found = found or _by_width(own, len(split_line(lines[0], delimiter)))
    if not found:
        return Near(_UNKNOWN)
    titles = "; ".join(f"{layout.title} ({difference})" for layout, difference in found)
    return Near(f"{_UNKNOWN}; nearest: {titles}", tuple(layout.key for layout, _difference in found))


def _difference(how: Nearness) -> str:
    if how.missing:
        return f"missing: {listed(how.missing)}"
    return f"it has {how.name_count} of the file's {how.named} column names, not {listed(how.strange)}"


def _by_width(layouts: Sequence[Layout], count: int) -> list[tuple[Layout, str]]:
    """Layouts with a similar number of columns, for a file in which no cell is a column name."""
    if count < _WIDE:
        return []
    near = [layout for layout in layouts if abs(len(layout.columns) - count) <= _FEW_MORE]
    near.sort(key=lambda layout: abs(len(layout.columns) - count))
    return [(layout, _columns(len(layout.columns), count)) for layout in near[:_NEAR_SHOWN]]


def _columns(wanted: int, count: int) -> str:
    if wanted == count:
        return f"{wanted} columns too, but their names or values are not those of the layout"
    return f"{wanted} columns, the file has {abs(wanted - count)} {'more' if count > wanted else 'fewer'}"
