"""Re-encrypt the key of every kept file with the newest key."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from sisimport.imports.management.run_in_process import EXIT_RECORD_ERRORS, EXIT_REJECTED, print_json
from sisimport.imports.storage.resealing import RotationError, rotate
from sisimport.imports.storage.stores import Resealed

LABELS = {
    Resealed.CURRENT: "already encrypted with the newest key",
    Resealed.REWRAPPED: "moved to the newest key",
    Resealed.ENCRYPTED: "not encrypted before, encrypted now",
    Resealed.UNKNOWN: "encrypted for a key that is not here: add it to the end of FILE_KEYS and run this again",
    Resealed.DAMAGED: "damaged: restore them from a backup",
    Resealed.MISSING: "on record but not in storage",
}


class Command(BaseCommand):
    help = "Encrypt every kept file with the newest key of FILE_KEYS, also plain files of release 1.0.0. Runs continue."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--new-key", action="store_true", help="make a new key first, where keys are kept in the data directory"
        )
        parser.add_argument("--json", action="store_true")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            found = rotate(new_key=options["new_key"])
        except RotationError as error:
            if options["json"]:
                print_json({"key": None, "message": str(error)})
            self.stderr.write(str(error))
            sys.exit(EXIT_REJECTED)
        if options["json"]:
            print_json(found.as_json())
        else:
            self.stdout.write(f"newest key: {found.key}")
            for kind, label in LABELS.items():
                if found.files[kind]:
                    self.stdout.write(f"{found.files[kind]} files {label}")
        if not found.is_whole:
            sys.exit(EXIT_RECORD_ERRORS)
