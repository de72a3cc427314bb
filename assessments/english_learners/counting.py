"""The numbers of the page, school by school: one statement that reads each record once, whatever the size of the county."""

import datetime as dt
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.core.exceptions import EmptyResultSet

from assessments.english_learners.asking import (
    BAND_NAMES,
    BANDS,
    IDENTIFIED,
    LONGEST_TBD,
    RECLASSIFIED,
    RFEP_YEAR,
    STATUSES,
    TBD_SINCE,
    Asking,
    met_scores,
    years_before,
)
from assessments.results.hiding import TOTAL, Table, hidden_cells
from assessments.results.hiding import Count as Cell
from sisimport.imports.engine.sql import fetch_all
from students.models import LastDay, ProgramStatus

School = int
Key = tuple[School | str, str]  # a school or TOTAL, and what is counted
_ROW = "student__school"
# Like asking.SPRING, without numerics, which take longer than all the rest: 184 days after July 1 is January 1.
_SPRING_OF_DAY = "coalesce(date_part('year', base.day + 184)::int, 0)"


def counts_of(asking: Asking) -> Counter[Key]:
    """Students by school and by what is counted, with TOTAL for all schools."""
    return counts_by_year(asking, [asking.elpac_year] if asking.elpac_year else [])[0]


def counts_by_year(asking: Asking, years: Sequence[int]) -> tuple[Counter[Key], dict[int, Counter[Key]]]:
    """Like `counts_of`, with `elpac` for the requested year; and separately the counts of `elpac` for each of the
    years."""
    found: Counter[Key] = Counter()
    elpacs: dict[int, Counter[Key]] = {year: Counter() for year in years}
    named = {status: name for name, (status, _label) in STATUSES.items()}
    for school, status, spring, exited, n, over, *more in _counted(asking, years):
        _add(found, school, f"{RFEP_YEAR}{spring}", exited)
        _add(found, school, named[status], n)
        _add(found, school, "tbd-over", over)
        for name, number in zip(BAND_NAMES, more, strict=False):
            _add(found, school, name, number)
        for year, number in zip(years, more[len(BAND_NAMES) :], strict=True):
            _add(elpacs[year], school, "elpac", number)
    found.update(elpacs.get(asking.elpac_year, {}))
    return found, elpacs


def _counted(asking: Asking, years: Sequence[int]) -> list[tuple[Any, ...]]:
    """School, status, school year of reclassification, how many were reclassified and, of those enrolled today: all,
    long in TBD, in each band of years, and with an ELPAC in each of `years` that meets criterion 1.

    Students and their records are read once, and so are the scores of a year, by index. Looking up the scores of each
    English learner would take longer.
    """
    records = asking.on_record().annotate(since=TBD_SINCE, identified=IDENTIFIED, day=RECLASSIFIED)
    columns = ("pk", _ROW, "program_status", "since", "identified", "day")
    try:
        sql, params = records.values_list(*columns).query.sql_with_params()
    except EmptyResultSet:  # the user has no school (yet)
        return []
    exited, enrolled = f"base.status = '{ProgramStatus.EXITED.value}'", "left_school.student_id IS NULL"
    is_learner = f"{enrolled} AND base.status = '{ProgramStatus.EL.value}'"
    pending = f"{enrolled} AND base.status = '{ProgramStatus.PENDING.value}'"
    numbers = [f"count(*) FILTER (WHERE {exited})", f"count(*) FILTER (WHERE {enrolled})"]
    numbers.append(f"count(*) FILTER (WHERE {pending} AND base.since < %s)")
    values: list[Any] = [asking.day - dt.timedelta(days=LONGEST_TBD)]
    for name in BAND_NAMES:
        wanted = [is_learner, f"base.identified IS {'NOT ' if name in BANDS else ''}NULL"]
        first, end = BANDS.get(name, (0, None))
        for limit, sign in ((first, "<="), (end, ">")):
            if limit:
                wanted.append(f"base.identified {sign} %s")
                values.append(years_before(asking.day, limit))
        numbers.append(f"count(*) FILTER (WHERE {' AND '.join(wanted)})")
    tables, joins, given = "", "", []  # type: str, str, list[Any]
    for at, year in enumerate(years):
        scores, of_scores = met_scores(year).values_list("student_id").distinct().query.sql_with_params()
        tables += f", met_{at}(student) AS MATERIALIZED ({scores})"
        given += of_scores
        joins += f" LEFT JOIN met_{at} ON met_{at}.student = base.student AND {is_learner}"
        numbers.append(f"count(met_{at}.student)")
    return fetch_all(
        f"""
        WITH base(student, school, status, since, identified, day) AS MATERIALIZED ({sql}){tables}
        SELECT base.school, base.status, CASE WHEN {exited} THEN {_SPRING_OF_DAY} ELSE 0 END, {", ".join(numbers)} FROM base
        LEFT JOIN {LastDay._meta.db_table} left_school ON left_school.student_id = base.student AND left_school.day < %s{joins}
        GROUP BY 1, 2, 3
        """,
        [*params, *given, *values, asking.day],
    )


