"""How the bytes of a file encode letters: UTF-8, UTF-16, Windows-1252 or Mac Roman, recognized by the names each would give.

The user is not asked: a mark at the beginning decides, else zero bytes, else which encoding turns the bytes beyond ASCII into
words. An encoding that cannot be read is refused by name, never guessed.
"""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from sisimport.files.issues import FileError, Problem, Severity

BOM: Final = b"\xef\xbb\xbf"
UTF8: Final = "utf-8"
UTF8_BOM: Final = "utf-8-sig"
WINDOWS: Final = "cp1252"
MAC: Final = "mac_roman"
UTF16_LE: Final = "utf-16-le"
UTF16_BE: Final = "utf-16-be"
UTF16: Final = frozenset({UTF16_LE, UTF16_BE})

_NAMES: Final = {
    WINDOWS: "Windows-1252",
    MAC: "Mac Roman (as old Mac programs write it)",
    UTF16_LE: "UTF-16 (“Unicode Text” of spreadsheets)",
    UTF16_BE: "UTF-16, big end first",
}
_SHORT_NAMES: Final = {
    UTF8: "UTF-8",
    UTF8_BOM: "UTF-8 with a byte order mark",
    WINDOWS: "Windows-1252",
    MAC: "Mac Roman",
    UTF16_LE: "UTF-16",
    UTF16_BE: "UTF-16",
}
_EXPECTED: Final = "text in UTF-8"


def short_name(encoding: str) -> str:
    """The name of an encoding on pages."""
    return _SHORT_NAMES.get(encoding, encoding)


def codec_of(encoding: str) -> str:
    """The codec of lines as `whole_lines` returns them, which are UTF-8 if the file is UTF-16."""
    return UTF8 if encoding in UTF16 or encoding == UTF8_BOM else encoding


def without_bom(data: bytes) -> bytes:
    """The beginning of a file without its byte order mark, which some programs write twice."""
    while data.startswith(BOM):
        data = data[len(BOM) :]
    return data


def encoding_notice(encoding: str, *, doubtful: bool = False) -> Problem:
    """The notice on a file that is not UTF-8; `doubtful`: another encoding would also make names from its bytes."""
    if doubtful:
        found = f"text that may be {_SHORT_NAMES[WINDOWS]} or {_SHORT_NAMES[MAC]}, read as {_SHORT_NAMES[encoding]}"
        return Problem("FILE-ENCODING", Severity.WARNING, found=found, expected=_EXPECTED)
    return Problem("FILE-ENCODING", Severity.NOTICE, found=f"text in {_NAMES[encoding]}", expected=_EXPECTED)


def refused_encoding(name: str) -> FileError:
    return FileError("FILE-ENCODING", found=f"text in {name}", expected=_EXPECTED)


# -- by marks and zero bytes -------------------------------------------------------------------------------------------

_HEAD: Final = 4000
_NOTHING: Final = "zero bytes where text should begin, as an interrupted copy leaves them"
_UTF32_MARKS: Final = (b"\xff\xfe\0\0", b"\0\0\xfe\xff")
# Letters, digits, spaces, commas, carets and line ends in EBCDIC; few of these bytes occur in ASCII text.
_EBCDIC: Final = bytes(
    {0x40, 0x6B, 0x4B, 0x60, 0x61, 0x5F, 0xB0, 0x4F, 0x05, 0x0D, 0x15, 0x25, 0x7D, 0x7F}
    | {*range(0xC1, 0xCA), *range(0xD1, 0xDA), *range(0xE2, 0xEA), *range(0xF0, 0xFA)}
    | {*range(0x81, 0x8A), *range(0x91, 0x9A), *range(0xA2, 0xAA)}
)
_HIGH: Final = bytes(range(0x80, 0x100))


