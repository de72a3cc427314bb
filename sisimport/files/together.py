"""Fields that are read as one column: each has few different values, so one lookup per record handles all of them.

A year's file holds a few hundred combinations of facts about its students, in thirteen cells on each of 100,000 lines.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from sisimport.files.values import BlockTraits, Finding

_JOINT: Final = "\x1f"  # occurs in no cell of a block without hidden characters
_MOST_KNOWN: Final = 20_000  # combinations kept
ReadColumn = Callable[[Sequence[str]], tuple[Sequence[str], list[Finding]]]


@dataclass(frozen=True, slots=True)
class Together:
    """`fields`: codes, each read by its value alone. `put`: makes one text from a record's clean values of them, in this
    order."""

    fields: tuple[str, ...]
    put: Callable[[Sequence[str]], str]


class TogetherColumn:
    """The single column as which a file's such fields are read."""

    def __init__(self, together: Together) -> None:
        self._put = together.put
        self._known: dict[str, str] = {}  # joined texts of a record's cells -> its text, if it has no problems

    def read(
        self, cells: Sequence[Sequence[str]], readers: Sequence[ReadColumn], traits: BlockTraits
    ) -> tuple[list[str], list[Finding]]:
        """The texts of a block, and what is wrong with its cells. Takes a column of cells for each field, and its reader."""
        keys = list(map(_JOINT.join, zip(*cells, strict=True)))
        if traits.may_hold_hidden:
            texts, findings = self._looked_at(cells, readers, range(len(keys)))
            return texts, findings
        found = list(map(self._known.get, keys))
        new = [at for at, text in enumerate(found) if text is None]
        if not new:
            return found, []  # type: ignore[return-value]
        texts, findings = self._looked_at([[column[at] for at in new] for column in cells], readers, new)
        if len(self._known) > _MOST_KNOWN:
            self._known.clear()
        wrong = {at for at, _problem in findings}
        for at, text in zip(new, texts, strict=True):
            found[at] = text
            if at not in wrong:
                self._known[keys[at]] = text
        return found, findings  # type: ignore[return-value]

    def _looked_at(
        self, cells: Sequence[Sequence[str]], readers: Sequence[ReadColumn], places: Sequence[int]
    ) -> tuple[list[str], list[Finding]]:
        """Like `read`, but cell by cell. `places`: positions of these records in their block."""
        columns: list[Sequence[str]] = []
        findings: list[Finding] = []
        for read, texts in zip(readers, cells, strict=True):
            values, found = read(texts)
            columns.append(values)
            findings += [(places[at], problem) for at, problem in found]
        return list(map(self._put, zip(*columns, strict=True))), findings
