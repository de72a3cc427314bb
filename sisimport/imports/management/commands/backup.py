"""Write a backup of the whole installation."""

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from sisimport.imports.management.run_in_process import EXIT_RECORD_ERRORS, EXIT_REJECTED, print_json
from sisimport.imports.storage.backups import BackupError, make_backup
from sisimport.runtime.backup_file import make_key


class Command(BaseCommand):
    help = (
        "Write database, uploaded files, kept mails and layouts into one file, while runs continue. See also: restore."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="the backup to write; it must not exist")
        parser.add_argument("--recipient", default="", help="public key (age1…) that the backup is encrypted for")
        parser.add_argument("--keys", type=Path, help="also write the installation's keys, into this file")
        parser.add_argument(
            "--make-key", action="store_true", help="write a new private key to FILE instead; shows its public key"
        )
        parser.add_argument("--json", action="store_true")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            if options["make_key"]:
                self.say({"key": str(options["file"]), "recipient": make_key(options["file"])}, options)
                return
            report = make_backup(options["file"], recipient=options["recipient"], keys=options["keys"])
        except BackupError as error:
            if options["json"]:
                print_json({"file": None, "message": str(error)})
            self.stderr.write(str(error))
            sys.exit(EXIT_REJECTED)
        self.say(report.as_json(), options)
        if report.missing:
            self.stderr.write(
                f"{report.missing} uploaded files are on record but not in storage: they are not in the backup."
            )
            sys.exit(EXIT_RECORD_ERRORS)

    def say(self, found: dict[str, Any], options: dict[str, Any]) -> None:
        if options["json"]:
            print_json(found)
            return
        for name, value in found.items():
            self.stdout.write(f"{name}: {value}")
