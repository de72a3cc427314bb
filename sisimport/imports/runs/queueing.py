"""The queue: which waiting run is next. One statement decides, for workers, the reconciler and pages alike.

    lanes    small and large files wait in separate lines; one process of each worker takes only small ones
    turns    districts take turns, and within each its people: first those with the fewest runs under way, then those
             served longest ago; each person's runs keep their order
    writing  runs of one person and type write in the order they were started, unless they are known to be about different
             LEAs; runs that would wait for the update lock of an LEA wait here instead of in a worker

No state is kept between two looks: the queue is what the rows and locks in PostgreSQL say now.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from django.conf import settings

from sisimport.imports.engine.sql import fetch_all
from sisimport.imports.models import ImportRun, RunStatus

RUN_LOCK = 0x5349_0002  # class of the advisory locks on runs: the process working on a run holds its lock
USUAL_SPEED = 500_000.0  # bytes per second; used until this installation has runs of its own to judge by
_JUDGED = 40  # runs
FRONT = 16  # runs of a lane that get reminders; messages for more would not help
_LEAST_SECONDS = 1.0


class Lane(StrEnum):
    """Lanes of the queue; also the names of the broker's queues."""

    SMALL = "small"
    LARGE = "celery"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A run that no process is working on. `place`: from 1 within its lane, 0 while it lacks something; `ahead`: bytes before it,
    those under way included; `slots`: runs of its lane under way."""

    run_id: int
    lane: Lane
    place: int
    ahead: int
    slots: int

    @property
    def ready(self) -> bool:
        return self.place > 0


# Whose turn a run uses: the district that its Test or the run it reverts was about, else that of its schools, else the only
# district; people of several districts have a turn of their own (a negative number, so that it is not a district's).
_OWNER = """coalesce(
    CASE WHEN cardinality(x.leas) = 1 THEN x.leas[1] END,
    (SELECT of.lea FROM districts of WHERE of.schools = x.schools),
    (SELECT min(id) FROM (SELECT id FROM students_lea LIMIT 2) AS l HAVING count(*) = 1),
    -x.person)"""
_LATELY = 200  # the most recently started runs; a district with none of these was served longest ago

_QUEUE = f"""
WITH locks AS MATERIALIZED (
  SELECT objid::bigint AS run_id FROM pg_locks WHERE locktype = 'advisory' AND classid = %(lock)s AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
), looked_at AS MATERIALIZED (
  SELECT id, true AS active FROM imports_importrun WHERE status IN ('queued', 'running')
  UNION ALL
  SELECT id, false FROM (
    SELECT id FROM imports_importrun WHERE started_at IS NOT NULL ORDER BY started_at DESC LIMIT {_LATELY}) AS lately
), runs AS MATERIALIZED (
  SELECT l.active, r.id, r.import_type, r.work NOT IN ('test', 'convert') AS writes, coalesce(r.created_by_id, 0) AS person,
    coalesce(f.size, 0) AS size, coalesce(f.size, 0) > %(small)s AS large, r.schools, r.started_at,
    coalesce(t.lea_ids, v.lea_ids, '{{}}') AS leas, r.cancel_requested,
    coalesce(r.held_until > now(), false) AS held, r.waits_for <> '' AS lacking,
    r.id IN (SELECT run_id FROM locks) AS taken
  FROM looked_at l JOIN imports_importrun r USING (id)
  LEFT JOIN imports_importfile f ON f.id = r.file_id
  LEFT JOIN imports_importrun t ON t.id = r.test_run_id
  LEFT JOIN imports_importrun v ON v.id = r.reverts_id
), districts AS MATERIALIZED (
  SELECT x.schools, CASE WHEN min(s.lea_id) = max(s.lea_id) THEN min(s.lea_id) END AS lea
  FROM (SELECT DISTINCT schools FROM runs WHERE schools IS NOT NULL) AS x JOIN students_school s ON s.id = ANY(x.schools)
  GROUP BY x.schools
), active AS MATERIALIZED (
  SELECT x.*, {_OWNER} AS owner FROM runs x WHERE x.active
), at_work AS MATERIALIZED (
  SELECT * FROM active WHERE taken
), served AS MATERIALIZED (
  SELECT owner, max(started_at) AS at FROM (SELECT x.started_at, {_OWNER} AS owner FROM runs x WHERE NOT x.active) AS o
  GROUP BY owner
), judged AS (
  SELECT a.*, NOT a.taken AND (a.cancel_requested OR NOT a.held AND NOT (a.writes AND EXISTS (
      SELECT 1 FROM active b WHERE b.writes AND b.id <> a.id AND (
        b.id < a.id AND b.person = a.person AND b.import_type = a.import_type AND NOT b.lacking
          AND (a.leas = '{{}}' OR b.leas = '{{}}' OR b.leas && a.leas)
        OR b.taken AND b.leas && a.leas)))) AS ready
  FROM active a
), people AS (
  SELECT person, (
      SELECT x.started_at FROM imports_importrun x WHERE x.created_by_id = person AND x.started_at IS NOT NULL
      ORDER BY x.id DESC LIMIT 1) AS served
  FROM (SELECT DISTINCT person FROM active) AS p
), within AS (
  SELECT j.*, p.served, (SELECT count(*) FROM at_work b
      WHERE b.owner = j.owner AND b.person = j.person AND b.large = j.large)
      + row_number() OVER (PARTITION BY j.owner, j.person, j.large, j.ready, j.lacking ORDER BY j.id) AS own_turn
  FROM judged j JOIN people p USING (person) WHERE NOT j.taken
), turns AS (
  SELECT w.*, s.at AS owner_served, (SELECT count(*) FROM at_work b WHERE b.owner = w.owner AND b.large = w.large)
      + row_number() OVER (PARTITION BY w.owner, w.large, w.ready, w.lacking
          ORDER BY w.own_turn, w.served NULLS FIRST, w.id) AS turn
  FROM within w LEFT JOIN served s USING (owner)
)
SELECT id, large,
  CASE WHEN ready THEN row_number() OVER line ELSE 0 END AS place,
  coalesce(sum(size) OVER (line ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)
    + (SELECT coalesce(sum(size), 0) FROM at_work b WHERE b.large = turns.large) AS ahead,
  (SELECT count(*) FROM at_work b WHERE b.large = turns.large) AS slots
FROM turns
WINDOW line AS (PARTITION BY large, ready ORDER BY cancel_requested DESC, lacking, turn, owner_served NULLS FIRST, id)
ORDER BY ready DESC, place, id
"""


def waiting() -> list[Waiting]:
    """Every waiting run, ready ones first, each lane in order."""
    rows = fetch_all(_QUEUE, {"small": settings.IMPORT_SMALL_BYTES, "lock": RUN_LOCK})  # type: ignore[arg-type]
    return [
        Waiting(pk, Lane.LARGE if large else Lane.SMALL, int(place), int(ahead), int(slots))
        for pk, large, place, ahead, slots in rows
    ]


def in_order(lane: Lane, *, only: bool) -> list[int]:
    """Runs to try, best first: those of this lane, then those of the other one unless `only`."""
    ready = [entry for entry in waiting() if entry.ready]
    own = [entry.run_id for entry in ready if entry.lane == lane]
    return own if only else own + [entry.run_id for entry in ready if entry.lane != lane]


def lane_of(size: int) -> Lane:
    """The lane of a file of `size` bytes."""
    return Lane.LARGE if size > settings.IMPORT_SMALL_BYTES else Lane.SMALL


def bytes_per_second() -> float:
    """Average speed of recent runs, over all kinds of work."""
    (row,) = fetch_all(
        """
        SELECT coalesce(sum(size), 0), coalesce(sum(seconds), 0) FROM (
          SELECT f.size, greatest(extract(epoch FROM r.finished_at - r.started_at), 0.1) AS seconds
          FROM imports_importrun r JOIN imports_importfile f ON f.id = r.file_id
          WHERE r.status = 'completed' AND r.finished_at > r.started_at ORDER BY r.id DESC LIMIT %s) AS lately
        """,
        [_JUDGED],
    )
    size, seconds = float(row[0]), float(row[1])
    return size / seconds if size and seconds else USUAL_SPEED


@dataclass(frozen=True, slots=True)
class Forecast:
    """Position of a waiting run: `before` runs go first; it begins in about `seconds` (None: unknown, no worker is running)."""

    before: int
    seconds: float | None

    @property
    def place(self) -> int:
        return self.before + 1

    @property
    def sentence(self) -> str:
        """`2 runs are ahead of it; it begins in about 3 minutes.`"""
        runs = "1 run is" if self.before == 1 else f"{self.before:,} runs are"
        who = f"{runs} ahead of it" if self.before else "It is next"
        if self.seconds is None:
            return f"{who}."
        if self.seconds < 60:
            return f"{who}; it begins in less than a minute."
        minutes = round(self.seconds / 60)
        return f"{who}; it begins in about {minutes} {'minute' if minutes == 1 else 'minutes'}."


def set_places(runs: Iterable[ImportRun]) -> None:
    """Set `in_line`, the place in line, on those of the runs that are waiting; one query, and only if one is queued."""
    queued = [run for run in runs if run.status == RunStatus.QUEUED]
    if queued:
        places = {entry.run_id: entry.place for entry in waiting()}
        for run in queued:
            run.in_line = places.get(run.pk, 0)  # type: ignore[attr-defined]


def forecasts() -> dict[int, Forecast]:
    """For every run that is ready and waiting, by id. Gives no time if no worker is running."""
    entries = [entry for entry in waiting() if entry.ready]
    if not entries:
        return {}
    speed = bytes_per_second()
    return {
        entry.run_id: Forecast(
            entry.place - 1,
            max(entry.ahead / speed / entry.slots, _LEAST_SECONDS) if entry.slots else None,
        )
        for entry in entries
    }
