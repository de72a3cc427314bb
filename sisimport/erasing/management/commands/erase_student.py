"""Remove one student from all stored data."""

import datetime as dt
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from sisimport.erasing.report import lines_of
from sisimport.erasing.students import (
    Erased,
    ErasingError,
    erase_student,
    erase_traces,
    find_off_record,
    find_student,
)
from sisimport.imports.management.run_in_process import print_json


class Command(BaseCommand):
    help = "Erase a student permanently: records, changes, lines of kept files, mails, family accounts. Begin with --dry-run."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("local_number", nargs="?", default="", help="local student number")
        parser.add_argument(
            "--off-record",
            action="store_true",
            help="a person who is only in old files, journals and lists: by number, --ssid or both",
        )
        parser.add_argument("--ssid", default="", help="with --off-record: the SSID")
        parser.add_argument("--last-name", default="", help="with --off-record: also finds lines without a number")
        parser.add_argument("--first-name", default="", help="as --last-name; both are needed")
        parser.add_argument("--birth-date", type=dt.date.fromisoformat, help="for names that others share, YYYY-MM-DD")
        parser.add_argument("--reason", required=True, help="why; it stays on record, so it must not name the student")
        parser.add_argument("--lea", default="", help="LEA code, where several districts use the number")
        parser.add_argument("--dry-run", action="store_true", help="count only; nothing is erased")
        parser.add_argument("--yes", action="store_true", help="do not ask for the number once more")
        parser.add_argument("--json", action="store_true")

    def handle(self, *_args: Any, **options: Any) -> None:
        number = options["local_number"] or options["ssid"]
        if not (options["dry_run"] or options["yes"]) and (options["json"] or not _typed_again(number)):
            raise CommandError("Nothing was erased. Check --dry-run, then type the number when asked, or give --yes.")
        try:
            erased = self._erase(options)
        except ErasingError as error:
            raise CommandError(str(error)) from None
        if options["json"]:
            print_json(erased.as_json())
            return
        for line in lines_of(erased):
            self.stdout.write(line)

    def _erase(self, options: dict[str, Any]) -> Erased:
        how = {name: options[name] for name in ("reason", "dry_run")}
        if not options["off_record"]:
            return erase_student(find_student(options["local_number"], lea=options["lea"]), **how)
        of_person = {name: options[name] for name in ("ssid", "lea", "last_name", "first_name", "birth_date")}
        return erase_traces(find_off_record(options["local_number"], **of_person), **how)


def _typed_again(number: str) -> bool:
    sys.stdout.write("This can't be undone. Type the number to continue: ")
    sys.stdout.flush()
    return sys.stdin.readline().strip() == number
