"""The new districts and schools of a roster when some of its lines are planned again: a place keeps the key that the plan
gave it, and is made with the first line that needs it, which may be a different one after the decision.

The data for this is noted before the lines' part of the plan is removed, by one query of the whole plan for each kind
of place.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.db.models import OuterRef, Subquery, TextField
from django.db.models.functions import Cast, Coalesce

from sisimport.imports.definition.import_type import ALSO_COUNTED, LinesMissingError, RunContext
from sisimport.imports.engine.sql import execute, fetch_all
from sisimport.imports.models import ImportChange, ImportIssue, ImportRun
from sisimport.roster.next_lines import next_line
from students.models import LEA, School

NEW_LEA: Final = "NEW-LEA"
NEW_SCHOOL: Final = "NEW-SCHOOL"
DISTRICT: Final = "district"  # of a new school's finding: the code of its district
LEA_SEQ: Final = -2  # of the step that makes a district, before that of a school and all others of its line
SCHOOL_SEQ: Final = -1
_BROUGHT: Final = "new_places"  # among the notes of a context

Place = tuple[str, str]  # codes of district and school; no school: the district itself


@dataclass(slots=True)
class Brought:
    """What the Test reported and planned about new places, over all of its lines.

    said: places that a line says are new -> that line. leas, schools: places in the plan -> key. elsewhere: key -> the
    first line that needs it among those not planned again, by the field that names it. first: lines of the places once
    the lines are staged, with `lea_id` or `school_pk`.
    """

    said: dict[Place, int] = field(default_factory=dict)
    leas: dict[str, int] = field(default_factory=dict)
    schools: dict[tuple[int, str], int] = field(default_factory=dict)
    elsewhere: dict[str, dict[int, int]] = field(default_factory=dict)
    first: dict[str, list[int]] = field(default_factory=dict)


def district_params() -> Mapping[str, Any]:
    """What the finding of a new school keeps besides its code, which another district's school may have as well."""
    on_record = LEA.objects.filter(pk=OuterRef("lea_id")).values("code")[:1]
    return {DISTRICT: Coalesce(Cast(Subquery(on_record), TextField()), "lea")}


def notes_of(run: ImportRun, lines: Collection[int]) -> dict[str, Any] | None:
    """Notes to plan these lines by: empty if the file brings no place, None if one of its places is on record by now, or
    the Test is of a release that did not say whose school is new."""
    of_places = ImportIssue.objects.filter(run=run, code__in=[NEW_LEA, NEW_SCHOOL])
    issues = list(of_places.values_list("code", "line", "found", "params"))
    if not issues:
        return {}
    found = Brought()
    for code, line, text, params in issues:
        district = str(text) if code == NEW_LEA else (params or {}).get(DISTRICT)
        if district is None:
            return None
        found.said[district, "" if code == NEW_LEA else str(text)] = line
    planned = ImportChange.objects.filter(run=run, kind__in=["lea", "school"], before__isnull=True)
    made = list(planned.values_list("kind", "object_id", "line", "after"))
    for kind, pk, _line, after in made:
        if pk is None or after is None:
            continue
        if kind == "lea":
            found.leas[after["code"]] = pk
        else:
            found.schools[after["lea_id"], after["code"]] = pk
    if _on_record(found):
        return None
    if found.leas:
        # The school of a line names the district too, and may go to another line.
        where = "AND c.kind <> 'school' AND NOT c.line = ANY(%s)"
        found.elsewhere["lea_id"] = _first_lines(run.pk, "lea_id", found.leas.values(), where, lines)
    if found.schools:
        keys = found.schools.values()
        found.elsewhere["school_id"] = _first_lines(run.pk, "school_id", keys, "AND NOT c.line = ANY(%s)", lines)
    beside = {line for _kind, _pk, line, _after in made}.union(*(held.values() for held in found.elsewhere.values()))
    return {_BROUGHT: found, ALSO_COUNTED: beside - set(lines)}


def _on_record(found: Brought) -> bool:
    """Whether another run, or a person, made one of the places meanwhile."""
    if LEA.objects.filter(code__in={lea for lea, school in found.said if not school}).exists():
        return True
    wanted = {code for _lea, code in found.schools} | {school for _lea, school in found.said if school}
    rows = School.objects.filter(code__in=wanted).values_list("lea_id", "lea__code", "code")
    return any((lea_id, code) in found.schools or (lea, code) in found.said for lea_id, lea, code in rows)


def _first_lines(run_id: int, name: str, keys: Iterable[int], where: str, lines: Collection[int]) -> dict[int, int]:
    """Key -> the first of the lines whose plan names the place in this field."""
    rows = fetch_all(
        f"""
        SELECT n.pk, min(n.line) FROM (
          SELECT (c.after->>'{name}')::bigint AS pk, c.line FROM imports_importchange c
          WHERE c.run_id = %s AND jsonb_exists(c.after, '{name}') {where}
        ) AS n WHERE n.pk = ANY(%s) GROUP BY n.pk
        """,
        [run_id, sorted(lines), list(keys)],
    )
    return dict(rows)


