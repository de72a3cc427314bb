"""Unknown values in a roster: birth places, suffixes, damaged ethnicities.

A value that no record contradicts may be right: it is written with a warning. A value that cannot be a code is an
error.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from django.db.models import CharField, F, Q, Value

from sisimport.files.issues import Severity
from sisimport.imports.definition.expressions import Differs
from sisimport.imports.definition.rules import Rule
from students.code_words import code_words
from students.patterns import KNOWN_SUFFIX

_SHAPES: Final = {"birth_country": "^[A-Z]{2}$", "birth_state": "^([A-Z]{2}-)?[A-Z0-9]{1,3}$"}
# Lost letters, tags, formulas, a separator at either end: not a word or code for an ethnicity.
_DAMAGED: Final = "[\ufffd?<>{}=]|" + r"^[,;]|[,;]$|^[\x20-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e]+$"

# Zeros alone mean an unknown code: they would create a district or school.
_NO_CODE: Final = {name: Q(**{f"{name}__regex": "^0+$"}) for name in ("lea", "school")}
NO_PLACE: Final = _NO_CODE["lea"] | _NO_CODE["school"]


def rules(rule: Callable[..., Rule]) -> list[Rule]:
    """`rule` makes one of the roster's rules."""
    found = []
    for name, shape in _SHAPES.items():
        other = _other(name)
        unknown = other & ~Q(**{f"{name}__in": _known(name)})
        shaped = Q(**{f"{name}__regex": shape})
        found += [
            rule("roster", "VALUE-ODD", Severity.WARNING, name, unknown & shaped),
            rule("roster", "VALUE-NONE", Severity.ERROR, name, unknown & ~shaped),
        ]
    odd_suffix = _other("suffix") & ~Q(suffix__iregex=KNOWN_SUFFIX)
    damaged = rule("roster", "FILE-DAMAGED", Severity.ERROR, "ethnicity", _other("ethnicity") & Q(ethnicity__regex=_DAMAGED),
                   expected="letters or a code")  # fmt: skip
    what: Any = Value("a sign in place of a letter", output_field=CharField())
    found += [rule("roster", "CODE-NONE", Severity.ERROR, name, when) for name, when in _NO_CODE.items()]
    return [
        *found,
        rule("roster", "VALUE-ODD", Severity.WARNING, "suffix", odd_suffix),
        replace(damaged, params={"what": what}),
    ]


def _other(name: str) -> Q:
    """The line brings a value that is not on record."""
    return ~Q(**{name: ""}) & (Q(is_new=True) | Q(Differs(F(name), F(f"student__{name}"))))


def _known(name: str) -> list[str]:
    codes = code_words()["country" if name == "birth_country" else "state"]
    return sorted({*codes, *(code.partition("-")[2] for code in codes if name == "birth_state")} - {""})
