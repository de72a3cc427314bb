"""Whether a Test still says what an Update would do: what was written and edited since, and which of its lines that touches."""

import datetime as dt
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from sisimport.imports.engine.sql import fetch_all
from sisimport.imports.models import WRITING, ImportRun, RunStatus, Work
from sisimport.imports.runs import decisions
from students.models import RecordEdit

MOST_RUNS = 50  # of those that wrote since the newest are looked at
MOST_LINES = 4000  # beyond, the file is tested again as a whole
RETESTED = "retested_at"


@dataclass(frozen=True, slots=True)
class Outdated:
    """What changed since a Test. `lines`: those of the Test that are about students whose records changed, at most
    MOST_LINES + 1 of them; `edits`: changes by people on those students."""

    runs: tuple[ImportRun, ...]
    edits: int
    lines: tuple[int, ...]

    @property
    def too_many(self) -> bool:
        return len(self.lines) > MOST_LINES


def outdated(test: ImportRun) -> Outdated | None:
    """What changed of the students of a completed Test that nobody applied; None while it says what is true."""
    if test.work != Work.TEST or test.status != RunStatus.COMPLETED or test.started_at is None:
        return None
    since = _since(test)
    wrote = ImportRun.objects.filter(work__in=WRITING, status=RunStatus.COMPLETED, finished_at__gt=since)
    later = list(wrote.exclude(test_run=test).select_related("created_by").order_by("-finished_at")[:MOST_RUNS])
    edited = RecordEdit.objects.filter(at__gt=since)
    if not later and not edited.exists():
        return None
    touching = _touched(test, [run.plan_run_id for run in later], since)
    if not touching:
        return None
    students = {student for _line, student, _plan in touching}
    plans = {plan for _line, _student, plan in touching if plan}
    lines = tuple(sorted({line for line, _student, _plan in touching}))
    return Outdated(
        tuple(run for run in later if run.plan_run_id in plans), edited.filter(student__in=students).count(), lines
    )


def retest_lines(*, run_id: int) -> int:
    """Test the touched lines of a Test, and those that share a student with them, again. Returns how many lines were touched.

    Raises DecisionRefusedError when the Test was applied meanwhile, its file is gone, or too many lines are touched.
    """
    with transaction.atomic():
        run = decisions.open_run(run_id)
        found = outdated(run)
        if found is None:
            return 0
        if found.too_many:
            raise decisions.DecisionRefusedError("So many lines are touched that the whole file is to be tested again.")
        run.facts = {**run.facts, RETESTED: timezone.now().isoformat()}
        decisions.replan_lines(run, set(found.lines))
    return len(found.lines)


def _since(test: ImportRun) -> dt.datetime:
    """Since when the Test is true: its start, or when its touched lines were last tested again."""
    again = (test.facts or {}).get(RETESTED)
    started = test.started_at or test.created_at
    return max(started, dt.datetime.fromisoformat(again)) if again else started


def _touched(test: ImportRun, plans: list[int], since: dt.datetime) -> list[tuple[int, int, int]]:
    """Lines of the Test, the student each is about, and the plan that changed that student since (0: somebody edited)."""
    rows = fetch_all(
        """
        WITH changed AS (
          SELECT DISTINCT student_id, run_id FROM imports_importchange
          WHERE run_id = ANY(%(plans)s) AND student_id IS NOT NULL
          UNION SELECT student_id, 0 FROM students_recordedit WHERE at > %(since)s
        ), about AS (
          SELECT line, student_id FROM imports_importchange WHERE run_id = %(test)s
          UNION SELECT line, student_id FROM imports_importissue WHERE run_id = %(test)s
        )
        SELECT a.line, a.student_id, c.run_id FROM about a JOIN changed c USING (student_id)
        WHERE a.line > 0 LIMIT %(most)s
        """,
        {"plans": plans, "since": since, "test": test.pk, "most": MOST_LINES + 1},  # type: ignore[arg-type]
    )
    return [(line, student, plan) for line, student, plan in rows]
