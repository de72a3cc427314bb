"""One OneRoster table: its rows, by column name and with their physical lines.

Columns may be in any order and letter case; extension columns (`metadata.…`) are read only if requested.
"""

import csv
import io
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import IO, Any, Final

from sisimport.files.encodings import encoding_notice, is_doubtful, judge, refused_encoding, wide_encoding
from sisimport.files.issues import FileError, Problem, Severity
from sisimport.files.layout_matching import DELIMITERS
from sisimport.files.members import too_large
from sisimport.files.separators import with_one_separator
from sisimport.files.wrapped import WRAPPED, bare_text, is_wrapped_text

_LONGEST_RECORD: Final = 100  # physical lines; a longer one means a quotation mark was never closed
_SAMPLE: Final = 1 << 20
_SEPARATORS: Final = ",;\t|"
_LOOKED_AT: Final = 20  # lines
csv.field_size_limit(1 << 20)


@dataclass(slots=True)
class Table:
    """A member of the archive that is read as a table. `wanted`: the columns to read; those of `needed` must be present.

    After `rows`: `broken` are lines that are not rows, with the reason; `notices` the findings about the file; `present` the
    columns it has. `extra` are names; the first of them that the file has is read as one more column, "" if it has none.
    """

    archive: zipfile.ZipFile
    info: zipfile.ZipInfo
    name: str
    wanted: Sequence[str]
    needed: Sequence[str]
    budget: int
    extra: Sequence[str] = ()
    broken: list[tuple[int, str]] = field(default_factory=list)
    notices: list[Problem] = field(default_factory=list)
    present: set[str] = field(default_factory=set)
    line_count: int = 0
    head_line: int = 1
    head: list[str] = field(default_factory=list)

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """Physical line, the wanted values and, last, the extra one; all trimmed. Raises FileError."""
        encoding = self._encoding()
        self.broken.clear()
        with self.archive.open(self.info) as source:
            text = io.TextIOWrapper(_Limited(source, self.budget), encoding=encoding, newline="")  # type: ignore[type-var]
            lines, separator = self._as_they_were(text, encoding)
            reader = csv.reader(lines, delimiter=separator, skipinitialspace=True)
            try:
                yield from self._records(reader)
            except csv.Error as error:
                raise self._open_quote(reader.line_num) from error
            self.line_count = reader.line_num

    def _records(self, reader: Any) -> Iterator[tuple[Any, ...]]:
        pick, width, last = self._header(reader)
        strip = str.strip
        for cells in reader:
            line, last = last + 1, reader.line_num
            if (
                len(cells) == width and last == line and cells[0] and cells[0] != self.head[0]
            ):  # true for nearly all rows
                cells.append("")
                yield line, *map(strip, pick(cells))
                continue
            if last - line > _LONGEST_RECORD:
                raise self._open_quote(line)
            if not any(cells) or self._repeats_names(cells, line):
                continue
            if len(cells) < width or any(cells[width:]):
                columns = "column" if len(cells) == 1 else "columns"
                self.broken.append((line, f"it has {len(cells)} {columns}; expected {width}"))
                continue
            yield line, *map(strip, pick([*cells[:width], ""]))

    def _repeats_names(self, cells: list[str], line: int) -> bool:
        """Is this the line of column names again, as in files put one after another? It is reported once."""
        if cells != self.head:
            return False
        if not any(notice.code == "FILE-HEADER-AGAIN" for notice in self.notices):
            found, params = f"in {self.name}.csv", {"line": line}
            self.notices.append(Problem("FILE-HEADER-AGAIN", Severity.WARNING, None, found, "", params))
        return True

    def _header(self, reader: Any) -> tuple[Callable[[Sequence[str]], tuple[str, ...]], int, int]:
        """A function that picks the wanted cells of a row with a blank one appended; the number of cells in a row; the header's
        last line."""
        before = 0
        for cells in reader:
            if any(cells):
                self.head_line, self.head = before + 1, list(cells)
                return itemgetter(*self._positions(cells)), len(cells), reader.line_num
            before = reader.line_num
        raise FileError("ONE-FILE", found=f"{self.name}.csv without column names", expected="a line with them")

    def _positions(self, header: Sequence[str]) -> list[int]:
        """Positions of the wanted columns; -1 for those that the file does not have.

        Raises FileError (ONE-COLUMN) for a needed column that is missing or occurs twice.
        """
        names = [cell.strip().strip("\ufeff").casefold() for cell in header]
        self.present = set(names)
        for name in self.wanted:
            if names.count(name.casefold()) > 1:
                raise FileError("ONE-COLUMN", found=f"the column {name} twice", expected="once", params=self._where)
        for name in self.needed:
            if name.casefold() not in names:
                raise FileError("ONE-COLUMN", found="no column " + name, expected=name, params=self._where)
        found = [names.index(n.casefold()) if n.casefold() in names else -1 for n in self.wanted]
        return [*found, next((names.index(n) for n in self.extra if n in names), -1)] if self.extra else found

    @property
    def _where(self) -> dict[str, str]:
        return {"file": f"{self.name}.csv"}

    def _open_quote(self, line: int) -> FileError:
        found = f"a quotation mark that is not closed, in or before line {line:,} of {self.name}.csv"
        return FileError("ONE-FILE", found=found, expected="every quotation mark closed in its line")

    def _as_they_were(self, text: Iterable[str], encoding: str) -> tuple[Iterable[str], str]:
        """The lines without quotation marks around each, with the names separated like the records; and the separator."""
        head = self._first_lines(encoding)
        if head and is_wrapped_text(head[0]):
            self._tell(WRAPPED)
            text, head = self._bare(text), [line for line in bare_text(head) if line is not None]
        looked_at, two = with_one_separator([line.rstrip("\r\n") for line in head])
        if two is None:
            return text, max(_SEPARATORS, key=(head or [""])[0].count)
        self._tell(two)
        return self._with_names(text, looked_at[0]), max(DELIMITERS, key=looked_at[0].count)

    def _first_lines(self, encoding: str) -> list[str]:
        """The first lines that are not blank; the last one of the sample may be cut off."""
        with self.archive.open(self.info) as source:
            sample = source.read(_SAMPLE)
        lines = sample.decode(encoding, "ignore").lstrip("\ufeff").splitlines(keepends=True)
        whole = lines[:-1] if len(sample) == _SAMPLE and len(lines) > 1 else lines
        return [line for line in whole if line.strip()][:_LOOKED_AT]

    def _tell(self, problem: Problem) -> None:
        """Reports something about the table once, however often it is read."""
        notice = replace(problem, found=f"{problem.found} ({self.name}.csv)".strip())
        if notice not in self.notices:
            self.notices.append(notice)

    def _bare(self, lines: Iterable[str]) -> Iterator[str]:
        for number, line in enumerate(bare_text(lines), 1):
            if line is None:
                found = f"{self.name}.csv, whose lines are each in quotation marks, but not line {number:,}"
                raise FileError("ONE-FILE", found=found, expected="lines that are all written in one way")
            yield line

    @staticmethod
    def _with_names(lines: Iterable[str], names: str) -> Iterator[str]:
        """The lines, with these column names in place of the first line that is not blank."""
        waiting = True
        for line in lines:
            if waiting and line.strip("\ufeff\r\n "):
                waiting = False
                yield names + line[len(line.rstrip("\r\n")) :]
            else:
                yield line

    def _encoding(self) -> str:
        """The encoding: by its mark, else UTF-8 if the whole file is, else the one that makes words from its letters. Raises
        FileError."""
        with self.archive.open(self.info) as source:
            wide = wide_encoding(source.read(_SAMPLE))
        if wide is not None:
            self.notices.append(encoding_notice(wide))
            return "utf-16"
        odd = _first_odd_part(self.archive, self.info, self.budget)
        if odd is None:
            return "utf-8-sig"
        judged = judge(odd)
        if judged is None:
            raise refused_encoding(f"an unknown encoding ({self.name}.csv)")
        notice = encoding_notice(judged, doubtful=is_doubtful(odd, judged))
        self.notices.append(
            Problem(notice.code, notice.severity, None, f"{notice.found} ({self.name}.csv)", notice.expected)
        )
        return judged


