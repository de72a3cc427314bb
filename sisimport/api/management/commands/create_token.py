"""Make a token for the REST API."""

import sys
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandParser

from sisimport.accounts.scopes import SCOPES
from sisimport.api.tokens import USUAL_DAYS, TokenError, make_token
from sisimport.imports.management.run_in_process import EXIT_REJECTED, print_json
from students.models import School


class Command(BaseCommand):
    help = "Make a token for a service, or for a person. It is printed once and never again. Exit code 2: not possible."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME", help="what it is for; it also names the service")
        parser.add_argument("--scope", action="append", required=True, metavar="SCOPE", help=", ".join(SCOPES))
        parser.add_argument("--school", action="append", default=[], metavar="CODE", help="default: all of the user's")
        parser.add_argument(
            "--days", type=int, default=USUAL_DAYS, help=f"valid for this many days (default {USUAL_DAYS})"
        )
        parser.add_argument("--user", default="", help="user name of the person it is for (default: a service)")
        parser.add_argument("--json", action="store_true", help="one JSON object on standard output")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            made = make_token(
                name=options["name"],
                scopes=options["scope"],
                schools=self.schools(options["school"]),
                days=options["days"],
                user=self.user(options["user"]),
            )
        except TokenError as error:
            if options["json"]:
                print_json({"token": None, "id": None, "scopes": [], "expires": None, "message": str(error)})
            self.stderr.write(str(error))
            sys.exit(EXIT_REJECTED)
        token = made.token
        if options["json"]:
            expires = token.expires_at.isoformat() if token.expires_at else None
            print_json({"token": made.secret, "id": token.pk, "scopes": token.scopes, "expires": expires})
            return
        self.stderr.write(f"Token {token.pk} for {token.user.get_username()}: {', '.join(token.scopes)}. Keep it safe:")
        self.stdout.write(made.secret)

    def schools(self, codes: list[str]) -> list[School] | None:
        if not codes:
            return None
        found = list(School.objects.filter(code__in=codes))
        if unknown := sorted(set(codes) - {school.code for school in found}):
            raise TokenError(f"There is no school {', '.join(unknown)}.")
        return found

    def user(self, name: str) -> Any:
        if not name:
            return None
        user = get_user_model().objects.filter(username=name, is_active=True).first()
        if user is None:
            raise TokenError(f"No user who may sign in has the name {name}.")
        return user
