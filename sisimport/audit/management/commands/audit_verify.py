"""Look whether the record of access is as it was sealed."""

import json
import sys
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from sisimport.audit.verifying import verify


class Command(BaseCommand):
    help = "Finds entries of the record of access that were changed, removed or put elsewhere. Exit code 1: there are some."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object on standard output")

    def handle(self, *_args: Any, **options: Any) -> None:
        found = verify()
        if options["json"]:
            self.stdout.write(json.dumps(asdict(found)))
        else:
            self.stdout.write(
                f"{found.rows} entries in {found.chains} chains are as they were sealed; {found.unsealed} wait for their seal."
            )
            for one in found.broken:
                self.stderr.write(f"{one.table} {one.id}: {one.what}")
        if found.broken:
            sys.exit(1)
