"""Starting over a large practice district, in the background."""

import logging

from celery import shared_task

logger = logging.getLogger(__name__)


@shared_task(name="demo.start_over", ignore_result=True)
def start_over_task(*, what: str, user_id: int) -> None:
    """`what`: reset or empty. Each is one transaction, so nothing is half done. If the message is lost, the user clicks
    again."""
    from sisimport.demo import practice
    from sisimport.imports.runs.execution import error_place

    try:
        if what == "reset":
            practice.reset()
        else:
            practice.start_empty(user_id=user_id)
    except Exception as error:  # noqa: BLE001 - the broker's own log would quote the error's text
        logger.error("the practice district could not be started over (%s), %s", what, error_place(error))
    finally:
        practice.end()
