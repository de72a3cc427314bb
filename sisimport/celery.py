"""The Celery application: a queue for each lane (imports/runs/queueing.py), tasks found in each app's tasks.py, a
reconciler in each working process."""

import os
from typing import Any

from celery import Celery
from celery.signals import worker_ready, worker_shutting_down
from kombu.transport import TRANSPORT_ALIASES

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sisimport.settings")
TRANSPORT_ALIASES["filesystem"] = "sisimport.runtime.broker:Transport"
app = Celery("sisimport")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_ready.connect
def start_reconciler(**_signal: Any) -> None:
    """In the worker's main process, once it takes messages: start looking for runs without a worker."""
    from django.db import connections

    from sisimport.imports.runs.reconciler import Reconciler
    from sisimport.imports.runs.tasks import enqueue
    from sisimport.runtime.chores import ChoreThread, all_chores

    reconciler = Reconciler(enqueue)
    chores = ChoreThread(all_chores(), after=connections.close_all)
    for thread in (reconciler, chores):
        worker_shutting_down.connect(lambda thread=thread, **_: thread.end(), weak=False)
        thread.start()