def wide_encoding(data: bytes) -> str | None:
    """UTF-16 by its mark, or by zeros in every other byte; None for text of single bytes.

    Raises FileError (FILE-ENCODING) for UTF-32, EBCDIC and files of only zero bytes.
    """
    head = data[:_HEAD]
    if head and not head.strip(b"\0"):
        raise FileError("FILE-ENCODING", found=_NOTHING, expected=_EXPECTED)
    if head.startswith(_UTF32_MARKS) or _zeros(head, 4) >= 3:
        raise refused_encoding("UTF-32")
    if head.startswith(b"\xff\xfe"):
        return UTF16_LE
    if head.startswith(b"\xfe\xff"):
        return UTF16_BE
    if _zeros(head, 2) == 1:
        return UTF16_LE if _is_zero(head[1::2]) else UTF16_BE
    if len(head) - len(head.translate(None, _HIGH)) > len(head) // 2 and len(head.translate(None, _EBCDIC)) * 20 < len(
        head
    ):
        raise refused_encoding("EBCDIC (as mainframes write it)")
    return None


def _zeros(head: bytes, width: int) -> int:
    """How many byte positions of each group of `width` bytes are zero nearly everywhere."""
    return sum(_is_zero(head[side::width]) for side in range(width)) if len(head) >= 2 * width else 0


def _is_zero(some: bytes) -> bool:
    return some.count(0) * 10 >= len(some) * 9


def from_utf16(data: bytes, encoding: str) -> bytes:
    """Whole UTF-16 as UTF-8. Raises UnicodeDecodeError."""
    return data.decode(encoding).encode()


# -- by the words that the bytes make ----------------------------------------------------------------------------------

# Accented Latin letters and typographic quotes in UTF-8; read as Windows-1252 they would be odd pairs such as `Ã©`.
UTF8_LETTERS = re.compile(rb"[\xc3-\xc5][\x80-\xbf]|\xc2[\xa0-\xbf]|\xe2\x80[\x90-\x9f]")
_WORDS = re.compile(rb"[A-Za-z'\x80-\xff]+")
_MOST_WORDS: Final = 5000
_FEWEST_WORDS: Final = 2  # needed to decide for an encoding: one word may be a single broken character
_BEYOND_LATIN_1: Final = frozenset(range(0x80, 0xA0))
_RARE: Final = _BEYOND_LATIN_1 - frozenset(range(0x91, 0x95))  # except quotation marks
# Characters beyond ASCII that occur in a district's file: letters, typographic quotes and dashes.
_LETTERS: Final = "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖØÙÚÛÜÝÞßàáâãäåæçèéêëìíîïðñòóôõöøùúûüýþÿŠŒŽŸšœž"
_OF_TEXT: Final = frozenset(_LETTERS + "‘’“”´`–—ªº°·\xa0")
_SMALL: Final = "a-zß-öø-ÿšœž"
_CAPITAL: Final = "A-ZÀ-ÖØ-ÞŠŒŽŸ"
_ACCENTED_SMALL: Final = "ß-öø-ÿšœž"
_ACCENTED_CAPITAL: Final = "À-ÖØ-ÞŠŒŽŸ"
_CONSONANT: Final = "b-df-hj-np-tv-z"
_ODD = re.compile(
    f"[{_SMALL}][{_ACCENTED_CAPITAL}]"  # JosÃ
    f"|[{_CAPITAL}][{_ACCENTED_SMALL}][{_CAPITAL}]"  # MARTêNEZ
    f"|[{_CAPITAL}][{_ACCENTED_CAPITAL}][{_CAPITAL}][{_SMALL}]"  # OÕBrien
    f"|[{_LETTERS}]{{3}}"  # Èâàí
    f"|[{_SMALL}{_CAPITAL}][–—][{_SMALL}]"  # Pe–a
    f"|[{_SMALL}{_CAPITAL}][“”´`°ªº·][{_SMALL}{_CAPITAL}]"
    f"|[{_SMALL}{_CAPITAL}]‘(?![{_SMALL}{_CAPITAL}])"  # Zo‘
    f"|[{_SMALL}]‘[{_CONSONANT}]"  # Rapha‘l
    f"|[{_CONSONANT}]{{2}}’[{_SMALL}]"  # Mart’nez
    f"|[{_SMALL}{_CAPITAL}][{_CONSONANT}]’[aeo](?![{_SMALL}{_CAPITAL}])"  # Garc’a
    "|^[–—‘”]|[–—]$"
)
_OTHER_SCRIPTS: Final = "a code page of another script (Cyrillic, Greek, Chinese …)"
_DOS: Final = "a DOS code page (437 or 850)"
_FEWEST_GROUPS: Final = 2  # one may be a single name that was already damaged
_UTF7_GROUP = re.compile(rb"\+[A-Za-z0-9+/]{2,}-?")


