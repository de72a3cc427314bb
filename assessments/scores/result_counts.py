"""How many students of each school, grade and student group had which result: the table that the results pages read.

Counted by the statements that write scores, in the same transaction: what a run writes is added, what it takes away is taken off.
So the table is never older than the scores, and costs a run one statement for each side of its changes. A student counts once for
each test and school year, for there is one score of them; whether at all, the file's include indicator says.
"""

from collections.abc import Iterable

from django.db import connection

from assessments.models import Assessment, ResultCount
from assessments.scores.as_tested import COUNTED, FACTS, TESTED, fact_sql
from assessments.scores.encoding import AS_TESTED, CELL, CELLS, SCORE, side_sql
from sisimport.imports.engine.sql import execute

TABLE = ResultCount._meta.db_table
LEVELS = 5
ALL = "all"
_KEY = ("assessment_id", "school_year", "student_group", "lea", "school", "grade")
_SUMS = ("tested", "scored", *(f"level_{n}" for n in range(1, LEVELS + 1)), "scale_count", "scale_sum")

# Prefix of a group -> the fact it is made of, and the values that make a group.
GROUPS: dict[str, tuple[str, tuple[str, ...]]] = {
    "g": ("gender", ("F", "M", "X")),
    "e": ("ethnicity", ("100", "200", "300", "400", "500", "600", "700", "800")),
    "l": ("elas", ("EO", "IFEP", "EL", "RFEP", "TBD", "ADEL")),
    "s": ("disadvantaged", ("Y", "N")),
    "d": ("disability", ("Y", "N")),
    "h": ("homeless", ("Y",)),
    "f": ("foster", ("Y",)),
    "m": ("migrant", ("Y",)),
    "a": ("military", ("Y",)),
}
# Level of a result: the number it is coded by, or that of the words of the Initial ELPAC.
LEVEL_SQL = """CASE WHEN {0} ~ '^[1-5]$' THEN {0}::int WHEN starts_with({0}, 'Initial Fluent') THEN 3
      WHEN {0} = 'Intermediate English Learner' THEN 2 WHEN {0} = 'Novice English Learner' THEN 1 END"""


def count_changes(where: str, side: str, *, sign: int) -> None:
    """Add (`sign` 1) or take off (-1) the scores in one side of the changes `c` that `where` chooses."""
    tally = Tally()
    with connection.cursor() as cursor:
        planned = f"SELECT p.scores, p.date, p.grade, p.school_year, 0 FROM ({side_sql(side, where)}) AS p"
        with cursor.copy(f"COPY ({planned}) TO STDOUT") as out:
            tally.add(map(bytes, out))
    tally.store(sign=sign)


class Tally:
    """Adds up scores as COPY gives them, a line at a time while they are written: a database takes ten times as long to spread
    them over their groups. Numbers of a cell are one whole number, with room for each of them."""

    def __init__(self) -> None:
        tests = Assessment.objects.filter(parent__isnull=True).values_list("pk", flat=True)
        self._tests = {str(pk).encode() for pk in tests}
        self._cells: dict[bytes, int] = {}
        self._places: dict[tuple[bytes, ...], tuple[list[bytes], bool]] = {}

    def add(self, lines: Iterable[bytes]) -> None:
        """Lines of a plan: scores, date, grade, school year and more, with tabs between them (see encoding.py)."""
        cells, places = self._cells, self._places
        for line in lines:
            scores, _date, grade, year, _rest = line.split(b"\t", 4)
            score = self._of_test(scores)
            if score is None:
                continue
            held = score.split(_CELL)
            tested = held[AS_TESTED] if len(held) > AS_TESTED else b""
            place = (held[0], year, held[_GRADE] if grade == b"\\N" else grade, tested)
            counting = places.get(place)
            if counting is None:
                if len(places) > _MOST_PLACES:
                    places.clear()
                counting = places[place] = _keys(*place)
            keys, counts = counting
            if not keys:
                continue
            number = _ONE
            if counts:
                level, scale = _level(held[3] if len(held) > 3 else b""), held[1] if len(held) > 1 else b""
                is_number = scale.isdigit() and len(scale) <= 4
                number += (level > 0 or is_number) * _SCORED + (_LEVEL[level] if level else 0)
                number += _SCALE + int(scale) * _SCALE_SUM if is_number else 0
            for key in keys:
                cells[key] = cells.get(key, 0) + number

    def _of_test(self, scores: bytes) -> bytes | None:
        """The score of the test itself, mostly the first; a change may hold those of parts only."""
        for score in scores.split(_SCORE):
            if score.split(_CELL, 1)[0] in self._tests:
                return score
        return None

    def store(self, *, sign: int) -> None:
        """Add what was counted to the table, or take it off."""
        if not self._cells:
            return
        columns = ", ".join((*_KEY, *_SUMS))
        execute("DROP TABLE IF EXISTS result_change")
        execute(f"CREATE TEMP TABLE result_change ON COMMIT DROP AS SELECT {columns} FROM {TABLE} LIMIT 0")
        with connection.cursor() as cursor, cursor.copy(f"COPY result_change ({columns}) FROM STDIN") as into:
            for key, number in self._cells.items():
                sums = (str(number >> (at * _BITS) & _MASK) for at in range(len(_SUMS)))
                into.write(key + b"\t" + "\t".join(sums).encode() + b"\n")
        self._cells.clear()
        changed = ", ".join(f"{sign} * {name}" for name in _SUMS)
        execute(
            f"""
            INSERT INTO {TABLE} AS held ({columns}) SELECT {", ".join(_KEY)}, {changed} FROM result_change
            ORDER BY {", ".join(_KEY)} ON CONFLICT ({", ".join(_KEY)}) DO UPDATE
              SET {", ".join(f"{name} = held.{name} + excluded.{name}" for name in _SUMS)}
            """
        )
        if sign < 0:
            execute(f"DELETE FROM {TABLE} WHERE tested = 0 AND scored = 0")


