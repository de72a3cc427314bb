"""The first lines of a file, with the data every layout needs computed once: about forty layouts examine each file."""

from collections.abc import Sequence

from sisimport.files.layouts import normalise_header
from sisimport.files.quoting import split_line


class FirstLines(list[str]):
    """Lines that are not blank, in order; not to be changed."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__(lines)
        self._cells: dict[tuple[int, str], list[str]] = {}
        self._names: dict[str, tuple[str, ...]] = {}

    @classmethod
    def of(cls, lines: Sequence[str]) -> "FirstLines":
        """The lines, returned unchanged if they are already FirstLines."""
        return lines if isinstance(lines, cls) else cls(lines)

    def cells(self, at: int, delimiter: str) -> list[str]:
        """One line as cells; not to be changed."""
        if (at, delimiter) not in self._cells:
            self._cells[at, delimiter] = split_line(self[at], delimiter)
        return self._cells[at, delimiter]

    def rows(self, delimiter: str) -> list[list[str]]:
        """All lines as cells; not to be changed."""
        return [self.cells(at, delimiter) for at in range(len(self))]

    def names(self, delimiter: str) -> tuple[str, ...]:
        """Normalized cells of the first line, taken for column names."""
        if delimiter not in self._names:
            self._names[delimiter] = tuple(normalise_header(cell) for cell in self.cells(0, delimiter))
        return self._names[delimiter]
