"""Which import type a file is for, as determined by its layout."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import IO, Any

from sisimport.files.detection import Recognition, recognise
from sisimport.files.issues import FileError
from sisimport.imports.definition.import_type import ImportType
from sisimport.imports.definition.registry import (
    all_layouts,
    all_types,
    get_type,
    known_layouts,
    layouts_wanted,
    other_layouts,
)

_HEAD_BYTES = 4096


class UnrecognisedFileError(Exception):
    """The file fits no import type, or more than one; the text tells the user. `error`: the same for programs."""

    def __init__(self, error: FileError) -> None:
        self.error = error
        super().__init__(f"{error} {error.fix}".strip())


@dataclass(frozen=True, slots=True)
class RecognisedFile:
    """What a file was recognized as, and the import types it fits (the first is the usual one)."""

    recognition: Recognition
    types: tuple[ImportType, ...]


def recognise_file(
    stream: IO[bytes],
    *,
    expected: str | None = None,
    options: Mapping[str, str] | None = None,
    schools: Collection[int] | None = None,
) -> RecognisedFile:
    """Look at a file; `expected` is the key of the type chosen on the screen, with its options; `schools` are those that a run
    may touch, None for all. Never raises, whatever the bytes."""
    stream.seek(0)
    if expected:
        kind = get_type(expected)
        recognition = recognise(stream, other_layouts(kind), expected=layouts_wanted(kind, options or {}, schools))
    else:
        recognition = recognise(stream, known_layouts())
    recognition = without_outgoing(recognition)
    types: tuple[ImportType, ...] = ()
    if recognition.layout is not None:
        types = tuple(t for t in all_types() if recognition.layout.key in t.layouts)
    stream.seek(0)
    return RecognisedFile(recognition=recognition, types=types)


def without_outgoing(recognition: Recognition) -> Recognition:
    """A file that we write for the state and that no type reads is refused by its name: choosing another type would not help."""
    layout, error = recognition.layout, recognition.error
    if error is not None and error.code == "FILE-OTHER-TYPE":
        key, title = str(error.params.get("layout", "")), error.found
    elif error is None and layout is not None:
        key, title = layout.key, layout.title
    else:
        return recognition
    if not key or key in all_layouts():
        return recognition
    return replace(recognition, layout=None, error=FileError("FILE-OUTGOING", found=f"a {title}"))


def recognise_type(stream: IO[bytes]) -> ImportType:
    """The only import type of a file. Raises UnrecognisedFileError."""
    found = recognise_file(stream)
    error = found.recognition.error
    if error is not None:
        head = stream.read(_HEAD_BYTES)
        explanations = (import_type.explain(error, head) for import_type in all_types())
        explanation = next((better for better in explanations if better is not error), error)
        raise UnrecognisedFileError(explanation)
    if not found.types:
        layout = found.recognition.layout
        raise UnrecognisedFileError(
            FileError("FILE-UNKNOWN", found=f"a {layout.title}" if layout else "", expected="a file of an import type")
        )
    return found.types[0]


__all__: list[Any] = ["RecognisedFile", "UnrecognisedFileError", "recognise_file", "recognise_type", "without_outgoing"]
