"""Where the lines of a Replacement SSID file lead, taking all lines and the records together.

Every line says that one number became another. With the replacements on record they form trees: many numbers lead to
one, and the number at the end is the one that counts. A tree is about one person. From this follows what a line can
mean beyond its own two numbers: a number *behind* a student's current SSID is a former one of that student; a number
*ahead* of it is one that the student will have; from numbers that lead in a circle, or to two students, nothing can be
written.

Each statement visits each number once, so a chain of a hundred thousand lines takes linear time.
"""

from sisimport.imports.engine.sql import execute
from sisimport.imports.engine.statistics import hash_joins_only
from students.patterns import TEN_DIGITS


def find_chains() -> None:
    """Fill the columns `circle`, `twice`, `behind`, `elsewhere` of the staged lines, and `student_pk` where only a chain leads
    to the student. Reads `holder_pk`, `numbered_pk`, `owner_pk` and `student_pk`."""
    *walks, last = _STATEMENTS
    for statement in walks:
        execute(statement)
    with hash_joins_only():  # joins tables of the file; the planner assumes that few edges fit a line
        execute(last)


_STATEMENTS = (
    # Lines that can be read and contradict neither each other nor the record. `sure`: nothing in the line leads to
    # another student, so a number may be given to a student through it.
    f"""
    CREATE TEMP TABLE replacement_edge ON COMMIT DROP AS
    SELECT DISTINCT ON (r.state, r.retired_ssid) r.state, r.retired_ssid AS retired, r.replacement_ssid AS replacement,
      coalesce(r.owner_pk = r.student_pk, true) AND coalesce(r.numbered_pk = r.student_pk, true) AS sure
    FROM staged_replacement r
    WHERE NOT r.refused AND r.dup_retired <> 2 AND r.retired_ssid ~ '{TEN_DIGITS}' AND r.replacement_ssid ~ '{TEN_DIGITS}'
      AND r.retired_ssid <> r.replacement_ssid AND NOT EXISTS (
        SELECT 1 FROM students_ssidreplacement k
        WHERE k.state = r.state AND k.retired_ssid = r.retired_ssid AND k.replacement_ssid <> r.replacement_ssid)
    ORDER BY r.state, r.retired_ssid, r.line
    """,
    "CREATE UNIQUE INDEX ON replacement_edge (state, retired)",
    # What is on record about the numbers that the file leads to.
    """
    INSERT INTO replacement_edge (state, retired, replacement, sure)
    WITH RECURSIVE reached AS (
      SELECT state, replacement AS number FROM replacement_edge
      UNION SELECT k.state, k.replacement_ssid FROM reached a
        JOIN students_ssidreplacement k ON k.state = a.state AND k.retired_ssid = a.number)
    SELECT k.state, k.retired_ssid, k.replacement_ssid, true
    FROM reached a JOIN students_ssidreplacement k ON k.state = a.state AND k.retired_ssid = a.number
    ON CONFLICT DO NOTHING
    """,
    "CREATE INDEX ON replacement_edge (state, replacement)",
    "ANALYZE replacement_edge",
    """
    CREATE TEMP TABLE replacement_number ON COMMIT DROP AS
    SELECT n.state, n.number, s.student_id, s.id IS NOT NULL AND s.retired_at IS NULL AS is_current,
      NULL::text AS ending, false AS ahead, false AS behind
    FROM (SELECT state, retired AS number FROM replacement_edge UNION SELECT state, replacement FROM replacement_edge) AS n
    LEFT JOIN students_ssid s ON s.state = n.state AND s.ssid = n.number
    """,
    "CREATE UNIQUE INDEX ON replacement_number (state, number)",
    "ANALYZE replacement_number",
    # From every end back to all numbers that lead there. Numbers that are never reached lead in a circle.
    """
    WITH RECURSIVE tree AS (
      SELECT n.state, n.number, n.number AS ending FROM replacement_number n
      WHERE NOT EXISTS (SELECT 1 FROM replacement_edge e WHERE e.state = n.state AND e.retired = n.number)
      UNION ALL SELECT e.state, e.retired, t.ending
      FROM tree t JOIN replacement_edge e ON e.state = t.state AND e.replacement = t.number)
    UPDATE replacement_number n SET ending = t.ending FROM tree t WHERE t.state = n.state AND t.number = n.number
    """,
    """
    WITH RECURSIVE later AS (
      SELECT e.state, e.replacement AS number
      FROM replacement_number n JOIN replacement_edge e ON e.state = n.state AND e.retired = n.number WHERE n.is_current
      UNION SELECT e.state, e.replacement
      FROM later a JOIN replacement_edge e ON e.state = a.state AND e.retired = a.number)
    UPDATE replacement_number n SET ahead = true FROM later a WHERE a.state = n.state AND a.number = n.number
    """,
    """
    WITH RECURSIVE earlier AS (
      SELECT n.state, n.number FROM replacement_number n WHERE n.is_current OR n.ahead
      UNION SELECT e.state, e.retired
      FROM earlier b JOIN replacement_edge e ON e.state = b.state AND e.replacement = b.number WHERE e.sure)
    UPDATE replacement_number n SET behind = true
    FROM earlier b WHERE b.state = n.state AND b.number = n.number AND NOT n.is_current AND NOT n.ahead
    """,
    """
    UPDATE staged_replacement r
    SET circle = n.ending IS NULL, twice = t.twice, behind = n.behind AND t.student_id IS NOT NULL,
      elsewhere = coalesce(n.behind AND n.student_id IS NULL AND r.student_pk <> t.student_id, false),
      student_pk = coalesce(r.student_pk, CASE WHEN n.behind THEN t.student_id END)
    FROM replacement_edge e JOIN replacement_number n ON n.state = e.state AND n.number = e.retired
    JOIN (
      SELECT state, ending, count(DISTINCT student_id) > 1 AS twice,
        CASE WHEN count(DISTINCT student_id) = 1 THEN min(student_id) END AS student_id
      FROM replacement_number GROUP BY state, ending
    ) AS t ON t.state = n.state AND coalesce(t.ending, '') = coalesce(n.ending, '')
    WHERE r.state = e.state AND r.retired_ssid = e.retired AND r.replacement_ssid = e.replacement AND r.dup_retired <> 2
    """,
)
