"""What of a run is kept until when, and how much room it takes."""

import datetime as dt
from dataclasses import dataclass

from django.db import connection

from sisimport.accounts.access import Capability, can
from sisimport.imports.models import AbsentStudent, ImportChange, ImportIssue, ImportRun
from sisimport.imports.storage import retention
from students.access import User


@dataclass(frozen=True, slots=True)
class KeptUntil:
    """Moments; None: for good, or gone already. `room`: bytes in the database, estimated, for who looks after the disk."""

    file: dt.datetime | None
    plan: dt.datetime | None
    absent: dt.datetime | None
    room: int | None


def kept_until(run: ImportRun, user: User) -> KeptUntil | None:
    """None for a run that has not ended."""
    if run.finished_at is None:
        return None
    return KeptUntil(
        file=retention.file_kept_until(run),
        plan=retention.plan_kept_until(run),
        absent=retention.absent_kept_until(run),
        room=room_of(run) if can(user, Capability.SETTINGS) and run.plan_removed_at is None else None,
    )


def room_of(run: ImportRun) -> int:
    """Bytes of its issues, changes and absent students, by the average row of each table: the real ones would have to be read."""
    issues = run.error_count + run.warning_count + run.notice_count
    changes = sum(int(entry["count"]) for entry in run.summary.get("changes", []))
    rows = {
        ImportIssue: issues if run.test_run_id is None else 0,  # an Update shows the rows of its Test
        ImportChange: changes if run.test_run_id is None else 0,
        AbsentStudent: int((run.facts or {}).get("absent_count") or 0) if run.test_run_id is None else 0,
    }
    tables = {model._meta.db_table: count for model, count in rows.items()}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, pg_total_relation_size(oid) / greatest(reltuples, 1) FROM pg_class WHERE relname = ANY(%s)"
            " AND relkind = 'r' AND reltuples > 0",
            [list(tables)],
        )
        return int(sum(tables[name] * each for name, each in cursor.fetchall()))
