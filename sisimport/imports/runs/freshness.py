"""Whether a Test still shows what an Update would do: writes and edits since then, and which of its lines they touch."""

import datetime as dt
from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from sisimport.imports.engine.sql import fetch_all, fetch_one
from sisimport.imports.models import WRITING, ImportRun, RunStatus, Work
from sisimport.imports.runs import decisions
from students.models import RecordEdit

MOST_RUNS = 50  # of the runs that wrote since, the newest are examined
MOST_LINES = 4000  # beyond that, the whole file is tested again
RETESTED = "retested_at"
# The most a page examines, so that it answers immediately: for a larger Test, it starts from the rows written since instead.
MOST_ROWS = 1000
_MOST_ISSUES = 2000
_MOST_OF_A_STUDENT = 50


@dataclass(frozen=True, slots=True)
class Glance:
    """Changes since a Test, found by a bounded search.

    `lines`: how many of the Test's lines are about students whose records changed; `edits`: changes by people to those students;
    `whole`: everything was examined. Otherwise `runs` are all that wrote since, and `lines` those found so far.
    """

    runs: tuple[ImportRun, ...]
    edits: int
    lines: int
    whole: bool

    @property
    def too_many(self) -> bool:
        return self.lines > MOST_LINES


def glance(test: ImportRun) -> Glance | None:
    """Changes to the students of a completed Test that was not applied; None while the Test is still accurate.

    For a page: it examines a bounded number of rows, however large the Test and the writes since.
    """
    if not _can_be_outdated(test):
        return None
    since = _since(test)
    later = list(_later_runs(test, since)[: MOST_RUNS + 1])
    plans = [run.plan_run_id for run in later[:MOST_RUNS]]
    if not plans and not _edits_since(since).exists():
        return None
    if _is_small(test):
        touching, whole = _touched_of_small(test, plans, since), True
    else:
        touching, whole = _touched_of_large(test, plans, since)
    whole = whole and len(later) <= MOST_RUNS
    if not touching and whole:
        return None
    touched = {plan for _line, plan, _edit in touching}
    runs = tuple(run for run in later[:MOST_RUNS] if not whole or run.plan_run_id in touched)
    if not touching and not runs:
        return None  # more edits than are examined, none of which was found to matter
    edits, lines = (
        len({edit for _line, _plan, edit in touching if edit}),
        len({line for line, _plan, _edit in touching}),
    )
    return Glance(runs, edits, lines, whole)


def touched_lines(test: ImportRun) -> tuple[int, ...]:
    """Lines of a completed Test that are about students whose records changed since, at most MOST_LINES + 1 of them.

    Reads everything written since: for work a user requested, not for showing a page.
    """
    if not _can_be_outdated(test):
        return ()
    since = _since(test)
    return _touched(test, [run.plan_run_id for run in _later_runs(test, since)], since)


def retest_lines(*, run_id: int) -> int:
    """Retest the touched lines of a Test and those that share a student with them. Returns how many lines were touched.

    Raises DecisionRefusedError when the Test has been applied, its file is gone, or too many lines are touched.
    """
    with transaction.atomic():
        run = decisions.open_run(run_id)
        now = timezone.now()
        lines = touched_lines(run)
        if len(lines) > MOST_LINES:
            raise decisions.DecisionRefusedError(
                "Too many lines are affected to plan single lines again. Test the whole file again."
            )
        run.facts = {**run.facts, RETESTED: now.isoformat()}
        if lines:
            decisions.replan_lines(run, set(lines))
        else:
            run.save(update_fields=["facts"])
    return len(lines)


def _can_be_outdated(test: ImportRun) -> bool:
    return test.work == Work.TEST and test.status == RunStatus.COMPLETED and test.started_at is not None


def _later_runs(test: ImportRun, since: dt.datetime) -> QuerySet[ImportRun]:
    """Runs that wrote since, newest first. Runs of other LEAs do not matter: a run holds the lock of every LEA it writes to."""
    wrote = ImportRun.objects.filter(work__in=WRITING, status=RunStatus.COMPLETED, finished_at__gt=since)
    wrote = wrote.filter(lea_ids__overlap=test.lea_ids).exclude(test_run=test)
    names = ("created_by__username", "created_by__first_name", "created_by__last_name")
    return wrote.select_related("created_by").only("work", "finished_at", "test_run", *names).order_by("-finished_at")


def _edits_since(since: dt.datetime) -> QuerySet[RecordEdit]:
    """Those of the newest edits that were made since then; edits are numbered in order."""
    newest = RecordEdit.objects.order_by("-id").values("id")[:MOST_ROWS]
    return RecordEdit.objects.filter(id__in=newest, at__gt=since)


def _since(test: ImportRun) -> dt.datetime:
    """Since when the Test holds: its start, or when its touched lines were last retested."""
    again = (test.facts or {}).get(RETESTED)
    started = test.started_at or test.created_at
    return max(started, dt.datetime.fromisoformat(again)) if again else started


