"""What the commands share that add a place for picking up files or delivering exports."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from sisimport.automation.adding import AddingError, schools_of
from sisimport.automation.models import ExportDelivery, PickUpPlace
from sisimport.imports.management.run_in_process import EXIT_REJECTED, print_json


class PlaceCommand(BaseCommand):
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME")
        parser.add_argument("--path", default="", metavar="DIR", help="whole path of a folder of this machine")
        parser.add_argument("--sftp", default="", metavar="URL", help="sftp://user@host[:port]/folder")
        parser.add_argument("--host-key", default="", metavar="SHA256:…", help="fingerprint of the SFTP server's key")
        parser.add_argument("--option", action="append", default=[], metavar="NAME=VALUE")
        parser.add_argument("--school", action="append", default=[], metavar="CODE", help="default: all schools")
        parser.add_argument("--json", action="store_true", help="one JSON object on standard output")

    def add(self, where: dict[str, Any], options: dict[str, Any]) -> PickUpPlace | ExportDelivery:
        """The new place. `where`: name, address, options and schools as the service takes them. Raises AddingError."""
        raise NotImplementedError

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            where = {name: options[name] for name in ("name", "path", "sftp", "host_key")}
            where["options"] = dict(pair.partition("=")[::2] for pair in options["option"])
            where["schools"] = schools_of(options["school"])
            place = self.add(where, options)
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
