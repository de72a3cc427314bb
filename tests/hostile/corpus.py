"""The hostile corpus: files that somebody, or some program, made wrong, each with the result that it must have.

None is kept: seeded generators make each one when it is tried. `every_file()` lists all, always in the same order;
`tests/hostile/trying.py` tries one, `script/test hostile` all, and the suite one of each kind.
"""

import functools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sisimport.files.layouts import Layout, load_layouts
from sisimport.imports.definition.import_type import ImportType
from sisimport.imports.definition.registry import built_in_types
from sisimport.web.help.samples import sample_text

# One type of each reader, and of each way records go on record: each kind of damage to a whole file is tried with all of them.
TYPES = (
    "students", "ssid-list", "ssid-download", "ssid-request", "ela", "ssid-replacement", "caaspp-2015-2016", "caaspp-2023-2024",
    "elpac-summative-2025", "elpac-initial-2024-2025", "research-entities", "oneroster",
)  # fmt: skip
SOME_TYPES = TYPES[::2]  # where what is tried is refused before any type looks at it
FIRST_LINES = 12  # of a sample that is longer: the state's public results name every school


@dataclass(frozen=True)
class Refused:
    """The whole file is refused, in a sentence. `codes`: by one of these (none: whichever names the cause)."""

    codes: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Same:
    """Read right: what it brings is what the undamaged file brings. `told`: codes of which one must occur."""

    told: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Lines:
    """Some lines are refused, each with an error of its own, and all others bring what they bring in the undamaged file."""

    refused: frozenset[int]
    codes: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Holds:
    """This line brings this value; where `told` names codes, with a word on it."""

    line: int
    field: str
    value: str
    told: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Told:
    """The value of this line goes on record nowhere as it is there, and an error or a warning says so."""

    line: int
    field: str


@dataclass(frozen=True)
class Whole:
    """Read, and each of so many records brings something: none is refused, skipped or lost."""

    records: int


@dataclass(frozen=True)
class Honest:
    """Refused in a sentence, or read: then what goes on record is in the file, or the report says why it does not."""


Undamaged = tuple[str, bool]  # import type, whether its columns are positions
End = Refused | Same | Lines | Holds | Told | Whole | Honest


def refused(*codes: str) -> Refused:
    return Refused(frozenset(codes))


def same(*told: str) -> Same:
    return Same(frozenset(told))


def lines(*numbers: int, codes: tuple[str, ...] = ()) -> Lines:
    return Lines(frozenset(numbers), frozenset(codes))


def holds(line: int, name: str, value: str, *told: str) -> Holds:
    return Holds(line, name, value, frozenset(told))


@dataclass(frozen=True)
class Hostile:
    """One file. `kind` groups files that differ in their type or seed only; `heavy`: too large for the suite.

    `text`: what is in it where that is packed away, for the question whether a value is in the file. `positions`: its
    columns are positions, and so are those of the undamaged file that it is compared with.
    """

    kind: str
    import_type: str
    make: Callable[[], bytes] = field(repr=False)
    end: End
    variant: str = ""
    name: str = "file.txt"
    heavy: bool = False
    convert: bool = False
    text: str = ""
    positions: bool = False

    @property
    def undamaged(self) -> Undamaged:
        return self.import_type, self.positions

    @property
    def title(self) -> str:
        return " · ".join(filter(None, (self.kind, self.variant, self.import_type)))


@functools.cache
def type_of(key: str) -> ImportType:
    """The type as this release brings it. The list of files is made before there is a database with types of people's own."""
    return {one.key: one for one in built_in_types()}[key]


layouts_in = functools.cache(load_layouts)  # many types share a folder


@functools.cache
def layout_of(import_type: str) -> Layout:
    """The first layout of a type: the one that its sample is made of."""
    type_ = type_of(import_type)
    return layouts_in(type_.layout_folder)[type_.layouts[0]]


@functools.cache
def base(import_type: str) -> str:
    """The undamaged file: invented people, line ends as the state writes them."""
    type_ = type_of(import_type)
    text = sample_text(type_, layout_of(import_type))
    return "".join(text.splitlines(keepends=True)[:FIRST_LINES])


def rows(import_type: str) -> list[list[str]]:
    """The undamaged file as cells."""
    delimiter = layout_of(import_type).delimiter
    return [line.split(delimiter) for line in base(import_type).splitlines()]


def written(import_type: str, table: list[list[str]]) -> bytes:
    delimiter = layout_of(import_type).delimiter
    return "".join(f"{delimiter.join(row)}\r\n" for row in table).encode()


def has_header(import_type: str) -> bool:
    layout = layout_of(import_type)
    return base(import_type).split(layout.delimiter, 1)[0].strip('"') == layout.columns[0].name


def with_cell(import_type: str, name: str, value: str, *, record: int = 0) -> bytes:
    """The undamaged file with another value in one field of one record."""
    table = rows(import_type)
    table[record + has_header(import_type)][layout_of(import_type).fields[name].position - 1] = value
    return written(import_type, table)


def line_of(import_type: str, record: int = 0) -> int:
    """The line on which a record stands."""
    return record + has_header(import_type) + 1


def seeded(*names: Any) -> random.Random:
    """A generator of its own for each file: none depends on how many were made before."""
    return random.Random("·".join(map(str, names)))


@functools.cache
def every_file() -> tuple[Hostile, ...]:
    """The whole corpus. Registered generators, in the order in which they are imported here."""
    from tests.hostile import books, cells, encodings, fixed_width, foreign, packed, scrambled, shapes

    makers: tuple[Callable[[], Iterator[Hostile]], ...] = tuple(
        module.files for module in (foreign, packed, encodings, shapes, cells, fixed_width, books, scrambled)
    )
    return tuple(file for maker in makers for file in maker())
