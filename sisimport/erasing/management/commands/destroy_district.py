"""Remove a whole district from all stored data, and write a certificate."""

import getpass
import hashlib
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from sisimport.erasing.districts import Destroyed, destroy_district, write_certificate
from sisimport.erasing.guard import ErasingError
from sisimport.imports.management.run_in_process import print_json


class Command(BaseCommand):
    help = "Destroy all records of a district, and write a certificate of it. Begin with --dry-run."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("code", help="code of the district (LEA)")
        parser.add_argument("--reason", required=True, help="why; it is in the certificate")
        parser.add_argument(
            "--certificate", default="", help="file that the certificate is written to; it must not exist"
        )
        parser.add_argument(
            "--by", default="", help="name for the certificate of the person who does it (default: the login name)"
        )
        parser.add_argument("--dry-run", action="store_true", help="count only; nothing is destroyed")
        parser.add_argument("--yes", action="store_true", help="do not ask for the code once more")
        parser.add_argument("--json", action="store_true")

    def handle(self, *_args: Any, **options: Any) -> None:
        code, dry_run = options["code"], options["dry_run"]
        if not dry_run and not options["certificate"]:
            raise CommandError("Name a file for the certificate: --certificate FILE.")
        if not (dry_run or options["yes"]) and (options["json"] or not _typed_again(code)):
            raise CommandError("Nothing was destroyed. Check --dry-run, then type the code when asked, or give --yes.")
        path = Path(options["certificate"])
        written: list[str] = []

        def certify(done: Destroyed) -> str:
            write_certificate(done, path)
            written.append(hashlib.sha256(path.read_bytes()).hexdigest())
            return written[0]

        try:
            done = destroy_district(
                code, reason=options["reason"], by=options["by"] or getpass.getuser(), dry_run=dry_run, certify=certify
            )
        except ErasingError as error:
            raise CommandError(str(error)) from None
        except BaseException:
            if written:
                path.unlink(missing_ok=True)  # no certificate for what was rolled back
            raise
        self._say(done, options, sha256=written[0] if written else "")

    def _say(self, done: Destroyed, options: dict[str, Any], *, sha256: str) -> None:
        if options["json"]:
            print_json({**done.as_json(), "certificate": options["certificate"] if sha256 else "", "sha256": sha256})
            return
        self.stdout.write("Would be destroyed:" if done.dry_run else "Destroyed:")
        for kind, count in done.rows.items():
            self.stdout.write(f"  {kind}: {count:,}")
        self.stdout.write(f"  kept files: {done.files:,} ({done.bytes:,} bytes)")
        for sentence in done.stays:
            self.stdout.write(f"  Stays: {sentence}")
        for sentence in done.by_hand:
            self.stdout.write(f"  By hand: {sentence}")
        if sha256:
            self.stdout.write(
                f"Certificate: {options['certificate']} (SHA-256 {sha256}, noted in the record of access)"
            )


def _typed_again(code: str) -> bool:
    sys.stdout.write("This can't be undone. Type the code of the district to continue: ")
    sys.stdout.flush()
    return sys.stdin.readline().strip() == code
