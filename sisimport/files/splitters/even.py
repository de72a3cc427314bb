"""The usual text, quickly: narrow records of equal shape without quotes."""

from sisimport.files.splitters.base import Records, Splitter
from sisimport.files.values import BlockTraits, Finding


class EvenSplitter(Splitter):
    """Splits a whole text at once."""

    def split(self, first_line: int, text: str, traits: BlockTraits) -> Records | None:
        """The records of a text without quotation marks; None when its lines are not all alike.

        With a cell of its own for every line end, one split gives all cells and slices with a stride give the columns;
        the line ends falling into one column proves that every line has its number of columns. Three times quicker
        than line by line.
        """
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        if not text.endswith("\n"):
            text += "\n"
        stride = self._file.column_count + 1
        cells = text.replace("\n", f"{self._file.delimiter}\n{self._file.delimiter}").split(self._file.delimiter)
        count, rest = divmod(len(cells) - 1, stride)
        ends = cells[self._file.column_count :: stride]
        if rest or len(ends) != count or ends.count("\n") != count:
            return None
        first = cells[0:-1:stride]  # if it is blank, the whole line may be
        if not all(map(str.strip, first) if traits.may_hold_space else first):
            return None
        cells.pop()
        findings: list[Finding] = []
        if self._file.end_marker is not None:
            markers = cells[self._file.column_count - 1 :: stride]
            if markers.count(self._file.end_marker) != count:
                findings = self._wrong_ends([marker.strip() for marker in markers])
        texts = [None if at is None else cells[at::stride] for at in self._at]
        del cells
        return Records(range(first_line, first_line + count), texts, traits, findings)
