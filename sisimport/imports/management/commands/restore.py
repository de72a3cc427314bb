"""Restore a backup into an empty installation."""

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from sisimport.imports.management.run_in_process import EXIT_REJECTED, print_json
from sisimport.imports.storage.backups import BackupError, restore_backup


class Command(BaseCommand):
    help = "Restore a backup into an empty installation that no one is using: all of it or nothing."
    # The tables that a check would query come with the backup.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--identity", type=Path, help="file of the private key, for an encrypted backup")
        parser.add_argument("--keys", type=Path, help="the file of keys that was written with the backup")
        parser.add_argument(
            "--without-keys", action="store_true", help="even if the key of its files is lost: the files stay encrypted"
        )
        parser.add_argument("--json", action="store_true")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            report = restore_backup(
                options["file"],
                identity=options["identity"],
                keys=options["keys"],
                without_keys=options["without_keys"],
            )
        except BackupError as error:
            if options["json"]:
                print_json({"file": None, "message": str(error)})
            self.stderr.write(str(error))
            sys.exit(EXIT_REJECTED)
        if options["json"]:
            print_json(report.as_json())
            return
        for name, value in report.as_json().items():
            self.stdout.write(f"{name}: {value}")
