"""How much room runs take: bytes of the kept file, and rows in the database."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connection

from sisimport.imports.models import AbsentList, ImportChange, ImportIssue, ImportRun


@dataclass(frozen=True, slots=True)
class RunRoom:
    """rows: issues, changes and the list of absent students (one row) that are kept; size: their bytes, estimated from the
    average row of each table; file: bytes of the uploaded file, 0 if removed. Several runs of one file each count it."""

    run: int
    rows: int
    size: int
    file: int

    @property
    def total(self) -> int:
        return self.size + self.file


def room_of(runs: Iterable[ImportRun]) -> list[RunRoom]:
    """One for each run (with its file loaded), from the counts on record: the rows themselves are not read."""
    tables = (ImportIssue, ImportChange, AbsentList)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT t.name, sum(pg_total_relation_size(p.oid)) / greatest(sum(p.reltuples), 1)"
            " FROM unnest(%s::text[]) AS t(name), pg_partition_tree(t.name::regclass) AS part"
            " JOIN pg_class p ON p.oid = part.relid WHERE p.reltuples > 0 AND part.isleaf GROUP BY t.name",
            [[model._meta.db_table for model in tables]],
        )
        each = dict(cursor.fetchall())
    found = []
    for run in runs:
        counts = _rows(run)
        size = sum(count * each.get(model._meta.db_table, 0) for model, count in zip(tables, counts, strict=True))
        file = run.file.size if run.file is not None and run.file.removed_at is None else 0
        found.append(RunRoom(run.pk, sum(counts), int(size), file))
    return found


def largest(most: int) -> list[RunRoom]:
    """The runs that take the most room, largest first."""
    runs = ImportRun.objects.select_related("file").order_by().iterator(chunk_size=2000)
    return sorted(room_of(runs), key=lambda room: (-room.total, room.run))[:most]


def _rows(run: ImportRun) -> tuple[int, int, int]:
    """Issues, changes and lists of absent students; an Update shows the rows of its Test and has none of its own."""
    if run.test_run_id is not None or run.plan_removed_at is not None:
        return 0, 0, 0
    issues = run.error_count + run.warning_count + run.notice_count
    changes = sum(int(entry["count"]) for entry in (run.summary or {}).get("changes", []))
    erased = (run.facts or {}).get("erased", {})
    absent = int("absent_count" in (run.facts or {}))
    return max(issues - erased.get("issues", 0), 0), max(changes - erased.get("changes", 0), 0), absent
