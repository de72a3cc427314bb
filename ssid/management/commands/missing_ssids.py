"""Write the list of a school's students without SSID."""

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from sisimport.imports.management.run_in_process import EXIT_REJECTED, print_json
from ssid.collection.school_lists import write_list
from students.models import School


class Command(BaseCommand):
    help = "Write the list of a school's students without SSID, to be filled in. Exit code: 0 written, 2 not written."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--school", required=True, metavar="CODE")
        parser.add_argument("--lea", default="", metavar="CODE", help="where several districts use the school code")
        parser.add_argument("--output", required=True, metavar="FILE", help="name ending in .csv or .xlsx")
        parser.add_argument("--json", action="store_true", help="one JSON object on standard output")

    def handle(self, *_args: Any, **options: Any) -> None:
        output = Path(options["output"])
        schools = School.objects.filter(code=options["school"]).select_related("lea")
        if options["lea"]:
            schools = schools.filter(lea__code=options["lea"])
        found = list(schools[:2])
        count, message = 0, ""
        if len(found) != 1:
            message = f"No school has the code {options['school']}."
            if found:
                message = f"Several districts have a school {options['school']}: choose one with --lea."
        else:
            try:
                count = write_list(found[0], output)
            except ValueError as error:
                message = str(error)
            except OSError as error:
                message = f"{output.name} cannot be written: {error.strerror}."
        self.report(found[0] if found else None, output, count, message, options)
        if message:
            self.stderr.write(message)
            sys.exit(EXIT_REJECTED)

    def report(self, school: School | None, output: Path, count: int, message: str, options: dict[str, Any]) -> None:
        if options["json"]:
            print_json(
                {
                    "school": options["school"],
                    "name": school.name if school and not message else "",
                    "file": "" if message else str(output),
                    "student_count": count,
                    "message": message,
                }
            )
        elif not message:
            self.stdout.write(f"{count} students without SSID: {output}")
