"""Lines that repeat an earlier one defer to it; if that one is refused, the next line that is not takes its place.

Otherwise a line equal to a refused one would be reported as unchanged although nothing of it is on record.
"""

from collections.abc import Callable, Collection

from django.db.models import Q
from django.db.models.expressions import RawSQL

from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.engine.sql import execute, fetch_all, quoted

REPEAT = 1  # the value that `mark_duplicates` sets


def let_repeats_stand_in(context: RunContext, refusing: Collection[int], ask: Callable[[Q], None]) -> None:
    """Settle each of the type's repeat marks. `refusing`: rules that keep a line out; `ask`: evaluates all rules for rows
    again."""
    for mark in context.import_type.repeat_marks:
        if refusing and _has_orphans(context, mark, refusing):
            _settle(context, mark, refusing, ask)


def _table(context: RunContext) -> str:
    return quoted(context.import_type.row_model._meta.db_table)


# Not EXISTS: next to OR it would run for each line, and a file may be one line repeated a hundred thousand times.
_REFUSED = "({row}.refused OR {row}.line IN (SELECT k.line FROM checked_line k WHERE k.rules && %s::int[]))"


def _orphans(context: RunContext, mark: tuple[str, str]) -> str:
    """SQL of repeats whose first line is refused: their own line and that first line."""
    name, first = map(quoted, mark)
    table = _table(context)
    return (
        f"SELECT r.line, r.{first} AS first_line FROM {table} r JOIN {table} f ON f.line = r.{first}"
        f" WHERE r.{name} = {REPEAT} AND NOT r.refused AND {_REFUSED.format(row='f')}"
    )


def _has_orphans(context: RunContext, mark: tuple[str, str], refusing: Collection[int]) -> bool:
    # Nearly every file has no repeats at all, which one pass over the table shows.
    name = quoted(mark[0])
    if not fetch_all(f"SELECT 1 FROM {_table(context)} r WHERE r.{name} = {REPEAT} LIMIT 1"):
        return False
    return bool(fetch_all(f"{_orphans(context, mark)} LIMIT 1", [list(refusing)]))


def _settle(context: RunContext, mark: tuple[str, str], refusing: Collection[int], ask: Callable[[Q], None]) -> None:
    """Check each repeat as a line of its own; the first that is not refused counts, and the others become repeats of it.

    The line numbers stay in the database: there may be half a million.
    """
    name, first = map(quoted, mark)
    table = _table(context)
    execute("DROP TABLE IF EXISTS alone_line, again_line")
    execute(
        f"CREATE TEMP TABLE alone_line ON COMMIT DROP AS {_orphans(context, mark)}",
        [list(refusing)],
    )
    execute(f"UPDATE {table} r SET {name} = 0 FROM alone_line a WHERE a.line = r.line")
    execute("ANALYZE alone_line")
    ask(_lines_of("alone_line"))
    again = execute(
        f"""
        CREATE TEMP TABLE again_line ON COMMIT DROP AS
        SELECT line, heir FROM (
          SELECT a.line, min(a.line) OVER (PARTITION BY a.first_line) AS heir
          FROM alone_line a JOIN {table} r ON r.line = a.line WHERE NOT {_REFUSED.format(row="r")}
        ) AS standing WHERE line <> heir
        """,
        [list(refusing)],
    )
    if again:
        execute(f"UPDATE {table} r SET {name} = {REPEAT}, {first} = s.heir FROM again_line s WHERE s.line = r.line")
        execute("ANALYZE again_line")
        ask(_lines_of("again_line"))


def _lines_of(table: str) -> Q:
    return Q(line__in=RawSQL(f"SELECT line FROM {table}", []))  # noqa: S611 (one of our tables, no value)
