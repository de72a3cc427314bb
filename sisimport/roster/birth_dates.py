"""Birth dates that equal those on record with day and month exchanged: a warning for the line or, if most lines are
like that, a refusal of the file.

Such a file was written in the other date order: dates after the 12th of a month cannot be read, all others would be
wrong.
"""

from collections.abc import Callable
from typing import Any, Final

from django.db.models import F, Func, Q
from django.db.models.fields import BooleanField

from sisimport.files.issues import FileError, Severity
from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.definition.options import Choice, Option
from sisimport.imports.definition.rules import Rule
from sisimport.imports.engine.sql import fetch_one
from sisimport.imports.models import ImportIssue

CODE: Final = "BIRTH-SWAPPED"
_FEWEST: Final = 3  # lines; fewer may be corrections

DATE_ORDER: Final = Option(
    name="exchanged_birth_dates",
    label="Birth dates with day and month swapped, in most lines of the file",
    default="refuse",
    choices=(
        Choice(value="refuse", label="Refuse the file"),
        Choice(
            value="write",
            label="The file is right, the records are wrong",
            hint="Writes the birth dates of this file; each is listed as a warning.",
        ),
    ),
)
REMEDY: Final = {"BIRTH-ORDER": (DATE_ORDER.name, "write")}


def exchanged(file: str, record: str) -> str:
    """SQL: one date is the other with day and month exchanged."""
    return f"to_char({file}, 'YYYYMMDD') = to_char({record}, 'YYYYDDMM')"


class _Swapped(Func):
    """`file, record`: two different days of one year; each is the other with day and month exchanged."""

    output_field = BooleanField()
    conditional = True
    arity = 2

    def as_sql(self, compiler: Any, *_args: Any, **_kwargs: Any) -> tuple[str, Any]:
        file, record = (compiler.compile(e)[0] for e in self.source_expressions)  # columns, which have no parameters
        return f"(CASE WHEN {file} <> {record} THEN {exchanged(file, record)} ELSE false END)", ()


def rules(rule: Callable[..., Rule]) -> list[Rule]:
    """`rule` makes one of the roster's rules."""
    record = F("student__birth_date")
    return [
        rule("roster", CODE, Severity.WARNING, "birth_date", Q(student__id__isnull=False) & swapped(), expected=record)
    ]


def swapped() -> Q:
    """The line's birth date is that on record with day and month exchanged."""
    return Q(_Swapped(F("birth_date"), F("student__birth_date")))


def refuse_wrong_order(context: RunContext) -> None:
    """Called after the rules. Raises FileError if day and month are exchanged in most lines that could show it.

    Skipped for lines planned again: their whole file was checked before.
    """
    if context.lines is not None or context.option(DATE_ORDER.name) == "write":
        return
    found = ImportIssue.objects.filter(run=context.run.pk, code=CODE)
    count = found.count()
    if count < _FEWEST:
        return
    (comparable,) = fetch_one(
        """
        SELECT count(*) FROM staged_roster r JOIN students_student s ON s.id = r.student_pk
        WHERE NOT r.refused AND r.birth_date IS NOT NULL AND extract(day FROM s.birth_date) <= 12
          AND extract(day FROM s.birth_date) <> extract(month FROM s.birth_date)
        """
    )
    if count * 2 <= comparable:
        return
    first = found.order_by("line").values("line", "found", "expected")[0]
    raise FileError(
        "BIRTH-ORDER",
        field="birth_date",
        found=first["found"],
        expected=first["expected"],
        params={"line": first["line"], "swapped": f"{count:,}", "of": f"{comparable:,}"},
    )
