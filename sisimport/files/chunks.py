"""A file as chunks of whole lines: decoded, with traits of their text and where they begin."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Final

from sisimport.files.damage import holds_hidden_beyond_ascii, may_hold_hidden
from sisimport.files.detection import Recognition
from sisimport.files.encodings import UTF16, Decoder, without_bom
from sisimport.files.lines import refuse_nul, whole_lines
from sisimport.files.numbers import LOST_CELL
from sisimport.files.repeated_names import RepeatedNames
from sisimport.files.total_lines import may_hold_totals
from sisimport.files.values import BlockTraits

# A chunk and its cells should fit into the processor's cache: a chunk four times larger is twice as slow.
_CHUNK_BYTES: Final = 1 << 16
_INDEX_BYTES: Final = 1 << 18
_WIDE_CHUNK_BYTES: Final = 1 << 17
_USUAL: Final = bytes([9, 10, 13, *range(32, 127)])
_BEYOND_ASCII: Final = bytes(range(128, 256))
# In plain ASCII: signs in place of lost letters, entities, UTF-7, escapes, quotation marks that a CSV reader does not treat as
# such.
_SIGNS_OF_DAMAGE: Final = ("?", "&", "+", "%", "\\", "=", "<", "'", '""', "@", "~", "_x")


@dataclass(slots=True)
class Chunk:
    """Whole lines of the file, as one text or already split into `lines`, and what they may hold. `names`: also column names;
    `ended`: the last line has an end; `totals`: also lines that are not records but totals."""

    first_line: int
    text: str
    lines: list[str] | None
    quoted: bool
    traits: BlockTraits
    names: bool = False
    ended: bool = True
    totals: bool = False


class Chunks:
    """Reads one file. `line_count`: lines of the chunks so far, counted by the code that splits them, before it asks for the
    next.

    `line_index`: [line, offset] about every `_INDEX_BYTES`; `bytes_read`: bytes of the file as stored.
    """

    def __init__(
        self,
        stream: IO[bytes],
        recognition: Recognition,
        column_names: RepeatedNames,
        *,
        wide: bool,
        max_line_bytes: int,
    ) -> None:
        self._stream = stream
        self._file = recognition
        self._names = column_names
        self._wide = wide
        self._max_line_bytes = max_line_bytes
        self.decoder = Decoder(recognition.encoding)
        self.line_count = 0
        self.bytes_read = 0
        self.line_index: list[list[int]] = []

    def __iter__(self) -> Iterator[Chunk]:
        size = _WIDE_CHUNK_BYTES if self._wide else _CHUNK_BYTES
        encoding = self._file.encoding
        for offset, data in whole_lines(
            self._stream, size=size, max_line_bytes=self._max_line_bytes, encoding=encoding
        ):
            first_line = self.line_count + 1
            if not self.line_index or offset - self.line_index[-1][1] >= _INDEX_BYTES:
                self.line_index.append([first_line, offset])
            chunk = without_bom(data) if offset == 0 else data
            refuse_nul(chunk, first_line)
            self.bytes_read = offset + len(data) * (2 if encoding in UTF16 else 1)
            names, ended = self._names.may_stand_in(chunk), data.endswith((b"\n", b"\r"))
            totals = may_hold_totals(chunk)
            tabs = b"\t" in chunk and self._file.delimiter != "\t"
            unusual = chunk.translate(None, _USUAL)  # one pass for all: it takes as long as decoding
            controls = tabs or bool(unusual.translate(None, _BEYOND_ASCII))
            if self._wide and not controls and unusual and not may_hold_hidden(unusual):
                # A few names with accents would make one long text of two bytes per character, whose lines are slow to split.
                lines = self.decoder.decode_lines(chunk)
                if lines is not None:
                    lost = b"=" in chunk  # one sign is found ten times as fast as a word
                    traits = BlockTraits(True, needs_nfc=True, may_hold_hidden=False, may_hold_formula=lost)
                    yield Chunk(first_line, "", lines, b'"' in chunk, traits, names, ended, totals)
                    continue
            text = self.decoder.decode(chunk, first_line)
            plain = text.isascii()
            exotic = not plain and _is_exotic(text)
            hidden = controls or (holds_hidden_beyond_ascii(text) if exotic else "\xad" in text)
            may_hold_space = exotic or controls or " " in text
            damaged = not plain or any(sign in text for sign in _SIGNS_OF_DAMAGE)
            traits = BlockTraits(may_hold_space, exotic, hidden, damaged, any(mark in text for mark in LOST_CELL))
            yield Chunk(first_line, text, None, '"' in text, traits, names, ended, totals)


def _is_exotic(text: str) -> bool:
    """Can the text hold spaces that are not ASCII, or characters that are not in normal form C?

    Nothing in Latin-1 needs normalizing, so most files are handled at the speed of a copy.
    """
    if "\xa0" in text or "\x85" in text:
        return True
    try:
        text.encode("latin-1")
    except UnicodeEncodeError:
        return True
    return False
