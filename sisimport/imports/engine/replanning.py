"""Planning some lines of a completed Test anew, after somebody decided about them.

    decisions -> lines they touch -> stage, match, check, plan those lines only -> counts and summary of the whole run

What Test showed stays exactly what Update does: issues, changes and counts of the Test are replaced in one transaction, and
only while no Update has taken the plan up (a plan that was applied is the journal and never changes again).
"""

from collections.abc import Collection

from sisimport.files.encodings import UTF8
from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.definition.progress import Progress
from sisimport.imports.definition.registry import get_type
from sisimport.imports.engine import checking, counting, planning, staging
from sisimport.imports.engine.recounting import corrected, tally
from sisimport.imports.engine.sql import execute, fetch_all
from sisimport.imports.models import ImportIssue, ImportRun, MatchDecision, absent
from sisimport.imports.storage.files import open_file
from sisimport.imports.storage.records import lines_holding, read_records

MAX_VALUES = 60  # texts looked for in one pass over the file; with more, reading it all is as quick
MAX_LINES = 4000
MAX_ROUNDS = 6
RUN_TABLES = ("imports_importissue", "imports_importchange")


class _Silent(Progress):
    """No progress is reported: the run ended long ago and its row is locked by this very transaction."""

    def report(self, phase: str, done: int = 0, total: int = 0) -> None:
        pass


def replan(run: ImportRun, lines: Collection[int], *, whole: bool = False) -> None:
    """Plan the lines, and those that share a student or an SSID with them, anew. The caller holds the transaction and the
    lock of the run's row, and has written the decisions. `whole`: plan every line of the file anew."""
    import_type = get_type(run.import_type)
    touched = None if whole else _related(run, set(lines))
    context = RunContext(run=run, import_type=import_type, progress=_Silent(run.pk), lines=touched)
    context.lea_ids = set(run.lea_ids)
    execute("SET LOCAL work_mem = '64MB'")
    before = None if touched is None else tally(run.pk, touched)
    where, params = ("", []) if touched is None else (" AND line = ANY(%s)", [sorted(touched)])
    for table in RUN_TABLES:
        execute(f"DELETE FROM {table} WHERE run_id = %s{where}", [run.pk, *params])
    staging.stage(context)
    import_type.prepare(context)
    checking.check(context)
    planning.plan(context)
    import_type.after_plan(context)
    if before is None or touched is None:
        context.record_count = run.record_count
        totals = counting.count_test(context)
        values: dict[str, object] = {**totals.counts, "summary": totals.summary}
    else:
        values = corrected(run, before, tally(run.pk, touched))
    report_facts = {**run.facts, **context.report_facts}
    if import_type.lists_absent and run.corrects_id is None and not run.facts.get("partial"):
        report_facts["absent_count"] = _absent(context)
    ImportRun.objects.filter(pk=run.pk).update(
        **values, facts=report_facts, lea_ids=sorted(set(run.lea_ids) | context.lea_ids)
    )
    execute(f'DROP TABLE IF EXISTS "{import_type.row_model._meta.db_table}", blocked_part, staged_problem')


def _related(run: ImportRun, lines: set[int]) -> set[int] | None:  # noqa: PLR0911 - every way out says why
    """The lines and all others that share a local number or an SSID with them, of the file or of a student they are
    taken for, until nothing new comes. None: too many, plan the whole file."""
    keys = get_type(run.import_type).matching.related_fields
    if run.file is None or len(lines) > MAX_LINES or not keys:
        return None
    delimiter = str(run.facts.get("delimiter") or "").encode()
    if not delimiter or run.facts.get("several_lines"):  # a value may stand in any line of its record
        return None
    if ImportIssue.objects.filter(
        run=run, code="NUMBER-READ"
    ).exists():  # lines of one number differ in how they write it
        return None
    seen_values: set[bytes] = set()
    fresh = set(lines)
    found = set(lines)
    for _round in range(MAX_ROUNDS):
        records = read_records(run, fresh, keys)
        values = {v.encode("utf-8") for record in records.values() for v in record.values() if v}
        values |= _numbers_of_students(run, fresh)
        values -= seen_values
        if not values:
            return found
        seen_values |= values
        if len(seen_values) > MAX_VALUES:
            return None
        with open_file(run.file) as stream:
            encoding = str(run.facts.get("encoding") or UTF8)
            index = run.file.line_index
            holding = lines_holding(stream, index, values, delimiter=delimiter, limit=MAX_LINES, encoding=encoding)
        if holding is None:
            return None
        fresh = holding - found
        found |= holding
        if not fresh:
            return found
    return None


def _numbers_of_students(run: ImportRun, lines: Collection[int]) -> set[bytes]:
    """Local numbers of the students that these lines were or are taken for."""
    rows = fetch_all(
        """
        SELECT DISTINCT s.local_number FROM (
          SELECT student_id FROM imports_matchdecision WHERE run_id = %(run)s AND line = ANY(%(lines)s)
          UNION SELECT student_id FROM imports_importissue WHERE run_id = %(run)s AND line = ANY(%(lines)s)
          UNION SELECT student_id FROM imports_importchange WHERE run_id = %(run)s AND line = ANY(%(lines)s)
        ) AS d JOIN students_student s ON s.id = d.student_id
        """,
        {"run": run.pk, "lines": sorted(lines)},  # type: ignore[arg-type]
    )
    return {number.encode("utf-8") for (number,) in rows}


def _absent(context: RunContext) -> int:
    """The list *in our records, not in this file* follows: a student whom a line was accepted for is in the file."""
    run_id = context.run.pk
    if context.lines is None:
        execute("DELETE FROM imports_absentlist WHERE run_id = %s", [run_id])
        return planning.list_absent(context)
    accepted = MatchDecision.objects.filter(
        run=run_id, subject=MatchDecision.Subject.MATCH, answer=MatchDecision.Answer.ACCEPT, student_id__isnull=False
    )
    absent.take_out(accepted.values_list("student_id", flat=True), run_id=run_id)
    return absent.size(run_id)
