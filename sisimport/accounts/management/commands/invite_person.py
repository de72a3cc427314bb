"""Invite a person to sign in, like the page People."""

import sys
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandParser
from django.core.validators import validate_email
from django.urls import reverse

from sisimport.accounts import people
from sisimport.accounts.access import GROUPS
from sisimport.accounts.addresses import site_address
from sisimport.accounts.invitation_mail import invitation_mail, link_of
from sisimport.accounts.people import Invited, PeopleError
from sisimport.imports.management.run_in_process import EXIT_REJECTED, print_json
from students.models import School


class Command(BaseCommand):
    help = (
        "Invite a person: an account that waits for its password. The link is printed once. Exit code 2: not possible."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", metavar="E-MAIL", help="also the user name")
        parser.add_argument(
            "--role", action="append", required=True, metavar="ROLE", choices=list(GROUPS), help=", ".join(GROUPS)
        )
        parser.add_argument("--school", action="append", default=[], metavar="CODE", help="may be given several times")
        parser.add_argument("--all-schools", action="store_true", help="all schools, including later ones")
        parser.add_argument("--name", default="", help="first and last name")
        parser.add_argument("--days", type=int, default=people.INVITATION_DAYS, help="number of days it is valid")
        parser.add_argument("--site", default="", metavar="URL", help="address of this product, for the link")
        parser.add_argument("--send", action="store_true", help="mail the invitation instead of printing its link")
        parser.add_argument("--json", action="store_true", help="one JSON object on standard output")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            validate_email(options["email"])
            invited = people.invite(
                email=options["email"],
                roles=options["role"],
                schools=self.schools(options["school"]),
                all_schools=options["all_schools"],
                name=options["name"],
                days=options["days"],
                giver=None,
            )
        except (PeopleError, ValidationError) as error:
            message = error.messages[0] if isinstance(error, ValidationError) else str(error)
            if options["json"]:
                print_json({"user": None, "link": None, "expires": None, "sent": False, "message": message})
            self.stderr.write(message)
            sys.exit(EXIT_REJECTED)
        self.tell(invited, options)

    def tell(self, invited: Invited, options: dict[str, Any]) -> None:
        address = (options["site"] or site_address()).rstrip("/") + reverse("staff_join")
        if options["send"]:
            invitation_mail(invited, address).send()  # kept for an administrator if there is no mail server
        link = None if options["send"] else link_of(invited, address)
        invitation = invited.invitation
        name, expires = invitation.user.get_username(), invitation.expires_at.isoformat()
        if options["json"]:
            print_json({"user": name, "link": link, "expires": expires, "sent": options["send"]})
            return
        self.stderr.write(
            f"{name} is invited until {expires}. {'' if link is None else 'The link works once:'}".strip()
        )
        if link:
            self.stdout.write(link)

    def schools(self, codes: list[str]) -> list[School]:
        found = list(School.objects.filter(code__in=codes))
        if unknown := sorted(set(codes) - {school.code for school in found}):
            raise PeopleError(f"There is no school {', '.join(unknown)}.")
        return found
