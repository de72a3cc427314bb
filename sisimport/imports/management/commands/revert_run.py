"""Revert an applied run."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from sisimport.imports.management.run_in_process import EXIT_REJECTED, exit_code, print_json, print_report, run_to_end
from sisimport.imports.models import ImportRun
from sisimport.imports.runs.services import start_revert
from sisimport.imports.runs.uploads import RunRefusedError


class Command(BaseCommand):
    help = "Undo what an Update or Import wrote, where no one has edited it since."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("run", type=int)
        parser.add_argument("--json", action="store_true")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            run = ImportRun.objects.get(pk=options["run"])
            revert = start_revert(run=run, user=None, enqueue=False)
        except ImportRun.DoesNotExist:
            self.refuse(f"There is no run {options['run']}.", options)
        except RunRefusedError as error:
            self.refuse(str(error), options)
        revert = run_to_end(revert)
        print_report(revert, as_json=options["json"])
        code = exit_code(revert)
        if code:
            sys.exit(code)

    def refuse(self, message: str, options: dict[str, Any]) -> None:
        if options["json"]:
            print_json({"run": None, "work": "revert", "status": "rejected", "message": message})
        self.stderr.write(message)
        sys.exit(EXIT_REJECTED)
