"""From a recognised file to records: a stream of blocks of rows, never the whole file in memory.

    bytes -> chunks of whole lines -> text -> cells -> columns asked for -> clean values and what is wrong with them

A row is `(line, values, problems)`: the physical line it starts in (from 1), the values in the order of the fields
asked for, and its problems. A record that cannot be split into columns still is a row, with no values and the reason.
Only what a block needs is done to it: the csv module where there are quotes, NFC where there are characters
beyond Latin-1, trimming where there are spaces next to a separator.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, repeat
from operator import itemgetter
from typing import IO, Final

from sisimport.files.blocks import Block, Row
from sisimport.files.damage import HIDDEN_BEYOND_ASCII, is_name, without_hidden
from sisimport.files.detection import Recognition, columns_said
from sisimport.files.encodings import BOM, UTF16, Decoder
from sisimport.files.issues import FileError, Problem, Severity
from sisimport.files.layouts import Header, normalise_header
from sisimport.files.lines import MAX_LINE_BYTES, iter_lines, read_lines, refuse_nul, split_text, whole_lines
from sisimport.files.quoting import has_columns, split_quoted
from sisimport.files.tallies import Tallies
from sisimport.files.values import BlockTraits, Finding, MemoColumn, column_reader, in_check_order, shown

__all__ = ["Block", "FileError", "Problem", "Reader", "Row", "iter_lines", "read_lines"]

BLOCK_LINES: Final = 4000
WIDE_BLOCK_LINES: Final = 2000
WIDE_COLUMNS: Final = 50
# A chunk and its cells should fit the processor's cache: four times larger is twice as slow.
_CHUNK_BYTES: Final = 1 << 16
_INDEX_BYTES: Final = 1 << 18
_WIDE_CHUNK_BYTES: Final = 1 << 17
_WORTHWHILE_GAP: Final = 32
_NAMES_OF_A_HEADER: Final = 2  # among the first cells of a line, which no record has
_CONTROLS: Final = bytes(sorted({*range(1, 32), 127} - {9, 10, 13}))
_HIDDEN_UTF8 = re.compile(rb"\xc2\xad|\xe2\x80[\x8b-\x8f\xaa-\xae]|\xe2\x81[\xa0-\xa9]|\xef\xbb\xbf|\xcd\x8f")


@dataclass(slots=True)
class _Chunk:
    """Whole lines of the file: as one text, or cut into `lines` already; what they may hold."""

    first_line: int
    text: str
    lines: list[str] | None
    quoted: bool
    traits: BlockTraits


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
        max_line_bytes: int = MAX_LINE_BYTES,
    ) -> None:
        """Raises FileError when the file was not recognised, KeyError for a field that the layout does not have."""
        if recognition.error is not None:
            raise recognition.error
        if recognition.layout is None:
            raise ValueError("the recognition names no layout")
        self._stream = stream
        self._known = recognition
        self._layout = recognition.layout
        self._max_line_bytes = max_line_bytes
        self._decoder = Decoder(recognition.encoding)
        self._columns = [self._layout.fields[field] for field in fields]
        self._readers = [
            column_reader(self._layout, column, day_first=column.field in recognition.day_first)
            for column in self._columns
        ]
        self._at = [recognition.positions.get(field) for field in fields]
        self._places = sorted({at for at in self._at if at is not None})
        self._last = max((at for at in self._at if at is not None), default=0)
        self._gap = _widest_gap({at for at in self._at if at is not None}, recognition.column_count)
        self._wide = recognition.column_count > WIDE_COLUMNS
        self._blank_characters = None if recognition.fixed_width else f" \t{recognition.delimiter}"
        self._waiting: list[tuple[int, str]] = []
        self._header_seen = not recognition.header
        self._tallies = Tallies(recognition.layout)
        self._last_short = 0
        self._header_names = {name for column in self._layout.columns for name in column.names if name}
        self.record_count = 0
        self.line_count = 0
        self.bytes_read = 0
        self.line_index: list[list[int]] = []
        self.spans: dict[int, int] = {}
        self.notices: list[Problem] = list(recognition.notices)

    @property
    def encoding(self) -> str:
        return self._decoder.encoding

    def blocks(self) -> Iterator[Block]:
        """Blocks of records in file order, not empty. Raises FileError when the file has to be refused after all."""
        for chunk in self._chunks():
            first_line, traits = chunk.first_line, chunk.traits
            block = self._even_rows(first_line, chunk.text, traits) if chunk.lines is None else None
            if block is not None:
                self.line_count += len(block)
                self.record_count += len(block)
                yield block
                continue
            lines = split_text(chunk.text) if chunk.lines is None else chunk.lines
            quoted = chunk.quoted and not self._known.fixed_width
            del chunk
            self.line_count += len(lines)
            size = WIDE_BLOCK_LINES if self._wide else BLOCK_LINES
            for start in range(0, len(lines), size):
                some = lines[start : start + size]
                block = self._rows(first_line + start, some, traits, quoted=quoted, final=False)
                if block:
                    self.record_count += len(block)
                    yield block
        if self._waiting:
            traits = BlockTraits(may_hold_space=True, needs_nfc=True)
            block = self._rows(self.line_count + 1, [], traits, quoted=True, final=True)
            if block:
                self.record_count += len(block)
                yield block
        self._finish()

    @property
    def day_first(self) -> frozenset[str] | None:
        """After `blocks()`: the date fields that the whole file showed to be day/month, where that changes how it is read.

        None when everything was read rightly: the look at the beginning of the file told the same, or no date was unclear.
        """
        seen = {
            column.field: reader.days
            for column, reader in zip(self._columns, self._readers, strict=True)
            if column.field and isinstance(reader, MemoColumn) and reader.days is not None
        }
        told = frozenset(field for field, days in seen.items() if days.is_day_first)
        unclear = {field for field, days in seen.items() if days.either}
        return told if (self._known.day_first ^ told) & unclear else None

    # -- lines ---------------------------------------------------------------------------------------------------------

    def _chunks(self) -> Iterator[_Chunk]:
        """Decoded chunks of whole lines."""
        size = _WIDE_CHUNK_BYTES if self._wide else _CHUNK_BYTES
        encoding = self._known.encoding
        for offset, data in whole_lines(
            self._stream, size=size, max_line_bytes=self._max_line_bytes, encoding=encoding
        ):
            first_line = self.line_count + 1
            if not self.line_index or offset - self.line_index[-1][1] >= _INDEX_BYTES:
                self.line_index.append([first_line, offset])
            chunk = data[len(BOM) :] if offset == 0 and data.startswith(BOM) else data
            refuse_nul(chunk, first_line)
            self.bytes_read = offset + len(data) * (2 if encoding in UTF16 else 1)
            controls = len(chunk.translate(None, _CONTROLS)) != len(chunk)
            if self._wide and not controls and not chunk.isascii() and not _HIDDEN_UTF8.search(chunk):
                # A few names with accents would make a long text of two bytes a character, and its lines slow to cut.
                lines = self._decoder.decode_lines(chunk)
                if lines is not None:
                    traits = BlockTraits(may_hold_space=True, needs_nfc=True, may_hold_hidden=False)
                    yield _Chunk(first_line, "", lines, b'"' in chunk, traits)
                    continue
            text = self._decoder.decode(chunk, first_line)
            plain = text.isascii()
            exotic = not plain and _is_exotic(text)
            hidden = controls or (HIDDEN_BEYOND_ASCII.search(text) is not None if exotic else "\xad" in text)
            may_hold_space = exotic or controls or " " in text or ("\t" in text and self._known.delimiter != "\t")
            damaged = not plain or "?" in text or "&" in text or "+A" in text
            yield _Chunk(first_line, text, None, '"' in text, BlockTraits(may_hold_space, exotic, hidden, damaged))

    # -- rows ----------------------------------------------------------------------------------------------------------

    def _even_rows(self, first_line: int, text: str, traits: BlockTraits) -> Block | None:
        """The usual block, quickly: narrow records of equal shape without quotes. None when it is not like that.

        With a cell of its own for every line end, one split gives all cells and slices with a stride give the columns;
        the line ends falling into one column proves that every line has its number of columns. Three times quicker
        than line by line.
        """
        known = self._known
        if self._wide or known.fixed_width or self._waiting or not self._header_seen or '"' in text:
            return None
        if first_line <= known.lines_above:
            return None
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        if not text.endswith("\n"):
            text += "\n"
        stride = known.column_count + 1
        cells = text.replace("\n", f"{known.delimiter}\n{known.delimiter}").split(known.delimiter)
        count, rest = divmod(len(cells) - 1, stride)
        ends = cells[known.column_count :: stride]
        if rest or len(ends) != count or ends.count("\n") != count:
            return None
        first = cells[0:-1:stride]  # where it is blank the whole line may be
        if not all(map(str.strip, first) if traits.may_hold_space else first):
            return None
        cells.pop()
        findings: list[Finding] = []
        if known.end_marker is not None:
            markers = cells[known.column_count - 1 :: stride]
            if markers.count(known.end_marker) != count:
                findings = self._wrong_ends([marker.strip() for marker in markers])
        texts = [None if at is None else cells[at::stride] for at in self._at]
        del cells
        return self._assemble(range(first_line, first_line + count), texts, traits, findings, [])

    def _rows(
        self, first_line: int, lines: list[str], traits: BlockTraits, *, quoted: bool, final: bool
    ) -> Block | None:
        if first_line <= self._known.lines_above:
            above = min(self._known.lines_above - first_line + 1, len(lines))
            first_line, lines = first_line + above, lines[above:]
        numbers: Sequence[int] = range(first_line, first_line + len(lines))
        numbers, lines = self._without_blanks(numbers, lines)
        if self._waiting:
            numbers = [*(number for number, _ in self._waiting), *numbers]
            lines = [*(line for _, line in self._waiting), *lines]
            self._waiting, quoted = [], True
            traits = BlockTraits(may_hold_space=True, needs_nfc=True)
        if not lines:
            return None
        if self._known.fixed_width:
            return self._fixed_rows(numbers, lines, traits)
        if quoted:
            return self._quoted_rows(numbers, lines, traits, final=final)
        return self._plain_rows(numbers, lines, traits)

    def _without_blanks(self, numbers: Sequence[int], lines: list[str]) -> tuple[Sequence[int], list[str]]:
        """Leave out the header line and lines with nothing in them; numbers stay those of the file."""
        characters = self._blank_characters
        blank: list[int] = []
        # Nearly always no line even begins like a blank one.
        if characters is None or "" in lines or any(map(str.startswith, lines, repeat(tuple(characters)))):
            blank = [at for at, line in enumerate(lines) if not line.strip(characters)]
        if blank:
            self._tallies.blank_lines([numbers[at] for at in blank])
            left_out = set(blank)
            numbers = [number for at, number in enumerate(numbers) if at not in left_out]
            lines = [line for at, line in enumerate(lines) if at not in left_out]
        if lines and not self._header_seen:
            self._header_seen = True
            return numbers[1:], lines[1:]
        return numbers, lines

    def _plain_rows(self, numbers: Sequence[int], lines: list[str], traits: BlockTraits) -> Block:
        delimiter, wanted = self._known.delimiter, self._known.column_count - 1
        counts = list(map(str.count, lines, repeat(delimiter)))
        broken: list[Row] = []
        if counts.count(wanted) != len(lines):
            fitting = []
            for at, count in enumerate(counts):
                if count == wanted or self._is_trailing(count > wanted and self._is_padded(lines[at])):
                    fitting.append(at)
                else:
                    self._look_at_broken(numbers[at], lines[at].split(delimiter))
                    broken.append((numbers[at], (), (self._wrong_columns(count + 1),)))
            numbers, lines = [numbers[at] for at in fitting], [lines[at] for at in fitting]
            if not lines:
                return self._all_broken(broken)
        findings: list[Finding] = []
        if self._known.end_marker is not None:
            ending = delimiter + self._known.end_marker
            if not all(map(str.endswith, lines, repeat(ending))):
                ends = [line.rstrip(f" {delimiter}").rpartition(delimiter)[2] for line in lines]
                findings = self._wrong_ends(ends)
        return self._assemble(numbers, self._pick_plain(lines), traits, findings, broken)

    def _pick_plain(self, lines: list[str]) -> list[Sequence[str] | None]:
        """The columns of the fields asked for, of lines that have all their separators.

        Cells are picked line by line: those of a whole block of wide lines would not fit the processor's cache, which
        takes twice as long.
        """
        delimiter, wanted = self._known.delimiter, self._known.column_count - 1
        if self._gap is not None and not self._tallies.trailing:
            first, right = self._gap
            # Twice, where it is but one: a getter of one place gives no tuple.
            lefts = [place for place in self._places if place < first]
            rights = [place for place in self._places if place > first]
            lefts, rights = (side * 2 if len(side) == 1 else side for side in (lefts, rights))
            # In the cells of the right side the gap itself is the first.
            before, after = itemgetter(*lefts), itemgetter(*(place - wanted + right for place in rights))
            left, late = [], []
            for line in lines:
                cells = line.split(delimiter, first)
                late.append(after(cells.pop().rsplit(delimiter, right)))
                left.append(before(cells))
            sides = (*zip(*left, strict=True), *zip(*late, strict=True))
            columns = dict(zip((*lefts, *rights), sides, strict=True))
        elif len(self._places) > 1:
            splits = self._last + 1 if self._last < wanted else -1
            pick = itemgetter(*self._places)
            picked = [pick(line.split(delimiter, splits)) for line in lines]
            columns = dict(zip(self._places, zip(*picked, strict=True), strict=True))
        else:
            return self._pick([line.split(delimiter, self._last + 1) for line in lines], self._at)
        return [None if at is None else columns[at] for at in self._at]

    def _quoted_rows(self, numbers: Sequence[int], lines: list[str], traits: BlockTraits, *, final: bool) -> Block:
        columns = self._known.column_count
        split = split_quoted(numbers, lines, delimiter=self._known.delimiter, columns=columns, final=final)
        self._waiting = split.waiting
        self.spans |= split.spans
        broken: list[Row] = [(number, (), (problem,)) for number, problem in split.broken]
        findings, kept = split.findings, split.cells
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
                    broken.append((numbers[at], (), (self._wrong_columns(count),)))
            new_place = {old: new for new, old in enumerate(fitting)}
            findings = [(new_place[at], problem) for at, problem in findings if at in new_place]
            numbers, kept = [numbers[at] for at in fitting], [kept[at] for at in fitting]
        if not kept:
            return self._all_broken(broken)
        if self._known.end_marker is not None:
            findings = findings + self._wrong_ends([cells[columns - 1].strip() for cells in kept])
        # Spaces and line ends inside quotes show nowhere in the text's outline.
        hidden = traits.may_hold_hidden or bool(split.spans)
        traits = replace(traits, may_hold_space=True, may_hold_hidden=hidden)
        return self._assemble(numbers, self._pick(kept, self._at), traits, findings, broken)

    def _fixed_rows(self, numbers: Sequence[int], lines: list[str], traits: BlockTraits) -> Block:
        """Records by character positions. Some files count bytes, an accented letter taking two: those work as well."""
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
                        self._last_short = number
                    found, expected = f"{len(line):,}", f"{length:,}"
                    broken.append((number, (), (Problem("FILE-LINE-WIDTH", Severity.ERROR, None, found, expected),)))
            numbers, lines = [number for number, _ in fitting], [line for _, line in fitting]
            if not lines:
                return self._all_broken(broken)
        texts: list[Sequence[str]] = []
        for column in self._columns:
            first, last = column.span or (1, 0)
            cells = [line[first - 1 : last] for line in lines]
            for at in in_bytes:
                cells[at] = cells[at].encode("latin-1").decode("utf-8", errors="replace")
            texts.append(cells)
        findings: list[Finding] = []
        if self._known.end_marker is not None:
            findings = self._wrong_ends([line[-len(self._known.end_marker) :] for line in lines])
        return self._assemble(numbers, texts, traits, findings, broken)

    def _pick(self, cells: list[list[str]], wanted: Sequence[int | None]) -> list[Sequence[str] | None]:
        """The cells of the fields asked for, column by column (None: the file does not have the column)."""
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

    def _assemble(
        self,
        numbers: Sequence[int],
        texts: Sequence[Sequence[str] | None],
        traits: BlockTraits,
        findings: list[Finding],
        broken: list[Row],
    ) -> Block:
        """Clean the columns."""
        columns: list[Sequence[str]] = []
        for place, column in enumerate(texts):
            if column is None:
                columns.append([""] * len(numbers))
                continue
            if traits.may_hold_hidden:
                values, found = self._read_bared(place, column, traits)
            else:
                values, found = self._readers[place].read(column, traits)
            columns.append(values)
            if found:
                findings.extend(found)
        problems: dict[int, list[Problem]] = {}
        for at, problem in findings:
            if not self._tallies.counts(problem, numbers[at]):
                problems.setdefault(at, []).append(problem)
        return Block(numbers, columns, {at: in_check_order(of_row) for at, of_row in problems.items()}, broken)

    def _read_bared(self, place: int, texts: Sequence[str], traits: BlockTraits) -> tuple[Sequence[str], list[Finding]]:
        """A column without the characters that nobody sees; a value refused for them is not called missing as well."""
        column = self._columns[place]
        bared, taken = without_hidden(column, texts, refuse=self._layout.writes_names and is_name(column))
        values, found = self._readers[place].read(bared, traits)
        if not taken:
            return values, found
        refused = {at for at, problem in taken if problem.severity is Severity.ERROR}
        return values, [*taken, *(finding for finding in found if finding[0] not in refused)]

    def _all_broken(self, broken: list[Row]) -> Block:
        return Block([], [[] for _ in self._columns], {}, broken)

    def _is_padded(self, line: str) -> bool:
        """Is nothing beyond the last column but separators, as a spreadsheet writes them for columns once touched?"""
        return not line.split(self._known.delimiter, self._known.column_count)[-1].strip(self._blank_characters)

    # -- what is said --------------------------------------------------------------------------------------------------

    def _is_trailing(self, trailing: bool) -> bool:
        self._tallies.trailing = self._tallies.trailing or trailing
        return trailing

    def _look_at_broken(self, number: int, cells: Sequence[str]) -> None:
        """A line that is not a record. Raises FileError where it begins the records of another file: names, not values."""
        if len(cells) < self._known.column_count:
            self._last_short = number
        names = [normalise_header(cell) for cell in cells[:4]]
        if self._layout.header is Header.REQUIRED and len(self._header_names.intersection(names)) >= _NAMES_OF_A_HEADER:
            found = f"line {number} begins records with other columns"
            expected = f"records of {self._layout.title} only"
            raise FileError("FILE-MIXED", found=found, expected=expected, params={"line": number})

    def _wrong_columns(self, count: int) -> Problem:
        facts = columns_said(self._layout, count, "The line")
        expected = f"{self._known.column_count}"
        return Problem("FILE-COLUMNS", Severity.ERROR, None, f"{count}", expected, facts)

    def _wrong_ends(self, ends: list[str]) -> list[Finding]:
        marker = self._known.end_marker or ""
        return [
            (at, Problem("FILE-END-MARKER", Severity.WARNING, None, shown(end) or "nothing", marker))
            for at, end in enumerate(ends)
            if end != marker
        ]

    def _finish(self) -> None:
        """Notices that can only be given at the end. Raises FileError when there was no record at all."""
        if not self.record_count:
            found = "only a line with column names" if self._known.header else "nothing but blank lines"
            raise FileError("FILE-EMPTY", found=found, expected="one line for each student")
        said = {notice.code for notice in self.notices}
        self.notices += self._decoder.notices
        if self._known.end_marker is not None and self._last_short == self.line_count:
            facts = {"line": self.line_count}
            self.notices.append(Problem("FILE-CUT", Severity.WARNING, None, "", self._known.end_marker, facts))
        self.notices += self._tallies.notices(said)


def _widest_gap(places: set[int], columns: int) -> tuple[int, int] | None:
    """Columns to split off from the left and from the right, where a stretch in between is wanted by nobody."""
    ordered = sorted(places)
    gaps = [(later - earlier, earlier, later) for earlier, later in pairwise(ordered)]
    width, left, right = max(gaps, default=(0, 0, 0))
    return (left + 1, columns - right) if width >= _WORTHWHILE_GAP else None


def _is_exotic(text: str) -> bool:
    """Can the text hold spaces that are not ASCII, or characters that are not in normal form C?

    Nothing in Latin-1 needs normalising, which settles most files at the speed of a copy.
    """
    if "\xa0" in text or "\x85" in text:
        return True
    try:
        text.encode("latin-1")
    except UnicodeEncodeError:
        return True
    return False