@lru_cache(maxsize=4096)
def _is_word(word: bytes, encoding: str) -> bool:
    """Do these bytes make a word spelled like a name or place?"""
    try:
        text = word.decode(encoding)
    except UnicodeDecodeError:
        return False
    return all(sign < "\x80" or sign in _OF_TEXT for sign in text) and not _ODD.search(text)


def judge(data: bytes) -> str | None:
    """The encoding of bytes that are not UTF-8: Windows-1252 or Mac Roman; None if they make words in neither.

    Nine of ten words must be valid. If both encodings fit, lines that end with only CR indicate the Mac.
    """
    if UTF8_LETTERS.search(data):
        return None
    words = _words(data)
    wrong = {encoding: sum(not _is_word(word, encoding) for word in words) for encoding in (WINDOWS, MAC)}
    of_mac = b"\r" in data and b"\n" not in data
    best = MAC if wrong[MAC] < wrong[WINDOWS] or (of_mac and wrong[MAC] == wrong[WINDOWS]) else WINDOWS
    return best if wrong[best] * 10 <= len(words) else None


def is_doubtful(data: bytes, encoding: str) -> bool:
    """Was Windows-1252 chosen although Mac Roman also fits, based on letters that are rare in names (š œ ž – —)?"""
    if encoding != WINDOWS:
        return False
    words = _words(data)
    as_mac = all(_is_word(word, MAC) for word in words if _is_word(word, WINDOWS))
    return as_mac and any(not _RARE.isdisjoint(word) for word in words)


def _words(data: bytes) -> list[bytes]:
    return [word for word in _WORDS.findall(data) if not word.isascii()][:_MOST_WORDS]


def named(data: bytes) -> str | None:
    """The name of the encoding of bytes that `judge` cannot identify; None if there is no sign of one."""
    if UTF8_LETTERS.search(data):
        return None
    words = _words(data)
    if len(words) < _FEWEST_WORDS:
        return None
    if any(all(_is_word(word, dos) for word in words) for dos in ("cp437", "cp850")):
        return _DOS
    long = [word for word in words if len(word) >= 3]
    foreign = [word for word in long if len(word.translate(None, _HIGH)) * 3 <= len(word)]
    return _OTHER_SCRIPTS if foreign and len(foreign) * 2 >= len(long) else None


def is_all_utf7(data: bytes) -> bool:
    """Is this ASCII in which letters beyond it are written as UTF-7 groups (`N+APo-ez`)?"""
    if b"+" not in data:
        return False
    groups = _UTF7_GROUP.findall(data)
    return len(groups) >= _FEWEST_GROUPS and all(map(_is_utf7_letter, groups[:_MOST_WORDS]))


def _is_utf7_letter(group: bytes) -> bool:
    try:
        text = group.decode("utf-7")
    except UnicodeDecodeError:
        return False
    return bool(text) and all(sign > "\x7f" and sign in _OF_TEXT for sign in text)


# -- chunk after chunk -------------------------------------------------------------------------------------------------


