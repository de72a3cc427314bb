"""Tell families by mail that their accounts end soon, as the workers do once a day; each family is notified once for each end."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from sisimport.accounts.addresses import site_address
from ssid.collection.family_notices import notify_families


class Command(BaseCommand):
    help = (
        "Mails a notice to families whose accounts end within 30 days and who left an e-mail address: once for each "
        "end. The workers do it once a day automatically. Accounts end on the day itself, whether this runs or not; the "
        "family page tells it as well."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--site",
            default="",
            help="Address of the site for the mail, as https://sis.example.org; else that of the settings.",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        notices = notify_families(site=options["site"] or site_address())
        self.stdout.write(
            f"Notices sent: {notices.sent}. Kept for an administrator: {notices.kept}. "
            f"Accounts without an address: {notices.without}."
        )