def _add(found: Counter[Key], school: School, what: str, n: int) -> None:
    if n:
        found[school, what] += n
        found[TOTAL, what] += n


def rfep_years(found: Collection[Key]) -> list[int]:
    """School years with reclassified students, newest first; 0, for an unknown day, comes last."""
    whats = {what for _school, what in found}
    springs = (what.removeprefix(RFEP_YEAR) for what in whats if what.startswith(RFEP_YEAR))
    return sorted(map(int, springs), reverse=True)


def hidden_in(found: Mapping[Key, int], elpacs: Collection[Mapping[Key, int]]) -> set[Key]:
    """What a file or paper must not show: numbers of fewer than 11 students, and numbers that would reveal them.

    `elpacs`: the ELPAC part of `found` for every year that can be requested: hiding is decided for all of them
    together.
    """
    schools = {school for school, _what in found} - {TOTAL}
    years = [f"{RFEP_YEAR}{year}" for year in rfep_years(found)]
    divisions: list[tuple[str, list[str]]] = [
        ("on record", list(STATUSES)),
        ("tbd", ["tbd-over"]),
        ("el", list(BAND_NAMES)),
        ("ever reclassified", years),
        ("ever reclassified", ["rfep"]),
    ]
    numbers: dict[Key, int] = dict(found)
    for at, elpac in enumerate(elpacs):
        divisions.append(("el", [f"elpac {at}"]))
        numbers |= {(school, f"elpac {at}"): n for (school, what), n in elpac.items() if what == "elpac"}
    for school in (*schools, TOTAL):
        numbers[school, "on record"] = sum(numbers.get((school, what), 0) for what in STATUSES)
        numbers[school, "ever reclassified"] = sum(numbers.get((school, what), 0) for what in years)
    tables = [_table(numbers, [*schools, TOTAL], whole, parts, at) for at, (whole, parts) in enumerate(divisions)]
    cells = {key: Cell(n, n) for key, n in numbers.items() if n > 0}
    hidden: set[Key] = hidden_cells(cells, tables)  # type: ignore[assignment]
    shown = {at: {school for school, what in hidden if what == f"elpac {at}"} for at in range(len(elpacs))}
    return hidden | {(school, "elpac") for schools_hidden in shown.values() for school in schools_hidden}


def _table(numbers: dict[Key, int], schools: list[School | str], whole: str, parts: list[str], at: int) -> Table:
    """Schools by the parts of a whole. The remainder is also a part, never shown: it is added to `numbers`."""
    rest = f"rest {at}"
    keys: dict[tuple[str, str], Key] = {}
    for school in schools:
        numbers[school, rest] = numbers.get((school, whole), 0) - sum(numbers.get((school, what), 0) for what in parts)
        keys |= {(str(school), what): (school, what) for what in (*parts, rest)}
        keys[str(school), TOTAL] = (school, whole)
    return Table(keys)


__all__ = ["TOTAL", "Key", "counts_by_year", "counts_of", "hidden_in", "rfep_years"]
