"""Notify families by mail that their accounts end soon, as the workers do once a day; each family is notified once for each
end."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from sisimport.accounts.addresses import site_address
from ssid.collection.family_notices import notify_families


class Command(BaseCommand):
    help = (
        "Mails a notice, once for each end date, to families whose accounts end within 30 days and who gave an e-mail address."
        " Workers do this automatically once a day. Accounts end on that day whether or not this runs; the family page shows it,"
        " too."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--site",
            default="",
            help="Address of the site for the mail, such as https://sis.example.org; default: the one in the settings.",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        notices = notify_families(site=options["site"] or site_address())
        self.stdout.write(
            f"Notices sent: {notices.sent}. Kept for an administrator: {notices.kept}. "
            f"Accounts without an address: {notices.without}."
        )
