"""Lines of a run's file on standard output: those to correct as a table, or those of one outcome unchanged."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Q

from sisimport.imports.models import ImportRun
from sisimport.imports.runs.corrections import can_be_corrected
from sisimport.imports.runs.refused_lines import lines_of_outcome, refused_line_numbers
from sisimport.imports.runs.returned_lines import plain_reasons, table_bytes
from sisimport.imports.storage.files import StoredFileError


class Command(BaseCommand):
    help = (
        "Write the refused lines of a run as a CSV table that says what is wrong. Once corrected, send it back with import_file: "
        "only these lines are tested, by a run that refers to this one."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("run", type=int, metavar="RUN")
        parser.add_argument(
            "--as-they-came",
            choices=["success", "refused", "unprocessed"],
            help="the lines of this outcome byte for byte instead; the three add up to the file",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        run = ImportRun.objects.select_related("file", "test_run").filter(pk=options["run"]).first()
        if run is None or not can_be_corrected(run):
            raise CommandError(f"Run {options['run']} is not a completed run of a file.")
        if outcome := options["as_they_came"]:
            lines = lines_of_outcome(run, outcome)
        else:
            lines = table_bytes(run, refused_line_numbers(run, shown=Q(), whole=True), plain_reasons(run))
        try:
            for data in lines:
                sys.stdout.buffer.write(data)
        except StoredFileError as error:
            raise CommandError(str(error)) from error
