"""Signs that begin or end no name (`-Peña`, `Peña,`, `Peña.`), left out of it.

A program leaves them where it cuts a name out of a longer text. A period stays after what may be shortened (`Jr.`, `Ma.`,
`J. R.`), and apostrophes stay, which begin and end syllables in some languages; where such a name would replace one on record
that has none of it, the record is kept (`imports.engine.kept_names`). The list that we write ourselves gives names back as they
are on record (`-Ana`), signs and all.
"""

import re
from collections.abc import Sequence
from typing import Final

from sisimport.files.damage import PLACEHOLDERS, placeholder, placeholders_in
from sisimport.files.issues import Problem, Severity, shown
from sisimport.files.layouts import Column

_JOINT: Final = "\x00"  # no text holds it
_HYPHENS: Final = "\u2010\u2011"
_INSIDE: Final = f"-{_HYPHENS},;:/\\!&"
_ANY: Final = f"{_INSIDE}."
# Those of ASCII as one sign, so that a look at the edges of all names is two searches.
_AS_ONE: Final = bytes.maketrans(b",;:/\\!&.", b"--------")
_MAY_END: Final = re.compile(
    r"(?:\A|[ '-])(?:\w{1,2}|[^\W_aeiouyAEIOUYÀ-ÿ]+|[^ .]+(?:\.[^ .]+)+|esq|fco|geo)\.\Z", re.IGNORECASE
)


def without_stray_marks(column: Column, texts: Sequence[str]) -> tuple[Sequence[str], list[tuple[int, Problem]]]:
    """The names of a column without such signs, and where there were some. Quick: a look at all of them at once."""
    joined = _JOINT.join(texts)
    edges = b"\0%b\0" % joined.encode(errors="replace").translate(_AS_ONE)
    if b"\0-" not in edges and b"-\0" not in edges and not any(hyphen in joined for hyphen in _HYPHENS):
        return texts, []
    names, findings, words = list(texts), [], placeholders_in(column)
    for at, text in enumerate(texts):
        name = _bare(text)
        if name == text or text in PLACEHOLDERS:
            continue
        names[at] = name
        if name in words:  # `NULL,`: the word for nothing, and a separator too many
            names[at] = name = ""
        if name:
            problem = Problem("FILE-STRAY", Severity.NOTICE, column.field, shown(text), shown(name))
        else:
            problem = placeholder(column, text)
        findings.append((at, problem))
    return names, findings


def _bare(text: str) -> str:
    name = text.lstrip(f"{_ANY} ").rstrip(f"{_INSIDE} ")
    if name.endswith(".") and not _MAY_END.search(name):
        name = name.rstrip(f"{_ANY} ")
        if _MAY_END.search(f"{name}."):  # `Jr..`
            name = f"{name}."
    return name
