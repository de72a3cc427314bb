"""Make a link with which a superuser signs in when single sign-on or passwords do not work."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.urls import reverse

from sisimport.accounts.addresses import site_address
from sisimport.accounts.emergency import MINUTES, EmergencyRefusedError, make_code
from sisimport.imports.management.run_in_process import EXIT_REJECTED, print_json


class Command(BaseCommand):
    help = f"Make a link that signs a superuser in once, within {MINUTES} minutes. Exit code 2: there is no such superuser."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME", help="user name or e-mail address of a superuser")
        parser.add_argument("--site", default="", metavar="URL", help="address of this product, for the link")
        parser.add_argument("--json", action="store_true", help="one JSON object on standard output")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            code = make_code(options["name"])
        except EmergencyRefusedError as error:
            if options["json"]:
                print_json({"user": None, "link": None, "minutes": MINUTES, "message": str(error)})
            self.stderr.write(str(error))
            sys.exit(EXIT_REJECTED)
        link = f"{(options['site'] or site_address()).rstrip('/')}{reverse('emergency_sign_in')}#{code}"
        if options["json"]:
            print_json({"user": options["name"], "link": link, "minutes": MINUTES})
            return
        self.stderr.write(f"Works once, within {MINUTES} minutes:")
        self.stdout.write(link)
