"""`manage.py reconcile`: look for runs that nobody works on and enqueue them, until stopped."""

from typing import Any

from django.core.management.base import BaseCommand

from sisimport.imports.runs.reconciler import Reconciler
from sisimport.imports.runs.tasks import enqueue


class Command(BaseCommand):
    help = "Enqueues runs whose worker died or whose message was lost. Every worker does so too; this one does nothing else."

    def handle(self, *_args: Any, **_options: Any) -> None:
        Reconciler(enqueue).run()
