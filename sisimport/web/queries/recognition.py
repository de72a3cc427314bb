"""What a chosen file was recognized as, in the words of the upload screen."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from io import BytesIO
from typing import IO

from django.conf import settings

from sisimport.files.archives import glimpse, is_zip
from sisimport.files.encodings import BOM, short_name
from sisimport.files.issues import FileError
from sisimport.files.workbooks import is_workbook
from sisimport.files.wrapped import bare_beginning
from sisimport.imports.definition.import_type import ImportType
from sisimport.imports.definition.recognition import recognise_file
from sisimport.imports.definition.registry import get_tool, listed_types
from sisimport.imports.runs import returned_lines, uploads
from sisimport.imports.runs.uploads import shown_name

SAMPLE_BYTES = 1 << 20
_HEAD_BYTES = 4096
_MOST_NEAR = 3
_CONVERTED_NEXT = "You can still run the Test: the next page offers to convert the workbook and shows the result."
_DELIMITERS = {"^": "caret", ",": "comma", "\t": "tab", "|": "pipe", ";": "semicolon"}


@dataclass(frozen=True, slots=True)
class Recognised:
    """For the template. `other`: the type it fits, if that is not the chosen one. `error`: why it cannot be read.

    `member`: the text file in the chosen archive. `unseen`: an archive about which too little is known to say more.
    """

    name: str
    size: int
    member: str = ""
    unseen: bool = False
    title: str = ""
    reads_as: str = ""
    lines: int | None = None
    about: bool = False
    error: str = ""
    fix: str = ""
    other: ImportType | None = None
    other_tool: str = ""
    near: list[ImportType] = field(default_factory=list)  # nearest types, for a file that no type recognizes
    other_sure: bool = False  # by the names of its columns, not only by their number
    notices: list[str] = field(default_factory=list)
    maps: ImportType | None = None  # the type on whose page users can map its columns


def recognised_part(stream: IO[bytes], *, name: str, size: int, chosen: ImportType) -> Recognised:
    """Look at the first part of a file that is `size` bytes long; for an archive, at the text file in it.

    Never raises, whatever the bytes.
    """
    try:
        uploads.scan(stream)
    except FileError as error:
        return Recognised(name=shown_name(name), size=size, error=str(error), fix=error.fix)
    if returned_lines.is_returned(stream):
        return _returned(stream, name=name, size=size)
    if not is_zip(stream):
        bare, less = _bare(stream)
        return recognised(bare, name=name, size=size - less, chosen=chosen)
    stream.seek(0, 2)
    whole = stream.tell() >= size
    try:
        inner = glimpse(stream, whole=whole, most=SAMPLE_BYTES, max_bytes=settings.IMPORT_MAX_BYTES)
    except FileError as error:
        return Recognised(name=shown_name(name), size=size, error=str(error), fix=error.fix)
    if inner is None:
        return Recognised(name=shown_name(name), size=size, unseen=True)
    # Of a text whose end is not known, nothing is reported about its length.
    length = 2 * SAMPLE_BYTES if inner.size is None else inner.size
    found = recognised(BytesIO(inner.data), name=name, size=length, chosen=chosen)
    lines = None if inner.size is None else found.lines
    return replace(found, size=size, member=inner.member, lines=lines)


def _bare(stream: IO[bytes]) -> tuple[IO[bytes], int]:
    """The part as it is kept, without quotation marks around its lines, and how many bytes that takes off."""
    stream.seek(0)
    if not stream.read(len(BOM) + 1).removeprefix(BOM).startswith(b'"'):
        return stream, 0
    stream.seek(0)
    data = stream.read()
    bare = bare_beginning(data)
    return BytesIO(bare), len(data) - len(bare)


def _returned(stream: IO[bytes], *, name: str, size: int) -> Recognised:
    """Refused lines that come back as a table."""
    number = returned_lines.named_run(stream)
    title = f"Lines of run {number} to be tested again" if number else "Lines of a run to be tested again"
    return Recognised(name=shown_name(name), size=size, title=title, reads_as="a table with the original line first")


def recognised_any(stream: IO[bytes], *, name: str) -> tuple[Recognised, list[ImportType]]:
    """What a whole file is, and the types on the screens that take it, the usual one first. Never raises, whatever the bytes.

    A workbook may be tested as any type that converts it.
    """
    found = recognise_file(stream)
    kinds = [kind for kind in found.types if kind.screen.listed]
    if kinds:
        return recognised(stream, name=name, chosen=kinds[0]), kinds
    size, error = stream.seek(0, 2), found.recognition.error
    stream.seek(0)
    if is_workbook(stream):
        fix = "Choose what it contains and press Test: the next page offers to convert it and shows the result."
        kinds = [kind for kind in listed_types() if kind.converts_workbooks]
        return Recognised(name=shown_name(name), size=size, error="This is a workbook.", fix=fix), kinds
    stream.seek(0)
    head = stream.read(_HEAD_BYTES)
    if error is None:
        refusal = "No import type on these screens accepts this file."
        return Recognised(name=shown_name(name), size=size, error=refusal, fix="Choose another file."), []
    explanations = (kind.explain(error, head) for kind in listed_types())
    better = next((one for one in explanations if one is not error), error)
    maps = next((kind for kind in listed_types() if kind.columns_page and better.code in kind.columns_codes), None)
    named = shown_name(name)
    return Recognised(name=named, size=size, error=str(better), fix=better.fix, near=_near(error), maps=maps), []


def _near(error: FileError) -> list[ImportType]:
    """Types on the screens that read the nearest layouts."""
    keys = (error.params or {}).get("near", ())
    found = {kind.key: kind for key in keys for kind in listed_types() if key in kind.layouts}
    return list(found.values())[:_MOST_NEAR]


def recognised(
    stream: IO[bytes],
    *,
    name: str,
    chosen: ImportType,
    size: int = 0,
    options: Mapping[str, str] | None = None,
    schools: Collection[int] | None = None,
) -> Recognised:
    """Look at a text file, or at its first part (`size` is then that of the whole). `schools`: those that a run of the reader may
    touch, None for all. Never raises, whatever the bytes."""
    stream.seek(0, 2)
    held = stream.tell()
    size = size or held
    if held < size:
        _cut_to_whole_lines(stream)
    named = shown_name(name)
    found = recognise_file(stream, expected=chosen.key, options=options, schools=schools)
    recognition = found.recognition
    if recognition.error is not None:
        other, sure = _other_type(stream, chosen)
        stream.seek(0)
        error = chosen.explain(recognition.error, stream.read(_HEAD_BYTES))
        convertible = chosen.converts_workbooks and is_workbook(stream)
        return Recognised(
            name=named,
            size=size,
            error=str(error),
            fix=_CONVERTED_NEXT if convertible else error.fix,
            other=other,
            other_tool=get_tool(other.screen.tool).title if other else "",
            other_sure=sure,
            maps=chosen if chosen.columns_page and error.code in chosen.columns_codes else None,
        )
    lines, about = recognition.line_count, False
    if lines is not None and held < size:
        stream.seek(0, 2)
        lines, about = max(round(lines * size / max(stream.tell(), 1)), 1), True
    layout = recognition.layout
    header = "a header line" if recognition.header else "no header"
    delimiter = "fixed width" if not recognition.delimiter else f"{_named(recognition.delimiter)} delimited"
    return Recognised(
        name=named,
        size=size,
        title=f"{layout.title}, {recognition.column_count} columns" if layout else "",
        reads_as=f"{delimiter}, {short_name(recognition.encoding)}, {header}",
        lines=lines,
        about=about,
        notices=[str(problem) for problem in recognition.notices],
    )


def _named(delimiter: str) -> str:
    return _DELIMITERS.get(delimiter, delimiter)


def _cut_to_whole_lines(stream: IO[bytes]) -> None:
    """A part of a file ends within a line, or within a letter: leave that line out."""
    stream.seek(0)
    data = stream.read()
    cut = max(data.rfind(b"\n"), data.rfind(b"\r")) + 1
    if cut:
        stream.seek(cut)
        stream.truncate()
    stream.seek(0)


def _other_type(stream: IO[bytes], chosen: ImportType) -> tuple[ImportType | None, bool]:
    """A type on the screens that this file does fit, and whether the names of its columns say so."""
    found = recognise_file(stream)
    if found.recognition.error is not None:
        return None, False
    other = next((kind for kind in found.types if kind.screen.listed and kind.key != chosen.key), None)
    return other, other is not None and found.recognition.header
