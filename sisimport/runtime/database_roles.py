"""The database's roles: one that owns and migrates, one for the web server, one for workers. Creates them and grants their
rights.

Each database has its own, named after it: sisimport_migrate, sisimport_web, sisimport_worker. Rights are granted again after
every migration, as listed in table_rights.py: tables not listed are open only to the owner. Works with a cursor of psycopg or
Django.
"""

import hashlib
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg import sql

from sisimport.runtime import row_walls, table_rights
from sisimport.runtime.table_rights import FUNCTIONS, READ_SCHEMAS, SEQUENCES, TABLES

MIGRATE, WEB, WORKER = "migrate", "web", "worker"
LIMITED = (WEB, WORKER)
KINDS = (MIGRATE, *LIMITED)
_LONGEST_NAME = 63
_COMMENTS = {
    MIGRATE: "Owns the tables of SIS Import and migrates them.",
    WEB: "Web server of SIS Import.",
    WORKER: "Workers of SIS Import.",
}
_RIGHTS_ADDED_IN_17 = 170000


class RolesRefusedError(Exception):
    """The roles cannot be made; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Made:
    """A role after `make_roles`. password: only if it was just generated. is_new: no role of this name existed."""

    name: str
    password: str
    is_new: bool


def role_name(database: str, kind: str) -> str:
    """The role of this kind that belongs to a database."""
    return f"{database}_{kind}"


def rights_digest(*, row_policies: bool) -> str:
    """Changes when rights do: an installation then grants them again, even without a new migration."""
    digest = hashlib.sha256(str(row_policies).encode())
    for file in (__file__, str(table_rights.__file__), str(row_walls.__file__)):
        digest.update(Path(file).read_bytes())
    return digest.hexdigest()


# ---- making ----


def make_roles(
    cursor: Any, *, passwords: Mapping[str, str | None], new_passwords: bool = False, keep_owner: bool = False
) -> dict[str, Made]:
    """Make the roles of the connected database, or correct existing ones; returned by kind.

    passwords: by kind; "" to generate one if the role is new (or with `new_passwords`), None for no password, if the server
    requires none. keep_owner: the connected role stays the owner, and no role is made for migrations.
    Raises RolesRefusedError.
    """
    database = _database(cursor)
    kinds = LIMITED if keep_owner else KINDS
    if len(role_name(database, MIGRATE).encode()) > _LONGEST_NAME:
        raise RolesRefusedError("The name of the database is too long to name roles after it: 55 letters at most.")
    if not _one(cursor, "SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user"):
        raise RolesRefusedError(
            "The database user of this command may not create roles. Run it once with the address of the database "
            "administrator in DATABASE_URL."
        )
    made = {}
    for kind in kinds:
        made[kind] = _make(cursor, database, kind, passwords.get(kind, ""), new_password=new_passwords)
    names = [sql.Identifier(one.name) for one in made.values()]
    statement = sql.SQL("GRANT CONNECT ON DATABASE {} TO {}")
    cursor.execute(statement.format(sql.Identifier(database), sql.SQL(", ").join(names)))
    if not keep_owner:
        _hand_over(cursor, database, made[MIGRATE].name)
    return made


def _make(cursor: Any, database: str, kind: str, password: str | None, *, new_password: bool) -> Made:
    name = role_name(database, kind)
    cursor.execute(
        "SELECT shobj_description(oid, 'pg_authid') = %s,"
        " rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls AND NOT %s FROM pg_roles WHERE rolname = %s",
        [_COMMENTS[kind], kind == WORKER, name],
    )
    found = cursor.fetchone()
    if found and not found[0]:
        raise RolesRefusedError(
            f"There is a role {name} that was not created by this command. Rename or drop it, then run this again."
        )
    if found and found[1]:
        raise RolesRefusedError(
            f"Someone gave the role {name} rights over the whole server. Take them away (ALTER ROLE {name} NOSUPERUSER "
            "NOCREATEROLE NOCREATEDB NOBYPASSRLS NOREPLICATION), then run this again."
        )
    identifier = sql.Identifier(name)
    if not found:
        cursor.execute(sql.SQL("CREATE ROLE {} LOGIN").format(identifier))
        cursor.execute(sql.SQL("COMMENT ON ROLE {} IS {}").format(identifier, sql.Literal(_COMMENTS[kind])))
    if kind == WORKER and _one(cursor, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
        # No policy restricts workers, but PostgreSQL refuses COPY into a table that has one (row_walls.COPIED).
        cursor.execute(sql.SQL("ALTER ROLE {} BYPASSRLS").format(identifier))
    made_up = ""
    if password == "" and (not found or new_password):
        password = made_up = secrets.token_urlsafe(24)
    if password:
        # Hashed here, so that the statement, and with it the server's log, holds no password.
        hashed = _pgconn(cursor).encrypt_password(password.encode(), name.encode(), b"scram-sha-256").decode()
        cursor.execute(sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(identifier, sql.Literal(hashed)))
    return Made(name, made_up, not found)


def _pgconn(cursor: Any) -> Any:
    """libpq's connection, below Django's cursor or psycopg's own."""
    return cursor.connection.pgconn


