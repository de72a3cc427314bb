"""Shared by the commands that decide on a held run."""

import sys
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandParser

from sisimport.accounts import access
from sisimport.imports.management.run_in_process import EXIT_REJECTED, print_json
from sisimport.imports.models import ImportRun, RunStatus
from sisimport.imports.runs import holding
from sisimport.imports.runs.uploads import RunRefusedError


class DecidingCommand(BaseCommand):
    """`NAME ID --user NAME --reason TEXT`: exit code 2 if it is refused."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("run", type=int, metavar="ID")
        parser.add_argument("--user", required=True, metavar="NAME", help="user name of the second person")
        parser.add_argument("--reason", required=True, metavar="TEXT", help="kept with the run")
        parser.add_argument("--json", action="store_true", help="one JSON object on standard output")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            run, user = self.find(options)
            self.decide(run, user, options)
        except RunRefusedError as error:
            if options["json"]:
                print_json({"run": options["run"], "status": "rejected", "message": str(error)})
            self.stderr.write(str(error))
            sys.exit(EXIT_REJECTED)

    def find(self, options: dict[str, Any]) -> tuple[ImportRun, Any]:
        """The run and the person. Raises RunRefusedError unless this person may decide on it."""
        run = ImportRun.objects.select_related("file").filter(pk=options["run"]).first()
        if run is None:
            raise RunRefusedError(f"There is no run {options['run']}.")
        user = get_user_model().objects.filter(username=options["user"], is_active=True).first()
        if user is None:
            raise RunRefusedError("There is no active user with this name.")
        if run.status == RunStatus.HELD and not holding.is_own(run, user) and not access.may_approve(user, run):
            raise RunRefusedError(
                "This user may not decide on the run: it takes an import admin who sees all its students. Name one with --user."
            )
        return run, user

    def decide(self, run: ImportRun, user: Any, options: dict[str, Any]) -> None:
        raise NotImplementedError