_CELL, _SCORE = CELL.encode(), SCORE.encode()
_GRADE = 1 + CELLS.index("grade")
_MOST_PLACES = 20_000
_BITS = 40  # of each number of a cell
_MASK = (1 << _BITS) - 1
_ONE, _SCORED, *_BY_LEVEL, _SCALE, _SCALE_SUM = (1 << (at * _BITS) for at in range(len(_SUMS)))
_LEVEL = [0, *_BY_LEVEL]
_LEVELS_IN_WORDS = {b"Intermediate English Learner": 2, b"Novice English Learner": 1}


def _level(result: bytes) -> int:
    """0: none. As LEVEL_SQL has it."""
    if len(result) == 1:
        return int(result) if b"1" <= result <= b"5" else 0
    return 3 if result.startswith(b"Initial Fluent") else _LEVELS_IN_WORDS.get(result, 0)


_FACT_AT = {fact.name: at for at, fact in enumerate(FACTS)}
_GROUP_AT = [
    (_FACT_AT[fact], {value.encode(): f"{prefix}:{value}".encode() for value in values})
    for prefix, (fact, values) in GROUPS.items()
]


def _keys(test: bytes, year: bytes, grade: bytes, tested: bytes) -> tuple[list[bytes], bool]:
    """The cells that a score counts in, as COPY reads their keys, and whether its result counts."""
    values = tested.split(b",") if tested else [b""] * len(FACTS)
    include = values[_FACT_AT["include"]].decode()
    if include not in TESTED:
        return [], False
    groups = [ALL.encode(), *(names[values[at]] for at, names in _GROUP_AT if values[at] in names)]
    before, after = test + b"\t" + year + b"\t", b"\t".join((b"", values[0], values[1], grade))
    return [before + group + after for group in groups], include in COUNTED


def count_anew() -> None:
    """Count all scores there are, from nothing. For what has no counts yet, and for the tests that hold the two against each
    other."""
    execute(f"DELETE FROM {TABLE}")
    execute(_adding(EVERYTHING), [])


EVERYTHING = """
    SELECT r.assessment_id, r.school_year, r.grade, r.as_tested, r.scale_score, r.result
    FROM assessments_score r JOIN assessments_assessment a ON a.id = r.assessment_id WHERE a.parent_id IS NULL
"""


def _adding(source: str) -> str:
    """SQL that adds up scores and their groups: `source` gives one row per score of a test.

    Scores that are alike are put together before they are spread over their groups, and by what came out (`kind`: a level, 0
    without one, -1 where it does not count): what is left is a fraction of the sums, and in whole numbers.
    """
    columns = ", ".join(f"{fact_sql(name, 't.as_tested')} AS {name}" for name in ("lea", "school", *_facts_of_groups()))
    groups = [f"'{ALL}'"]
    groups += [
        f"CASE WHEN f.{fact} IN ({_listed(values)}) THEN '{prefix}:' || f.{fact} END"
        for prefix, (fact, values) in GROUPS.items()
    ]
    levels = [f"coalesce(sum(f.n) FILTER (WHERE f.kind = {n}), 0)" for n in range(1, LEVELS + 1)]
    scored = "coalesce(sum(CASE WHEN f.kind > 0 THEN f.n WHEN f.kind = 0 THEN f.scales END), 0)"
    counted = "FILTER (WHERE f.kind >= 0)"
    sums = [
        "sum(f.n)",
        scored,
        *levels,
        f"coalesce(sum(f.scales) {counted}, 0)",
        f"coalesce(sum(f.scale) {counted}, 0)",
    ]
    return f"""
        INSERT INTO {TABLE} AS held ({", ".join((*_KEY, *_SUMS))})
        SELECT f.assessment_id, f.school_year, g.code, f.lea, f.school, f.grade, {", ".join(sums)}
        FROM (
          SELECT t.*, {columns} FROM (
            SELECT s.assessment_id, s.school_year, s.grade, s.as_tested, s.kind,
              count(*)::int AS n, count(s.scale)::int AS scales, coalesce(sum(s.scale), 0)::int AS scale
            FROM (
              SELECT r.assessment_id, r.school_year, r.grade, r.as_tested,
                CASE WHEN r.scale_score ~ '^[0-9]{{1,4}}$' THEN r.scale_score::int END AS scale,
                CASE WHEN r.include IN ({_listed(COUNTED)}) THEN coalesce({LEVEL_SQL.format("r.result")}, 0) ELSE -1 END AS kind
              FROM (SELECT i.*, {fact_sql("include", "i.as_tested")} AS include FROM ({source}) AS i OFFSET 0) AS r
              WHERE r.include IN ({_listed(TESTED)}) OFFSET 0
            ) AS s GROUP BY 1, 2, 3, 4, 5
          ) AS t OFFSET 0
        ) AS f CROSS JOIN LATERAL unnest(ARRAY[{", ".join(groups)}]) AS g(code)
        WHERE g.code IS NOT NULL
        GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6
        ON CONFLICT ({", ".join(_KEY)}) DO UPDATE
          SET {", ".join(f"{name} = held.{name} + excluded.{name}" for name in _SUMS)}
    """


def _facts_of_groups() -> list[str]:
    return [fact for fact, _values in GROUPS.values()]


def _listed(values: tuple[str, ...]) -> str:
    return ", ".join(f"'{value}'" for value in values)
