"""Windows-1252 or Mac Roman? If the bytes of a file make names in both, the names its students have on record decide.

Only files that are not UTF-8 get here, and only their lines with bytes beyond ASCII are read twice.
"""

import io
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import IO, Final

from django.conf import settings
from django.db.models import Q

from sisimport.files.damage import is_name
from sisimport.files.detection import Recognition
from sisimport.files.encodings import MAC, UTF8, WINDOWS, encoding_notice
from sisimport.files.lines import whole_lines
from sisimport.files.reader import FileError, Reader
from students.models import Student

_MOST_LINES: Final = 500
_NUMBERS: Final = ("ssid", "local_number")
_ON_RECORD: Final = (
    "last_name",
    "first_name",
    "middle_name",
    "legal_last_name",
    "legal_first_name",
    "legal_middle_name",
)


def settled(recognition: Recognition, stream: IO[bytes]) -> Recognition:
    """The recognition with the encoding in which more names match those on record; unchanged if none does.

    Finds students by SSID or local number. Rewinds the stream.
    """
    layout = recognition.layout
    if layout is None or recognition.encoding not in {UTF8, WINDOWS, MAC}:
        return recognition
    numbers = [name for name in _NUMBERS if name in layout.fields]
    names = [column.field for column in layout.columns if column.field and is_name(column)]
    stream.seek(0)
    lines = _lines_in_question(stream) if numbers and names else []
    stream.seek(0)
    if not lines:
        return recognition
    readings = {encoding: _read(recognition, lines, encoding, [*numbers, *names]) for encoding in (WINDOWS, MAC)}
    on_record = _names_on_record(row[: len(numbers)] for row in readings[WINDOWS])
    agreeing = {
        encoding: sum(_agreeing(row, len(numbers), on_record) for row in rows) for encoding, rows in readings.items()
    }
    if agreeing[WINDOWS] == agreeing[MAC]:
        return recognition
    best = max(agreeing, key=lambda encoding: agreeing[encoding])
    others = [notice for notice in recognition.notices if notice.code != "FILE-ENCODING"]
    return replace(recognition, encoding=best, notices=(*others, encoding_notice(best)))


def _lines_in_question(stream: IO[bytes]) -> list[bytes]:
    """Lines with bytes beyond ASCII; empty if these are UTF-8, which settles the encoding."""
    lines: list[bytes] = []
    for _offset, chunk in whole_lines(stream, max_line_bytes=settings.IMPORT_MAX_LINE_BYTES):
        if chunk.isascii():
            continue
        if not lines and _is_utf8(chunk):
            return []
        lines += [line for line in chunk.splitlines() if not line.isascii()]
        if len(lines) >= _MOST_LINES:
            break
    return lines[:_MOST_LINES]


def _is_utf8(chunk: bytes) -> bool:
    try:
        chunk.decode()
    except UnicodeDecodeError:
        return False
    return True


def _read(
    recognition: Recognition, lines: Sequence[bytes], encoding: str, fields: Sequence[str]
) -> list[tuple[str | None, ...]]:
    """Values of the lines read in an encoding; lines that are not records are left out."""
    text = "\n".join(line.decode(encoding, errors="replace") for line in lines) + "\n"
    how = replace(recognition, encoding=UTF8, header=False, lines_above=0, notices=())
    try:
        blocks = list(Reader(io.BytesIO(text.encode()), how, fields).blocks())
    except FileError:
        return []
    return [tuple(values) for block in blocks for _line, values, _problems in block if values]


def _names_on_record(numbers: Iterable[Sequence[str | None]]) -> dict[str, set[str]]:
    """SSID or local number -> the names of the students who have it."""
    wanted = {number for row in numbers for number in row if number}
    found: dict[str, set[str]] = {}
    students = Student.objects.filter(
        Q(local_number__in=wanted) | Q(ssids__ssid__in=wanted, ssids__retired_at__isnull=True)
    )
    for local_number, ssid, *names in students.values_list("local_number", "ssids__ssid", *_ON_RECORD):
        for number in filter(None, (local_number, ssid)):
            found.setdefault(number, set()).update(name.casefold() for name in names if name)
    return found


def _agreeing(row: Sequence[str | None], number_count: int, on_record: dict[str, set[str]]) -> int:
    """How many names with letters beyond ASCII equal those on record for the line's student."""
    recorded = {name for number in row[:number_count] if number for name in on_record.get(number, ())}
    return sum(bool(name) and not name.isascii() and name.casefold() in recorded for name in row[number_count:] if name)
