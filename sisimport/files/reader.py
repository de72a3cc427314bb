"""From a recognized file to records: a stream of blocks of rows, never the whole file in memory.

    bytes -> chunks of whole lines -> text -> cells -> columns asked for -> clean values and what is wrong with them
             chunks.py                        splitters/                      columns.py

A row is `(line, values, problems)`: the physical line it starts in (from 1), the values in the order of the fields
asked for, and its problems. A record that cannot be split into columns is still a row, with no values and the reason. A block
gets only the work it needs: the csv module if there are quotes, NFC if there are characters beyond Latin-1, trimming if there are
spaces next to a separator.
"""

from collections.abc import Iterator, Sequence
from itertools import repeat
from typing import IO, Final

from sisimport.files.blocks import Block, Row
from sisimport.files.chunks import Chunk, Chunks
from sisimport.files.columns import Columns
from sisimport.files.detection import Recognition
from sisimport.files.issues import FileError, Problem, Severity
from sisimport.files.last_line import LastLine
from sisimport.files.lines import DOS_END, MAX_LINE_BYTES, iter_lines, read_lines, split_text, without_dos_ends
from sisimport.files.repeated_names import RepeatedNames
from sisimport.files.splitters.delimited import PlainSplitter, blank_characters
from sisimport.files.splitters.even import EvenSplitter
from sisimport.files.splitters.fixed_width import FixedWidthSplitter
from sisimport.files.splitters.quoted import QuotedSplitter
from sisimport.files.tallies import Tallies
from sisimport.files.together import Together
from sisimport.files.total_lines import TotalLines
from sisimport.files.values import BlockTraits

__all__ = ["Block", "FileError", "Problem", "Reader", "Row", "iter_lines", "read_lines"]

BLOCK_LINES: Final = 4000
WIDE_BLOCK_LINES: Final = 2000
WIDE_COLUMNS: Final = 128  # above it, cells of a chunk no longer fit the cache of a processor
# After this many lines, a file with hardly any readable lines is refused: it would repeat the same error a million times.
_PATIENCE: Final = 10_000
_HARDLY_ANY: Final = 1000


