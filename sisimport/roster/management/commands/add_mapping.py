"""Add a column mapping: one that was shared as a file, or one made of an export by what is suggested for its columns."""

import tempfile
from pathlib import Path
from typing import IO, Any

from django.core.management.base import BaseCommand, CommandParser

from sisimport.files.issues import FileError
from sisimport.files.workbooks import convert, is_workbook
from sisimport.imports.definition.registry import look_again
from sisimport.imports.management.run_in_process import print_json
from sisimport.imports.runs.uploads import unpacked
from sisimport.roster.management.mapping_command import mapping_json, open_mapping_json, pairs, refuse
from sisimport.roster.mapping import services, sharing
from sisimport.roster.mapping.answering import with_answers
from sisimport.roster.mapping.content import MappingError
from sisimport.roster.mapping.looking import look_at
from sisimport.roster.mapping.proposing import Proposal, Records, propose
from sisimport.roster.models import MappingVersion
from students.models import LEA, School


class Command(BaseCommand):
    help = (
        "Add a column mapping from a shared file (TOML, JSON), or from a student export of another system, whose columns are"
        " suggested. Exit code: 0 added, 2 a question must be answered first, or the file cannot be read."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", help="a shared mapping, or an export with its header line; zip too")
        parser.add_argument("--name", default="", help="its name (default: as in the file)")
        parser.add_argument("--lea", default="", metavar="CODE", help="the district that it is for")
        parser.add_argument("--column", action="append", default=[], metavar="FIELD=COLUMN", help="blank: not read")
        parser.add_argument("--constant", action="append", default=[], metavar="FIELD=VALUE", help="for all lines")
        parser.add_argument(
            "--school",
            action="append",
            default=[],
            metavar="TEXT=CODE",
            help="the school that a number or name in the file means",
        )
        parser.add_argument("--accept-suggestions", action="store_true", help="accept guesses, too")
        parser.add_argument("--replace", action="store_true", help="as the next version of the mapping with that name")
        parser.add_argument("--json", action="store_true", help="one JSON object on standard output")

    def handle(self, *_args: Any, **options: Any) -> None:
        look_again()
        path = Path(options["file"])
        try:
            if not path.is_file():
                raise MappingError(f"There is no file {path.name}. Check its name and its folder.")
            with path.open("rb") as stream, unpacked(stream) as inner:
                version = self.add(inner.stream, options)
        except MappingError as error:
            refuse(self, [str(error)], as_json=options["json"])
            return
        except FileError as error:
            refuse(self, [f"{error} {error.fix}".strip()], as_json=options["json"])
            return
        if options["json"]:
            print_json({**mapping_json(version), "questions": []})
        else:
            self.stdout.write(f"Added {version.mapping.name}, version {version.number} ({version.sha}).")

    def add(self, stream: IO[bytes], options: dict[str, Any]) -> MappingVersion:
        """Raises MappingError or FileError; ends with exit code 2 while something is open."""
        if sharing.is_mapping(stream):
            return self.shared(stream, options)
        if not is_workbook(stream):
            return self.of_export(stream, options)
        with tempfile.TemporaryFile() as text:
            stream.seek(0)
            convert(stream, text)
            return self.of_export(text, options)

    def shared(self, stream: IO[bytes], options: dict[str, Any]) -> MappingVersion:
        """Raises MappingError."""
        content = sharing.adopted(
            sharing.read(stream),
            lea=options["lea"],
            name=options["name"],
            constants=pairs(options["constant"]),
            schools=pairs(options["school"]),
        )
        replaces = services.find(content.name, services.current()) if options["replace"] else None
        return services.save(content, user=None, what=services.What.BROUGHT, replaces=replaces)

    def of_export(self, stream: IO[bytes], options: dict[str, Any]) -> MappingVersion:
        """Raises MappingError or FileError; ends with exit code 2 while something is open."""
        look = look_at(stream)
        records = Records(list(School.objects.select_related("lea")), list(LEA.objects.order_by("code")))
        first = propose(stream, look, records, name=options["name"])
        answers = with_answers(
            first,
            name=options["name"],
            lea=options["lea"],
            columns=pairs(options["column"]),
            constants=pairs(options["constant"]),
            schools=pairs(options["school"]),
        )
        made = propose(stream, look, records, answers=answers)
        questions = [flaw.text for flaw in made.flaws]
        if not options["accept_suggestions"]:
            questions += self.guesses(first, made) + self.schools(made, pairs(options["school"]))
        if questions:
            refuse(self, questions, as_json=options["json"], about=open_mapping_json(made.content, questions))
        replaces = services.find(made.content.name, services.current()) if options["replace"] else None
        return services.save(made.content, user=None, replaces=replaces)

    def schools(self, made: Proposal, answers: dict[str, str]) -> list[str]:
        """Schools that are suggested but that no one has confirmed; those that many students on record confirm are
        sure."""
        return [
            f"Is {one.text} the school {one.becomes} ({one.why})? Answer with --school {one.text}={one.becomes}, or accept"
            f" suggestions."
            for one in made.unread.get("school", [])
            if one.becomes and str(one.score) != "sure" and one.text not in answers
        ]

    def guesses(self, first: Proposal, made: Proposal) -> list[str]:
        """Suggestions that are not sure and that no one has confirmed."""
        return [
            f"Is {made.look.header[place]} the column of {key}? Answer with --column {key}=…, or accept suggestions."
            for key, place in made.places.items()
            if first.places.get(key) == place and str(first.scores.get(place, "")) == "guess"
        ]
