"""Codes and local numbers as real files hold them: lost zeros and stray marks are undone where exactly one record fits.

    codes     161119 -> 0161119, where a district or school on record has that code; otherwise an error, never a new place
    numbers   exact first, then without marks ('109001, ="109002", 109003.0), then ignoring leading zeros

Statements run only if the file holds something to repair, which is noted while its blocks are staged (`Seen`).
"""

from collections.abc import Container, Sequence
from dataclasses import dataclass, field

from django.db.models import Case, CharField, F, Q, Value, When
from django.db.models.functions import Concat

from sisimport.files.issues import Problem, Severity
from sisimport.files.numbers import CODE_LENGTH, ROUNDED_NUMBER, bare_local_number, is_short_code
from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.definition.rules import RECORD, Rule
from sisimport.imports.engine.sql import execute, fetch_all, quoted
from sisimport.imports.models import MatchDecision
from students.models import LEA, School, Student
from students.patterns import NAME_SUFFIX

AS_GIVEN = 0  # `StagedRow.accepted` of rows without a person's decision
# `StagedRow.candidates` of rows whose number differs from one on record only by marks, or by leading zeros (`candidate_text`: the
# number on record).
NEAR_MARKS, NEAR_ZEROS = -1, -2
NEAR = Q(candidates__lt=0)
# Beginning of the sentence about a near number; pages that summarize many such lines look for it.
ON_RECORD_TEXT = "On record is "
ZEROS_TEXT = "the same number except for leading zeros"
_CODE_SEQ = 80  # of issues about codes: after the reader's issues of a line, before those of the rules
_EXAMPLES = 3
ROUNDED = Q(local_number__regex=ROUNDED_NUMBER)


@dataclass(slots=True)
class Seen:
    """Values found in the blocks of a file that may have to be repaired."""

    restored_leas: dict[str, str] = field(default_factory=dict)  # code in the file -> code on record
    charters: dict[str, str] = field(default_factory=dict)  # code of a school on record -> code of its LEA
    short_leas: bool = False  # short codes that fit no LEA on record
    marked_numbers: bool = False
    zeros: bool = False  # local numbers that begin with zero

    def look_at_numbers(self, numbers: Sequence[str]) -> None:
        """Check the numbers of one block, all together: that costs almost nothing."""
        joined = "" if self.marked_numbers else "".join(numbers)
        if joined and not (joined.isalnum() and joined.isascii()):
            self.marked_numbers = True
        if not self.zeros and "\n0" in "\n" + "\n".join(numbers):
            self.zeros = True


# -- codes -------------------------------------------------------------------------------------------------------------


def full_code(code: str, known_codes: Container[str]) -> str | None:
    """The code on record that becomes `code` when its zeros are lost; None if there is none or `code` itself is on record.

    A seven-digit one comes first; else, because Utah codes are shorter, the one that differs only in its zeros.
    """
    if code in known_codes or not is_short_code(code):
        return None
    fitting = [full for full in (code.zfill(n) for n in range(len(code) + 1, CODE_LENGTH + 1)) if full in known_codes]
    if fitting and len(fitting[-1]) == CODE_LENGTH:
        return fitting[-1]
    return fitting[0] if len(fitting) == 1 else None


def full_lea_code(code: str) -> str:
    """The code of the LEA on record that is meant; the code unchanged if there is none."""
    if not is_short_code(code):
        return code
    spellings = [code.zfill(length) for length in range(CODE_LENGTH + 1)]
    lea_codes = set(LEA.objects.filter(code__in=spellings).values_list("code", flat=True))
    return full_code(code, lea_codes) or code


def charter_codes() -> dict[str, str]:
    """Codes of schools in California that are not themselves an LEA on record, with the code of the LEA they belong to.

    An independently reporting charter school reports under its own code, which is then the Reporting LEA of its files.
    """
    schools = School.objects.filter(lea__state="CA", code__regex=rf"^[0-9]{{{CODE_LENGTH}}}$")
    codes: dict[str, set[str]] = {}
    for code, lea in schools.values_list("code", "lea__code"):
        codes.setdefault(code, set()).add(lea)
    return {code: leas.pop() for code, leas in codes.items() if len(leas) == 1}


