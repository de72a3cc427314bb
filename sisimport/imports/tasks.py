"""The Celery side: a task that takes a run id, and ringing for it.

The broker is a doorbell: the message says only that a run waits, and may be lost or come twice. What is to be done, and
whether somebody is on it already, PostgreSQL says (execution.py); who looks for lost ones is reaper.py.
"""

import logging

from celery import current_app, shared_task

logger = logging.getLogger(__name__)


@shared_task(name="imports.execute_run", ignore_result=True)
def execute_run_task(*, run_id: int) -> None:
    """Execute a run, if it is still to be done. Whatever hinders it is no failure of the run: the reaper rings again."""
    from sisimport.imports.execution import InterruptedRunError, error_place, execute_run

    try:
        execute_run(run_id)
    except InterruptedRunError:  # said in the log already
        pass
    except Exception as error:  # noqa: BLE001 - the broker's own log would quote the error's text
        logger.error("run %s could not be taken up, %s", run_id, error_place(error))


def ring(run_id: int) -> None:
    """Tell a worker that a run waits. Never raises, never waits long for a broker that is away.

    Each ring makes its own connection: only so is the queue declared anew after a broker lost its memory. (A kept
    connection believes its queue is still there, and every message would be refused.)
    """
    try:
        with current_app.connection_for_write() as connection:
            execute_run_task.apply_async(kwargs={"run_id": run_id}, connection=connection, retry=False)
    except Exception as error:  # noqa: BLE001 - whatever a transport may raise
        logger.warning("could not ring for run %s (%s); a worker will find it", run_id, type(error).__name__)
