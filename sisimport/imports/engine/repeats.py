"""Lines that repeat an earlier one defer to it: where that one is refused, the next that is not takes its place.

Otherwise a line that says the same as a refused one would be called unchanged, and nothing of it would be on record.
"""

from collections.abc import Callable, Collection

from django.db.models import Q

from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.engine.sql import fetch_all, quoted

REPEAT = 1  # as `mark_duplicates` marks it


def let_repeats_stand_in(context: RunContext, refusing: Collection[int], ask: Callable[[Q], None]) -> None:
    """For each of the type's marks of repeats. `refusing`: rules that keep a line out; `ask`: asks rows all rules again."""
    for mark in context.import_type.repeat_marks:
        if refusing and _has_orphans(context, mark, refusing):
            _settle(context, mark, refusing, ask)


def _table(context: RunContext) -> str:
    return quoted(context.import_type.row_model._meta.db_table)


# Not EXISTS: beside OR it would be asked for each line anew, and a file may be one line a hundred thousand times.
_REFUSED = "({row}.refused OR {row}.line IN (SELECT k.line FROM checked_line k WHERE k.rules && %s::int[]))"


def _orphans(context: RunContext, mark: tuple[str, str]) -> str:
    """SQL of repeats whose first line is refused: their line, and that first line."""
    name, first = map(quoted, mark)
    table = _table(context)
    return (
        f"SELECT r.line, r.{first} AS first_line FROM {table} r JOIN {table} f ON f.line = r.{first}"
        f" WHERE r.{name} = {REPEAT} AND NOT r.refused AND {_REFUSED.format(row='f')}"
    )


def _has_orphans(context: RunContext, mark: tuple[str, str], refusing: Collection[int]) -> bool:
    # Nearly every file has no repeats at all, which one look at the table tells.
    name = quoted(mark[0])
    if not fetch_all(f"SELECT 1 FROM {_table(context)} r WHERE r.{name} = {REPEAT} LIMIT 1"):
        return False
    return bool(fetch_all(f"{_orphans(context, mark)} LIMIT 1", [list(refusing)]))


def _settle(context: RunContext, mark: tuple[str, str], refusing: Collection[int], ask: Callable[[Q], None]) -> None:
    """Each is asked as a line of its own; the first that is not refused counts, and the others repeat that one."""
    name, first = map(quoted, mark)
    alone = fetch_all(
        f"WITH orphans AS ({_orphans(context, mark)}) UPDATE {_table(context)} r SET {name} = 0 FROM orphans o"
        " WHERE o.line = r.line RETURNING r.line, o.first_line",
        [list(refusing)],
    )
    ask(Q(line__in=[line for line, _first in alone]))
    again = fetch_all(
        f"""
        WITH alone AS (SELECT * FROM unnest(%s::int[], %s::int[]) AS a(line, first_line)),
        standing AS (
          SELECT a.line, min(a.line) OVER (PARTITION BY a.first_line) AS heir
          FROM alone a JOIN {_table(context)} r ON r.line = a.line WHERE NOT {_REFUSED.format(row="r")}
        )
        UPDATE {_table(context)} r SET {name} = {REPEAT}, {first} = s.heir
        FROM standing s WHERE s.line = r.line AND s.line <> s.heir RETURNING r.line
        """,
        [[line for line, _first in alone], [line for _line, line in alone], list(refusing)],
    )
    if again:
        ask(Q(line__in=[line for (line,) in again]))
