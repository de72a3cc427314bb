"""Print the numbers of the page English learners, small ones hidden as in every file."""

import csv
import sys
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.core.management.base import BaseCommand, CommandError, CommandParser

from assessments.english_learners.asking import title_of
from assessments.english_learners.numbers import Found, about, as_objects, places_of
from sisimport.audit.models import AuditEntry
from sisimport.imports.management.run_in_process import EXIT_REJECTED, print_json
from students.access import log_view
from students.models import School
from students.school_years import NotASchoolYearError, read_school_year

_NOTHING = (
    "There are no English learner records yet. Import the CALPADS SSID download, the ELA import file or the SELA file: these"
    " contain them."
)


class Command(BaseCommand):
    help = (
        "Print how many students of each school are English learners, in TBD, reclassified and so on. Numbers of fewer than 11"
        " students are hidden. Exit code: 0 printed, 2 refused (nothing there)."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--school", default="", metavar="CODE", help="only this one")
        parser.add_argument("--lea", default="", metavar="CODE", help="if several LEAs have a school with that code")
        parser.add_argument(
            "--elpac-year", default="", metavar="YEAR", help="of the ELPAC, such as 2023-24 (default: the newest)"
        )
        parser.add_argument("--json", action="store_true", help="one JSON object on standard output")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            year = str(read_school_year(options["elpac_year"])) if options["elpac_year"] else ""
        except NotASchoolYearError as error:
            raise CommandError(str(error), returncode=EXIT_REJECTED) from error
        school = str(_school(options["school"], options["lea"]).pk) if options["school"] else ""
        found = Found(None, shared=True, school=school, elpac=year)
        if year and str(found.elpac_year) != year:
            raise CommandError(
                f"No scores of the Summative ELPAC of {options['elpac_year']} are on record. Import that file, or give another"
                f" year.",
                returncode=EXIT_REJECTED,
            )
        if not found.counts:
            self.stderr.write(_NOTHING)
            sys.exit(EXIT_REJECTED)
        log_view(user=AnonymousUser(), kind=AuditEntry.Kind.EXPORT, subject="English learners: command")
        if options["json"]:
            titles = {what: title_of(what, found.elpac_year) for what in found.columns()}
            print_json({**about(found), "titles": titles, "rows": as_objects(found)})
            return
        lines = csv.writer(self.stdout, lineterminator="\n")
        lines.writerow(["School code", "School", *(title_of(what, found.elpac_year) for what in found.columns())])
        for place in places_of(found):
            name = (place.school.name or place.school.code) if place.school else "All schools"
            values = ("hidden" if value is None else value for value in place.numbers.values())
            lines.writerow([place.school.code if place.school else "", name, *values])


def _school(code: str, lea: str) -> School:
    schools = School.objects.filter(code=code)
    found = list((schools.filter(lea__code=lea) if lea else schools)[:2])
    if not found:
        raise CommandError(
            f"No school has the code {code}. Check it, with its leading zeros.", returncode=EXIT_REJECTED
        )
    if len(found) > 1:
        raise CommandError(f"Several districts have a school {code}: choose one with --lea.", returncode=EXIT_REJECTED)
    return found[0]
