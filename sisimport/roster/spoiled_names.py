"""Names that a program spoiled on their way: a sign no name holds, or a capital inside a word, where the record has an accent.

`Raœl` alone may be a name. Beside `Raúl` on record it is what Windows makes of a Mac's file, and the record stays.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from django.db import models
from django.db.models import CharField, F, Func, Q, Value

from sisimport.files.issues import Severity
from sisimport.imports.definition.rules import Rule
from sisimport.imports.engine.sql import fetch_all
from students.models.people import NAME_FIELDS

_FIELDS: Final = tuple(name for name in NAME_FIELDS if name.endswith("_name"))
_SIGNS: Final = "‘’“”´œŒšŠžŽŸ–—…ˆ‡†ƒ„‰‹›˜™•€¡"
_INNER_CAPITAL: Final = "[a-zß-öø-ÿ][À-ÖØ-Þ]|[A-Z][À-ÖØ-Þ][a-z]"
_PLAIN: Final = r"lower(regexp_replace({}, '[^\x01-\x7f]', '_', 'g'))"
_COUNT: Final = f"length({{0}}) - length(translate({{0}}, '{_SIGNS}', ''))"
_WHAT: Final = "a sign that stands for the letter with an accent on record"


class _Spoils(Func):
    """`file, record`: the same but for letters beyond ASCII, and those of the file are no letters of a name."""

    output_field = models.BooleanField()
    conditional = True
    arity = 2

    def as_sql(self, compiler: Any, *_args: Any, **_kwargs: Any) -> tuple[str, Any]:
        (file, _none), (record, _none) = (
            compiler.compile(e) for e in self.source_expressions
        )  # columns: no parameters
        sql = (
            f"({file} <> {record} AND {_PLAIN.format(file)} = {_PLAIN.format(record)} AND ("
            f"{_COUNT.format(file)} > {_COUNT.format(record)}"
            f" OR ({file} ~ '{_INNER_CAPITAL}' AND {record} !~ '{_INNER_CAPITAL}')))"
        )
        return sql, ()


def rules(rule: Callable[..., Rule]) -> list[Rule]:
    """None for a file whose names hold no such letters, which is nearly every one."""
    names = f"concat_ws(' ', {', '.join(_FIELDS)})"
    beyond_ascii = f"octet_length({names}) <> length({names})"
    if not fetch_all(
        f"SELECT 1 FROM staged_roster WHERE {beyond_ascii} AND {names} ~ '[{_SIGNS}]|{_INNER_CAPITAL}' LIMIT 1"
    ):
        return []
    return [_rule(rule, name) for name in _FIELDS]


def _rule(rule: Callable[..., Rule], name: str) -> Rule:
    said = rule(
        "roster",
        "FILE-DAMAGED",
        Severity.ERROR,
        name,
        Q(_Spoils(F(name), F(f"student__{name}"))),
        expected=F(f"student__{name}"),
    )
    return replace(said, params={"what": Value(_WHAT, output_field=CharField())})
