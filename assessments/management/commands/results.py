"""Print results of a test: the numbers of the page Results > Compare, small groups hidden as in every file."""

import csv
import sys
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.core.management.base import BaseCommand, CommandError, CommandParser

from assessments.results import rows
from assessments.results.asking import NoResultsError, choice_of, left_out, what_is_held
from assessments.results.shapes import BY, Reader, Results, school_key
from assessments.results.tables import build_cells
from sisimport.audit.models import AuditEntry
from sisimport.imports.management.run_in_process import EXIT_REJECTED, print_json
from students.access import log_view
from students.models import School
from students.school_years import year_label

_WRITTEN = "Enter a school year as 2023-24, a grade as 05 or KN, a student group as l:EL, e:500 or s:Y."
_CODE = 7  # digits of a code in the state's files


class Command(BaseCommand):
    help = (
        "Print results of a test by school, grade, student group or year: students, levels, percent met, mean, distance from"
        " standard. Groups of fewer than 11 students are hidden. Exit code: 0 printed, 2 refused (nothing of the kind there)."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--assessment", default="", metavar="CODE", help="code of a test: SBELA")
        parser.add_argument(
            "--school-year", default="", metavar="YEAR", help="such as 2023-24 (default: the newest on record)"
        )
        parser.add_argument(
            "--by",
            default="grade",
            metavar="NAMES",
            help=f"what each row is: one or more of {', '.join(BY)}, separated by commas",
        )
        parser.add_argument("--school", action="append", default=[], metavar="CODE", help="may be given several times")
        parser.add_argument("--lea", default="", metavar="CODE", help="if several LEAs have a school with that code")
        parser.add_argument("--grade", action="append", default=[], metavar="GRADE", help="as in the files: 03, KN")
        parser.add_argument(
            "--group", action="append", default=[], metavar="GROUP", help="a student group: e:500, l:EL, s:Y"
        )
        parser.add_argument("--same", action="store_true", help="only students tested in this year and the one before")
        parser.add_argument(
            "--show-small-groups",
            action="store_true",
            help="hide nothing: only for a reader who may see every student, never for a file that is passed on",
        )
        parser.add_argument("--json", action="store_true", help="one JSON object on standard output")

    def handle(self, *_args: Any, **options: Any) -> None:
        by = list(dict.fromkeys(filter(None, options["by"].split(","))))
        if unknown := [name for name in by if name not in BY]:
            raise CommandError(
                f"Results cannot be grouped by {unknown[0]}. Choose from {', '.join(BY)}, separated by commas."
            )
        held, shown = what_is_held(), bool(options["show_small_groups"])
        reader = Reader(None, sees_each=shown, shared=not shown)
        query = {
            "test": [options["assessment"]],
            "year": [options["school_year"]],
            "by": by[:1],
            "school": _schools(options["school"], options["lea"]),
            "grade": options["grade"],
            "group": options["group"],
            "same": ["1" if options["same"] else ""],
        }
        if held.tests and (unknown := left_out(query, held, reader)):
            raise CommandError(f"There is no {' and no '.join(unknown)}. {_WRITTEN}", returncode=EXIT_REJECTED)
        try:
            found = build_cells(choice_of(query, held, reader), held, reader, by)
        except NoResultsError as error:
            self.stderr.write(str(error))
            sys.exit(EXIT_REJECTED)
        year = year_label(found.choice.year)
        log_view(
            user=AnonymousUser(),
            kind=AuditEntry.Kind.EXPORT,
            subject=f"results of {found.choice.test} {year}: command",
        )
        if options["json"]:
            about = {"assessment": found.choice.test, "name": found.name, "school_year": year, "notes": found.said}
            print_json({**about, "rows": rows.as_objects(found)})
        else:
            self._print(found)
        if found.nothing:
            sys.exit(EXIT_REJECTED)

    def _print(self, found: Results) -> None:
        lines = csv.writer(self.stdout, lineterminator="\n")
        lines.writerow(rows.head(found))
        lines.writerows(rows.lines(found))
        for note in [*found.said, *rows.elsewhere(found)]:
            self.stderr.write(note)


def _schools(codes: list[str], lea: str) -> list[str]:
    """School keys for the choice. Raises CommandError for a code that no school or several schools have."""
    found = []
    for code in codes:
        schools = School.objects.filter(code__in=[code, code.lstrip("0")])
        schools = schools.filter(lea__code=lea) if lea else schools
        matching = list(schools.values_list("lea__code", "code")[:2])
        if not matching:
            raise CommandError(
                f"No school has the code {code}. Check it, with its leading zeros.", returncode=EXIT_REJECTED
            )
        if len(matching) > 1:
            raise CommandError(
                f"Several districts have a school {code}: choose one with --lea.", returncode=EXIT_REJECTED
            )
        found.append(school_key((matching[0][0].zfill(_CODE), matching[0][1].zfill(_CODE))))
    return found
