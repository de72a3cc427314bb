"""Make a database sign-in that may read the reporting views and nothing else."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from sisimport.imports.management.run_in_process import EXIT_REJECTED, print_json
from sisimport.reporting.schema import RoleRefusedError, make_role
from sisimport.reporting.views import SCHEMA, VERSION


class Command(BaseCommand):
    help = "Make a read-only role for BI tools. Prints its password once; called again, a new one. Exit code: 0, 2 refused."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "name", nargs="?", default="sisimport_reporting", help="name of the role (default: sisimport_reporting)"
        )
        parser.add_argument("--json", action="store_true", help="one JSON object on standard output")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            password = make_role(options["name"])
        except RoleRefusedError as error:
            self.stderr.write(str(error))
            sys.exit(EXIT_REJECTED)
        if options["json"]:
            print_json({"role": options["name"], "password": password, "schema": SCHEMA, "version": VERSION})
        else:
            self.stdout.write(f"Role {options['name']}, password {password}: reads the schema {SCHEMA}, nothing else.")
