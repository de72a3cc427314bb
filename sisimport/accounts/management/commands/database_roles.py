"""Make the database's three roles, or correct existing ones."""

import os
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from sisimport.accounts import database_rights
from sisimport.imports.management.run_in_process import EXIT_REJECTED, print_json
from sisimport.runtime.database_roles import KINDS, LIMITED, MIGRATE, WEB, WORKER, RolesRefusedError


def given_passwords() -> dict[str, str | None]:
    """By kind: the password in the environment, or "". The embedded server requires none."""
    if settings.EMBEDDED:
        return dict.fromkeys(KINDS)
    return {
        MIGRATE: os.environ.get("POSTGRES_MIGRATE_PASSWORD", ""),
        WEB: os.environ.get("POSTGRES_WEB_PASSWORD", ""),
        WORKER: os.environ.get("POSTGRES_WORKER_PASSWORD", ""),
    }


class Command(BaseCommand):
    help = (
        "Make the database's roles (migrate: owns and migrates; web; worker) with the fewest rights, as the database "
        "administrator in DATABASE_URL. If run again: rights are granted again, passwords stay. Passwords come from "
        "POSTGRES_MIGRATE_PASSWORD, POSTGRES_WEB_PASSWORD and POSTGRES_WORKER_PASSWORD, "
        "or are generated and shown once. Exit code: 0, 2 refused."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--keep-owner", action="store_true", help="only web and worker: this user stays the owner")
        parser.add_argument("--new-passwords", action="store_true", help="generate new ones where none is given")
        parser.add_argument("--json", action="store_true", help="one JSON object on standard output")

    def handle(self, *_args: Any, **options: Any) -> None:
        # The embedded server has one user, is protected by its folder, and requires no password.
        keep_owner = options["keep_owner"] or settings.EMBEDDED
        try:
            made, has_tables = database_rights.make_roles(
                passwords=given_passwords(), new_passwords=options["new_passwords"], keep_owner=keep_owner
            )
        except RolesRefusedError as error:
            self.stderr.write(str(error))
            sys.exit(EXIT_REJECTED)
        if options["json"]:
            roles = {
                kind: {"role": one.name, "new": one.is_new, **({"password": one.password} if one.password else {})}
                for kind, one in made.items()
            }
            print_json({"roles": roles, "rights_given": has_tables})
            return
        for kind, one in made.items():
            shown = f", password {one.password} (shown this once)" if one.password else ""
            self.stdout.write(f"{kind}: role {one.name} {'made' if one.is_new else 'already existed'}{shown}")
        if not database_rights.workers_are_past_policies():
            self.stdout.write(
                "Scores have no row policy: workers need BYPASSRLS for that, which only a superuser can grant. "
                "All other tables have theirs."
            )
        if not has_tables:
            self.stdout.write(
                f"No tables yet: run migrate next, as the owner, and {' and '.join(LIMITED)} get their rights."
            )
