"""Rights of the database's limited roles, given anew after migrations (what they are: sisimport/runtime/table_rights.py)."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections, transaction

from sisimport.runtime import database_roles
from sisimport.runtime.database_roles import Made


def after_migrations(using: str = DEFAULT_DB_ALIAS, plan: Sequence[Any] | None = None, **_kwargs: Any) -> None:
    """Signal: give the roles their rights, also on tables and views that were made just now.

    Without a plan it was not `migrate`: a test's tables were emptied, and rights stay with them.
    """
    if plan is not None:
        give_rights(using)


def give_rights(using: str = DEFAULT_DB_ALIAS) -> bool:
    """Give them; False where there are no such roles."""
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        return database_roles.give_rights(cursor, row_policies=settings.ROW_POLICIES)


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
            database_roles.give_rights(cursor, row_policies=settings.ROW_POLICIES)
    return made, has_tables
