"""Set the state an LEA answers to."""

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from students.models import StateProfile
from students.profiles import StateChangeError, set_lea_state


class Command(BaseCommand):
    help = (
        "Set the state whose SSID system an LEA reports to; adds the LEA if it is not known yet. Exit code 2: refused."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("lea", metavar="LEA", help="LEA code")
        parser.add_argument("--state", required=True, choices=StateProfile.values)
        parser.add_argument("--name", default="")
        parser.add_argument("--json", action="store_true", help="one JSON object on standard output")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            lea, created = set_lea_state(
                code=options["lea"], state=StateProfile(options["state"]), name=options["name"]
            )
        except StateChangeError as error:
            self.stderr.write(str(error))
            sys.exit(2)
        if options["json"]:
            self.stdout.write(json.dumps({"lea": lea.code, "name": lea.name, "state": lea.state, "created": created}))
        else:
            self.stdout.write(f"{lea}: {lea.get_state_display()}")
