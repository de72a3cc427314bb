"""Lines whose number belongs to someone else on record: nothing is written, unless a user says that the file is right.

    other      last name, first name and birth date all differ from the record
    mixed      name and birth date are those of another student on record, with a different number
    exchanged  last and first name are swapped
    doubtful   two of last name, first name and birth date differ: written, with a warning
    renamed    one of the two names differs: written, with a warning; twins differ in nothing else

A spreadsheet with one column sorted separately is such a file, and so is one with two columns
swapped. Spelling does not count as a difference, nor does part of a name. Lines whose student a user chose on the match
desk are not checked.
"""

from collections.abc import Callable
from typing import Final

from django.db.models import F, Q

from sisimport.files.issues import Severity
from sisimport.imports.definition.expressions import Differs
from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.definition.options import Choice, Option
from sisimport.imports.definition.rules import Rule
from sisimport.imports.engine.sql import execute
from sisimport.roster import damaged_names, whole_columns
from sisimport.roster.whole_columns import apart

OTHER_PEOPLE: Final = Option(
    name="other_people",
    label="A number that belongs to someone else on record",
    default="refuse",
    choices=(
        Choice(value="refuse", label="Leave the record as it is"),
        Choice(
            value="write",
            label="The file is right, the records are wrong",
            hint="Writes names and birth dates of this file; each line is listed as a warning.",
        ),
    ),
)
_CODES: Final = ("STU-OTHER", "STU-MIXED", "NAME-EXCHANGED", "COLUMN-SORTED", "PLACES-MANY")
REMEDY: Final = dict.fromkeys(_CODES, (OTHER_PEOPLE.name, "write"))
_OTHER, _EXCHANGED, _DOUBTFUL = "=other", "=exchanged", "=doubtful"  # no numbers
_RENAMED: Final = {"last_name": "=last", "first_name": "=first"}
NOT_SOMEBODY_ELSE: Final = Q(person__in=["", _DOUBTFUL, *_RENAMED.values()])


def find_other_people(context: RunContext) -> None:
    """Mark such lines in `person`; mixed ones get the number of the student whose name and birth date they hold."""
    schools = "" if context.run.schools is None else "AND o.school_id = ANY(%s)"
    params = [] if context.run.schools is None else [list(context.run.schools)]
    last, first = (apart(f"c.{name}", f"c.old_{name}") for name in ("last", "first"))
    others = f"({last}::int + {first}::int + (c.birth_date <> c.old_birth_date)::int)"
    execute(
        f"""
        WITH changed AS MATERIALIZED (
          SELECT r.line, s.id, s.lea_id, r.birth_date, s.birth_date AS old_birth_date,
            sis_loose(r.last_name) AS last, sis_loose(r.first_name) AS first,
            sis_loose(s.last_name) AS old_last, sis_loose(s.first_name) AS old_first
          FROM staged_roster r JOIN students_student s ON s.id = r.student_pk AND s.local_number = r.local_number
          WHERE NOT r.refused AND NOT r.is_new AND r.last_name <> '' AND r.first_name <> '' AND r.birth_date IS NOT NULL
            AND (r.last_name <> s.last_name OR r.first_name <> s.first_name OR r.birth_date <> s.birth_date)
        ), differing AS MATERIALIZED (
          SELECT * FROM changed WHERE (last, first, birth_date) IS DISTINCT FROM (old_last, old_first, old_birth_date)
        ), taken AS MATERIALIZED (
          SELECT c.line, min(o.local_number) AS number FROM differing c JOIN students_student o
            ON o.lea_id = c.lea_id AND o.birth_date = c.birth_date AND o.id <> c.id
            AND sis_loose(o.last_name) = c.last AND sis_loose(o.first_name) = c.first {schools}
          GROUP BY c.line
        )
        UPDATE staged_roster r SET person = CASE WHEN t.number IS NOT NULL THEN t.number
          WHEN c.last = c.old_first AND c.first = c.old_last AND c.last <> c.first THEN '{_EXCHANGED}'
          WHEN {others} = 3 THEN '{_OTHER}' WHEN {others} = 2 THEN '{_DOUBTFUL}'
          WHEN {last} THEN '{_RENAMED["last_name"]}' WHEN {first} THEN '{_RENAMED["first_name"]}' ELSE '' END
        FROM differing c LEFT JOIN taken t USING (line) WHERE c.line = r.line
        """,
        params,
    )


def rules(context: RunContext, rule: Callable[..., Rule]) -> list[Rule]:
    """`rule` makes one of the roster's rules."""
    severity = Severity.WARNING if context.option(OTHER_PEOPLE.name) == "write" else Severity.ERROR
    other, exchanged, doubtful = Q(person=_OTHER), Q(person=_EXCHANGED), Q(person=_DOUBTFUL)
    mixed = ~NOT_SOMEBODY_ELSE & ~other & ~exchanged
    return [
        rule("roster", "STU-OTHER", severity, "local_number", other),
        rule("roster", "STU-MIXED", severity, "local_number", mixed, expected=F("person")),
        rule("roster", "NAME-EXCHANGED", severity, "last_name", exchanged, expected=F("first_name")),
        rule("roster", "STU-DOUBT", Severity.WARNING, "local_number", doubtful),
        *(
            rule(
                "roster",
                "NAME-CHANGED",
                Severity.WARNING,
                name,
                _is_renamed(name, word),
                expected=F(f"student__{name}"),
            )
            for name, word in _RENAMED.items()
        ),
    ]


def _is_renamed(name: str, word: str) -> Q:
    # A poorer spelling is not written (kept_names.py).
    differs = Q(Differs(F(name), F(f"student__{name}")))
    return Q(person=word) & differs & ~damaged_names.is_kept_out(name)


def judge_columns(context: RunContext) -> None:
    """Judge columns by what most lines bring. Raises FileError (see whole_columns.py)."""
    whole_columns.judge(context, as_written=context.option(OTHER_PEOPLE.name) == "write")
