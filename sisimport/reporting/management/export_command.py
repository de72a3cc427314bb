"""What the export commands share: their arguments, the file they write, and what they print."""

import datetime as dt
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from sisimport.imports.management.run_in_process import EXIT_FAILED, EXIT_REJECTED, print_json
from sisimport.reporting.exports import LONG, WIDE, Export, ExportRefusedError
from sisimport.reporting.views import VERSION
from sisimport.reporting.writing import Source, TableFile, on_record, write
from students.models import School
from students.school_years import NotASchoolYearError, read_school_year, year_label


class ExportCommand(BaseCommand):
    """Exit code: 0 written, 2 refused (nothing written), 3 the file could not be written."""

    endings = ".csv, .xlsx or .parquet"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--output", required=True, metavar="FILE", help=f"ending {self.endings}")
        parser.add_argument("--school", action="append", default=[], metavar="CODE", help="may be given several times")
        parser.add_argument("--lea", default="", metavar="CODE", help="only of this LEA")
        self.add_choices(parser)
        parser.add_argument("--json", action="store_true", help="one JSON object on standard output")

    def add_choices(self, parser: CommandParser) -> None:
        """Arguments of one command."""
        add_school_year(parser)

    def source(self, schools: list[int] | None, options: dict[str, Any]) -> Source:
        """What is requested, for these schools (None: all). Raises ExportRefusedError."""
        raise NotImplementedError

    def handle(self, *_args: Any, **options: Any) -> None:
        output = Path(options["output"])
        try:
            source = self.source(school_ids(options["school"], options["lea"]), options)
            written = write(source, output)
        except ExportRefusedError as error:
            self.stderr.write(str(error))
            sys.exit(EXIT_REJECTED)
        except OSError as error:
            self.stderr.write(f"{output.name} cannot be written: {error.strerror}. Choose another place, or make room.")
            sys.exit(EXIT_FAILED)
        on_record(source, written, user=None, way="command")
        if options["json"]:
            print_json(
                {
                    "rows": written.rows,
                    "columns": list(written.columns),
                    "file": str(output),
                    "version": VERSION,
                    "students": written.students,
                }
            )
        else:
            self.stdout.write(f"{written.rows:,} rows: {output}")


class TableCommand(ExportCommand):
    """Writes one table: `what` of the exports."""

    what: str

    def add_choices(self, parser: CommandParser) -> None:
        add_school_year(parser)
        parser.add_argument(
            "--changed-since", default="", metavar="DATE", help="what changed from this day or moment on: 2026-11-01"
        )
        if self.what == "scores":
            parser.add_argument(
                "--form", choices=[LONG, WIDE], default=LONG, help="a row per score, or per student and school year"
            )
            parser.add_argument("--wide", dest="form", action="store_const", const=WIDE, help="the same as --form wide")

    def source(self, schools: list[int] | None, options: dict[str, Any]) -> Source:
        return TableFile(
            Export(
                what=self.what,
                school_year=school_year(options["school_year"]),
                schools=schools,
                changed_since=moment(options["changed_since"]),
                form=options.get("form") or LONG,
            )
        )


def add_school_year(parser: CommandParser) -> None:
    parser.add_argument("--school-year", default="", metavar="YEAR", help="such as 2023-24")


def school_year(text: str) -> str:
    """2023-24, or empty. Raises ExportRefusedError for another form."""
    try:
        return year_label(read_school_year(text)) if text else ""
    except NotASchoolYearError as error:
        raise ExportRefusedError(str(error)) from error


def school_ids(codes: list[str], lea: str) -> list[int] | None:
    """Ids of the schools with these codes, of the LEA if one is given; None: all. Raises ExportRefusedError."""
    if not codes and not lea:
        return None
    schools = School.objects.filter(lea__code=lea) if lea else School.objects.all()
    if not codes:
        found = list(schools.values_list("pk", flat=True))
        if not found:
            raise ExportRefusedError(
                f"No LEA on record has the code {lea}, or it has no school. Check the code, with its leading zeros."
            )
        return found
    ids = []
    for code in codes:
        matching = list(schools.filter(code=code).values_list("pk", flat=True)[:2])
        if not matching:
            raise ExportRefusedError(f"No school has the code {code}. Check it, with its leading zeros.")
        if len(matching) > 1:
            raise ExportRefusedError(f"Several districts have a school {code}: say which with --lea.")
        ids += matching
    return ids


def moment(text: str) -> dt.datetime | None:
    """The beginning of a day in local time, or a date and time. Raises ExportRefusedError if it is neither."""
    if not text:
        return None
    try:
        day, at = parse_date(text), parse_datetime(text)
    except ValueError:
        day = at = None
    if day is not None:
        return timezone.make_aware(dt.datetime.combine(day, dt.time.min))
    if at is None:
        raise ExportRefusedError(f"{text} is not a date: enter it as 2026-11-01.")
    return at if timezone.is_aware(at) else timezone.make_aware(at)
