"""Shared by the splitters: the columns requested, the result of a split, and how wrong line ends are reported."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import itemgetter

from sisimport.files.blocks import Row
from sisimport.files.detection import Recognition
from sisimport.files.issues import Problem, Severity, shown
from sisimport.files.layouts import Layout
from sisimport.files.tallies import Tallies
from sisimport.files.values import BlockTraits, Finding


@dataclass(slots=True)
class Records:
    """Records split into columns. `texts`: one sequence for each requested field, None if the file does not have it.

    `findings` are by position in `numbers`; `broken` are lines that are not records, with the reason.
    """

    numbers: Sequence[int]
    texts: Sequence[Sequence[str] | None]
    traits: BlockTraits
    findings: list[Finding] = field(default_factory=list)
    broken: list[Row] = field(default_factory=list)


class Splitter:
    """Splits lines of one file. `layout` is the one that `recognition` names, `fields` are the requested ones."""

    def __init__(self, recognition: Recognition, layout: Layout, fields: Sequence[str], tallies: Tallies) -> None:
        self._file = recognition
        self._layout = layout
        self._columns = [layout.fields[name] for name in fields]
        self._tallies = tallies
        self._at = [recognition.positions.get(name) for name in fields]

    def _wrong_ends(self, ends: list[str]) -> list[Finding]:
        marker = self._file.end_marker or ""
        return [
            (at, Problem("FILE-END-MARKER", Severity.WARNING, None, shown(end) or "nothing", marker))
            for at, end in enumerate(ends)
            if end != marker
        ]


def pick_columns(cells: list[list[str]], wanted: Sequence[int | None]) -> list[Sequence[str] | None]:
    """The cells at the wanted positions, column by column (None: the file does not have the column)."""
    places = sorted({at for at in wanted if at is not None})
    if not places:
        return [None] * len(wanted)
    if len(places) == 1:
        columns = {places[0]: tuple(row[places[0]] for row in cells)}
    elif places[-1] >= 2 * len(places):
        columns = dict(zip(places, zip(*map(itemgetter(*places), cells), strict=True), strict=True))
    else:
        columns = dict(enumerate(zip(*cells, strict=False)))
    return [None if at is None else columns[at] for at in wanted]
