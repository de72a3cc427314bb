"""Write scores as Ed-Fi student assessments."""

from typing import Any

from django.core.management.base import CommandParser

from sisimport.reporting.edfi import LOCAL, NAMESPACE, SSID, EdFiFile
from sisimport.reporting.exports import Export
from sisimport.reporting.management.export_command import ExportCommand, add_school_year, school_year
from sisimport.reporting.writing import Source


class Command(ExportCommand):
    help = "Write scores as Ed-Fi StudentAssessment, one JSON object a line. Exit code: 0 written, 2 refused, 3 not written."
    endings = ".jsonl"

    def add_choices(self, parser: CommandParser) -> None:
        add_school_year(parser)
        parser.add_argument(
            "--namespace", default=NAMESPACE, metavar="URI", help=f"namespace of the assessments (default: {NAMESPACE})"
        )
        parser.add_argument(
            "--student-id",
            choices=[LOCAL, SSID],
            default=LOCAL,
            help="what a student's unique id is in the other system",
        )

    def source(self, schools: list[int] | None, options: dict[str, Any]) -> Source:
        return EdFiFile(
            export=Export(what="scores", school_year=school_year(options["school_year"]), schools=schools),
            namespace=options["namespace"],
            student=options["student_id"],
        )
