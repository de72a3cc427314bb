"""Notify people whose accounts end soon, and end those whose day has come, as the workers do once a day."""

from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from sisimport.accounts import staff_ends
from sisimport.accounts.addresses import site_address
from sisimport.imports.management.run_in_process import print_json


class Command(BaseCommand):
    help = (
        "Ends staff accounts on the yearly date of their district, and mails a notice in the 30 days before. The workers "
        "do it once a day. Superusers, programs, people in a directory and the last import admin are never ended."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only list who would be notified or ended")
        parser.add_argument("--site", default="", help="address of the site for the mail (default: from the settings)")
        parser.add_argument("--json", action="store_true", help="one JSON object on standard output")

    def handle(self, *_args: Any, **options: Any) -> None:
        site = options["site"] or site_address()
        found = staff_ends.notify_and_end(site=site, only_look=options["dry_run"])
        if options["json"]:
            print_json(asdict(found))
            return
        self.stdout.write(
            f"Notices: {found.notified}. Without an address: {found.without_address}. "
            f"Ended: {', '.join(found.ended) or 'no one'}. Kept as the last admin: {', '.join(found.kept) or 'no one'}."
        )
