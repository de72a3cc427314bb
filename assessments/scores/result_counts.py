"""How many students of each school, grade and student group had which result: the table that the results pages read.

Counted by the statements that write scores, in the same transaction: what a run writes is added, what it takes away is taken off.
So the table is never older than the scores, and costs a run one statement for each side of its changes. A student counts once for
each test and school year, for there is one score of them; whether at all, the file's include indicator says.
"""

from assessments.models import Assessment, ResultCount
from assessments.scores.as_tested import COUNTED, TESTED, fact_sql
from assessments.scores.encoding import CELL, CELLS, SCORE, as_tested_sql, side_sql
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
    tests = list(map(str, Assessment.objects.filter(parent__isnull=True).values_list("pk", flat=True)))
    # The score of the test mostly comes first; a change may hold those of parts only.
    first = f"split_part(p.scores, '{CELL}', 1)"
    among = f"SELECT s FROM unnest(string_to_array(p.scores, '{SCORE}')) AS s WHERE split_part(s, '{CELL}', 1) = ANY(%s) LIMIT 1"
    source = f"""
        SELECT split_part(q.score, '{CELL}', 1)::bigint AS assessment_id, q.school_year,
          coalesce(q.grade, split_part(q.score, '{CELL}', {CELLS.index("grade") + 2})) AS grade,
          {as_tested_sql("q.score")} AS as_tested, split_part(q.score, '{CELL}', 2) AS scale_score,
          split_part(q.score, '{CELL}', 4) AS result
        FROM (
          SELECT p.school_year, p.grade,
            CASE WHEN {first} = ANY(%s) THEN split_part(p.scores, '{SCORE}', 1) ELSE ({among}) END AS score
          FROM ({side_sql(side, where)}) AS p
        ) AS q WHERE q.score IS NOT NULL
    """
    execute(_adding(source, sign), [tests, tests])
    if sign < 0:
        execute(f"DELETE FROM {TABLE} WHERE tested = 0 AND scored = 0")


def count_anew() -> None:
    """Count all scores there are, from nothing. For what has no counts yet, and for the tests that hold the two against each
    other."""
    execute(f"DELETE FROM {TABLE}")
    execute(_adding(EVERYTHING, 1), [])


EVERYTHING = """
    SELECT r.assessment_id, r.school_year, r.grade, r.as_tested, r.scale_score, r.result
    FROM assessments_score r JOIN assessments_assessment a ON a.id = r.assessment_id WHERE a.parent_id IS NULL
"""


def _adding(source: str, sign: int) -> str:
    """SQL that adds up scores and their groups: `source` gives one row per score of a test.

    Scores that are alike in everything but their number are put together before they are spread over their groups.
    """
    facts = ", ".join(f"{fact_sql(name, 't.as_tested')} AS {name}" for name in ("lea", "school", *_facts_of_groups()))
    include = fact_sql("include", "s.as_tested")
    groups = [f"'{ALL}'"]
    groups += [
        f"CASE WHEN f.{fact} IN ({_listed(values)}) THEN '{prefix}:' || f.{fact} END"
        for prefix, (fact, values) in GROUPS.items()
    ]
    sums = ", ".join(f"{sign} * sum(f.{name})" for name in _SUMS)
    levels = ", ".join(f"count(*) FILTER (WHERE s.counts AND s.level = {n}) AS level_{n}" for n in range(1, LEVELS + 1))
    number = "s.counts AND s.scale_score ~ '^[0-9]{1,4}$'"
    return f"""
        INSERT INTO {TABLE} AS held ({", ".join((*_KEY, *_SUMS))})
        SELECT f.assessment_id, f.school_year, g.code, f.lea, f.school, f.grade, {sums}
        FROM (
          SELECT t.*, {facts} FROM (
            SELECT s.assessment_id, s.school_year, s.grade, s.as_tested,
              count(*) FILTER (WHERE s.took) AS tested,
              count(*) FILTER (WHERE s.counts AND (s.level IS NOT NULL OR {number})) AS scored, {levels},
              count(*) FILTER (WHERE {number}) AS scale_count,
              coalesce(sum(CASE WHEN {number} THEN s.scale_score::int END), 0) AS scale_sum
            FROM (
              SELECT s.*, {LEVEL_SQL.format("s.result")} AS level, {include} IN ({_listed(COUNTED)}) AS counts,
                {include} IN ({_listed(TESTED)}) AS took
              FROM ({source}) AS s OFFSET 0
            ) AS s GROUP BY 1, 2, 3, 4
          ) AS t OFFSET 0
        ) AS f CROSS JOIN LATERAL unnest(ARRAY[{", ".join(groups)}]) AS g(code)
        WHERE g.code IS NOT NULL
        GROUP BY 1, 2, 3, 4, 5, 6 HAVING sum(f.tested) > 0 OR sum(f.scored) > 0 ORDER BY 1, 2, 3, 4, 5, 6
        ON CONFLICT ({", ".join(_KEY)}) DO UPDATE
          SET {", ".join(f"{name} = held.{name} + excluded.{name}" for name in _SUMS)}
    """


def _facts_of_groups() -> list[str]:
    return [fact for fact, _values in GROUPS.values()]


def _listed(values: tuple[str, ...]) -> str:
    return ", ".join(f"'{value}'" for value in values)