# Objects in our schemas that the new owner does not own. Column sequences and parts of extensions change owner with the object
# they belong to. Partitioned tables and their partitions have the same kind of dependency recorded, but do not.
_OBJECTS = """
SELECT 'SCHEMA', quote_ident(nspname) FROM pg_namespace WHERE nspname = ANY (%(schemas)s) AND nspowner <> to_regrole(%(owner)s)
UNION ALL
SELECT CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END,
       quote_ident(nspname) || '.' || quote_ident(relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE nspname = ANY (%(schemas)s) AND relkind IN ('r', 'p', 'v', 'm', 'S') AND relowner <> to_regrole(%(owner)s)
  AND NOT EXISTS (SELECT FROM pg_depend d
                  WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                    AND (d.deptype = 'e' OR relkind = 'S' AND d.deptype IN ('i', 'a')))
UNION ALL
SELECT 'ROUTINE', p.oid::regprocedure::text
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE nspname = ANY (%(schemas)s) AND proowner <> to_regrole(%(owner)s)
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
"""


def _hand_over(cursor: Any, database: str, owner: str) -> None:
    """Make `owner` the owner of the database and everything in it."""
    new_owner = sql.Identifier(owner)
    if not _one(cursor, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
        cursor.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(new_owner))  # the giver must be a member
    elif _one(cursor, "SELECT NOT pg_has_role(%s, 'pg_read_all_stats', 'MEMBER')", [owner]):
        # For one function, which shows how long the oldest transaction of any role has been running.
        cursor.execute(sql.SQL("GRANT pg_read_all_stats TO {}").format(new_owner))
    cursor.execute(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(sql.Identifier(database), new_owner))
    cursor.execute(_OBJECTS, {"schemas": _SCHEMAS, "owner": owner})
    for kind, name in cursor.fetchall():
        # Both come from the catalog, already quoted.
        cursor.execute(sql.SQL("ALTER {} {} OWNER TO {}").format(sql.SQL(kind), sql.SQL(name), new_owner))


# ---- rights ----

_SCHEMAS = ["public", *READ_SCHEMAS]
_UPDATE_OF = re.compile(r", UPDATE \((?P<columns>[^)]*)\)")


def give_rights(cursor: Any) -> bool:
    """Grant both limited roles exactly the rights of table_rights.py. False: they do not exist here. Must run in a
    transaction."""
    database = _database(cursor)
    roles = {kind: role_name(database, kind) for kind in LIMITED}
    if _one(cursor, "SELECT count(*) FROM pg_roles WHERE rolname = ANY (%s)", [list(roles.values())]) < len(roles):
        return False
    for statement in _statements(cursor, {kind: sql.Identifier(name) for kind, name in roles.items()}):
        cursor.execute(statement)
    return True


def unclassed_tables(cursor: Any) -> list[str]:
    """Tables and views without a line in table_rights.py, and lines without a table."""
    return sorted(set(_tables(cursor)) ^ set(TABLES))


def _tables(cursor: Any) -> list[str]:
    cursor.execute(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public'"
        " AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition"
        " AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')"
    )
    return [name for (name,) in cursor.fetchall()]