class Reader:
    """Reads the records of one file.

    After `blocks()` has run out: `record_count`, `line_count`, `notices` (on the file), `encoding`, `line_index` for
    `read_lines`, and `spans` (first line -> number of lines, of records that run over several).
    """

    def __init__(
        self,
        stream: IO[bytes],
        recognition: Recognition,
        fields: Sequence[str],
        *,
        together: Sequence[Together] = (),
        max_line_bytes: int = MAX_LINE_BYTES,
    ) -> None:
        """`together`: further fields, each group read as one column after those of `fields`.

        Raises FileError when the file was not recognized, KeyError for a field that the layout does not have.
        """
        if recognition.error is not None:
            raise recognition.error
        if recognition.layout is None:
            raise ValueError("the recognition names no layout")
        self._file = recognition
        self._wide = recognition.column_count > WIDE_COLUMNS
        layout = recognition.layout
        all_fields = [*fields, *(name for one in together for name in one.fields)]
        self._names = RepeatedNames(recognition, layout, all_fields)
        self._chunks = Chunks(stream, recognition, self._names, wide=self._wide, max_line_bytes=max_line_bytes)
        self._tallies = Tallies(layout)
        self._last_line = LastLine(recognition)
        self._totals = TotalLines(recognition)
        self._columns = Columns(
            layout, fields, self._tallies, self._names, day_first=recognition.day_first, together=together
        )
        parts = (recognition, layout, all_fields, self._tallies)
        self._even = None if self._wide or recognition.fixed_width else EvenSplitter(*parts)
        self._unquoted = FixedWidthSplitter(*parts) if recognition.fixed_width else PlainSplitter(*parts)
        self._quoted = QuotedSplitter(*parts)
        self._blank_characters = blank_characters(recognition)
        self._header_seen = not recognition.header
        self.record_count = 0
        self._broken = 0
        self.notices: list[Problem] = list(recognition.notices)

    @property
    def encoding(self) -> str:
        return self._chunks.decoder.encoding

    @property
    def line_count(self) -> int:
        return self._chunks.line_count

    @property
    def bytes_read(self) -> int:
        return self._chunks.bytes_read

    @property
    def line_index(self) -> list[list[int]]:
        return self._chunks.line_index

    @property
    def spans(self) -> dict[int, int]:
        return self._quoted.spans

    @property
    def day_first(self) -> frozenset[str] | None:
        """After `blocks()`: the date fields that the whole file showed to be day/month, if that changes how it is read.

        None when everything was read correctly: the beginning of the file gave the same result, or no date was unclear.
        """
        return self._columns.day_first

    def blocks(self) -> Iterator[Block]:
        """Non-empty blocks of records in file order. Raises FileError when the file has to be refused after all."""
        for chunk in self._chunks:
            self._last_line.note(chunk)
            first_line, traits = chunk.first_line, chunk.traits
            block = self._even_block(chunk)
            if block is not None:
                self.record_count += len(block)
                if block:
                    yield block
                continue
            lines = split_text(chunk.text) if chunk.lines is None else chunk.lines
            quoted = chunk.quoted and not self._file.fixed_width
            names, totals = chunk.names and not self._file.fixed_width, chunk.totals
            del chunk
            self._chunks.line_count += len(lines)
            size = WIDE_BLOCK_LINES if self._wide else BLOCK_LINES
            for start in range(0, len(lines), size):
                some = lines[start : start + size]
                block = self._block(first_line + start, some, traits, quoted=quoted, names=names, totals=totals)
                if block:
                    self.record_count += len(block)
                    self._refuse_rubbish(block)
                    yield block
        if self._quoted.waiting:
            traits = BlockTraits(may_hold_space=True, needs_nfc=True)
            block = self._block(self.line_count + 1, [], traits, quoted=True, final=True)
            if block:
                self.record_count += len(block)
                yield block
        self._finish()

    def _even_block(self, chunk: Chunk) -> Block | None:
        """The block of a chunk that can be split as a whole; None if it may be uneven, or some lines are not records.

        The lines of a returned block are already counted.
        """
        if self._even is None or chunk.lines is not None or chunk.quoted or chunk.names or chunk.totals:
            return None
        if chunk.traits.may_hold_hidden and DOS_END in chunk.text:
            return None
        if self._quoted.waiting or not self._header_seen or chunk.first_line <= self._file.lines_above:
            return None
        records = self._even.split(chunk.first_line, chunk.text, chunk.traits)
        if records is None:
            return None
        self._chunks.line_count += len(records.numbers)
        return self._columns.clean(records)

    def _block(
        self,
        first_line: int,
        lines: list[str],
        traits: BlockTraits,
        *,
        quoted: bool,
        names: bool = False,
        totals: bool = False,
        final: bool = False,
    ) -> Block | None:
        if first_line <= self._file.lines_above:
            above = min(self._file.lines_above - first_line + 1, len(lines))
            first_line, lines = first_line + above, lines[above:]
        numbers: Sequence[int] = range(first_line, first_line + len(lines))
        if traits.may_hold_hidden:
            lines = without_dos_ends(lines)
        numbers, lines = self._without_blanks(numbers, lines)
        if names:
            numbers, lines = self._names.left_out(numbers, lines)
        if totals:
            numbers, lines = self._totals.left_out(numbers, lines)
        waiting = self._quoted.waiting
        if waiting:
            numbers = [*(number for number, _ in waiting), *numbers]
            lines = [*(line for _, line in waiting), *lines]
            self._quoted.waiting, quoted = [], True
            traits = BlockTraits(may_hold_space=True, needs_nfc=True)
        if not lines:
            return None
        if quoted:
            return self._columns.clean(self._quoted.split(numbers, lines, traits, final=final))
        return self._columns.clean(self._unquoted.split(numbers, lines, traits))

    def _without_blanks(self, numbers: Sequence[int], lines: list[str]) -> tuple[Sequence[int], list[str]]:
        """Leave out the header line and empty lines; numbers stay those of the file."""
        characters = self._blank_characters
        blank: list[int] = []
        # In nearly all chunks no line even begins like a blank one.
        if characters is None or "" in lines or any(map(str.startswith, lines, repeat(tuple(characters)))):
            blank = [at for at, line in enumerate(lines) if not line.strip(characters)]
        if blank:
            self._tallies.blank_lines([numbers[at] for at in blank])
            left_out = set(blank)
            numbers = [number for at, number in enumerate(numbers) if at not in left_out]
            lines = [line for at, line in enumerate(lines) if at not in left_out]
        if lines and not self._header_seen:
            self._header_seen = True
            self._names.learn(lines[0])
            return numbers[1:], lines[1:]
        return numbers, lines

    def _refuse_rubbish(self, block: Block) -> None:
        """Raises FileError if hardly any of the lines so far, including this block's, are records."""
        self._broken += len(block.broken)
        read = self.record_count - self._broken
        if self._broken > _PATIENCE and read * _HARDLY_ANY < self.record_count and self._file.layout is not None:
            found = f"{self._broken:,} of the first {self.record_count:,} lines are not records"
            raise FileError("FILE-MIXED", found=found, expected=f"the columns of {self._file.layout.title}")

    def _finish(self) -> None:
        """Notices that can only be given at the end. Raises FileError when there was no record at all."""
        if not self.record_count:
            found = "only a line with column names" if self._file.header else "only blank lines"
            raise FileError("FILE-EMPTY", found=found, expected="one line for each student")
        codes = {notice.code for notice in self.notices}
        self.notices += self._chunks.decoder.notices
        if self._file.end_marker is not None and self._tallies.last_short == self.line_count:
            params = {"line": self.line_count}
            self.notices.append(Problem("FILE-CUT", Severity.WARNING, None, "", self._file.end_marker, params))
        elif self._last_line.problem is not None and self._totals.last != self.line_count:
            self.notices.append(self._last_line.problem)
        self.notices += self._names.notices()
        self.notices += self._totals.notices(self.record_count)
        self.notices += self._tallies.notices(codes)
