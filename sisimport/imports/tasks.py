"""The Celery side: a task that takes a run id, and ringing for it."""

import logging

from celery import shared_task

logger = logging.getLogger(__name__)


@shared_task(name="imports.execute_run", ignore_result=True)  # type: ignore[untyped-decorator]
def execute_run_task(*, run_id: int) -> None:
    """Execute a run, if it is still to be done."""
    from sisimport.imports.execution import execute_run

    execute_run(run_id)


def ring(run_id: int) -> None:
    """Tell a worker that a run waits. Never raises: the broker is a doorbell, the database says what is to be done."""
    try:
        execute_run_task.apply_async(kwargs={"run_id": run_id}, retry=False)
    except Exception:  # noqa: BLE001
        logger.warning("could not ring for run %s; a worker will find it", run_id)
