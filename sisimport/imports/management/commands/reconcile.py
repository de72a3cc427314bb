"""`manage.py reconcile`: look for runs that nobody works on and ring for them, until stopped."""

from typing import Any

from django.core.management.base import BaseCommand

from sisimport.imports.runs.reconciler import Reaper
from sisimport.imports.runs.tasks import ring


class Command(BaseCommand):
    help = "Rings for runs whose worker died or whose message was lost. Every worker does so too; this one does nothing else."

    def handle(self, *_args: Any, **_options: Any) -> None:
        Reaper(ring).run()