def _first_odd_part(archive: zipfile.ZipFile, info: zipfile.ZipInfo, budget: int) -> bytes | None:
    """The first megabyte with bytes that are not UTF-8; None if all of it is UTF-8."""
    kept = b""
    with archive.open(info) as member:
        source = _Limited(member, budget)
        while piece := source.read(_SAMPLE):
            whole = kept + piece
            cut = max(whole.rfind(b"\n"), whole.rfind(b"\r")) + 1 or len(whole)
            try:
                whole[:cut].decode("utf-8")
            except UnicodeDecodeError:
                return whole[:cut]
            kept = whole[cut:]
    try:
        kept.decode("utf-8")
    except UnicodeDecodeError:
        return kept
    return None


class _Limited(io.RawIOBase):
    """A member that is unpacked only up to the allowed size, regardless of the size the archive states."""

    def __init__(self, source: IO[bytes], most: int) -> None:
        self._source, self._left, self._most = source, most, most

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size if size and size > 0 else _SAMPLE)
        self._left -= len(data)
        if self._left < 0:
            raise too_large(self._most)
        return data

    def read1(self, size: int = -1) -> bytes:
        return self.read(size)


def listed(text: str) -> list[str]:
    """The values of a list in one cell: `a,b`, or in the binding's older form `"a","b"`."""
    return [part for part in (piece.strip().strip("\"'[]") for piece in text.split(",")) if part] if text else []
