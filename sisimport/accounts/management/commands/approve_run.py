"""Approve a held run so that it writes its plan."""

import sys
from typing import Any

from sisimport.accounts.management.deciding import DecidingCommand
from sisimport.imports.management.run_in_process import exit_code, print_report, run_to_end
from sisimport.imports.models import ImportRun
from sisimport.imports.runs import approvals


class Command(DecidingCommand):
    help = "Approve a held run as a second person; it then writes what its Test showed."

    def decide(self, run: ImportRun, user: Any, options: dict[str, Any]) -> None:
        run = run_to_end(approvals.approve(run=run, user=user, why=options["reason"], enqueue=False))
        print_report(run, as_json=options["json"])
        if code := exit_code(run):
            sys.exit(code)
