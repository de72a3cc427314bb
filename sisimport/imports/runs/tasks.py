"""The Celery side: a task that takes a run id, and enqueuing it.

The broker only notifies; PostgreSQL is the source of truth. The message says that a run waits, and may be lost or come
twice. Which run is to be done, and whether somebody is on it already, PostgreSQL says (queueing.py,
execution.py); reconciler.py looks for lost ones.
"""

import logging

from celery import current_app, shared_task

from sisimport.imports.runs.queueing import FRONT, Lane
from sisimport.runtime import error_reports
from sisimport.runtime.databases import SharedSessionError

logger = logging.getLogger(__name__)

SMALL_ONLY = "sisimport_small_only"  # in the configuration of a working process


@shared_task(name="imports.execute_run", ignore_result=True)
def execute_run_task(*, run_id: int, lane: str = Lane.SMALL) -> None:
    """Execute the run whose turn it is in the lane of the one that was enqueued. Whatever hinders it is not a failure of the
    run: the reconciler enqueues it again."""
    from sisimport.imports.runs.execution import InterruptedRunError, error_place, execute_next

    try:
        done = execute_next(Lane(lane), only=works_on_small_only())
    except InterruptedRunError:  # said in the log already
        pass
    except SharedSessionError as error:
        logger.error("%s", error)
    except Exception as error:  # noqa: BLE001 - the broker's own log would quote the error's text
        error_reports.report(error, part="worker")
        logger.error("run %s could not be taken up, %s", run_id, error_place(error))
    else:
        if done:
            _ring_for_next()


def works_on_small_only() -> bool:
    """Whether this process is the one that its worker keeps free for small files (sisimport/worker.py)."""
    return bool(current_app.conf.get(SMALL_ONLY))


def _ring_for_next() -> None:
    """What could not begin before this run ended (it waited for the same students) begins now, and not at the next look."""
    from sisimport.imports.runs import queueing
    from sisimport.imports.runs.execution import error_place

    try:
        first = {entry.lane: entry for entry in queueing.waiting() if entry.place == 1}
    except Exception as error:  # noqa: BLE001 - the run is done; the reconciler looks again
        logger.warning("could not look for the next run, %s", error_place(error))
        return
    for entry in first.values():
        enqueue(entry.run_id, entry.lane)


def remind(run_id: int, lane: Lane) -> bool:
    """Tell a worker once more, unless as many messages wait already as anybody needs. Whether the broker was reached."""
    return enqueue(run_id, lane, most=FRONT)


def enqueue(run_id: int, lane: Lane = Lane.SMALL, *, most: int | None = None) -> bool:
    """Tell a worker that a run of this lane waits. Says whether the broker was reached: never raises, nor waits long.

    Each message makes its own connection: only so is the queue declared again after a broker lost its memory. (A kept
    connection believes its queue is still there, and every message would be refused.)
    """
    try:
        with current_app.connection_for_write() as connection:
            if most is None or connection.default_channel.queue_declare(str(lane)).message_count < most:
                execute_run_task.apply_async(
                    kwargs={"run_id": run_id, "lane": str(lane)}, queue=str(lane), connection=connection, retry=False
                )
    except Exception as error:  # noqa: BLE001 - whatever a transport may raise
        logger.warning("could not enqueue run %s (%s); a worker will find it", run_id, type(error).__name__)
        return False
    return True
