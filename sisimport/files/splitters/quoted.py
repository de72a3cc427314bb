"""Lines with quotation marks: a record may span several of them."""

from collections.abc import Sequence
from dataclasses import replace

from sisimport.files.blocks import Row
from sisimport.files.detection import Recognition
from sisimport.files.issues import Problem
from sisimport.files.layouts import Layout
from sisimport.files.quoting import has_columns, split_quoted
from sisimport.files.splitters.base import Records, pick_columns
from sisimport.files.splitters.delimited import DelimitedSplitter
from sisimport.files.tallies import Tallies
from sisimport.files.values import BlockTraits


class QuotedSplitter(DelimitedSplitter):
    """Splits with the csv module. `waiting`: numbered lines whose record may continue in the next block, to be passed in again;
    `spans`: first line -> number of lines, for records that span several."""

    def __init__(self, recognition: Recognition, layout: Layout, fields: Sequence[str], tallies: Tallies) -> None:
        super().__init__(recognition, layout, fields, tallies)
        self.waiting: list[tuple[int, str]] = []
        self.spans: dict[int, int] = {}

    def split(self, numbers: Sequence[int], lines: list[str], traits: BlockTraits, *, final: bool) -> Records:
        """The records of lines, some of which hold quotation marks. `final`: no more lines follow."""
        columns = self._file.column_count
        split = split_quoted(numbers, lines, delimiter=self._file.delimiter, columns=columns, final=final)
        self.waiting = split.waiting
        self.spans |= split.spans
        broken: list[Row] = [(number, (), (self._named(problem),)) for number, problem in split.broken]
        findings, kept = [(at, self._named(problem)) for at, problem in split.findings], split.cells
        numbers = split.numbers
        if any(len(cells) != columns or not any(cells) for cells in kept):
            fitting = []
            for at, cells in enumerate(kept):
                count = len(cells)
                if not any(map(str.strip, cells)):
                    self._tallies.blank_lines([numbers[at]])
                elif count == columns or self._is_trailing(has_columns(cells, columns)):
                    fitting.append(at)
                else:
                    self._look_at_broken(numbers[at], cells)
                    broken.append((numbers[at], (), (self._wrong_columns(cells),)))
            new_place = {old: new for new, old in enumerate(fitting)}
            findings = [(new_place[at], problem) for at, problem in findings if at in new_place]
            numbers, kept = [numbers[at] for at in fitting], [kept[at] for at in fitting]
        if not kept:
            return Records([], [], traits, [], broken)
        if self._file.end_marker is not None:
            findings = findings + self._wrong_ends([cells[columns - 1].strip() for cells in kept])
        # Spaces and line ends inside quotes do not show in the text's traits.
        hidden = traits.may_hold_hidden or bool(split.spans)
        traits = replace(traits, may_hold_space=True, may_hold_hidden=hidden)
        return Records(numbers, pick_columns(kept, self._at), traits, findings, broken)

    def _named(self, problem: Problem) -> Problem:
        """The problem with the name of its column."""
        at = problem.params["column"] - 1
        name = next(
            (self._layout.fields[name].label or name for name, place in self._file.positions.items() if place == at), ""
        )
        return replace(problem, found=f"{problem.found} ({name})") if name else problem
