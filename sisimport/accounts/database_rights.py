"""Rights and row policies of the database's limited roles, given again after migrations (table_rights.py, row_walls.py).

PostgreSQL changes no column that a policy names, so policies stand aside while migrations run. They are put up only in a
database that has all migrations of this release: migrated back, it is for a release that may know nothing about them.
"""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.migrations.executor import MigrationExecutor

from sisimport.runtime import database_roles, row_walls
from sisimport.runtime.database_roles import Made


def before_migrations(using: str = DEFAULT_DB_ALIAS, plan: Sequence[Any] = (), **_kwargs: Any) -> None:
    """Signal: take the policies down, if anything is going to change. They stay so until all went through."""
    if plan:
        with transaction.atomic(using=using), connections[using].cursor() as cursor:
            row_walls.take_down(cursor)


def after_migrations(using: str = DEFAULT_DB_ALIAS, plan: Sequence[Any] | None = None, **_kwargs: Any) -> None:
    """Signal: give the roles their rights, also on tables and views that were made just now, and put the policies up.

    Without a plan it was not `migrate`: a test's tables were emptied, and rights stay with them.
    """
    if plan is not None:
        give_rights(using)


def give_rights(using: str = DEFAULT_DB_ALIAS) -> bool:
    """Give them; False where there are no such roles."""
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        return _give(cursor, using)


def _give(cursor: Any, using: str) -> bool:
    """False where there are no such roles. Policies of a database that still waits for migrations stay as they are."""
    if not database_roles.give_rights(cursor):
        return False
    if not settings.ROW_POLICIES:
        row_walls.take_down(cursor)
    elif _is_complete(using):
        row_walls.put_up(cursor)
    return True


def workers_are_past_policies() -> bool:
    """Whether scores can have a policy here (row_walls.COPIED)."""
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        return row_walls.workers_are_past_policies(cursor)


def _is_complete(using: str) -> bool:
    executor = MigrationExecutor(connections[using])
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


def make_roles(
    *, passwords: dict[str, str | None], new_passwords: bool, keep_owner: bool
) -> tuple[dict[str, Made], bool]:
    """Make the roles and give them their rights, all or nothing. Says whether there were tables to give rights on.

    Raises RolesRefusedError.
    """
    with transaction.atomic(), connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        made = database_roles.make_roles(
            cursor, passwords=passwords, new_passwords=new_passwords, keep_owner=keep_owner
        )
        cursor.execute("SELECT to_regprocedure('public.sis_settled_until()') IS NOT NULL")
        has_tables = bool(cursor.fetchone()[0])
        if has_tables:
            _give(cursor, DEFAULT_DB_ALIAS)
    return made, has_tables