def restore_codes(context: RunContext, seen: Seen) -> list[Problem]:
    """Give codes their zeros back in the staged rows. Returns notices, one for districts and one for schools.

    A short code of a California district or school that is not on record is an error of its line.
    """
    table = quoted(context.import_type.row_model._meta.db_table)
    notices: list[Problem] = []
    lea, school = context.import_type.matching.lea_field, context.import_type.matching.school_field
    if lea in context.fields and seen.restored_leas:
        notices += _notice(lea, _restore_leas(table, seen.restored_leas))
    if lea in context.fields and seen.charters:
        notices += _charter_notice(lea, _restore_leas(table, seen.charters))
    if lea in context.fields and seen.short_leas:
        _refuse_short(context, table, lea, "r.lea_id IS NULL")
    if school in context.fields and any(map(is_short_code, context.school_codes)):
        restored = _restore_schools(table)
        notices += _notice(school, restored)
        context.school_codes |= {full for _code, full, _count in restored}
        unknown = "NOT EXISTS (SELECT 1 FROM students_school s WHERE s.lea_id = r.lea_id AND s.code = r.school)"
        _refuse_short(context, table, school, f"r.lea_id IS NOT NULL AND r.state = 'CA' AND {unknown}")
    return notices if context.lines is None else []


def _notice(field_name: str, restored: list[tuple[str, str, int]]) -> list[Problem]:
    if not restored:
        return []
    read = ", ".join(f"{code} as {full}" for code, full, _count in restored[:_EXAMPLES])
    more = " …" if len(restored) > _EXAMPLES else ""
    lines = sum(count for _code, _full, count in restored)
    return [Problem("CODE-ZEROS", Severity.NOTICE, field_name, f"{read}{more}", "", {"lines": f"{lines:,}"})]


def _charter_notice(field_name: str, read: list[tuple[str, str, int]]) -> list[Problem]:
    return [
        Problem("LEA-CHARTER", Severity.NOTICE, field_name, code, lea, {"lines": f"{count:,}"})
        for code, lea, count in read[:_EXAMPLES]
    ]


def _restore_leas(table: str, codes: dict[str, str]) -> list[tuple[str, str, int]]:
    return _counted(
        f"""
        WITH done AS (
          UPDATE {table} r SET lea = c.full_code FROM unnest(%s::text[], %s::text[]) AS c(given, full_code)
          WHERE r.lea = c.given RETURNING c.given, c.full_code
        ) SELECT given, full_code, count(*) FROM done GROUP BY 1, 2 ORDER BY 3 DESC, 1
        """,
        [list(codes), list(codes.values())],
    )


def _restore_schools(table: str) -> list[tuple[str, str, int]]:
    """Restore school codes within the LEA of the line; in a file without an LEA, the code must belong to exactly one school."""
    return _counted(
        f"""
        WITH short AS (
          SELECT DISTINCT r.lea_id, r.school FROM {table} r WHERE length(r.school) < {CODE_LENGTH} AND r.school ~ '^[0-9]+$'
        ), fitting AS (
          SELECT d.lea_id, d.school AS given, min(s.code) AS full_code
          FROM short d JOIN students_school s ON ltrim(s.code, '0') = ltrim(d.school, '0')
            AND length(s.code) > length(d.school) AND (d.lea_id IS NULL OR s.lea_id = d.lea_id)
          WHERE NOT EXISTS (SELECT 1 FROM students_school k
            WHERE k.code = d.school AND (d.lea_id IS NULL OR k.lea_id = d.lea_id))
          GROUP BY 1, 2 HAVING count(*) = 1
        ), done AS (
          UPDATE {table} r SET school = f.full_code FROM fitting f
          WHERE f.lea_id IS NOT DISTINCT FROM r.lea_id AND f.given = r.school RETURNING f.given, f.full_code
        ) SELECT given, full_code, count(*) FROM done GROUP BY 1, 2 ORDER BY 3 DESC, 1
        """
    )


def _counted(sql: str, params: Sequence[object] = ()) -> list[tuple[str, str, int]]:
    return [(str(given), str(full), int(count)) for given, full, count in fetch_all(sql, list(params))]


def _refuse_short(context: RunContext, table: str, name: str, unknown: str) -> None:
    short = f"r.{quoted(name)} ~ '^[0-9]{{1,{CODE_LENGTH - 1}}}$' AND {unknown}"
    execute(
        f"""
        WITH refused AS (UPDATE {table} r SET refused = true WHERE {short} RETURNING r.line, r.{quoted(name)} AS code)
        INSERT INTO imports_importissue (run_id, line, seq, severity, code, part, field, found, expected)
        SELECT %s, line, %s, %s, 'CODE-SHORT', %s, %s, code, '' FROM refused
        """,
        [context.run.pk, _CODE_SEQ + (name == "school"), int(Severity.ERROR), RECORD, name],
    )


