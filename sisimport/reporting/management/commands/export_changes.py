"""Write what a run, or the runs and people of a period, changed, as full rows."""

from typing import Any

from django.core.management.base import CommandParser

from sisimport.imports.models import ImportRun
from sisimport.reporting.changes import ChangesFile
from sisimport.reporting.exports import ExportRefusedError
from sisimport.reporting.management.export_command import ExportCommand, moment
from sisimport.reporting.writing import Source


class Command(ExportCommand):
    help = "Write the rows that a run or a period changed: a zip of CSV files. Exit code: 0, 2 refused, 3 not written."
    endings = ".zip"

    def add_choices(self, parser: CommandParser) -> None:
        parser.add_argument("--run", type=int, metavar="NUMBER", help="an Update, an Import or a Revert")
        parser.add_argument(
            "--since", default="", metavar="DATE", help="a period from this day or moment on: 2026-11-01"
        )
        parser.add_argument("--until", default="", metavar="DATE", help="and before this day or moment")

    def source(self, schools: list[int] | None, options: dict[str, Any]) -> Source:
        run = None
        if options["run"] is not None:
            run = ImportRun.objects.filter(pk=options["run"]).first()
            if run is None:
                raise ExportRefusedError(f"There is no run {options['run']}.")
        return ChangesFile(run=run, since=moment(options["since"]), until=moment(options["until"]), schools=schools)