def _statements(cursor: Any, roles: Mapping[str, sql.Identifier]) -> Iterator[sql.Composable]:
    both = sql.SQL(", ").join(roles.values())
    schemas = _existing(cursor, "SELECT nspname FROM pg_namespace WHERE nspname = ANY (%s)", _SCHEMAS)
    for schema in map(sql.Identifier, schemas):
        for what in ("TABLES", "SEQUENCES", "FUNCTIONS"):
            yield sql.SQL("REVOKE ALL ON ALL {} IN SCHEMA {} FROM {}").format(sql.SQL(what), schema, both)
        yield sql.SQL("REVOKE ALL ON SCHEMA {} FROM {}").format(schema, both)
        yield sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(schema, both)
    # A role that may create objects in a schema could put functions there that the owner's statements would call.
    yield sql.SQL("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    yield sql.SQL("REVOKE TEMPORARY ON DATABASE {} FROM {}").format(sql.Identifier(_database(cursor)), both)
    # Both plan lines in temporary tables, the web server only for the few lines that a person decided about.
    yield sql.SQL("GRANT TEMPORARY ON DATABASE {} TO {}").format(sql.Identifier(_database(cursor)), both)
    for read in sorted({*READ_SCHEMAS} & {*schemas}):
        yield sql.SQL("GRANT SELECT ON ALL TABLES IN SCHEMA {} TO {}").format(sql.Identifier(read), both)
    yield from _table_statements(cursor, roles)
    # A database that was migrated back has only the sequences of that version.
    for name, kinds in SEQUENCES.items():
        for kind in kinds if _one(cursor, "SELECT to_regclass(%s) IS NOT NULL", [f"public.{name}"]) else ():
            yield sql.SQL("GRANT USAGE ON SEQUENCE {} TO {}").format(sql.Identifier("public", name), roles[kind])
    for function, kinds in FUNCTIONS.items():
        if not _one(cursor, "SELECT to_regprocedure(%s) IS NOT NULL", [f"public.{function}"]):
            continue
        called = sql.SQL("public." + function)
        yield sql.SQL("REVOKE ALL ON FUNCTION {} FROM PUBLIC").format(called)
        for kind in kinds:
            yield sql.SQL("GRANT EXECUTE ON FUNCTION {} TO {}").format(called, roles[kind])


def _table_statements(cursor: Any, roles: Mapping[str, sql.Identifier]) -> Iterator[sql.Composable]:
    measure = _one(cursor, "SELECT current_setting('server_version_num')::int") >= _RIGHTS_ADDED_IN_17
    owned = _sequences(cursor)
    for table in _tables(cursor):
        rights = TABLES.get(table)
        if rights is None:
            continue
        # Before PostgreSQL 17 only owners may ANALYZE: workers skip it there, and autovacuum does it later.
        of_worker = f"{rights.worker}, MAINTAIN" if rights.measured and measure else rights.worker
        of_web = _but(cursor, table, rights.kept, rights.web)
        for kind, wanted in ((WEB, of_web), (WORKER, of_worker)):
            given = _of_columns_there(cursor, table, wanted)
            statement = sql.SQL("GRANT {} ON {} TO {}")
            yield statement.format(sql.SQL(given), sql.Identifier("public", table), roles[kind])
            if "INSERT" in given and table in owned:
                sequence = sql.Identifier("public", owned[table])
                yield sql.SQL("GRANT USAGE ON SEQUENCE {} TO {}").format(sequence, roles[kind])


def _but(cursor: Any, table: str, kept: Sequence[str], given: str) -> str:
    """These rights, but with UPDATE only on columns that are not kept."""
    if not kept:
        return given
    columns = ", ".join(name for name in _columns(cursor, table) if name.strip('"') not in kept)
    return given.replace("UPDATE", f"UPDATE ({columns})")


def _of_columns_there(cursor: Any, table: str, given: str) -> str:
    """These rights, without columns that do not exist: a table that was migrated back has only the columns of that version."""
    named = _UPDATE_OF.search(given)
    if named is None:
        return given
    there = _columns(cursor, table)
    left = [name for name in named["columns"].split(", ") if name in there]
    return given.replace(named[0], f", UPDATE ({', '.join(left)})" if left else "")


def _columns(cursor: Any, table: str) -> list[str]:
    """Names of the columns, quoted if necessary."""
    cursor.execute(
        "SELECT quote_ident(attname) FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
        " ORDER BY attnum",
        [f"public.{table}"],
    )
    return [name for (name,) in cursor.fetchall()]


def _sequences(cursor: Any) -> dict[str, str]:
    """Sequences that number the rows of tables, by table."""
    cursor.execute(
        "SELECT t.relname, s.relname FROM pg_class s JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = s.oid"
        " AND d.deptype IN ('i', 'a') JOIN pg_class t ON t.oid = d.refobjid WHERE s.relkind = 'S'"
        " AND s.relnamespace = 'public'::regnamespace"
    )
    return dict(cursor.fetchall())


def _existing(cursor: Any, query: str, names: Sequence[str]) -> list[str]:
    cursor.execute(query, [list(names)])
    return [name for (name,) in cursor.fetchall()]


def _database(cursor: Any) -> str:
    return str(_one(cursor, "SELECT current_database()"))


def _one(cursor: Any, query: str, values: Sequence[Any] | None = None) -> Any:
    cursor.execute(query, values)
    return cursor.fetchone()[0]