# -- local numbers -----------------------------------------------------------------------------------------------------


def read_local_numbers(context: RunContext, seen: Seen) -> None:
    """Lead lines whose local number differs from one on record only by marks or zeros to that student.

    Exactly one student must fit, and the name or birth date must agree; else the line stays as is and is marked as near.
    """
    if not _may_be_mended(context, seen):
        return
    table = quoted(context.import_type.row_model._meta.db_table)
    if not _find_unmatched(context, table):
        return
    if seen.marked_numbers:
        _write_bare_numbers()
    read = _lead_to_students(context, table)
    if context.import_type.may_create_students:
        read += _without_marks(table)
    context.read_numbers = read > 0
    if read:
        leas = fetch_all(f"SELECT DISTINCT lea_id FROM {table} WHERE lea_id IS NOT NULL")
        context.lea_ids |= {pk for (pk,) in leas}


def _may_be_mended(context: RunContext, seen: Seen) -> bool:
    if "local_number" not in context.fields or context.import_type.matching.number_field != "local_number":
        return False
    students = Student.objects.filter(lea_id__in=context.lea_ids)
    if seen.marked_numbers or (seen.zeros and students.exists()):
        return True
    # Lets the index be used: numbers that begin with zero sort before all others.
    return students.filter(local_number__lt="1", local_number__startswith="0").exists()


def _find_unmatched(context: RunContext, table: str) -> int:
    """Put rows without a student into `unmatched_number` and return how many. `refused`: a person decided that no student is
    meant."""
    return execute(
        f"""
        CREATE TEMP TABLE unmatched_number ON COMMIT DROP AS
        SELECT r.line, r.lea_id, r.local_number AS given, r.local_number AS bare, EXISTS (
          SELECT 1 FROM {MatchDecision._meta.db_table} d WHERE d.run_id = %s AND d.line = r.line AND d.subject = 'match'
        ) AS refused
        FROM {table} r
        WHERE r.local_number <> '' AND r.accepted = {AS_GIVEN}
          AND NOT EXISTS (SELECT 1 FROM students_student s WHERE s.lea_id = r.lea_id AND s.local_number = r.local_number)
        """,
        [context.run.pk],
    )


def _write_bare_numbers() -> None:
    marked = [
        given for (given,) in fetch_all(r"SELECT DISTINCT given FROM unmatched_number WHERE given ~ '[^0-9A-Za-z]'")
    ]
    pairs = [(given, bare) for given in marked if (bare := bare_local_number(given)) != given]
    if pairs:
        execute(
            "UPDATE unmatched_number u SET bare = b.bare FROM unnest(%s::text[], %s::text[]) AS b(given, bare)"
            " WHERE b.given = u.given",
            [[given for given, _ in pairs], [bare for _, bare in pairs]],
        )


