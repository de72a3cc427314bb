"""Add a place that files are picked up from."""

from typing import Any

from django.core.management.base import CommandParser

from sisimport.automation.adding import add_place
from sisimport.automation.management.place_command import PlaceCommand
from sisimport.automation.models import PickUpPlace


class Command(PlaceCommand):
    help = "Add a folder or an SFTP server that files are picked up from. Exit code 2: not possible."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--pattern", default="*", help="which files: SSID*.txt (default: all)")
        parser.add_argument("--type", default="auto", help="import type, or auto (default)")
        parser.add_argument("--work", default="test", choices=PickUpPlace.Work.values)
        parser.add_argument("--every", type=int, default=15, metavar="MINUTES")
        parser.add_argument("--needs-mark", action="store_true", help="pick up FILE only once FILE.done is next to it")

    def add(self, where: dict[str, Any], options: dict[str, Any]) -> PickUpPlace:
        return add_place(
            **where,
            pattern=options["pattern"],
            import_type=options["type"],
            work=options["work"],
            every_minutes=options["every"],
            needs_mark=options["needs_mark"],
        )
