"""The Celery side: a task that takes a run id, and enqueuing it.

The broker only notifies; PostgreSQL is the source of truth. A message means that a run is waiting; it may be lost or arrive
twice. PostgreSQL says which run is next and whether a process is already working on it (queueing.py, execution.py); reconciler.py
looks for lost ones.
"""

import logging

from celery import current_app, shared_task

from sisimport.imports.runs.queueing import FRONT, Lane
from sisimport.runtime import error_reports
from sisimport.runtime.databases import SharedSessionError

logger = logging.getLogger(__name__)

SMALL_ONLY = "sisimport_small_only"  # key in the configuration of a worker process


@shared_task(name="imports.execute_run", ignore_result=True)
def execute_run_task(*, run_id: int, lane: str = Lane.SMALL) -> None:
    """Execute the next run in the lane of the one that was enqueued. A hindrance is not a failure of the run: the reconciler
    enqueues it again."""
    from sisimport.imports.runs.execution import InterruptedRunError, error_place, execute_next

    try:
        done = execute_next(Lane(lane), only=works_on_small_only())
    except InterruptedRunError:  # already logged
        pass
    except SharedSessionError as error:
        logger.error("%s", error)
    except Exception as error:  # noqa: BLE001 - the broker's own log would quote the error's text
        error_reports.report(error, part="worker")
        logger.error("run %s could not be taken up, %s", run_id, error_place(error))
    else:
        if done:
            _enqueue_next()


def works_on_small_only() -> bool:
    """Whether this process is the one that its worker keeps free for small files (sisimport/worker.py)."""
    return bool(current_app.conf.get(SMALL_ONLY))


def _enqueue_next() -> None:
    """Start a run that had to wait for this one (for the same students) now instead of at the reconciler's next look."""
    from sisimport.imports.runs import queueing
    from sisimport.imports.runs.execution import error_place

    try:
        first = {entry.lane: entry for entry in queueing.waiting() if entry.place == 1}
    except Exception as error:  # noqa: BLE001 - this run is done; the reconciler tries again
        logger.warning("could not look for the next run, %s", error_place(error))
        return
    for entry in first.values():
        enqueue(entry.run_id, entry.lane)


def remind(run_id: int, lane: Lane) -> bool:
    """Notify a worker again, unless enough messages are already waiting. Returns whether the broker was reached."""
    return enqueue(run_id, lane, most=FRONT)


def enqueue(run_id: int, lane: Lane = Lane.SMALL, *, most: int | None = None) -> bool:
    """Notify a worker that a run in this lane is waiting. Returns whether the broker was reached; never raises or waits long.

    Each message opens its own connection: only this way is the queue declared again after the broker lost its data. (A kept
    connection assumes that its queue still exists, and every message would be refused.)
    """
    try:
        with current_app.connection_for_write() as connection:
            if most is None or connection.default_channel.queue_declare(str(lane)).message_count < most:
                execute_run_task.apply_async(
                    kwargs={"run_id": run_id, "lane": str(lane)}, queue=str(lane), connection=connection, retry=False
                )
    except Exception as error:  # noqa: BLE001 - anything a transport may raise
        logger.warning("could not enqueue run %s (%s); a worker will find it", run_id, type(error).__name__)
        return False
    return True
