"""Which results of districts are hidden, computed once for each state of their counts and stored.

What is stored names the versions of the counts that it was computed from (ResultVersion), and is valid only for these:
it is never older than the scores, and after an import only the year that was written is computed again.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assessments.models import HiddenResults, ResultVersion
from assessments.results.counts import TABLE, School
from assessments.results.cubes import Counts, Hidden, hidden_of
from assessments.results.groups import DIVISIONS
from assessments.results.hiding import FEWEST, TOTAL, Count
from assessments.results.shapes import CubeKey
from assessments.scores.result_counts import ALL
from sisimport.imports.engine.sql import fetch_all

_RULES = 1  # increase it when the rules would hide something else for the same counts
_CELL, _LINE = "|", "\n"
Versions = Mapping[tuple[int, str], int]  # by school year and LEA


@dataclass(frozen=True, slots=True)
class Scope:
    """A district for which hiding is decided as a whole: codes of LEAs as tested, blank for scores that do not say."""

    name: str
    leas: tuple[str, ...]

    def stamp(self, year: int, versions: Versions) -> str:
        return ",".join([str(_RULES), *(f"{lea}={versions.get((year, lea), 0)}" for lea in self.leas)])


def scopes_of(districts: Sequence[str]) -> list[Scope]:
    """One for each district. Scores that do not name their district belong to the only one, or else form their own
    scope."""
    if len(districts) == 1:
        return [Scope(districts[0], (districts[0], ""))]
    return [*(Scope(code, (code,)) for code in districts), Scope("", ("",))]


def versions_of(setups: Mapping[int, int]) -> Versions:
    """The versions of the counts of years, each with its set-up."""
    rows = fetch_all(
        f"""
        SELECT v.school_year, v.lea, v.version FROM unnest(%s::bigint[], %s::smallint[]) AS y(setup, year)
        JOIN {ResultVersion._meta.db_table} v ON v.assessment_id = y.setup AND v.school_year = y.year
        """,
        [list(setups.values()), list(setups)],
    )
    return {(year, lea): version for year, lea, version in rows}


def hidden_results(
    setups: Mapping[int, int], scopes: Sequence[Scope], versions: Versions
) -> dict[tuple[int, str], Hidden]:
    """By school year and name of the scope. `versions`: as read before anything else is."""
    held = HiddenResults.objects.filter(
        assessment_id__in=set(setups.values()),
        school_year__in=list(setups),
        scope__in=[scope.name for scope in scopes],
    )
    kept = {(row.assessment_id, row.school_year, row.scope): row for row in held}
    found = {}
    for year, setup in setups.items():
        for scope in scopes:
            row = kept.get((setup, year, scope.name))
            stamp = scope.stamp(year, versions)
            if row is not None and row.stamp == stamp:
                found[year, scope.name] = _read(row.cells, row.crossed)
            else:
                found[year, scope.name] = _work_out(setup, year, scope, stamp)
    return found


def _work_out(setup: int, year: int, scope: Scope, stamp: str) -> Hidden:
    counts, crossed = counts_of(setup, year, scope.leas)
    hidden = hidden_of(counts, crossed)
    divisions = "".join(sorted(hidden.crossed)) + ("1" if hidden.one_school else "")
    values = {"stamp": stamp, "cells": _LINE.join(sorted(map(_written, hidden.cells))), "crossed": divisions}
    # Two processes that compute it at the same time write the same, or one writes a value that the next reader treats
    # as outdated.
    HiddenResults.objects.bulk_create(
        [HiddenResults(assessment_id=setup, school_year=year, scope=scope.name, **values)],
        update_conflicts=True,
        unique_fields=["assessment_id", "school_year", "scope"],
        update_fields=list(values),
    )
    return hidden


def _written(key: CubeKey) -> str:
    school, grade, group = key
    lea, code = school if isinstance(school, tuple) else (TOTAL, "")
    return _CELL.join((lea, code, grade, group))


def _read(cells: str, divisions: str) -> Hidden:
    found = set()
    for line in cells.split(_LINE) if cells else ():
        lea, code, grade, group = line.split(_CELL)
        found.add((TOTAL if lea == TOTAL else (lea, code), grade, group))
    return Hidden(frozenset(found), frozenset(divisions) & frozenset(DIVISIONS), one_school="1" in divisions)


def counts_of(
    setup: int, year: int, leas: Sequence[str], schools: Collection[School] | None = None
) -> tuple[Counts, set[str]]:
    """Students in the cube of these LEAs, or of these of their schools, and the divisions without a small group in any
    school and grade."""
    only, params = "", [setup, year, list(leas)]
    if schools is not None:
        only = "AND (lea, school) IN (SELECT * FROM unnest(%s::text[], %s::text[]))"
        params += [[lea for lea, _school in schools], [school for _lea, school in schools]]
    rows: list[Any] = fetch_all(
        f"""
        WITH c AS MATERIALIZED (
          SELECT lea, school, grade, student_group, tested, scored FROM {TABLE}
          WHERE assessment_id = %s AND school_year = %s AND lea = ANY(%s) {only}
        )
        SELECT lea, school, '{TOTAL}', student_group, sum(tested), sum(scored) FROM c GROUP BY 1, 2, 4
        UNION ALL
        SELECT lea, school, grade, student_group, tested, scored FROM c WHERE student_group = '{ALL}'
        UNION ALL
        SELECT '{TOTAL}', '', grade, student_group, sum(tested), sum(scored) FROM c GROUP BY 3, 4
        UNION ALL
        SELECT '{TOTAL}', '', '{TOTAL}', student_group, sum(tested), sum(scored) FROM c GROUP BY 4
        UNION ALL
        SELECT '', '', 'small', division, 0, 0 FROM (
          SELECT lea, school, grade, split_part(student_group, ':', 1) AS division, sum(tested) AS tested, sum(scored) AS scored,
            bool_or(tested > 0 AND scored < {FEWEST}) AS small
          FROM c GROUP BY 1, 2, 3, 4
        ) AS d JOIN c w USING (lea, school, grade)
        WHERE w.student_group = '{ALL}' AND (d.small OR w.tested > d.tested AND w.scored - d.scored < {FEWEST}) GROUP BY division
        """,
        params,
    )
    small = {row[3] for row in rows if row[2] == "small"}
    counts: Counts = {}
    for lea, school, grade, group, tested, scored in rows:
        if grade != "small":
            counts[TOTAL if lea == TOTAL else (lea, school), grade, group] = Count(int(tested), int(scored))
    divisions = set() if ALL in small else set(DIVISIONS) - small
    return counts, divisions


def hidden_among(setups: Mapping[int, int], scope: Scope, schools: Collection[School]) -> dict[tuple[int, str], Hidden]:
    """By school year: what is hidden if there are only these schools. Computed each time, since they are few."""
    return {
        (year, scope.name): hidden_of(*counts_of(setup, year, scope.leas, schools)) for year, setup in setups.items()
    }


__all__ = ["Scope", "counts_of", "hidden_among", "hidden_results", "scopes_of", "versions_of"]
