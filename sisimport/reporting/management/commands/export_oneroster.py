"""Write scores as OneRoster 1.2 results."""

from typing import Any

from sisimport.reporting.exports import Export
from sisimport.reporting.management.export_command import ExportCommand, school_year
from sisimport.reporting.oneroster import OneRosterFile
from sisimport.reporting.writing import Source


class Command(ExportCommand):
    help = "Write scores as OneRoster 1.2 results: a zip of CSV files. Exit code: 0 written, 2 refused, 3 not written."
    endings = ".zip"

    def source(self, schools: list[int] | None, options: dict[str, Any]) -> Source:
        return OneRosterFile(
            export=Export(what="scores", school_year=school_year(options["school_year"]), schools=schools)
        )
