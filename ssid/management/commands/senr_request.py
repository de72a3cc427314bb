"""Write a request for SSIDs, for the state's match tool."""

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction

from sisimport.audit import looking
from sisimport.imports.management.run_in_process import EXIT_OK, EXIT_RECORD_ERRORS, EXIT_REJECTED, print_json
from ssid.models import SENRRequest
from ssid.requests.senr_file import Draft, RequestRefusedError, draft
from ssid.requests.services import keep_request, request_json, request_text
from students.models import School


class Command(BaseCommand):
    help = (
        "Write the request file for students without SSID and remember it. Students whose records lack something the state "
        "asks for are left out and listed. Exit code: 0 all asked for, 1 some left out, 2 no file written."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--school", required=True, metavar="CODE[,CODE]", help="school codes, seven digits each")
        parser.add_argument(
            "--output", required=True, metavar="FILE", help="file to write: commas if it ends in .csv, otherwise carets"
        )
        parser.add_argument("--format", choices=["caret", "csv"], help="default: from the ending of FILE")
        parser.add_argument("--lea", default="", metavar="CODE", help="where several districts use a school code")
        parser.add_argument("--school-year", default="", metavar="CCYY-CCYY", help="default: the current one")
        parser.add_argument("--json", action="store_true", help="one JSON object on standard output")

    def handle(self, *_args: Any, **options: Any) -> None:
        output = Path(options["output"])
        kind = options["format"] or ("csv" if output.suffix.lower() == ".csv" else "caret")
        made: Draft | None = None
        request: SENRRequest | None = None
        message = ""
        try:
            made = draft(find_schools(options["school"], options["lea"]), school_year=options["school_year"])
            with transaction.atomic():  # a request whose file cannot be written is not stored
                request = keep_request(made, user=None, delimiter="," if kind == "csv" else "^")
                with output.open("w", encoding="utf-8", newline="") as stream:
                    stream.writelines(request_text(request))
                looking.note_all(request.lines.values_list("student_id", flat=True))
        except RequestRefusedError as error:
            message = str(error)
        except OSError as error:
            request, message = None, f"{output.name} cannot be written: {error.strerror}."
        self.report(request, made, file=str(output) if request else "", message=message, as_json=options["json"])
        code = EXIT_REJECTED if request is None else EXIT_RECORD_ERRORS if made and made.incomplete else EXIT_OK
        if code:
            sys.exit(code)

    def report(
        self, request: SENRRequest | None, made: Draft | None, *, file: str, message: str, as_json: bool
    ) -> None:
        looking.note_all(gap.student_id for gap in (made.gaps if made else ()))
        if as_json:
            data = request_json(request, made, file=file) if made else {"request": None, "row_count": 0, "missing": []}
            print_json({**data, "message": message})
        elif made:
            for gap in made.gaps:
                self.stdout.write(f"{gap.local_number:>16}  {gap.severity.label:<8} {gap.message}")
            self.stdout.write(f"Asked for: {len(made.entries)}. Left out: {made.incomplete}.")
        if message:
            self.stderr.write(message)


def find_schools(given: str, lea: str) -> list[School]:
    """The schools of a comma-separated list of codes. Raises RequestRefusedError naming an invalid code."""
    codes = [code.strip() for code in given.split(",") if code.strip()]
    schools = School.objects.filter(code__in=codes).select_related("lea")
    if lea:
        schools = schools.filter(lea__code=lea)
    found = list(schools)
    unknown = sorted(set(codes) - {school.code for school in found})
    if unknown:
        raise RequestRefusedError(f"There is no school {', '.join(unknown)}.")
    return found
