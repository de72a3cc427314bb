"""The new schools of a roster when some of its lines are planned again: a school keeps the key that the plan gave it,
and is made with the first line that needs it, which may be a different one after the decision.

The data for this is noted before the lines' part of the plan is removed, by one query of the whole plan for its
schools.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Final

from sisimport.imports.definition.import_type import ALSO_COUNTED, RunContext
from sisimport.imports.engine.sql import execute, fetch_all
from sisimport.imports.models import ImportChange, ImportIssue, ImportRun
from students.models import School

NEW_SCHOOL: Final = "NEW-SCHOOL"
_BROUGHT: Final = "new_schools"  # among the notes of a context


@dataclass(slots=True)
class Brought:
    """What the Test reported and planned about new schools, over all of its lines.

    said: lines that say that a school is new. keys: district and code -> key. elsewhere: key -> the first line that
    needs the school among those not planned again.
    """

    said: list[int] = field(default_factory=list)
    keys: dict[tuple[int, str], int] = field(default_factory=dict)
    elsewhere: dict[int, int] = field(default_factory=dict)


def notes_of(run: ImportRun, lines: Collection[int]) -> dict[str, Any] | None:
    """Notes to plan these lines by: empty if the file brings no school, None if one of its schools is on record by
    now."""
    said = list(ImportIssue.objects.filter(run=run, code=NEW_SCHOOL).values_list("line", flat=True))
    if not said:
        return {}
    planned = ImportChange.objects.filter(run=run, kind="school", before__isnull=True)
    made = list(planned.values_list("object_id", "line", "after"))
    keys = {(after["lea_id"], after["code"]): pk for pk, _line, after in made if pk is not None and after is not None}
    codes = {code for _lea, code in keys}
    if any(key in keys for key in School.objects.filter(code__in=codes).values_list("lea_id", "code")):
        return None
    elsewhere = _first_lines(run.pk, list(keys.values()), "AND NOT c.line = ANY(%s)", lines) if keys else {}
    beside = {*elsewhere.values(), *(line for _pk, line, _after in made)} - set(lines)
    return {_BROUGHT: Brought(said, keys, elsewhere), ALSO_COUNTED: beside}


def _first_lines(run_id: int, keys: list[int], where: str, lines: Collection[int]) -> dict[int, int]:
    """Key -> the first of the lines whose plan names the school."""
    rows = fetch_all(
        f"""
        SELECT n.pk, min(n.line) FROM (
          SELECT (c.after->>'school_id')::bigint AS pk, c.line FROM imports_importchange c
          WHERE c.run_id = %s AND jsonb_exists(c.after, 'school_id') {where}
        ) AS n WHERE n.pk = ANY(%s) GROUP BY n.pk
        """,
        [run_id, sorted(lines), keys],
    )
    return dict(rows)


def brought(context: RunContext) -> Brought | None:
    """The noted schools, for later stages; None if the whole file is planned or brings no school."""
    return context.notes.get(_BROUGHT)


def keep_keys(context: RunContext) -> None:
    """Give staged lines the keys of schools that the plan of other lines names."""
    found = brought(context)
    if found is None or not found.keys:
        return
    leas, codes = zip(*found.keys, strict=True)
    execute(
        """
        UPDATE staged_roster r SET school_pk = k.pk, home_school_pk = k.pk
        FROM unnest(%s::bigint[], %s::text[], %s::bigint[]) AS k (lea_id, school, pk)
        WHERE k.lea_id = r.lea_id AND k.school = r.school
        """,
        [list(leas), list(codes), list(found.keys.values())],
    )


def place_again(context: RunContext, *, part: str, seq: int) -> None:
    """Plan each new school with the first line that needs it; a school that no line needs any more is not made."""
    found = brought(context)
    if found is None:
        return
    staged = fetch_all(
        "SELECT DISTINCT r.lea_id, r.school, r.school_pk FROM staged_roster r WHERE r.school_pk IS NOT NULL"
        " AND NOT EXISTS (SELECT 1 FROM students_school s WHERE s.id = r.school_pk)"
    )
    keys = found.keys | {(lea, code): pk for lea, code, pk in staged}
    if not keys:
        return
    first = _first_lines(context.run.pk, list(keys.values()), "AND c.line = ANY(%s)", context.lines or ())
    for pk, line in found.elsewhere.items():
        first[pk] = min(line, first.get(pk, line))
    ImportChange.objects.filter(run=context.run, kind="school", before__isnull=True).delete()
    ImportChange.objects.bulk_create(
        ImportChange(
            run=context.run,
            line=first[pk],
            seq=seq,
            part=part,
            kind="school",
            object_id=pk,
            after={"lea_id": lea, "code": code},
        )
        for (lea, code), pk in keys.items()
        if pk in first
    )
