"""Reject a held run: it ends without writing anything."""

from typing import Any

from sisimport.accounts.management.deciding import DecidingCommand
from sisimport.imports.management.run_in_process import print_report
from sisimport.imports.models import ImportRun
from sisimport.imports.runs import approvals


class Command(DecidingCommand):
    help = "Reject a held run as a second person; nothing is written."

    def decide(self, run: ImportRun, user: Any, options: dict[str, Any]) -> None:
        print_report(approvals.reject(run=run, user=user, why=options["reason"]), as_json=options["json"])
