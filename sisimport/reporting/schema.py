"""Makes the views of the `reporting` schema, and the role that may read only them.

PostgreSQL does not let a migration change a column that a view uses, so the views are dropped before migrations and
recreated after them. The schema itself stays, with its grants.
"""

import hashlib
import secrets
from collections.abc import Sequence
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.migrations.executor import MigrationExecutor
from psycopg import sql

from sisimport.reporting.views import SCHEMA, VERSION, VIEWS
from sisimport.runtime.reading import reading_connection

_TEXT = "\n".join(f"{view.name}: {view.sql}" for view in VIEWS) + repr(VIEWS)
_MARK = (
    f"Version {VERSION}. Views for data teams: see docs/reference/exports.md. "
    + hashlib.sha256(_TEXT.encode()).hexdigest()
)


class RoleRefusedError(Exception):
    """The role cannot be made; the text says why and what to do."""


def before_migrations(plan: Sequence[Any] = (), using: str = DEFAULT_DB_ALIAS, **_kwargs: Any) -> None:
    """Signal: drop the views if migrations are about to run."""
    if plan and _mark(using):
        with connections[using].cursor() as cursor:
            for view in VIEWS:
                cursor.execute(sql.SQL("DROP VIEW IF EXISTS {} CASCADE").format(_named(view.name)))
            cursor.execute(sql.SQL("COMMENT ON SCHEMA {} IS NULL").format(sql.Identifier(SCHEMA)))


def make_current(using: str = DEFAULT_DB_ALIAS, **_kwargs: Any) -> None:
    """Signal: make the views as described, unless they already exist or the tables are of an older version."""
    if _mark(using) == _MARK or _is_behind(using):
        return
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        cursor.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(SCHEMA)))
        for view in VIEWS:
            cursor.execute(sql.SQL("DROP VIEW IF EXISTS {} CASCADE").format(_named(view.name)))
            # The statement is ours, from views.py.
            cursor.execute(sql.SQL("CREATE VIEW {} AS ").format(_named(view.name)) + sql.SQL(view.sql))
            _comment(cursor, "VIEW", _named(view.name), f"One row: {view.row}.")
            for column in view.columns:
                _comment(cursor, "COLUMN", sql.Identifier(SCHEMA, view.name, column.name), column.meaning)
        _comment(cursor, "SCHEMA", sql.Identifier(SCHEMA), _MARK)


def make_role(name: str, *, using: str = DEFAULT_DB_ALIAS) -> str:
    """Make a sign-in that may read only the views. Returns its password; calling it again sets a new one.

    Raises RoleRefusedError if the name is taken by a role with other rights, or the product's own role may not make
    roles.
    """
    password = secrets.token_urlsafe(24)
    role, schema = sql.Identifier(name), sql.Identifier(SCHEMA)
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user")
        if not cursor.fetchone()[0]:
            raise RoleRefusedError(
                "The database user of this installation may not create roles. Ask the database administrator for a role with"
                f" USAGE on the schema {SCHEMA} and SELECT on its views."
            )
        cursor.execute(
            "SELECT shobj_description(oid, 'pg_authid') = %s FROM pg_roles WHERE rolname = %s", [_ROLE_MARK, name]
        )
        found = cursor.fetchone()
        if found and not found[0]:
            raise RoleRefusedError(f"There is a role {name} with other rights. Choose another name.")
        verb = sql.SQL("ALTER" if found else "CREATE")
        cursor.execute(sql.SQL("{} ROLE {} LOGIN PASSWORD {}").format(verb, role, sql.Literal(password)))
        _comment(cursor, "ROLE", role, _ROLE_MARK)
        for statement in (*_GRANTS, *(() if found else _HABITS)):
            cursor.execute(sql.SQL(statement).format(role=role, schema=schema))
    return password


_ROLE_MARK = "Reads the reporting schema of SIS Import, nothing else."
_GRANTS = (
    "GRANT USAGE ON SCHEMA {schema} TO {role}",
    "GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {role}",
    # For views made later, including those that migrations drop and recreate.
    "ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT SELECT ON TABLES TO {role}",
)
# Set only once: a database administrator may since have allowed the role to write its own schema.
_HABITS = (
    "ALTER ROLE {role} SET search_path = {schema}",
    "ALTER ROLE {role} SET default_transaction_read_only = on",
    "ALTER ROLE {role} SET statement_timeout = '10min'",
)


def column_types() -> dict[tuple[str, str], str]:
    """View and column -> its type in the database."""
    with reading_connection().cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, a.attname, format_type(a.atttypid, NULL) FROM pg_class c"
            " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0"
            " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s AND c.relkind = 'v' ORDER BY 1, a.attnum",
            [SCHEMA],
        )
        return {(view, column): kind for view, column, kind in cursor.fetchall()}


def _named(view: str) -> sql.Identifier:
    return sql.Identifier(SCHEMA, view)


def _comment(cursor: Any, kind: str, name: sql.Identifier, text: str) -> None:
    statement = sql.SQL("COMMENT ON {} {} IS {}").format(sql.SQL(kind), name, sql.Literal(text))
    cursor.execute(statement)


def _mark(using: str) -> str:
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = %s", [SCHEMA])
        row = cursor.fetchone()
    return (row[0] or "") if row else ""


def _is_behind(using: str) -> bool:
    """Whether migrations are missing: after a migration back, or to a state in between, columns of the views may be gone."""
    executor = MigrationExecutor(connections[using])
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
