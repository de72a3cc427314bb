"""Add an export that is delivered to a place automatically."""

import datetime as dt
from typing import Any

from django.core.management.base import CommandParser

from sisimport.automation.adding import AddingError, add_delivery
from sisimport.automation.management.place_command import PlaceCommand
from sisimport.automation.models import ExportDelivery
from sisimport.web.exports.deliverables import deliverables


class Command(PlaceCommand):
    help = "Have an export delivered to a folder or an SFTP server automatically. Exit code 2: not possible."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--what", required=True, metavar="EXPORT", help=", ".join(deliverables()))
        parser.add_argument(
            "--file", required=True, metavar="NAME", help="such as students-{date}.csv; {time} and {year} work too"
        )
        parser.add_argument("--every", type=int, default=24 * 60, metavar="MINUTES", help="default: a day")
        parser.add_argument(
            "--at", default="", metavar="HH:MM", help="first time, by the district's clock (default: now)"
        )
        parser.add_argument("--school-year", default="", metavar="YEAR", help="2023-24, current or last (default: all)")
        parser.add_argument("--since", default="", metavar="DATE", help="where the first delivery of changes begins")

    def add(self, where: dict[str, Any], options: dict[str, Any]) -> ExportDelivery:
        return add_delivery(
            **where,
            what=options["what"],
            file_name=options["file"],
            school_year=options["school_year"],
            every_minutes=options["every"],
            at=_time(options["at"]),
            since=_day(options["since"]),
        )


def _time(text: str) -> dt.time | None:
    try:
        return dt.time.fromisoformat(text) if text else None
    except ValueError:
        raise AddingError("at", f"{text} is not a time: enter it as 06:00.") from None


def _day(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text) if text else None
    except ValueError:
        raise AddingError("since", f"{text} is not a date: enter it as 2026-11-01.") from None
