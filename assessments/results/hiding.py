"""Which numbers are hidden because they are about few students, and which others, so that no one can compute them.

A reader of several tables knows the sums of their rows and columns. Cells with few students are hidden, and with them
as many others as necessary: no row or column has a single hidden cell, the hidden cells of each are together about no
fewer students, and no hidden cell follows from any combination of sums. For a table with its sums this is a graph
problem: take rows and columns as vertices and hidden cells as edges between them; a cell can be computed if and only if
its edge is a bridge.

Decided together for everything that a reader may request, not for one page: what one page hides must not be on another.
"""

from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

FEWEST = 11  # students in a shown cell
TOTAL = "*"  # row or column of sums

Key = Hashable


@dataclass(frozen=True, slots=True)
class Count:
    """Students of a cell: tested, and of these with a result."""

    tested: int
    scored: int

    @property
    def few(self) -> bool:
        return self.tested > 0 and self.scored < FEWEST


@dataclass(frozen=True, slots=True)
class Table:
    """Cells by row and column, with TOTAL for the sums in both. Cells of several tables with the same key are one
    cell."""

    keys: Mapping[tuple[str, str], Key]

    def lines(self) -> list[list[Key]]:
        """Every row and column that adds up: its cells, the sum last."""
        found: dict[tuple[str, str], list[tuple[bool, Key]]] = {}
        for (row, column), key in self.keys.items():
            found.setdefault(("row", row), []).append((column == TOTAL, key))
            found.setdefault(("column", column), []).append((row == TOTAL, key))
        return [[key for _is_sum, key in sorted(line, key=lambda one: one[0])] for line in found.values()]


def hidden_cells(counts: Mapping[Any, Count], tables: Sequence[Table], also: Collection[Key] = ()) -> set[Key]:
    """The cells that must not be shown. `counts` has those of every table; empty cells are left out. `also`: hidden for
    another reason."""
    return _Hiding(counts, tables, also).run()


class _Hiding:
    def __init__(self, counts: Mapping[Key, Count], tables: Sequence[Table], also: Collection[Key]) -> None:
        self.counts = counts
        self.tables = [Table({at: key for at, key in table.keys.items() if key in counts}) for table in tables]
        self.lines = [line for table in self.tables for line in table.lines()]
        self.hidden = {key for key, count in counts.items() if count.few} | counts.keys() & set(also)

    def run(self) -> set[Key]:
        while True:
            before = len(self.hidden)
            for line in self.lines:
                self._settle(line)
            if len(self.hidden) == before:
                self._break_bridges()
            if len(self.hidden) == before:
                return self.hidden

    def _settle(self, line: list[Key]) -> None:
        """A hidden sum hides its cells; otherwise enough cells are hidden that their sum reveals no one."""
        *cells, whole = line
        if whole in self.hidden:
            self.hidden.update(cells)
            return
        gone = [key for key in cells if key in self.hidden]
        free = sorted((key for key in cells if key not in self.hidden), key=self._size)
        while gone and (len(gone) == 1 or sum(self.counts[key].scored for key in gone) < FEWEST):
            if not free:
                self.hidden.add(whole)
                return
            gone.append(free.pop(0))
        self.hidden.update(gone)

    def _size(self, key: Key) -> tuple[int, str]:
        return self.counts[key].scored, str(key)

    def _break_bridges(self) -> None:
        """For each cell that follows from the sums, hide one more: the smallest in its row or column."""
        for table in self.tables:
            edges = {at: key for at, key in table.keys.items() if key in self.hidden}
            for at in _bridges(edges):
                beside = [
                    key
                    for other, key in table.keys.items()
                    if key not in self.hidden and (other[0] == at[0] or other[1] == at[1]) and TOTAL not in other
                ]
                beside = beside or [
                    key
                    for other, key in table.keys.items()
                    if key not in self.hidden and (other[0] == at[0] or other[1] == at[1])
                ]
                beside = beside or self._across(table, edges, at)
                if beside:
                    self.hidden.add(min(beside, key=self._size))

    def _across(self, table: Table, edges: Mapping[tuple[str, str], Key], bridge: tuple[str, str]) -> list[Key]:
        """Shown cells that would put the bridge on a cycle, for the case that its whole row and column are hidden."""
        near: dict[tuple[int, str], list[tuple[int, str]]] = {}
        for row, column in edges:
            if (row, column) != bridge:
                near.setdefault((0, row), []).append((1, column))
                near.setdefault((1, column), []).append((0, row))
        side, left = {(0, bridge[0])}, [(0, bridge[0])]
        while left:
            for point in near.get(left.pop(), ()):
                if point not in side:
                    side.add(point)
                    left.append(point)
        return [
            key
            for (row, column), key in table.keys.items()
            if key not in self.hidden and ((0, row) in side) != ((1, column) in side)
        ]


def _bridges(edges: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Edges (row, column) that are not on a cycle, found by one walk through the graph."""
    near: dict[tuple[int, str], list[tuple[int, str]]] = {}
    for row, column in edges:
        near.setdefault((0, row), []).append((1, column))
        near.setdefault((1, column), []).append((0, row))
    seen: dict[tuple[int, str], int] = {}
    low: dict[tuple[int, str], int] = {}
    found: list[tuple[str, str]] = []
    for start, beside in near.items():
        if start in seen:
            continue
        seen[start] = low[start] = len(seen)
        stack: list[tuple[tuple[int, str], tuple[int, str] | None, Iterator[tuple[int, str]]]] = []
        stack.append((start, None, iter(beside)))
        while stack:
            point, parent, others = stack[-1]
            for other in others:
                if other == parent:
                    continue
                if other in seen:
                    low[point] = min(low[point], seen[other])
                    continue
                seen[other] = low[other] = len(seen)
                stack.append((other, point, iter(near[other])))
                break
            else:
                stack.pop()
                if parent is not None:
                    low[parent] = min(low[parent], low[point])
                    if low[point] > seen[parent]:
                        one, other = sorted((parent, point))
                        found.append((one[1], other[1]))
    return found
