"""What else takes part when a student is erased: each app that holds more than rows and uploads says how.

    register_eraser(Eraser("mails", remove))

Knows no app. Who asks, and when: `sisimport.erasing`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Asked:
    """Of whom it is asked. student: the internal number; names: tells whether a text or the bytes of a text file name the
    student; searchable: whether bytes are a text file, not a workbook or an archive; dry_run: only count."""

    student: int
    names: Callable[[str | bytes], bool]
    searchable: Callable[[bytes], bool]
    dry_run: bool


@dataclass(frozen=True, slots=True)
class Eraser:
    """Something that holds students beside the tables of `sisimport.erasing.personal_data`.

    kind: its name in the report
    remove: takes the student out, in the caller's transaction, before the rows go; returns how much went, and where to look by
    hand (sentences for the certificate)
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
