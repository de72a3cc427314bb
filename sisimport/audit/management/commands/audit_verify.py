"""Check whether the record of access is as it was sealed, and as recorded elsewhere."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from sisimport.audit.anchoring import anchor, compare
from sisimport.audit.verifying import Verified, verify


class Command(BaseCommand):
    help = "Finds entries of the record of access that were changed, removed or moved. Exit code 1: some were found."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
        parser.add_argument(
            "--anchor",
            action="store_true",
            help="print a line to keep off this machine, if everything is as it was sealed",
        )
        parser.add_argument(
            "--against", default="", metavar="FILE", help="compare with lines of --anchor that were kept"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        found = verify()
        if options["against"]:
            _compare(Path(options["against"]), found)
        if options["anchor"] and not found.broken:
            self.stdout.write(json.dumps(anchor()))
        elif options["json"]:
            self.stdout.write(json.dumps(asdict(found)))
        else:
            self.stdout.write(
                f"{found.rows} entries in {found.chains} chains are as they were sealed; {found.unsealed} wait for their seal."
            )
            if found.hint:
                self.stderr.write(found.hint)
            for one in found.broken:
                self.stderr.write(f"{one.table} {one.id}: {one.what}")
        if found.broken:
            sys.exit(1)


def _compare(path: Path, found: Verified) -> None:
    try:
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.strip():
                compare(json.loads(line), found)
    except (OSError, ValueError, KeyError, TypeError):
        raise CommandError(
            "That is not a file of anchors: give the lines that audit_verify --anchor printed."
        ) from None