def _is_small(test: ImportRun) -> bool:
    """Whether the Test is small enough to examine every row of it that names a line."""
    # In primary key order, so that no query plan reads the whole table for a run that is not yet in the statistics.
    counts = """
        SELECT (SELECT count(*) FROM (
                 SELECT FROM imports_importchange WHERE run_id = %(test)s ORDER BY run_id, line, seq LIMIT %(most)s) c),
               (SELECT count(*) FROM (
                 SELECT FROM imports_importissue WHERE run_id = %(test)s ORDER BY run_id, line, seq LIMIT %(most)s) i)
    """
    return max(fetch_one(counts, {"test": test.pk, "most": MOST_ROWS + 1})) <= MOST_ROWS  # type: ignore[arg-type]


def _touched_of_small(test: ImportRun, plans: list[int], since: dt.datetime) -> list[tuple[int, int, int]]:
    """Line of the Test, plan that changed its student since (0: none), edit that did (0: none); starts from the Test's rows."""
    return fetch_all(
        """
        WITH about AS (
          (SELECT line, student_id FROM imports_importchange WHERE run_id = %(test)s ORDER BY run_id, line, seq LIMIT %(most)s)
          UNION
          (SELECT line, student_id FROM imports_importissue WHERE run_id = %(test)s ORDER BY run_id, line, seq LIMIT %(most)s)
        )
        SELECT DISTINCT a.line, c.run_id, c.edit FROM about a CROSS JOIN LATERAL (
          (SELECT run_id, 0::bigint AS edit FROM imports_importchange
            WHERE student_id = a.student_id AND run_id >= %(first)s AND run_id + 0 = ANY(%(plans)s) LIMIT %(each)s)
          UNION ALL
          (SELECT 0, id FROM students_recordedit WHERE student_id = a.student_id AND at > %(since)s LIMIT %(each)s)
        ) c WHERE a.line > 0 AND a.student_id IS NOT NULL
        """,
        {  # type: ignore[arg-type]
            "test": test.pk, "plans": plans, "first": min(plans, default=0), "since": since, "most": MOST_ROWS,
            "each": _MOST_OF_A_STUDENT,
        },
    )  # fmt: skip


def _touched_of_large(test: ImportRun, plans: list[int], since: dt.datetime) -> tuple[list[tuple[int, int, int]], bool]:
    """Like `_touched_of_small`, but starts from the rows written since, up to a limit; and whether those were all.

    Lines that an Update would write are found by an index; of lines with only issues, which it skips, the first are examined.
    """
    each = MOST_ROWS // max(len(plans), 1)
    values = {"test": test.pk, "plans": plans, "since": since, "each": each, "edits": MOST_ROWS, "most": _MOST_ISSUES}
    rows = fetch_all(
        """
        WITH written AS MATERIALIZED (
          SELECT p.run_id, c.student_id, 0::bigint AS edit FROM unnest(%(plans)s::bigint[]) p(run_id) CROSS JOIN LATERAL (
            SELECT student_id FROM imports_importchange WHERE run_id = p.run_id ORDER BY run_id, line, seq LIMIT %(each)s) c
          UNION ALL
          SELECT 0, student_id, id FROM (
            SELECT id, student_id, at FROM students_recordedit ORDER BY id DESC LIMIT %(edits)s) e WHERE at > %(since)s
        ), issues AS MATERIALIZED (
          SELECT line, student_id FROM imports_importissue WHERE run_id = %(test)s ORDER BY run_id, line, seq LIMIT %(most)s
        ), students AS (SELECT DISTINCT student_id, run_id, edit FROM written WHERE student_id IS NOT NULL)
        SELECT DISTINCT line, run_id, edit FROM (
          SELECT t.line, s.run_id, s.edit FROM students s CROSS JOIN LATERAL (
            SELECT line FROM imports_importchange WHERE student_id = s.student_id AND run_id = %(test)s LIMIT %(each)s) t
          UNION ALL SELECT i.line, s.run_id, s.edit FROM students s JOIN issues i USING (student_id)) touching
        WHERE line > 0
        UNION ALL SELECT -1, run_id, count(*) FROM written GROUP BY run_id
        """,
        values,  # type: ignore[arg-type]
    )
    looked_at = [count < (each if run_id else MOST_ROWS) for line, run_id, count in rows if line == -1]
    return [(line, run_id, edit) for line, run_id, edit in rows if line > 0], all(looked_at)


def _touched(test: ImportRun, plans: list[int], since: dt.datetime) -> tuple[int, ...]:
    rows = fetch_all(
        """
        WITH changed AS (
          SELECT student_id FROM imports_importchange WHERE run_id = ANY(%(plans)s) AND student_id IS NOT NULL
          UNION SELECT student_id FROM students_recordedit WHERE at > %(since)s
        ), about AS (
          SELECT line, student_id FROM imports_importchange WHERE run_id = %(test)s
          UNION SELECT line, student_id FROM imports_importissue WHERE run_id = %(test)s
        )
        SELECT DISTINCT a.line FROM about a JOIN changed c USING (student_id) WHERE a.line > 0 LIMIT %(most)s
        """,
        {"plans": plans, "since": since, "test": test.pk, "most": MOST_LINES + 1},  # type: ignore[arg-type]
    )
    return tuple(sorted(line for (line,) in rows))
