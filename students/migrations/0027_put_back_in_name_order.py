"""Students who have no SSID any more come into their list in the order of names, and one look says who is in it already.

A Revert puts a whole district back. In name order the index by name is filled from page to page, and ON CONFLICT wrote every row
twice over: a claim, then the row.
"""

from importlib import import_module

from django.db import migrations

_search = import_module("students.migrations.0007_search")
_heads = import_module("students.migrations.0024_headcounts")

NOW_MISSING = _heads.NOW_MISSING.replace(
    "ON CONFLICT DO NOTHING",
    """AND NOT EXISTS (SELECT 1 FROM students_withoutssid w
    WHERE w.student_id = s.id AND w.student_id = ANY ($1))
  ORDER BY s.last_key, s.first_key""",
)


def _noting(now_missing: str) -> str:
    """The function that keeps the list, with this statement for those who come in."""
    functions = _heads._functions(_search.CREATE).replace(_search.NOW_MISSING, now_missing)
    return functions[: functions.index("CREATE OR REPLACE FUNCTION students_note_edited_without_ssid")]


class Migration(migrations.Migration):
    dependencies = [("students", "0026_plainer_help_texts")]
    operations = [migrations.RunSQL(_noting(NOW_MISSING), _noting(_heads.NOW_MISSING))]
