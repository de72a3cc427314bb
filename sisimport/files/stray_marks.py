"""Removing signs that never begin or end a name (`-Peña`, `Peña,`, `Peña.`).

Programs leave them when they cut a name out of a longer text. A period stays after a possible abbreviation (`Jr.`, `Ma.`, `J.
R.`), and apostrophes stay because they begin and end syllables in some languages; if such a name would replace one on record
without the sign, the record is kept (`imports.engine.kept_names`). The list that we write ourselves returns names exactly as on
record (`-Ana`), including signs.
"""

import re
from collections.abc import Sequence
from typing import Final

from sisimport.files.damage import PLACEHOLDERS, placeholder, placeholders_in
from sisimport.files.issues import Problem, Severity, shown
from sisimport.files.layouts import Column

_JOINT: Final = "\x00"  # occurs in no text
_HYPHENS: Final = "\u2010\u2011"
_INSIDE: Final = f"-{_HYPHENS},;:/\\!&"
_ANY: Final = f"{_INSIDE}."
# ASCII ones mapped to one sign, so that the edges of all names are checked with two searches.
_AS_ONE: Final = bytes.maketrans(b",;:/\\!&.", b"--------")
_MAY_END: Final = re.compile(
    r"(?:\A|[ '-])(?:\w{1,2}|[^\W_aeiouyAEIOUYÀ-ÿ]+|[^ .]+(?:\.[^ .]+)+|esq|fco|geo)\.\Z", re.IGNORECASE
)


def has_marks_at_an_edge(texts: Sequence[str]) -> bool:
    """Does any of the names begin or end with such a sign or a period? Quick: all names are searched together."""
    joined = _JOINT.join(texts)
    edges = b"\0%b\0" % joined.encode(errors="replace").translate(_AS_ONE)
    return b"\0-" in edges or b"-\0" in edges or any(hyphen in joined for hyphen in _HYPHENS)


def without_stray_marks(column: Column, text: str) -> tuple[str, Problem | None]:
    """The name without such signs, and the finding if there were any."""
    name = _bare(text)
    if name == text or text in PLACEHOLDERS:
        return text, None
    if name and name not in placeholders_in(column):  # else `NULL,`: the word for blank, extra separator
        return name, Problem("FILE-STRAY", Severity.NOTICE, column.field, shown(text), shown(name))
    return "", placeholder(column, text)


def _bare(text: str) -> str:
    name = text.lstrip(f"{_ANY} ").rstrip(f"{_INSIDE} ")
    if name.endswith(".") and not _MAY_END.search(name):
        name = name.rstrip(f"{_ANY} ")
        if _MAY_END.search(f"{name}."):  # `Jr..`
            name = f"{name}."
    return name
