"""Make a request file for Utah's SSID system."""

import datetime as dt
import shutil
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from sisimport.imports.management.run_in_process import EXIT_REJECTED, print_json
from sisimport.imports.storage.files import open_whole
from ssid.models import UtahFunction, UtahRequest
from ssid.utah.services import RequestRefusedError, create_request, find_schools
from students.models import LEA

FUNCTIONS = {function.word: function for function in UtahFunction}


class Command(BaseCommand):
    help = "Make a request file (Retrieve, New, Update, Verify) and remember it. Exit code 2: refused, nothing made."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("function", choices=list(FUNCTIONS))
        parser.add_argument("--school", required=True, metavar="CODE[,CODE]", help="school codes of one Utah LEA")
        parser.add_argument("--lea", default="", help="LEA code, where several LEAs use the school code")
        parser.add_argument("--output", required=True, metavar="FILE")
        parser.add_argument(
            "--effective-date", default="", metavar="YYYY-MM-DD", help="only students enrolled that day"
        )
        parser.add_argument(
            "--override", default="", metavar="REASON", help="make a New request even though it is held"
        )
        parser.add_argument("--json", action="store_true", help="one JSON object on standard output")

    def handle(self, *_args: Any, **options: Any) -> None:
        output = Path(options["output"])
        if not output.parent.is_dir():
            raise CommandError(f"There is no folder {output.parent}.")
        try:
            request = self.create(options)
        except RequestRefusedError as error:
            if options["json"]:
                print_json(
                    {"request": None, "record_count": 0, "file": None, "held": error.held, "message": str(error)}
                )
            self.stderr.write(str(error))
            sys.exit(EXIT_REJECTED)
        with open_whole(request.file, request.file_name) as kept, output.open("wb") as target:
            shutil.copyfileobj(kept, target)
        if options["json"]:
            print_json(described(request, output))
        else:
            self.stdout.write(f"{request}: {request.record_count} students, {output}")

    def create(self, options: dict[str, Any]) -> UtahRequest:
        lea = None
        if options["lea"]:
            lea = LEA.objects.filter(code=options["lea"]).first()
            if lea is None:
                raise RequestRefusedError(f"There is no LEA {options['lea']}.")
        day = None
        if options["effective_date"]:
            try:
                day = dt.date.fromisoformat(options["effective_date"])
            except ValueError:
                raise RequestRefusedError(
                    f"{options['effective_date']} is not a date: enter it as YYYY-MM-DD."
                ) from None
        return create_request(
            function=FUNCTIONS[options["function"]],
            schools=find_schools(codes=options["school"].split(","), lea=lea),
            effective_date=day,
            override_reason=options["override"],
        )


def described(request: UtahRequest, output: Path) -> dict[str, Any]:
    """The JSON object of the command contract."""
    return {
        "request": request.pk,
        "request_id": request.pk,
        "function": UtahFunction(request.function).word,
        "lea": request.lea.code,
        "schools": sorted(school.code for school in request.schools.all()),
        "school_year": request.school_year,
        "record_count": request.record_count,
        "file": str(output),
        "override_reason": request.override_reason,
    }
