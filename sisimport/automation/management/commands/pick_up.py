"""Check the pick-up places now."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from sisimport.automation.models import PickUpPlace
from sisimport.automation.picking import Look, look_at
from sisimport.imports.management.run_in_process import EXIT_RECORD_ERRORS, EXIT_REJECTED, print_json


class Command(BaseCommand):
    help = "Check one pick-up place now, or all of them. Exit code 1: something went wrong; 2: there is no such place."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", nargs="?", metavar="NAME", help="default: every active place")
        parser.add_argument("--json", action="store_true", help="one JSON object on standard output")

    def handle(self, *_args: Any, **options: Any) -> None:
        places = PickUpPlace.objects.select_related("user")
        places = places.filter(name=options["name"]) if options["name"] else places.filter(active=True)
        looks = [look_at(place) for place in places]
        summary = self.summary(looks)
        if options["name"] and not looks:
            summary["errors"] = ["There is no pick-up place of this name."]
        if options["json"]:
            print_json(summary)
        else:
            self.stdout.write(
                f"Looked at {summary['looked']}; found {summary['found']}; runs {summary['runs'] or 'none'}."
            )
            for one in summary["waiting"]:
                self.stdout.write(f"Waits: {one['name']} {one['reason']}".rstrip())
        for error in summary["errors"]:
            self.stderr.write(error)
        if not looks and options["name"]:
            sys.exit(EXIT_REJECTED)
        if summary["errors"]:
            sys.exit(EXIT_RECORD_ERRORS)

    def summary(self, looks: list[Look]) -> dict[str, Any]:
        return {
            "looked": len(looks),
            "found": sum(len(look.found) for look in looks),
            "runs": [run for look in looks for run in look.runs],
            "waiting": [{"name": name, "reason": reason} for look in looks for name, reason in look.waiting],
            "errors": [error for look in looks for error in look.errors],
        }
