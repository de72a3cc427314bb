"""What `manage.py` adds to Django's commands: embedded services around those that need the database.

Everything said here goes to standard error: standard output belongs to the command (it may be one JSON object).
"""

import contextlib
import hashlib
import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from sisimport.runtime import database_roles, error_reports, logs, postgres

# Commands that never ask the database anything.
WITHOUT_DATABASE = frozenset(
    {"help", "version", "check", "collectstatic", "findstatic", "compilemessages", "makemessages", "diffsettings"}
    | {"startapp", "startproject", "sendtestemail", "testserver"}
)
# Commands that ask it, but about migrations: applying them first would answer the question.
WITHOUT_MIGRATING = frozenset(
    {"migrate", "showmigrations", "sqlmigrate", "makemigrations", "squashmigrations", "optimizemigration", "dbshell"}
    | {"test", "inspectdb"}
    | {"restore"}  # into an empty database: the backup brings the tables
)
# Commands that look at the addresses of pages and API: for the others, importing these takes longer than what they do.
WITH_ADDRESSES = frozenset({"check", "runserver", "test", "help"})
ENDLESS = frozenset({"reconcile"})  # goes on until it is stopped, and shows no student
EXIT_FAILED = 3  # of the command contract; Python's own 1 would say "some records have errors"


def main(argv: Sequence[str]) -> None:
    """Run one command as Django does, with the embedded services it needs."""
    from django.core.management import execute_from_command_line

    if _command(argv) not in WITH_ADDRESSES:
        without_address_checks()
    try:
        with services_for(argv), _on_record(argv):
            execute_from_command_line(list(argv))
    except postgres.EmbeddedError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(EXIT_FAILED) from error
    except BrokenPipeError as error:  # as of `… | head`: what was done is done, and no reference helps
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # Python flushes its output at the end once more
        sys.stderr.write("Whoever reads the output stopped before its end.\n")
        raise SystemExit(EXIT_FAILED) from error
    except Exception as error:
        error_reports.report(error, part="command", command=argv[1] if len(argv) > 1 else "")
        _tell(error)
        raise SystemExit(EXIT_FAILED) from error


def without_address_checks() -> None:
    """Leave out of this process's system checks those that import every page. `manage.py check` and the web server meet them."""
    from django.core.checks import registry, urls

    for check in (urls.check_url_config, urls.check_url_namespaces_unique, urls.check_custom_error_handlers):
        registry.registry.registered_checks.discard(check)


def _on_record(argv: Sequence[str]) -> contextlib.AbstractContextManager[None]:
    """Students that the command shows are on record, unless it is one that sees to the database's tables."""
    if not _needs_database(argv) or _command(argv) in WITHOUT_MIGRATING | ENDLESS:
        return contextlib.nullcontext()
    from sisimport.audit.commands import recorded

    return recorded(_command(argv))


def _tell(error: Exception) -> None:
    """The whole traceback, unless it has an error of the database: its texts quote rows, and what a timed job says is mailed."""
    from django.conf import settings
    from django.db import Error

    if any(isinstance(one, Error) for one in logs.chain(error)) and not (settings.configured and settings.DEBUG):
        sys.stderr.write(f"{logs.error_text(error)} (DEBUG=1 shows the text)\n")
    else:
        traceback.print_exc()


@contextlib.contextmanager
def services_for(argv: Sequence[str]) -> Iterator[None]:
    """The embedded database, migrated, if this command needs it and no other is configured."""
    if not _needs_database(argv):
        yield
        return
    try:
        from django.conf import settings

        is_embedded, data_dir = settings.EMBEDDED, settings.DATA_DIR
    except (ImproperlyConfigured, ImportError):  # said properly by the command itself
        yield
        return
    if not is_embedded:
        yield
        return
    with postgres.running(data_dir):
        if _command(argv) not in WITHOUT_MIGRATING:
            migrate_if_changed(data_dir)
        yield


def migrate_if_changed(data_dir: Path) -> None:
    """Apply migrations unless this very database had the same set before (a stamp keeps that quick)."""
    import django
    from django.core.management import call_command
    from django.db import connections

    django.setup()
    stamp = postgres.migration_stamp(data_dir)
    with postgres.exclusive(data_dir, "migrate"):
        wanted = _migrations_digest()
        if stamp.exists() and stamp.read_text() == wanted:
            return
        sys.stderr.write("Preparing the database …\n")
        make_roles_of_this_machine()
        call_command("migrate", interactive=False, verbosity=0, stdout=sys.stderr)
        connections.close_all()
        stamp.write_text(wanted)


def make_roles_of_this_machine() -> None:
    """The roles that web server and workers connect as; `migrate` gives them their rights."""
    from django.db import connection, transaction

    with transaction.atomic(), connection.cursor() as cursor:
        database_roles.make_roles(cursor, passwords=dict.fromkeys(database_roles.LIMITED), keep_owner=True)


def _command(argv: Sequence[str]) -> str:
    return next((word for word in argv[1:] if not word.startswith("-")), "help")


def _needs_database(argv: Sequence[str]) -> bool:
    asks_for_help = {"--help", "-h", "--version"} & set(argv[1:])
    return not asks_for_help and _command(argv) not in WITHOUT_DATABASE


def _migrations_digest() -> str:
    """Names of all migrations of all apps, by which Django knows them, and the rights of the database's roles."""
    from django.apps import apps
    from django.conf import settings

    names = sorted(
        f"{app.label}.{file.name}"
        for app in apps.get_app_configs()
        for file in (Path(app.path) / "migrations").glob("[0-9]*.py")
    )
    return hashlib.sha256(
        "\n".join([*names, database_roles.rights_digest(row_policies=settings.ROW_POLICIES)]).encode()
    ).hexdigest()
