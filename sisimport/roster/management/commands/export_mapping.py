"""Write a column mapping as a file to share."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from sisimport.imports.management.run_in_process import print_json
from sisimport.roster.management.mapping_command import refuse
from sisimport.roster.mapping import services
from sisimport.roster.mapping.content import MappingError


class Command(BaseCommand):
    help = (
        "Write a column mapping as a file to share: TOML, or JSON. It contains no student data."
        " Exit code 2: there is no such mapping."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME")
        parser.add_argument("--output", default="", metavar="FILE", help="default: standard output")
        parser.add_argument(
            "--form", default="", choices=["", "toml", "json"], help="default: by the output's ending, otherwise TOML"
        )
        parser.add_argument("--json", action="store_true", help="one JSON object on standard output")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            version = services.find(options["name"], services.current())
        except MappingError as error:
            refuse(self, [str(error)], as_json=options["json"])
            return
        output = options["output"]
        form = options["form"] or ("json" if output.lower().endswith(".json") else "toml")
        text = services.as_text(version, form)
        if output:
            Path(output).write_text(text, encoding="utf-8")
        if options["json"]:
            summary = {"mapping": version.mapping.name, "version": version.sha, "file": output or None}
            print_json(summary if output else {**summary, "text": text})
        elif output:
            self.stdout.write(f"Wrote {version.mapping.name}.")
        else:
            self.stdout.write(text, ending="")
