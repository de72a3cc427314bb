"""The Celery application: a queue for each lane (imports/runs/queueing.py), tasks found in each app's tasks.py, a
reconciler in each worker process."""

import os
from typing import Any

import kombu
from celery import Celery
from celery.app.amqp import AMQP
from celery.signals import worker_ready, worker_shutting_down
from kombu.transport import TRANSPORT_ALIASES

LOOK_FOR_BROKER_SECONDS = 4.0  # at most; with Kombu's half minute, a run would wait that long after the broker is back


class Connection(kombu.Connection):
    """A connection to the broker. While the broker is away, it retries as often after an hour as at the beginning."""

    def ensure_connection(self, *args: Any, **kwargs: Any) -> kombu.Connection:
        """Like Kombu's."""
        return super().ensure_connection(*args, **{"interval_max": LOOK_FOR_BROKER_SECONDS} | kwargs)


class Messages(AMQP):
    """The class with which Celery makes connections."""

    Connection = Connection


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sisimport.settings")
TRANSPORT_ALIASES["filesystem"] = "sisimport.runtime.broker:Transport"
app = Celery("sisimport", amqp=Messages)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_ready.connect
def start_reconciler(**_signal: Any) -> None:
    """In the worker's main process, once it accepts messages: start looking for runs without a worker."""
    from django.db import connections

    from sisimport.imports.runs.reconciler import Reconciler
    from sisimport.imports.runs.tasks import remind
    from sisimport.runtime.chores import ChoreThread, all_chores

    reconciler = Reconciler(remind)
    chores = ChoreThread(all_chores(), after=connections.close_all)
    for thread in (reconciler, chores):
        worker_shutting_down.connect(lambda thread=thread, **_: thread.end(), weak=False)
        thread.start()
