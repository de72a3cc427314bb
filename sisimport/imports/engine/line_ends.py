"""What a finding says of the end of its line is true: a line refused for another reason is not "imported anyway"."""

from sisimport.files.issues import REFUSED, Severity, codes
from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.definition.rules import RECORD
from sisimport.imports.engine.sql import execute, fetch_all


def mark_refused_lines(context: RunContext) -> None:
    """Runs after the plan. Marks findings that say what becomes of a value, where an error keeps the value out: they say only
    what was found."""
    run, error = int(context.run.pk), int(Severity.ERROR)
    saying = [code.code for code in codes if code.ends]
    of_lines = f"run_id = {run} AND line > 0"
    if not fetch_all(f"SELECT 1 FROM imports_importissue WHERE {of_lines} AND severity = {error} LIMIT 1"):
        return
    execute(
        f"""
        UPDATE imports_importissue i SET params = coalesce(i.params, '{{}}') || '{{"{REFUSED}": true}}'
        FROM (SELECT DISTINCT line, part FROM imports_importissue WHERE {of_lines} AND severity = {error}) AS e
        WHERE i.run_id = {run} AND i.line = e.line AND i.code = ANY(%s)
          AND (e.part = '{RECORD}' OR e.part = i.part AND i.severity < {error})
        """,
        [saying],
    )
