"""`manage.py reconcile`: look for runs that no process is working on and enqueue them, until stopped."""

import contextlib
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from sisimport.imports.runs.reconciler import Reconciler
from sisimport.imports.runs.sessions import require_own_session
from sisimport.imports.runs.tasks import remind
from sisimport.runtime.databases import SharedSessionError


class Command(BaseCommand):
    help = (
        "Enqueues runs whose worker died or whose message was lost. Every worker does this too; this does nothing else."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        with contextlib.suppress(DatabaseError):  # the database is away: wait for it
            try:
                require_own_session()
            except SharedSessionError as error:
                raise CommandError(str(error)) from None
        Reconciler(remind).run()
