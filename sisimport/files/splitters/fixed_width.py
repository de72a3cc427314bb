"""Lines whose columns are character positions."""

from collections.abc import Sequence

from sisimport.files.blocks import Row
from sisimport.files.issues import Problem, Severity
from sisimport.files.splitters.base import Records, Splitter
from sisimport.files.values import BlockTraits, Finding


class FixedWidthSplitter(Splitter):
    """Splits line by line."""

    def split(self, numbers: Sequence[int], lines: list[str], traits: BlockTraits) -> Records:
        """Records by character positions. Also handles files that count bytes, where an accented letter takes two."""
        length = self._layout.record_length or 0
        broken: list[Row] = []
        in_bytes: set[int] = set()
        if any(len(line) != length for line in lines):
            fitting: list[tuple[int, str]] = []
            for number, line in zip(numbers, lines, strict=True):
                as_bytes = line.encode("utf-8")
                if len(line) == length:
                    fitting.append((number, line))
                elif len(as_bytes) == length:
                    in_bytes.add(len(fitting))
                    fitting.append((number, as_bytes.decode("latin-1")))
                else:
                    if len(line) < length:
                        self._tallies.last_short = number
                    found, expected = f"{len(line):,}", f"{length:,}"
                    broken.append((number, (), (Problem("FILE-LINE-WIDTH", Severity.ERROR, None, found, expected),)))
            numbers, lines = [number for number, _ in fitting], [line for _, line in fitting]
            if not lines:
                return Records([], [], traits, [], broken)
        texts: list[Sequence[str]] = []
        for column in self._columns:
            first, last = column.span or (1, 0)
            cells = [line[first - 1 : last] for line in lines]
            for at in in_bytes:
                cells[at] = cells[at].encode("latin-1").decode("utf-8", errors="replace")
            texts.append(cells)
        findings: list[Finding] = []
        if self._file.end_marker is not None:
            findings = self._wrong_ends([line[-len(self._file.end_marker) :] for line in lines])
        return Records(numbers, texts, traits, findings, broken)
