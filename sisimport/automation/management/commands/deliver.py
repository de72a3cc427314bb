"""Deliver exports now."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from sisimport.automation.export_deliveries import Turn, ask_now, deliver
from sisimport.automation.models import ExportDelivery
from sisimport.imports.management.run_in_process import EXIT_RECORD_ERRORS, EXIT_REJECTED, print_json


class Command(BaseCommand):
    help = (
        "Deliver an export now, or all that are due. Exit code 1: something went wrong; 2: there is no such delivery."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", nargs="?", metavar="NAME", help="deliver it now, due or not (default: what is due)")
        parser.add_argument("--json", action="store_true", help="one JSON object on standard output")

    def handle(self, *_args: Any, **options: Any) -> None:
        name = options["name"]
        deliveries = ExportDelivery.objects.filter(name=name) if name else ExportDelivery.objects.filter(active=True)
        turns = []
        for delivery in deliveries:
            if name:
                ask_now(delivery)
            turns.append(deliver(delivery))
        summary = self.summary(turns)
        if name and not turns:
            summary["errors"] = ["There is no delivery of this name."]
        print_json(summary) if options["json"] else self.say(summary)
        for error in summary["errors"]:
            self.stderr.write(error)
        if name and not turns:
            sys.exit(EXIT_REJECTED)
        if summary["errors"]:
            sys.exit(EXIT_RECORD_ERRORS)

    def say(self, summary: dict[str, Any]) -> None:
        for one in summary["delivered"]:
            self.stdout.write(f"Delivered {one['file']}: {one['rows']:,} rows.")
        for one in summary["waiting"]:
            self.stdout.write(f"Waits: {one['name']} {one['reason']}".rstrip())
        if not summary["delivered"] and not summary["errors"]:
            self.stdout.write("Nothing was due.")

    def summary(self, turns: list[Turn]) -> dict[str, Any]:
        return {
            "looked": len(turns),
            "delivered": [
                {"name": one.delivery.name, "file": one.file_name, "rows": one.rows, "students": one.students}
                for turn in turns
                for one in turn.delivered
            ],
            "waiting": [{"name": name, "reason": reason} for turn in turns for name, reason in turn.waiting],
            "errors": [error for turn in turns for error in turn.errors],
        }
