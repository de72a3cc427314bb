"""Names whose words the file has in other columns than the record: the second surname as last name and the first one as middle
name, or first and middle name in one cell.
"""

from collections.abc import Callable
from typing import Any, Final

from django.db import models
from django.db.models import F, Func, Q

from sisimport.files.issues import Severity
from sisimport.imports.definition.rules import Rule

_WHOLE: Final = ("last_name", "first_name", "middle_name")


class _HasMoved(Func):
    """`file, record`, then the whole name of the file and that of the record: the first two differ, the words are the same."""

    output_field = models.BooleanField()
    conditional = True
    arity = 8

    def as_sql(self, compiler: Any, *_args: Any, **_kwargs: Any) -> tuple[str, Any]:
        file, record, *names = (compiler.compile(e)[0] for e in self.source_expressions)
        alike = f"{file} = {record} OR sis_loose({file}) = sis_loose({record})"
        return f"(CASE WHEN {alike} THEN false ELSE {_words(names[:3])} = {_words(names[3:])} END)", ()


def _words(names: list[str]) -> str:
    split = f"regexp_split_to_table(concat_ws(' ', {', '.join(names)}), '[^[:alpha:]]+')"
    return f"(SELECT array_agg(sis_loose(w) ORDER BY sis_loose(w)) FROM {split} AS w WHERE w <> '')"


def rules(rule: Callable[..., Rule]) -> list[Rule]:
    """`rule` makes one of the roster's rules."""
    return [_moved(rule, name) for name in ("last_name", "first_name")]


def _moved(rule: Callable[..., Rule], name: str) -> Rule:
    record = F(f"student__{name}")
    names = [F(one) for one in _WHOLE] + [F(f"student__{one}") for one in _WHOLE]
    # A last and a first name that changed places have an error of their own.
    exchanged = Q(last_name=F("student__first_name"), first_name=F("student__last_name"))
    when = Q(is_new=False) & Q(_HasMoved(F(name), record, *names)) & ~exchanged
    return rule("roster", "NAME-MOVED", Severity.WARNING, name, when, expected=record)
