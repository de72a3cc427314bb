"""Kinds of change of this app: test set-ups, and the scores of one line."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from assessments.models import Assessment, Score
from assessments.scores import as_tested
from assessments.scores.copying import copy_scores
from assessments.scores.encoding import (
    CELL,
    CELLS,
    SCORE,
    assessments_sql,
    count_sql,
    differing,
    packed_row_sql,
    results_sql,
    unpack_sql,
)
from assessments.scores.result_counts import Tally, count_changes, take_off_run
from assessments.scores.year_tables import listed, measure_after_commit, years_of_plan
from sisimport.imports.definition.change_kinds import ChangeKind, register_kind
from sisimport.imports.engine.sql import execute, fetch_all, fetch_one
from sisimport.imports.models import ImportChange, ImportRun, RunHold, SetAside, SetAsideReason, Work

SCORES = "scores"
_OPERATION = {
    "create": "c.before IS NULL",
    "update": "c.before IS NOT NULL AND c.after IS NOT NULL",
    "remove": "c.after IS NULL",
}


class ScoreWriter:
    """Compares and writes the scores of whole lines: one change of a plan holds all scores of its line.

    A line is written if every score it touches is as the plan saw it; otherwise the whole line is set aside.
    """

    def set_aside(self, *, run: ImportRun, plan_run_id: int, operation: str) -> None:
        where = f"c.run_id = {int(plan_run_id)} AND c.kind = '{SCORES}' AND {_OPERATION[operation]}"
        gone = _missing_assessments(run, plan_run_id)
        if not gone and _is_planned_just_now(run, plan_run_id):
            return
        years = years_of_plan(plan_run_id, SCORES)
        sides = {"create": ("after",), "update": ("after", "before"), "remove": ("before",)}[operation]
        if operation == "create" and not gone and not _are_in_use(years):
            self._set_aside_changed_students(run, where)
            return
        if run.reverts_id and operation != "create":
            moved = _find_moved_lines(run, operation, where, years)
            if not gone and not moved:
                return
            if not gone:
                where += (
                    f" AND (c.line, c.seq) IN (SELECT m.line, m.seq FROM moved_line m WHERE m.run_id = {int(run.pk)})"
                )
        unions = " UNION ALL ".join(
            f"SELECT u.line, u.seq, u.student_id, u.school_year, u.assessment_id, '{side}' AS side,"
            f" {packed_row_sql('u')} AS value FROM ({unpack_sql(side, where)}) AS u"
            for side in sides
        )
        guard = "" if operation == "remove" else "OR (c.guard IS NOT NULL AND s.identity_hash IS DISTINCT FROM c.guard)"
        execute(
            f"""
            INSERT INTO imports_setaside (run_id, line, seq, reason)
            SELECT %s, judged.line, judged.seq,
              CASE WHEN judged.done THEN '{SetAsideReason.DONE.value}' ELSE '{SetAsideReason.CHANGED.value}' END
            FROM (
              SELECT t.line, t.seq, bool_and(now.value IS NOT DISTINCT FROM t.new) AS done,
                bool_and(now.value IS NOT DISTINCT FROM t.old) AND bool_and(NOT (t.assessment_id = ANY(%s))) AS holds
              FROM (
                SELECT line, seq, student_id, school_year, assessment_id, max(value) FILTER (WHERE side = 'after') AS new,
                  max(value) FILTER (WHERE side = 'before') AS old
                FROM ({unions}) AS sides GROUP BY line, seq, student_id, school_year, assessment_id
              ) AS t
              LEFT JOIN LATERAL (SELECT {packed_row_sql("r")} AS value FROM assessments_score r
                WHERE r.student_id = t.student_id AND r.assessment_id = t.assessment_id
                  AND r.school_year = t.school_year AND r.school_year = ANY({listed(years)})) AS now ON true
              GROUP BY t.line, t.seq
            ) AS judged
            JOIN imports_importchange c ON c.run_id = {int(plan_run_id)} AND c.line = judged.line AND c.seq = judged.seq
            LEFT JOIN students_student s ON s.id = c.student_id
            WHERE judged.done OR NOT judged.holds OR s.id IS NULL {guard}
            ON CONFLICT DO NOTHING
            """,
            [run.pk, gone],
        )

    def _set_aside_changed_students(self, run: ImportRun, where: str) -> None:
        execute(
            f"""
            INSERT INTO imports_setaside (run_id, line, seq, reason)
            SELECT %s, c.line, c.seq, '{SetAsideReason.CHANGED.value}'
            FROM imports_importchange c LEFT JOIN students_student s ON s.id = c.student_id
            WHERE {where} AND (s.id IS NULL OR (c.guard IS NOT NULL AND s.identity_hash IS DISTINCT FROM c.guard))
            ON CONFLICT DO NOTHING
            """,
            [run.pk],
        )

    def write(self, *, run: ImportRun, plan_run_id: int, operation: str, aside: bool) -> None:
        where = f"c.run_id = {int(plan_run_id)} AND c.kind = '{SCORES}' AND {_OPERATION[operation]}"
        if aside:
            where += (
                f" AND NOT EXISTS (SELECT 1 FROM imports_setaside a WHERE a.run_id = {int(run.pk)}"
                " AND a.line = c.line AND a.seq = c.seq)"
            )
        years = years_of_plan(plan_run_id, SCORES)
        if operation != "create":
            if run.reverts_id and _is_all_it_wrote(run, where, years):
                of_run = f"run_id = {int(run.reverts_id)} AND school_year = ANY({listed(years)})"
                take_off_run(of_run)
                execute(f"DELETE FROM assessments_score WHERE {of_run}")
            else:
                count_changes(where, "before", sign=-1)
                _remove(run, where, years)
        if operation != "remove":
            tally = Tally()
            copied = copy_scores(run.pk, where, tally)
            tally.store(sign=1)
            measure_after_commit(years, copied)

    def keys_sql(self, side: str, where: str) -> str:
        """student_id, assessment_id and school_year of the scores."""
        return f"SELECT u.student_id, u.assessment_id, u.school_year FROM ({unpack_sql(side, where)}) AS u"

    def overlap(self, one: str, other: str) -> str:
        """SQL condition: two sides of changes to one student hold a score of the same assessment and school year."""
        return f"{one}->>'school_year' = {other}->>'school_year' AND {assessments_sql(one)} && {assessments_sql(other)}"

    def dependents(self, *, run: ImportRun) -> str:
        """SQL condition: a set-up of change `c` is used by scores that stay.

        Scores that the undone run wrote are known by its number; only what others wrote since, or what is kept, is
        looked up in the plan.
        """
        kept = f"FROM imports_setaside a WHERE a.run_id = {int(run.pk)} AND a.reason <> '{SetAsideReason.DONE.value}'"
        others = f"r.run_id IS DISTINCT FROM {int(run.reverts_id or 0)}"
        doubtful = f"{others} OR r.line IN (SELECT a.line {kept})"
        leaving = (
            f"SELECT 1 FROM imports_importchange d WHERE d.run_id = {int(run.pk)} AND d.kind = '{SCORES}' AND d.after IS NULL"
            " AND d.student_id = r.student_id AND (d.before->>'school_year')::smallint = r.school_year"
            f" AND r.assessment_id::text = ANY({assessments_sql('d.before')})"
            f" AND NOT EXISTS (SELECT 1 {kept} AND a.line = d.line AND a.seq = d.seq)"
        )
        # Few existing scores belong to any of them, so this is checked first.
        made = (
            f"SELECT m.object_id FROM imports_importchange m WHERE m.run_id = {int(run.pk)} AND m.line = 0"
            f" AND m.kind = '{ASSESSMENT_KIND.key}'"
        )
        return (
            "c.object_id IN (SELECT r.assessment_id FROM assessments_score r"
            f" WHERE r.assessment_id IN ({made}) AND ({doubtful}) AND NOT EXISTS ({leaving}))"
        )

    def link(self, plan_run_id: int, kind: ChangeKind, linked: Mapping[int, int]) -> None:
        """Point the scores of a plan at set-ups that exist by now."""
        if kind is not ASSESSMENT_KIND:
            return
        scores = f"'{SCORE}' || (c.after->>'scores')"
        for (
            planned,
            actual,
        ) in linked.items():  # a new key is never an existing one, so one at a time is fine
            scores = f"replace({scores}, '{SCORE}{int(planned)}{CELL}', '{SCORE}{int(actual)}{CELL}')"
        execute(
            f"UPDATE imports_importchange c SET after = jsonb_set(c.after, '{{scores}}', to_jsonb(substr({scores}, 2)))"
            f" WHERE c.run_id = %s AND c.kind = '{SCORES}' AND c.after IS NOT NULL",
            [plan_run_id],
        )
        plan = ImportRun.objects.get(pk=plan_run_id)
        targets = sorted({linked.get(pk, pk) for pk in plan.facts.get("targets", ())})
        ImportRun.objects.filter(pk=plan_run_id).update(facts=plan.facts | {"targets": targets})

    def labels(self, run_ids: Collection[int]) -> dict[int, dict[int, str]]:
        return assessment_codes(run_ids)

    def flatten(self, change: ImportChange, labels: Mapping[int, str]) -> Iterator[tuple[str, str, str]]:
        """(`CODE field`, before, after) of every score field that a change sets."""
        for key, name, old, new in differing(change.before, change.after):
            shown = as_tested.described if name == "as_tested" else str
            yield f"{labels.get(key, key)} {name}", shown(old), shown(new)


# A row of the score table that the undone run wrote for change `c`: every writer of a score puts run and line on it.
_WRITTEN = "t.student_id = c.student_id AND t.line = c.line AND t.school_year = (c.before->>'school_year')::smallint"
_COUNT_LEFT = count_sql("c.before->>'scores'")


def _find_moved_lines(run: ImportRun, operation: str, where: str, years: Collection[int]) -> int:
    """Collect the changes of a Revert with scores that are no longer as the undone run wrote them, judged only by run
    and line.

    These are compared cell by cell: they were overwritten, are gone, or come from a 1.0.0 journal. Returns their
    number.
    """
    execute(
        "CREATE TEMP TABLE IF NOT EXISTS moved_line (run_id bigint, operation text, line int, seq smallint) ON COMMIT DROP"
    )
    execute("DELETE FROM moved_line WHERE run_id = %s AND operation = %s", [run.pk, operation])
    if _all_stands(run, years):
        return 0
    return execute(
        f"""
        INSERT INTO moved_line SELECT %s, %s, c.line, c.seq FROM imports_importchange c
        LEFT JOIN students_student s ON s.id = c.student_id
        LEFT JOIN (SELECT student_id, line, school_year, count(*) AS n FROM assessments_score
          WHERE run_id = %s AND school_year = ANY({listed(years)}) GROUP BY student_id, line, school_year) AS t ON {_WRITTEN}
        WHERE {where} AND (s.id IS NULL OR t.n IS DISTINCT FROM {_COUNT_LEFT})
        """,
        [run.pk, operation, run.reverts_id],
    )


def _all_stands(run: ImportRun, years: Collection[int]) -> bool:
    """Is everything the undone run wrote still there, and does its Revert restore all of it? Three counts tell.

    The scores that bear a run's number can only become fewer: overwriting one puts another number on it.
    """
    run_facts = ImportRun.objects.filter(pk=run.reverts_id or 0).values_list("facts", flat=True).first() or {}
    counts = run_facts.get("score_counts", {})
    standing, planned = fetch_one(
        f"""
        SELECT (SELECT count(*) FROM assessments_score t WHERE t.run_id = %s AND t.school_year = ANY({listed(years)})),
          (SELECT sum({_COUNT_LEFT}) FROM imports_importchange c
            WHERE c.run_id = %s AND c.kind = '{SCORES}' AND c.before IS NOT NULL)
        """,
        [run.reverts_id, run.pk],
    )
    return bool(standing == planned == counts.get("added", 0) + counts.get("updated", 0))


def _remove(run: ImportRun, where: str, years: Collection[int]) -> None:
    """Remove the scores in `before` of the changes that `where` selects; those of a Revert by run and line."""
    by_key, of_years = where, f"school_year = ANY({listed(years)})"
    if run.reverts_id:
        moved = f"(SELECT 1 FROM moved_line m WHERE m.run_id = {int(run.pk)} AND m.line = c.line AND m.seq = c.seq)"
        execute(
            f"DELETE FROM assessments_score t USING imports_importchange c WHERE t.run_id = %s AND t.{of_years} AND {_WRITTEN}"
            f" AND {where} AND NOT EXISTS {moved}",
            [run.reverts_id],
        )
        by_key += f" AND EXISTS {moved}"
        if not fetch_all(f"SELECT 1 FROM imports_importchange c WHERE {by_key} LIMIT 1"):
            return
    execute(
        f"DELETE FROM assessments_score t USING ({unpack_sql('before', by_key)}) AS u"
        " WHERE t.student_id = u.student_id AND t.assessment_id = u.assessment_id AND t.school_year = u.school_year"
        f" AND t.{of_years}"
    )


def _is_all_it_wrote(run: ImportRun, where: str, years: Collection[int]) -> bool:
    """Are the scores of these changes all that remains of the undone run? Then finding them needs no join with the
    plan.

    Every line that did not move has exactly its own scores there, so equal sums leave room for no others.
    """
    (alike,) = fetch_one(
        f"""
        SELECT NOT EXISTS (SELECT 1 FROM moved_line m WHERE m.run_id = %s)
          AND (SELECT count(*) FROM assessments_score t WHERE t.run_id = %s AND t.school_year = ANY({listed(years)}))
            = (SELECT sum({_COUNT_LEFT}) FROM imports_importchange c WHERE {where})
        """,
        [run.pk, run.reverts_id],
    )
    return bool(alike)


def _is_planned_just_now(run: ImportRun, plan_run_id: int) -> bool:
    """An Import plans under the same lock as it writes, so nothing it compared can have changed. One that was held and
    approved writes an earlier plan."""
    return run.work == Work.IMPORT and run.pk == plan_run_id and not RunHold.objects.filter(run=run).exists()


def _are_in_use(years: Collection[int]) -> bool:
    """Are there any scores yet in these school years?"""
    return bool(fetch_all(f"SELECT 1 FROM assessments_score r WHERE r.school_year = ANY({listed(years)}) LIMIT 1"))


def _missing_assessments(run: ImportRun, plan_run_id: int) -> list[int]:
    """Set-ups that the plan relies on and that no longer exist, or will not be made."""
    aside = SetAside.objects.filter(run=run, line=0).exclude(reason=SetAsideReason.DONE).values_list("seq", flat=True)
    planned = ImportChange.objects.filter(run_id=plan_run_id, kind=ASSESSMENT_KIND.key, line=0, before__isnull=True)
    gone = set(planned.filter(seq__in=list(aside)).values_list("object_id", flat=True))
    plan_facts = ImportRun.objects.filter(pk=plan_run_id).values_list("facts", flat=True).first() or {}
    targets = set(plan_facts.get("targets", ()))
    gone |= (
        targets
        - set(Assessment.objects.filter(pk__in=targets).values_list("pk", flat=True))
        - set(planned.values_list("object_id", flat=True))
    )
    return sorted(gone)


def assessment_codes(run_ids: Collection[int]) -> dict[int, dict[int, str]]:
    """By run: state codes by id, with those of set-ups that the run plans to make. Two queries."""
    code_of: dict[int, str] = dict(Assessment.objects.values_list("pk", "state_code"))
    codes = {run_id: dict(code_of) for run_id in run_ids}
    for change in ImportChange.objects.filter(run_id__in=run_ids, kind=ASSESSMENT_KIND.key, line=0):
        codes[change.run_id].setdefault(change.object_id, _state_code(change))
    return codes


def _state_code(change: ImportChange) -> Any:
    return (change.after or change.before or {}).get("state_code", "")


ASSESSMENT_KIND = register_kind(
    ChangeKind(
        key="assessment",
        label="Assessment",
        model=Assessment,
        rank=65,
        fields=(
            "parent_id",
            "state_code",
            "name",
            "score_type",
            "position",
            "start_date",
            "first_year",
            "last_year",
            "preferred",
            "ranged",
            "results",
            "passing_score",
            "comments",
            "shown_to_families",
        ),
        defaults={"passing_score": "", "comments": "", "shown_to_families": False, "preferred": False, "ranged": True},
        student_column=None,
        of_file=True,
        same_as="""t.parent_id IS NOT DISTINCT FROM (c.after->>'parent_id')::bigint AND t.state_code = c.after->>'state_code'
          AND (t.parent_id IS NOT NULL OR t.name = c.after->>'name')""",
        of_all=True,
    )
)
SCORES_KIND = register_kind(
    ChangeKind(
        key=SCORES,
        label="Scores",
        model=Score,
        rank=70,
        fields=("school_year", *CELLS, "as_tested"),
        writer=ScoreWriter(),
        replaces=f"NOT {results_sql('c.before')} <@ {results_sql('c.after')}",
    )
)
