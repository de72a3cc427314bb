"""Matches that people accepted, applied to staged rows before the rules run.

An accepted row joins the student of the match instead of the one its local number leads to (or does not lead to). Rules that
report a difference between file and record then give only notices: a person has seen the difference.
"""

from django.db.models import F, Q, Value

from sisimport.files.issues import Severity
from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.definition.rules import Rule
from sisimport.imports.definition.staged_row import StagedRow
from sisimport.imports.engine.identifiers import AS_GIVEN, full_lea_code
from sisimport.imports.engine.sql import execute, fetch_all, quoted
from sisimport.imports.models import MatchDecision, RememberedMatch

REMEMBERED, ACCEPTED, OUTDATED = 1, 2, 3
IDENTITY = ("lea", "local_number", "last_name", "first_name", "middle_name", "birth_date", "gender")


def key_sql(model: type[StagedRow], number_field: str, alias: str = "r") -> str:
    """SQL of the key of a staged row: the values that say whose record it is, as the file gave them."""
    names = {f.name for f in model._meta.concrete_fields}
    parts = []
    for name in IDENTITY:
        if name == "local_number":
            # The number may already have been replaced by the student's.
            parts.append(f"coalesce(nullif({alias}.given_number, ''), {alias}.{quoted(number_field)})")
        elif name not in names:
            parts.append("''")
        elif name == "birth_date":
            parts.append(f"coalesce(to_char({alias}.birth_date, 'YYYYMMDD'), '')")
        else:
            parts.append(f"{alias}.{quoted(name)}")
    return " || chr(31) || ".join(parts)


def key_of(values: dict[str, str | None], number_field: str) -> str:
    """The key of a record as read from the file; equal to `key_sql` of its staged row."""
    parts = []
    for name in IDENTITY:
        value = values.get(number_field if name == "local_number" else name) or ""
        if name == "lea":
            value = full_lea_code(value)  # as in the staged row
        parts.append(value.replace("-", "") if name == "birth_date" else value)
    return "\x1f".join(parts)


def use_accepted_matches(context: RunContext) -> None:
    """Mark and redirect the rows whose match a person accepted on this run, or earlier for the same values."""
    import_type = context.import_type
    if not import_type.matching.remembers_matches:
        return
    table, number = quoted(import_type.row_model._meta.db_table), quoted(import_type.matching.number_field)
    marked = _use_remembered(context, table, number)
    schools, params = _in_schools(context)
    marked += execute(
        f"""
        UPDATE {table} r SET accepted = {ACCEPTED}, {_leads_to_student(context)},
          given_number = coalesce(nullif(r.given_number, ''), r.{number})
        FROM {MatchDecision._meta.db_table} d JOIN students_student s ON s.id = d.student_id
        WHERE d.run_id = %s AND d.line = r.line AND d.subject = 'match' AND d.answer = 'accept' {schools}
        """,
        [context.run.pk, *params],
    )
    if not marked:
        return
    rows = fetch_all(f"SELECT lea_id, count(*) FROM {table} WHERE accepted <> {AS_GIVEN} GROUP BY lea_id")
    context.accepted_rows = sum(count for _lea, count in rows)
    context.lea_ids |= {lea for lea, _count in rows if lea is not None}


def _leads_to_student(context: RunContext) -> str:
    """SQL condition under which an accepted row belongs to student `s`."""
    if context.import_type.matching.number_field == "local_number":
        return "lea_id = s.lea_id, local_number = s.local_number"
    return "student_pk = s.id"


def _use_remembered(context: RunContext, table: str, number: str) -> int:
    """Return the number of rows that were marked."""
    if not RememberedMatch.objects.filter(ended_at__isnull=True).exists():
        return 0
    marked = 0
    schools, params = _in_schools(context)
    key = key_sql(context.import_type.row_model, context.import_type.matching.number_field)
    for state, leads, holds in ((REMEMBERED, f"{_leads_to_student(context)}, ", "="), (OUTDATED, "", "<>")):
        marked += execute(
            f"""
            UPDATE {table} r SET accepted = {state}, {leads} given_number = r.{number}
            FROM {RememberedMatch._meta.db_table} m JOIN students_student s ON s.id = m.student_id
            WHERE m.ended_at IS NULL AND m.local_number = r.{number} AND m.key = {key} {schools}
              AND s.identity_hash {holds} m.student_hash AND r.accepted = {AS_GIVEN}
              AND NOT EXISTS (SELECT 1 FROM {MatchDecision._meta.db_table} d
                WHERE d.run_id = %s AND d.line = r.line AND d.subject = 'match')
            """,
            [*params, context.run.pk],
        )
    return marked


def _in_schools(context: RunContext) -> tuple[str, list[object]]:
    """A match to a student of another school is not used by a run that may not touch that school."""
    if context.run.schools is None:
        return "", []
    return "AND s.school_id = ANY(%s)", [list(context.run.schools)]


def rules(number_field: str) -> list[Rule]:
    """What is reported about rows whose match a person accepted."""

    def rule(code: str, state: int, severity: Severity, *, needs_student: bool = True) -> Rule:
        return Rule(
            number="D-13",
            code=code,
            severity=severity,
            field=number_field,
            when=Q(accepted=state),
            found=F("given_number"),
            expected=F("student__local_number") if needs_student else Value(""),
            needs_student=needs_student,
        )

    return [
        rule("MATCH-REMEMBERED", REMEMBERED, Severity.NOTICE),
        rule("MATCH-ACCEPTED", ACCEPTED, Severity.NOTICE),
        rule("MATCH-OUTDATED", OUTDATED, Severity.NOTICE, needs_student=False),
    ]
