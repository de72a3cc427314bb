"""Finds the students a file line may mean: one statement for any number of lines, then scored.

Students who share the local number, the birth date (also with day and month swapped) or both names are compared. Loose
keys come from `sis_loose` and are indexed, so that searching a district of half a million students takes about a
millisecond a line.
"""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from students.matching.scores import Comparison, Identity, compare, fold
from students.models import StateProfile, Student

SHOWN = 3
JUDGED = 25  # compared before one is accepted in bulk: the student with the line's local number must be among them
_PER_BLOCK = 400  # students per blocking key; a key that more share is meaningless
_COLUMNS = (
    "id", "local_number", "match_last_name", "match_first_name", "match_middle_name", "last_name", "first_name",
    "alias_last_name", "alias_first_name", "birth_date", "gender", "legal_gender", "birth_country", "birth_state",
)  # fmt: skip
_SSIDS = "(SELECT array_agg(h.ssid ORDER BY h.retired_at IS NOT NULL, h.ssid) FROM students_ssid h WHERE h.student_id = s.id)"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A student the line may mean, and how alike they are."""

    student_id: int
    comparison: Comparison

    @property
    def total(self) -> float:
        return self.comparison.total


def find_candidates(
    identities: Mapping[int, Identity], *, schools: Collection[int] | None, limit: int = SHOWN
) -> dict[int, list[Candidate]]:
    """The `limit` most alike students for each identity, best first. `schools`: only students of these (None: all)."""
    found: dict[int, list[Candidate]] = {key: [] for key in identities}
    for key, student_id, student in _students(identities, schools):
        found[key].append(Candidate(student_id, compare(identities[key], student)))
    for candidates in found.values():
        candidates.sort(key=lambda candidate: (-candidate.total, -candidate.comparison.person, candidate.student_id))
        del candidates[limit:]
    return found


def _students(identities: Mapping[int, Identity], schools: Collection[int] | None) -> list[tuple[int, int, Identity]]:
    if not identities:
        return []
    keys = list(identities)
    values = [identities[key] for key in keys]
    scope = "" if schools is None else "AND s.school_id = ANY(%(schools)s)"
    columns = ", ".join(f"s.{name}" for name in _COLUMNS)
    sql = f"""
        WITH q AS (
          SELECT * FROM unnest(%(keys)s::int[], %(numbers)s::text[], %(born)s::date[], %(swapped)s::date[],
            %(last)s::text[], %(first)s::text[], %(ssids)s::text[]) AS q(n, number, born, swapped, last, first, ssid)
        ), found AS (
          SELECT q.n, s.id FROM q JOIN students_student s ON upper(s.local_number) = upper(q.number)
          UNION
          SELECT q.n, b.id FROM q CROSS JOIN LATERAL (
            SELECT s.id FROM students_student s WHERE s.birth_date IN (q.born, q.swapped)
              AND (left(sis_loose(s.match_last_name), 1) IN (left(q.last, 1), left(q.first, 1))
                OR left(sis_loose(s.match_first_name), 1) IN (left(q.first, 1), left(q.last, 1)))
            LIMIT {_PER_BLOCK}) AS b
          UNION
          SELECT q.n, b.id FROM q CROSS JOIN LATERAL (
            SELECT s.id FROM students_student s
            WHERE sis_loose(s.match_last_name) = q.last AND sis_loose(s.match_first_name) = q.first
            ORDER BY abs(s.birth_date - q.born) LIMIT 40) AS b
          WHERE q.last <> '' AND q.first <> ''
          UNION
          SELECT q.n, h.student_id FROM q JOIN students_ssid h ON h.state = ANY(%(states)s) AND h.ssid = q.ssid
        )
        SELECT f.n, {columns}, {_SSIDS} FROM found f JOIN students_student s ON s.id = f.id WHERE true {scope}
        """
    params: dict[str, Any] = {
        "keys": keys,
        "numbers": [value.local_number for value in values],
        "born": [value.birth_date for value in values],
        "swapped": [swap_day_and_month(value.birth_date) for value in values],
        "last": [fold(value.last_name) for value in values],
        "first": [fold(value.first_name) for value in values],
        "ssids": [value.ssids[0] if value.ssids else None for value in values],
        "states": StateProfile.values,
        "schools": None if schools is None else list(schools),
    }
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return [(row[0], row[1], _identity(row[1:-1], row[-1] or ())) for row in cursor.fetchall()]


def _identity(row: Sequence[object], ssids: Sequence[str]) -> Identity:
    held = dict(zip(_COLUMNS, row, strict=True))

    def others(*names: str, besides: str) -> tuple[str, ...]:
        return tuple(str(held[name]) for name in names if held[name] and held[name] != held[besides])

    birth_date = held["birth_date"]
    assert birth_date is None or isinstance(birth_date, dt.date)  # noqa: S101 - a date column
    return Identity(
        last_name=str(held["match_last_name"]),
        first_name=str(held["match_first_name"]),
        middle_name=str(held["match_middle_name"] or ""),
        birth_date=birth_date,
        gender=str(held["legal_gender"] or held["gender"]),
        other_gender=str(held["gender"]),
        birth_country=str(held["birth_country"] or ""),
        birth_state=str(held["birth_state"] or ""),
        local_number=str(held["local_number"]),
        other_last_names=others("last_name", "alias_last_name", besides="match_last_name"),
        other_first_names=others("first_name", "alias_first_name", besides="match_first_name"),
        ssids=tuple(ssids),
    )


def identity_of(student: Student) -> Identity:
    """A student's record as an identity to compare with. Queries the SSIDs unless they are prefetched."""
    ssids = sorted(student.ssids.all(), key=lambda held: (held.retired_at is not None, held.ssid))
    return _identity([getattr(student, name) for name in _COLUMNS], [held.ssid for held in ssids])


def swap_day_and_month(day: dt.date | None) -> dt.date | None:
    """The date with day and month exchanged, if that is a valid date."""
    if day is None or day.day > 12:
        return None
    return day.replace(month=day.day, day=day.month)
