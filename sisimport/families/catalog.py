"""Texts in other languages: reads the .po files we write by hand and makes the .mo files Django reads, without gettext.

    sisimport/families/locale/es/LC_MESSAGES/django.po  ->  django.mo next to it (both are in the repository)

Formats: GNU gettext manual, "The Format of PO Files" and "The Format of GNU MO Files". Plurals and contexts are not used here.
"""

import ast
import re
import struct
from pathlib import Path

from django.conf import settings

LOCALE = Path(__file__).parent / "locale"
_MAGIC = 0x950412DE
_ENTRY = re.compile(r'^(msgid|msgstr) (".*")$')


class CatalogError(ValueError):
    """A .po file that cannot be read; the message names file and line."""


def read_catalog(path: Path) -> dict[str, str]:
    """msgid -> msgstr, with the header under the empty id. Raises CatalogError for an odd line, a repeated id or a
    missing text."""
    texts: dict[str, str] = {}
    key, current, parts = "", "", {"msgid": "", "msgstr": ""}
    lines = [*path.read_text(encoding="utf-8").splitlines(), ""]
    for number, line in enumerate(lines, 1):
        stripped = line.strip()
        if not stripped:
            if current:
                key = parts["msgid"]
                if key in texts:
                    raise CatalogError(f"{path.name}, line {number}: {key!r} is defined twice")
                if not parts["msgstr"]:
                    raise CatalogError(f"{path.name}, line {number}: {key!r} has no text")
                texts[key] = parts["msgstr"]
            current, parts = "", {"msgid": "", "msgstr": ""}
        elif found := _ENTRY.match(stripped):
            current = found.group(1)
            parts[current] = ast.literal_eval(found.group(2))
        elif stripped.startswith('"') and current:
            parts[current] += ast.literal_eval(stripped)
        elif not stripped.startswith("#"):
            raise CatalogError(f"{path.name}, line {number}: not understood")
    return texts


def compiled(texts: dict[str, str]) -> bytes:
    """The bytes of a .mo file: header, two tables of (length, offset) sorted by id, then ids and texts."""
    keys = sorted(texts, key=lambda key: key.encode())
    ids, words = [key.encode() for key in keys], [texts[key].encode() for key in keys]
    table, data = 28, b"".join(text + b"\0" for text in (*ids, *words))
    offset, entries = table + 16 * len(keys), []
    for text in (*ids, *words):
        entries.append(struct.pack("<2I", len(text), offset))
        offset += len(text) + 1
    head = struct.pack("<7I", _MAGIC, 0, len(keys), table, table + 8 * len(keys), 0, 0)
    return head + b"".join(entries) + data


def catalogs() -> list[Path]:
    """Of the texts in other languages."""
    return sorted(LOCALE.glob("*/LC_MESSAGES/*.po"))


def all_catalogs() -> list[Path]:
    """With that of our own words on pages of the sign-in library (sisimport/accounts/locale)."""
    return sorted(path for folder in settings.LOCALE_PATHS for path in Path(folder).glob("*/LC_MESSAGES/*.po"))