def place_of(chunk: bytes, at: int, first_line: int) -> tuple[int, int]:
    """Line number and byte within the line (from 1) of a byte of the chunk."""
    before = chunk[:at]
    lines = before.splitlines(keepends=True)
    if not lines or lines[-1].endswith((b"\n", b"\r")):
        lines.append(b"")
    return first_line + len(lines) - 1, len(lines[-1]) + 1


def broken_text(chunk: bytes, error: UnicodeDecodeError, first_line: int) -> FileError:
    """The FileError for bytes that are not text in any encoding we read; names their encoding if known."""
    name = named(chunk)
    if name is not None:
        return refused_encoding(name)
    line, byte = place_of(chunk, error.start, first_line)
    rest = chunk[chunk.rfind(b"\n", 0, error.start) + 1 :]
    other = judge(rest) if UTF8_LETTERS.search(chunk, 0, error.start) and len(_words(rest)) >= _FEWEST_WORDS else None
    if other is not None:
        found = (
            f"text in UTF-8 at first and in {_SHORT_NAMES[other]} from line {line} on, as when two files were joined"
        )
        return FileError("FILE-ENCODING", found=found, expected=_EXPECTED, params={"line": line, "byte": byte})
    return FileError(
        "FILE-ENCODING",
        found=f"a broken character in line {line} (byte {byte} of the line is 0x{chunk[error.start]:02X})",
        expected=_EXPECTED,
        params={"line": line, "byte": byte},
    )


@dataclass(slots=True)
class Decoder:
    """Decodes chunk after chunk; a file that was ASCII so far may turn out to be Windows-1252 or Mac Roman."""

    encoding: str
    notices: list[Problem] = field(default_factory=list)
    _seen_utf8: bool = False

    def decode(self, chunk: bytes, first_line: int) -> str:
        """Raises FileError (FILE-ENCODING) naming line and byte."""
        if self.encoding in {WINDOWS, MAC}:
            return self._decode_bytes(chunk, first_line)
        try:
            text = chunk.decode("utf-8")
        except UnicodeDecodeError as error:
            judged = None if self._seen_utf8 or self.encoding == UTF8_BOM else judge(chunk)
            if judged is None:
                raise broken_text(chunk, error, first_line) from None
            self.encoding = judged
            self.notices.append(encoding_notice(judged, doubtful=is_doubtful(chunk, judged)))
            return chunk.decode(judged)
        if not self._seen_utf8:
            self._seen_utf8 = not text.isascii()
        return text

    def decode_lines(self, chunk: bytes) -> list[str] | None:
        """The lines of a chunk of UTF-8 beyond plain ASCII; None if `decode` has to handle it."""
        if self.encoding in {WINDOWS, MAC}:
            return None
        try:
            lines = list(map(bytes.decode, chunk.splitlines()))
        except UnicodeDecodeError:
            return None
        self._seen_utf8 = True
        return lines

    def _decode_bytes(self, chunk: bytes, first_line: int) -> str:
        mixed = UTF8_LETTERS.search(chunk)
        if mixed:
            raise self._two_encodings(chunk, mixed.start(), first_line, "UTF-8")
        if self.encoding == WINDOWS and not _BEYOND_LATIN_1.isdisjoint(chunk) and judge(chunk) == MAC:
            at = next(at for at, byte in enumerate(chunk) if byte in _BEYOND_LATIN_1)
            raise self._two_encodings(chunk, at, first_line, _NAMES[MAC])
        try:
            return chunk.decode(self.encoding)
        except UnicodeDecodeError as error:
            raise broken_text(chunk, error, first_line) from None

    def _two_encodings(self, chunk: bytes, at: int, first_line: int, other: str) -> FileError:
        line, byte = place_of(chunk, at, first_line)
        found = f"text in two encodings: {_NAMES[self.encoding]} before, {other} in line {line}"
        return FileError("FILE-ENCODING", found=found, expected=_EXPECTED, params={"line": line, "byte": byte})
