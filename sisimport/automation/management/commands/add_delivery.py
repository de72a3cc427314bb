"""Add an export that is delivered to a place by itself."""

import datetime as dt
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from sisimport.automation.adding import AddingError, add_delivery, schools_of
from sisimport.imports.management.run_in_process import EXIT_REJECTED, print_json
from sisimport.web.exports.deliverables import deliverables


class Command(BaseCommand):
    help = "Have an export delivered to a folder or an SFTP server by itself. Exit code 2: not possible."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME")
        parser.add_argument("--what", required=True, metavar="EXPORT", help=", ".join(deliverables()))
        parser.add_argument(
            "--file", required=True, metavar="NAME", help="of the files: students-{date}.csv; {time} and {year} too"
        )
        parser.add_argument("--path", default="", metavar="DIR", help="whole path of a folder of this machine")
        parser.add_argument("--sftp", default="", metavar="URL", help="sftp://user@host[:port]/folder")
        parser.add_argument("--host-key", default="", metavar="SHA256:…", help="fingerprint of the SFTP server's key")
        parser.add_argument("--every", type=int, default=24 * 60, metavar="MINUTES", help="default: a day")
        parser.add_argument(
            "--at", default="", metavar="HH:MM", help="first time, by the district's clock (default: now)"
        )
        parser.add_argument("--school-year", default="", metavar="YEAR", help="2023-24, current or last (default: all)")
        parser.add_argument(
            "--since", default="", metavar="DATE", help="what the first delivery of changes begins with"
        )
        parser.add_argument("--option", action="append", default=[], metavar="NAME=VALUE")
        parser.add_argument("--school", action="append", default=[], metavar="CODE", help="default: all schools")
        parser.add_argument("--json", action="store_true", help="one JSON object on standard output")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            delivery = add_delivery(
                name=options["name"],
                what=options["what"],
                file_name=options["file"],
                path=options["path"],
                sftp=options["sftp"],
                host_key=options["host_key"],
                school_year=options["school_year"],
                options=dict(pair.partition("=")[::2] for pair in options["option"]),
                every_minutes=options["every"],
                at=_time(options["at"]),
                since=_day(options["since"]),
                schools=schools_of(options["school"]),
            )
        except AddingError as error:
            if options["json"]:
                print_json({"name": options["name"], "id": None, "message": str(error)})
            self.stderr.write(str(error))
            sys.exit(EXIT_REJECTED)
        if options["json"]:
            print_json({"name": delivery.name, "id": delivery.pk, "public_key": delivery.public_key or None})
            return
        self.stdout.write(f"Added {delivery.name}.")
        if delivery.public_key:
            self.stdout.write(f"Have this line added to the authorized keys of {delivery.username} on {delivery.host}:")
            self.stdout.write(delivery.public_key)


def _time(text: str) -> dt.time | None:
    try:
        return dt.time.fromisoformat(text) if text else None
    except ValueError:
        raise AddingError("at", f"{text} is not a time: write it as 06:00.") from None


def _day(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text) if text else None
    except ValueError:
        raise AddingError("since", f"{text} is not a date: write it as 2026-11-01.") from None
