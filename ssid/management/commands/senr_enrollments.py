"""Write updates of enrollment and exits for the state: records with the SSID."""

import datetime as dt
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from sisimport.audit import looking
from sisimport.imports.management.run_in_process import EXIT_OK, EXIT_RECORD_ERRORS, EXIT_REJECTED, print_json
from ssid.management.commands.senr_request import find_schools
from ssid.requests.enrollment_file import enrollment_draft
from ssid.requests.senr_file import Draft, RequestRefusedError
from ssid.requests.services import enrollments_json, line_text


class Command(BaseCommand):
    help = (
        "Write enrollments at these schools that began or ended since a day, for students with an SSID, as SENR records. Those"
        " that lack something the state asks for are left out and listed. Nothing is remembered: the same day gives the same"
        " file. "
        "Exit code: 0 all written, 1 some left out, 2 no file written."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--school", required=True, metavar="CODE[,CODE]", help="school codes, seven digits each")
        parser.add_argument("--since", required=True, metavar="CCYY-MM-DD", help="first day of changes")
        parser.add_argument(
            "--output", required=True, metavar="FILE", help="file to write: commas if it ends in .csv, otherwise carets"
        )
        parser.add_argument("--lea", default="", metavar="CODE", help="where several districts use a school code")
        parser.add_argument("--json", action="store_true", help="one JSON object on standard output")

    def handle(self, *_args: Any, **options: Any) -> None:
        output = Path(options["output"])
        made: Draft | None = None
        message = ""
        try:
            schools = find_schools(options["school"], options["lea"])
            made = enrollment_draft(schools, since=_day(options["since"]))
            if not made.entries:
                raise RequestRefusedError(
                    "There is no enrollment to report: none began or ended since that day, or all lack something the state asks"
                    " for."
                )
            delimiter = "," if output.suffix.lower() == ".csv" else "^"
            with output.open("w", encoding="utf-8", newline="") as stream:
                stream.writelines(line_text(entry.values, delimiter) for entry in made.entries)
            looking.note_all(entry.student_id for entry in made.entries)
        except RequestRefusedError as error:
            message = str(error)
        except OSError as error:
            message = f"{output.name} cannot be written: {error.strerror}."
        self.report(made, file="" if message else str(output), message=message, as_json=options["json"])
        code = EXIT_REJECTED if message else EXIT_RECORD_ERRORS if made and made.incomplete else EXIT_OK
        if code:
            sys.exit(code)

    def report(self, made: Draft | None, *, file: str, message: str, as_json: bool) -> None:
        looking.note_all(gap.student_id for gap in (made.gaps if made else ()))
        if as_json:
            print_json({**enrollments_json(made), "file": file, "message": message})
        elif made:
            for gap in made.gaps:
                self.stdout.write(f"{gap.local_number:>16}  {gap.severity.label:<8} {gap.message}")
            self.stdout.write(f"Written: {len(made.entries) if file else 0}. Left out: {made.incomplete}.")
        if message:
            self.stderr.write(message)


def _day(text: str) -> dt.date:
    """Raises RequestRefusedError if it is not a date."""
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise RequestRefusedError(f"{text} is not a date: enter it as CCYY-MM-DD.") from error
