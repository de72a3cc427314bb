"""A block of records as the reader passes it on: column by column, because that is how it is read and staged.

list(block)     rows (line, values with None where blank, problems), in file order, including those without columns
block.columns   one sequence of texts per field, "" where blank, for the records in `numbers`
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from operator import itemgetter

from sisimport.files.issues import Problem

Row = tuple[int, tuple[str | None, ...], tuple[Problem, ...]]


@dataclass(slots=True)
class Block:
    """Consecutive records of a file. `problems`: by position in `numbers`; `broken`: rows without values."""

    numbers: Sequence[int]
    columns: list[Sequence[str]]
    problems: Mapping[int, tuple[Problem, ...]] = field(default_factory=dict)
    broken: list[Row] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.numbers) + len(self.broken)

    def __iter__(self) -> Iterator[Row]:
        of_rows = zip(*self.columns, strict=True) if self.columns else repeat(())
        nothing: tuple[Problem, ...] = ()
        rows: list[Row] = [
            (number, tuple([value or None for value in values]), self.problems.get(at, nothing))
            for at, (number, values) in enumerate(zip(self.numbers, of_rows, strict=False))
        ]
        return iter(sorted([*rows, *self.broken], key=itemgetter(0)) if self.broken else rows)

    def renumbered(self, numbers: Sequence[int]) -> "Block":
        """The same records, line n being line `numbers[n - 1]` of another file."""
        broken = [(numbers[line - 1], values, problems) for line, values, problems in self.broken]
        return Block([numbers[line - 1] for line in self.numbers], self.columns, self.problems, broken)