def _lead_to_students(context: RunContext, table: str) -> int:
    """Put the student's own number in place of the file's, or note which numbers are near. Returns how many were read."""
    visible = "true" if context.run.schools is None else "s.school_id = ANY(%s::bigint[])"
    scope = [] if context.run.schools is None else [list(context.run.schools)]
    leas = sorted(context.lea_ids)
    execute(
        f"""
        CREATE TEMP TABLE near_number ON COMMIT DROP AS
        WITH fitting AS (
          SELECT u.line, s.id, {NEAR_MARKS} AS kind FROM unmatched_number u
          JOIN students_student s ON s.local_number = u.bare AND (u.lea_id IS NULL OR s.lea_id = u.lea_id)
          WHERE u.bare <> u.given
          UNION ALL
          SELECT u.line, s.id, {NEAR_ZEROS} FROM unmatched_number u
          JOIN (SELECT id, lea_id, local_number FROM students_student
            WHERE (cardinality(%s::bigint[]) = 0 OR lea_id = ANY(%s::bigint[])) AND local_number ~ '^[0-9]+$') AS s
            ON ltrim(s.local_number, '0') = ltrim(u.bare, '0') AND s.local_number <> u.bare
              AND (u.lea_id IS NULL OR s.lea_id = u.lea_id)
          WHERE u.bare ~ '^[0-9]+$' AND ltrim(u.bare, '0') <> ''
        ), ranked AS (
          SELECT line, id, kind, max(kind) OVER (PARTITION BY line) AS best FROM fitting
        )
        SELECT k.line, k.best AS kind, count(*) AS n, min(k.id) AS id, bool_and({visible}) AS visible,
          string_agg(s.local_number, ' and ' ORDER BY s.local_number) FILTER (WHERE {visible}) AS numbers
        FROM ranked k JOIN students_student s ON s.id = k.id WHERE k.kind = k.best GROUP BY 1, 2
        """,
        [leas, leas, *scope, *scope],
    )
    read = execute(
        f"""
        UPDATE {table} r SET given_number = r.local_number, local_number = s.local_number, lea_id = s.lea_id,
          candidates = 0, candidate_text = ''
        FROM near_number n JOIN unmatched_number u ON u.line = n.line JOIN students_student s ON s.id = n.id
        WHERE n.line = r.line AND n.n = 1 AND n.visible AND NOT u.refused AND ({_agrees(context)})
        """
    )
    execute(
        f"""
        UPDATE {table} r SET candidates = n.kind, candidate_text = n.numbers FROM near_number n
        WHERE n.line = r.line AND r.given_number = '' AND n.numbers IS NOT NULL
        """
    )
    return read


_SUFFIX = f"'{NAME_SUFFIX}', '', 'i'"


def _agrees(context: RunContext) -> str:
    """SQL: name or birth date of row `r` and student `s` agree. If the file has neither, the SSIDs must agree."""
    held = {f.name for f in context.import_type.row_model._meta.concrete_fields}
    if "retired_ssid" in held:
        return (
            "EXISTS (SELECT 1 FROM students_ssid h WHERE h.student_id = s.id AND h.state = r.state"
            " AND h.ssid IN (r.retired_ssid, r.replacement_ssid))"
        )
    born = "r.birth_date = s.birth_date" if "birth_date" in held else "false"
    if not {"last_name", "first_name"} <= held:
        return born
    last = (
        f"sis_loose(regexp_replace(r.last_name, {_SUFFIX})) IN"
        f" (sis_loose(regexp_replace(s.match_last_name, {_SUFFIX})), sis_loose(regexp_replace(s.last_name, {_SUFFIX})))"
        " AND r.last_name <> ''"
    )
    first = "sis_loose(r.first_name) IN (sis_loose(s.match_first_name), sis_loose(s.first_name)) AND r.first_name <> ''"
    if context.import_type.may_create_students:
        # No other check compares a roster's line with the record, and twins share birth date and last name.
        return f"(n.kind = {NEAR_MARKS} OR ({first})) AND (({born}) OR ({last} AND {first}))"
    return f"({born}) OR ({last} AND {first})"


def _without_marks(table: str) -> int:
    """Strip marks from the numbers of new students: marks never become part of a number."""
    return execute(
        f"""
        UPDATE {table} r SET given_number = u.given, local_number = u.bare FROM unmatched_number u
        WHERE u.line = r.line AND u.bare <> u.given AND r.given_number = '' AND r.candidates <> {NEAR_MARKS}
        """
    )


def rules() -> list[Rule]:
    """What is reported about lines whose local number was read as another one."""
    return [
        Rule(
            number="ID-9",
            code="NUMBER-READ",
            severity=Severity.NOTICE,
            field="local_number",
            when=Q(accepted=AS_GIVEN) & ~Q(given_number=""),
            found=F("given_number"),
            expected=F("local_number"),
            needs_student=False,
        )
    ]


def near_text() -> Case:
    """A sentence about the students whose number is nearly that of the line, to follow `No student has the number`."""

    def said(kind: int, what: str) -> When:
        begin = Value(f" {ON_RECORD_TEXT}")
        return When(
            candidates=kind, then=Concat(begin, F("candidate_text"), Value(f", {what}."), output_field=CharField())
        )

    return Case(
        When(ROUNDED, then=Value(" A spreadsheet rounded it, and its last digits are lost.")),
        said(NEAR_MARKS, "the same number without the marks, but the rest of the line is not that student's"),
        said(NEAR_ZEROS, f"{ZEROS_TEXT}; it was not used, because it is not clear that this student is meant"),
        default=Value(""),
        output_field=CharField(),
    )
