"""Grades of a roster that are lower than those on record, as in a list of last year."""

from collections.abc import Callable
from typing import Any, Final

from django.db.models import F, Func, Q
from django.db.models.fields import BooleanField

from sisimport.files.issues import Severity
from sisimport.imports.definition.rules import Rule
from students.grades import GRADES

_IN_ORDER: Final = " ".join(grade for grade in GRADES if grade not in ("UE", "US", "AD"))


class _Lower(Func):
    """`file, record`: both are grades of that order, and the file's comes before the record's."""

    output_field = BooleanField()
    conditional = True
    arity = 2

    def as_sql(self, compiler: Any, *_args: Any, **_kwargs: Any) -> tuple[str, Any]:
        file, record = (compiler.compile(e)[0] for e in self.source_expressions)  # columns, which have no parameters
        place = f"CASE WHEN length({{0}}) = 2 THEN strpos('{_IN_ORDER}', {{0}}) ELSE 0 END"
        return (
            f"(CASE WHEN {file} <> {record} THEN {place.format(file)} BETWEEN 1 AND {place.format(record)} ELSE false END)",
            (),
        )


def rules(rule: Callable[..., Rule]) -> list[Rule]:
    """`rule` makes one of the roster's rules. A line about a stay that ended says nothing about today's grade."""
    record = F("student__grade")
    lower = Q(is_new=False) & Q(enrollment_exit=None) & Q(dup_number=0) & Q(_Lower(F("grade"), record))
    return [rule("roster", "GRADE-LOWER", Severity.WARNING, "grade", lower, expected=record)]
