"""List the runs that are waiting for a second person."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from sisimport.imports.management.run_in_process import print_json
from sisimport.imports.runs import approvals, holding


class Command(BaseCommand):
    help = "Runs that are held until a second person approves or rejects them, with the reasons."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true")

    def handle(self, *_args: Any, **options: Any) -> None:
        runs = list(approvals.waiting())
        if options["json"]:
            print_json({"runs": [{"run": run.pk, "reasons": holding.hold_json(run)} for run in runs]})
            return
        for run in runs:
            self.stdout.write(f"Run {run.pk}, {run.file.name if run.file else run.get_work_display()}")
            for reason in holding.reasons_of(run):
                self.stdout.write(f"  {reason.sentence}")
        if not runs:
            self.stdout.write("No run is held.")
