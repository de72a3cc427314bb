"""Keep today's counts of missing SSIDs."""

from typing import Any

from django.core.management.base import BaseCommand

from students.collection import record_missing


class Command(BaseCommand):
    help = (
        "Records how many SSIDs are missing today, by school and grade. Workers do this automatically; running it again is"
        " harmless."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        self.stdout.write(f"{record_missing()} counts recorded.")
