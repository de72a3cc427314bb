"""What `manage.py` adds to Django's commands: embedded services for those that need the database.

All messages here go to standard error: standard output belongs to the command (it may be one JSON object).
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

# Commands that never use the database.
WITHOUT_DATABASE = frozenset(
    {"help", "version", "check", "collectstatic", "findstatic", "compilemessages", "makemessages", "diffsettings"}
    | {"startapp", "startproject", "sendtestemail", "testserver"}
)
# Commands that use it, but to inspect migrations: applying them first would change the answer.
WITHOUT_MIGRATING = frozenset(
    {"migrate", "showmigrations", "sqlmigrate", "makemigrations", "squashmigrations", "optimizemigration", "dbshell"}
    | {"test", "inspectdb"}
    | {"restore"}  # into an empty database: the backup brings the tables
)
# Commands that need the URLs of pages and API: for the others, importing these takes longer than their own work.
WITH_ADDRESSES = frozenset({"check", "runserver", "test", "help"})
ENDLESS = frozenset({"reconcile"})  # runs until it is stopped, and shows no student
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
    except BrokenPipeError as error:  # as in `… | head`: the work is done, and an error reference would not help
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # Python flushes its output again at exit
        sys.stderr.write("The program that reads the output stopped before the end.\n")
        raise SystemExit(EXIT_FAILED) from error
    except Exception as error:
        error_reports.report(error, part="command", command=argv[1] if len(argv) > 1 else "")
        _print_error(error)
        raise SystemExit(EXIT_FAILED) from error


def without_address_checks() -> None:
    """Remove the system checks that import every page from this process. `manage.py check` and the web server still run them."""
    from django.core.checks import registry, urls

    for check in (urls.check_url_config, urls.check_url_namespaces_unique, urls.check_custom_error_handlers):
        registry.registry.registered_checks.discard(check)


def _on_record(argv: Sequence[str]) -> contextlib.AbstractContextManager[None]:
    """Put students that the command shows on record, unless the command manages the database's tables."""
    if not _needs_database(argv) or _command(argv) in WITHOUT_MIGRATING | ENDLESS:
        return contextlib.nullcontext()
    from sisimport.audit.commands import recorded

    return recorded(_command(argv))


def _print_error(error: Exception) -> None:
    """Print the whole traceback, unless it has a database error: its text quotes rows, and output of scheduled jobs is mailed."""
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
    except (ImproperlyConfigured, ImportError):  # reported properly by the command itself
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
    """Apply migrations unless this particular database already has the same set (a stamp makes this check quick)."""
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
    """Make the roles with which web server and workers connect; `migrate` grants them their rights."""
    from django.db import connection, transaction

    with transaction.atomic(), connection.cursor() as cursor:
        database_roles.make_roles(cursor, passwords=dict.fromkeys(database_roles.LIMITED), keep_owner=True)


def _command(argv: Sequence[str]) -> str:
    return next((word for word in argv[1:] if not word.startswith("-")), "help")


def _needs_database(argv: Sequence[str]) -> bool:
    asks_for_help = {"--help", "-h", "--version"} & set(argv[1:])
    return not asks_for_help and _command(argv) not in WITHOUT_DATABASE


def _migrations_digest() -> str:
    """Digest of the names of all migrations of all apps, as Django knows them, and of the rights of the database's roles."""
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
