"""Rights and row policies of the database's limited roles, granted again after migrations (table_rights.py, row_walls.py).

PostgreSQL cannot change a column that a policy names, so policies are removed while migrations run. They are created only in a
database that has all migrations of this release: one that was migrated back is for a release that may not know them.
"""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.migrations.executor import MigrationExecutor

from sisimport.runtime import database_roles, row_walls
from sisimport.runtime.database_roles import Made


def before_migrations(using: str = DEFAULT_DB_ALIAS, plan: Sequence[Any] = (), **_kwargs: Any) -> None:
    """Signal: remove the policies if anything will change. They stay removed until all migrations have succeeded."""
    if plan:
        with transaction.atomic(using=using), connections[using].cursor() as cursor:
            row_walls.take_down(cursor)


def after_migrations(using: str = DEFAULT_DB_ALIAS, plan: Sequence[Any] | None = None, **_kwargs: Any) -> None:
    """Signal: grant the roles their rights, also on newly made tables and views, and create the policies.

    Without a plan, this is not `migrate`: a test emptied its tables, which keep their rights.
    """
    if plan is not None:
        give_rights(using)


def give_rights(using: str = DEFAULT_DB_ALIAS) -> bool:
    """Grant the rights; False if there are no such roles."""
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        return _give(cursor, using)


def _give(cursor: Any, using: str) -> bool:
    """False if there are no such roles. Policies are unchanged in a database that still lacks migrations."""
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
    """Make the roles and grant them their rights, all or nothing. Returns whether there were tables to grant rights on.

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