def brought(context: RunContext) -> Brought | None:
    """The noted places, for later stages; None if the whole file is planned or brings no place."""
    return context.notes.get(_BROUGHT)


def keep_districts(context: RunContext) -> None:
    """Give staged lines the keys of districts that the plan of other lines names."""
    found = brought(context)
    if found is None or not found.leas:
        return
    execute(
        "UPDATE staged_roster r SET lea_id = k.pk FROM unnest(%s::text[], %s::bigint[]) AS k (lea, pk)"
        " WHERE r.lea_id IS NULL AND k.lea = r.lea",
        [list(found.leas), list(found.leas.values())],
    )


def keep_schools(context: RunContext) -> None:
    """Give staged lines the keys of schools that the plan of other lines names."""
    found = brought(context)
    if found is None or not found.schools:
        return
    leas, codes = zip(*found.schools, strict=True)
    execute(
        """
        UPDATE staged_roster r SET school_pk = k.pk, home_school_pk = k.pk
        FROM unnest(%s::bigint[], %s::text[], %s::bigint[]) AS k (lea_id, school, pk)
        WHERE k.lea_id = r.lea_id AND k.school = r.school
        """,
        [list(leas), list(codes), list(found.schools.values())],
    )


def find_first(context: RunContext) -> None:
    """Which staged lines say that a place is new: the first of the file in it. Raises LinesMissingError for the line that says
    so next, or said so before, if a decision takes a line to another district or back."""
    found = brought(context)
    if found is None:
        return
    lines = set(context.lines or ())
    missing: set[int] = set()
    for name in ("lea_id", "school_pk"):
        here = _lines_in(name)
        first_lines = {place: line for place, line in found.said.items() if bool(place[1]) == (name == "school_pk")}
        found.first[name] = []
        for place in here.keys() | first_lines.keys():
            line, staged = first_lines.get(place), here.get(place, [])
            if line is not None and line in lines and line not in staged:  # it is in another place now
                line = next_line(context.run, *place, after=line, beside=lines - set(staged))
            if line is not None and line not in lines:
                if line != first_lines.get(place) or min(staged, default=line) < line:
                    missing.add(line)
            elif staged:
                found.first[name].append(min(staged))
    if missing:
        raise LinesMissingError(missing)


def _lines_in(key: str) -> dict[Place, list[int]]:
    """New districts (lea_id) or schools (school_pk) -> the staged lines in them."""
    table, school = ("students_school", "r.school") if key == "school_pk" else ("students_lea", "''")
    rows = fetch_all(
        f"SELECT coalesce(l.code, r.lea), {school}, array_agg(r.line) FROM staged_roster r"
        f" LEFT JOIN students_lea l ON l.id = r.lea_id WHERE NOT r.refused AND r.{key} IS NOT NULL"
        f" AND NOT EXISTS (SELECT 1 FROM {table} t WHERE t.id = r.{key}) GROUP BY 1, 2"
    )
    return {(str(lea), str(code)): lines for lea, code, lines in rows}


def place_again(context: RunContext, *, part: str) -> None:
    """Plan each new place with the first line that needs it; a place that no line needs any more is not made."""
    found = brought(context)
    if found is None:
        return
    lines = context.lines or ()
    ImportChange.objects.filter(run=context.run, kind__in=["lea", "school"], before__isnull=True).delete()
    schools = found.schools | {(lea, code): pk for lea, code, pk in _staged("r.lea_id, r.school", "school_pk")}
    first = _merged(context.run.pk, "school_id", schools.values(), found, lines)
    made = [
        ImportChange(line=first[pk], seq=SCHOOL_SEQ, kind="school", object_id=pk, after={"lea_id": lea, "code": code})
        for (lea, code), pk in schools.items()
        if pk in first
    ]
    leas = found.leas | dict(_staged("r.lea", "lea_id"))
    first = _merged(context.run.pk, "lea_id", leas.values(), found, lines)
    for change in made:
        key = (change.after or {})["lea_id"]
        first[key] = min(change.line, first.get(key, change.line))
    made += [
        ImportChange(line=first[pk], seq=LEA_SEQ, kind="lea", object_id=pk, after={"code": code})
        for code, pk in leas.items()
        if pk in first
    ]
    for change in made:
        change.run, change.part = context.run, part
    ImportChange.objects.bulk_create(made)


def _staged(names: str, key: str) -> list[tuple[Any, ...]]:
    """These columns and the key of the staged lines' places that are not on record."""
    table = "students_school" if key == "school_pk" else "students_lea"
    return fetch_all(
        f"SELECT DISTINCT {names}, r.{key} FROM staged_roster r WHERE r.{key} IS NOT NULL"
        f" AND NOT EXISTS (SELECT 1 FROM {table} t WHERE t.id = r.{key})"
    )


def _merged(run_id: int, name: str, keys: Collection[int], found: Brought, lines: Collection[int]) -> dict[int, int]:
    """Key -> the first line of the whole file whose plan names it."""
    first = _first_lines(run_id, name, keys, "AND c.line = ANY(%s)", lines) if keys else {}
    for pk, line in found.elsewhere.get(name, {}).items():
        first[pk] = min(line, first.get(pk, line))
    return first
