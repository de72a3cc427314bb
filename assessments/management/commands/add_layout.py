"""Add the layout of a new school year from a file, or from its header line alone."""

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from assessments.new_year import services
from assessments.new_year.looking import NotAHeaderError
from assessments.new_year.proposing import Answers, Proposal
from assessments.structure import level_names
from sisimport.files.issues import FileError
from sisimport.imports.definition.registry import look_again
from sisimport.imports.management.run_in_process import EXIT_REJECTED, print_json
from students.school_years import NotASchoolYearError, read_school_year, year_label


def _levels(given: list[str], year: int) -> dict[str, dict[str, str]]:
    """Names of levels by test or part, those not given as they are known. Raises NotAddedError for an unreadable one."""
    found: dict[str, dict[str, str]] = {}
    for text in given:
        place, _, name = text.partition("=")
        test, _, code = place.partition(".")
        if not (test and code and name.strip()):
            raise services.NotAddedError(
                f"{text} does not name a level. Write it as TEST.CODE=NAME, such as SBELA.4=Advanced."
            )
        found.setdefault(test, dict(level_names(test, year)))[code] = name.strip()
    return found


class Command(BaseCommand):
    help = (
        "Add a year of score files or of the state's research files: a layout like last year's, with the columns of this file."
        " Every process uses it immediately. Exit code: 0 added, 2 a question must be answered first, or the file cannot be read."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", help="a file of the new year, or its header line alone; zip too")
        parser.add_argument("--school-year", required=True, metavar="2025-26")
        parser.add_argument("--like", default="", metavar="KEY", help="layout to compare with (default: the newest)")
        parser.add_argument(
            "--accept-suggestions",
            action="store_true",
            help="accept the suggested columns; fields without a suggestion are not in the file",
        )
        parser.add_argument(
            "--column",
            action="append",
            default=[],
            metavar="FIELD=NAME",
            help="read a field from this column; blank: none",
        )
        parser.add_argument(
            "--level",
            action="append",
            default=[],
            metavar="TEST.CODE=NAME",
            help="name a level of a test or part, such as SBELA.4=Advanced; the others keep their names",
        )
        parser.add_argument(
            "--without-ranges",
            action="append",
            default=[],
            metavar="TEST",
            help="the published score ranges of this test do not apply",
        )
        parser.add_argument("--json", action="store_true", help="one JSON object on standard output")

    def handle(self, *_args: Any, **options: Any) -> None:
        look_again()
        path = Path(options["file"])
        try:
            if not path.is_file():
                raise services.NotAddedError(f"There is no file {path.name}.")
            year = read_school_year(options["school_year"])
            with path.open("rb") as stream:
                look = services.take_look(stream)
            like = services.choose_like(look, year, options["like"])
            columns = dict(pair.partition("=")[::2] for pair in options["column"])
            unknown = sorted(set(columns) - set(like.fields))
            if unknown:
                raise services.NotAddedError(
                    f"{unknown[0]} is not a field of {like.key}. Fields: {', '.join(like.fields)}."
                )
            answers = Answers(
                columns=columns,
                levels=_levels(options["level"], year),
                without_ranges=tuple(options["without_ranges"]),
                accepts=options["accept_suggestions"],
            )
            made = services.proposal(look=look, like=like, year=year, name=path.name, answers=answers)
            if not made.questions:
                services.add(made, name=path.name, user=None)
        except (services.NotAddedError, NotAHeaderError, NotASchoolYearError, FileError) as error:
            self.refuse(str(error), options)
        self.tell(made, year, as_json=options["json"])

    def refuse(self, reason: str, options: dict[str, Any]) -> None:
        if options["json"]:
            empty: dict[str, Any] = {"kept": 0, "added": [], "missing": [], "renamed": []}
            print_json(
                {
                    "layout": None,
                    "import_type": None,
                    "school_year": options["school_year"],
                    **empty,
                    "questions": [reason],
                }
            )
        self.stderr.write(reason)
        sys.exit(EXIT_REJECTED)

    def tell(self, made: Proposal, year: int, *, as_json: bool) -> None:
        """Print the result. Ends with exit code 2 while questions are open."""
        found = made.summary()
        # The field's name comes first: `--column` answers by it.
        questions = [f"{one.field}: {one.text}" if one.field else one.text for one in made.questions]
        if as_json:
            about = {
                "layout": made.key,
                "import_type": services.import_type_of(made.key),
                "school_year": year_label(year),
            }
            print_json({**about, **found, "questions": questions})
        else:
            self.stdout.write(f"Compared with {made.comparison.like.key}: {found['kept']:,} columns kept.")
            for title, names in (("Added", found["added"]), ("Gone", found["missing"])):
                if names:
                    self.stdout.write(f"{title}: {', '.join(names)}")
            for one in found["renamed"]:
                self.stdout.write(f"Renamed: {one['from']} -> {one['to']} (similarity {one['score']} of 100)")
            for test in made.tests:
                self.stdout.write(f"Imports {test.parent.name}: {len(test.children)} parts")
        if questions:
            self.ask(made)
            sys.exit(EXIT_REJECTED)
        if not as_json:
            self.stdout.write(f"Added {made.key}: import type {services.import_type_of(made.key)}.")

    def ask(self, made: Proposal) -> None:
        """Print the open questions, and the flags that answer them."""
        for question in made.questions:
            self.stderr.write(question.text)
        if any(one.field for one in made.questions):
            self.stderr.write("Answer with --column FIELD=NAME, or --accept-suggestions for all columns.")
        if any(one.named for one in made.questions):
            self.stderr.write("Answer with --level TEST.CODE=NAME or --without-ranges TEST.")
        self.stderr.write("Nothing was added.")
