"""Other participants in erasing a student: each app that holds more than rows and uploads registers how to erase it.

    register_eraser(Eraser("mails", remove))

Independent of all apps. Called by `sisimport.erasing`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Asked:
    """The student to erase. student: the internal number; names: tells whether a text or the bytes of a text file name the
    student; searchable: whether bytes are a text file, not a workbook or an archive; dry_run: only count."""

    student: int
    names: Callable[[str | bytes], bool]
    searchable: Callable[[bytes], bool]
    dry_run: bool


@dataclass(frozen=True, slots=True)
class Eraser:
    """A place that holds student data besides the tables of `sisimport.erasing.personal_data`.

    kind: its name in the report
    remove: removes the student, in the caller's transaction, before the rows are deleted; returns how much was removed, and where
    to check by hand (sentences for the certificate)
    """

    kind: str
    remove: Callable[[Asked], tuple[int, list[str]]]
    after_district: Callable[[], None] | None = None


_erasers: dict[str, Eraser] = {}


def register_eraser(eraser: Eraser) -> None:
    """Raises ValueError for a name that is registered already."""
    if eraser.kind in _erasers:
        raise ValueError(f"eraser {eraser.kind!r} is registered twice")
    _erasers[eraser.kind] = eraser


def all_erasers() -> Mapping[str, Eraser]:
    return dict(_erasers)
