"""Add a place that files are picked up from."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from sisimport.automation.adding import AddingError, add_place, schools_of
from sisimport.automation.models import PickUpPlace
from sisimport.imports.management.run_in_process import EXIT_REJECTED, print_json


class Command(BaseCommand):
    help = "Add a folder or an SFTP server that files are picked up from. Exit code 2: not possible."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME")
        parser.add_argument("--path", default="", metavar="DIR", help="whole path of a folder of this machine")
        parser.add_argument("--sftp", default="", metavar="URL", help="sftp://user@host[:port]/folder")
        parser.add_argument("--host-key", default="", metavar="SHA256:…", help="fingerprint of the SFTP server's key")
        parser.add_argument("--pattern", default="*", help="which files: SSID*.txt (default: all)")
        parser.add_argument("--type", default="auto", help="import type, or auto (default)")
        parser.add_argument("--option", action="append", default=[], metavar="NAME=VALUE")
        parser.add_argument("--work", default="test", choices=PickUpPlace.Work.values)
        parser.add_argument("--every", type=int, default=15, metavar="MINUTES")
        parser.add_argument("--needs-mark", action="store_true", help="take FILE only once FILE.done lies beside it")
        parser.add_argument("--school", action="append", default=[], metavar="CODE", help="default: all schools")
        parser.add_argument("--json", action="store_true", help="one JSON object on standard output")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            place = add_place(
                name=options["name"],
                path=options["path"],
                sftp=options["sftp"],
                host_key=options["host_key"],
                pattern=options["pattern"],
                import_type=options["type"],
                options=dict(pair.partition("=")[::2] for pair in options["option"]),
                work=options["work"],
                every_minutes=options["every"],
                needs_mark=options["needs_mark"],
                schools=schools_of(options["school"]),
            )
        except AddingError as error:
            if options["json"]:
                print_json({"name": options["name"], "id": None, "message": str(error)})
            self.stderr.write(str(error))
            sys.exit(EXIT_REJECTED)
        if options["json"]:
            print_json({"name": place.name, "id": place.pk, "public_key": place.public_key or None})
            return
        self.stdout.write(f"Added {place.name}.")
        if place.public_key:
            self.stdout.write(f"Have this line added to the authorized keys of {place.username} on {place.host}:")
            self.stdout.write(place.public_key)
