"""Where the lines of a Replacement SSID file lead, taking all lines and the records together.

Every line says that one number became another. With the replacements on record they form trees: many numbers lead to
one, and the number at the end is the one that counts. A tree is about one person. From this follows what a line can
mean beyond its own two numbers: a number *behind* a student's current SSID is a former one of that student; a number
*ahead* of it is one that the student will have; from numbers that lead in a circle, or to two students, nothing can be
written. The last line of a chain that starts at a student's current SSID and ends at a number that nobody has gives that
number, and those between are former ones.

Most lines are a tree of their own: no other line names their numbers, and the record does not lead on from them. What
they mean is computed with their students, in one statement. Only the other lines are walked, and each statement visits
each number once, so a chain of a hundred thousand lines takes linear time.
"""

from sisimport.imports.engine.sql import execute
from sisimport.imports.engine.statistics import hash_joins_only


def find_students() -> None:
    """Fill the columns of the staged lines that start with the records: the students a line leads to, and where it leads
    if it is alone."""
    execute(_STUDENTS)
    execute(f"ANALYZE staged_replacement ({_FOUND})")


def find_chains() -> None:
    """Fill the columns that come from other lines and from chains: `chained_line`, `shared`, `circle`, `twice`, `behind`,
    `elsewhere`, `opens_chain`, `ends_chain`, and `student_pk` where only a chain leads to the student. Follows `find_students`.

    A file of which every line is alone costs one statement.
    """
    if not execute(_LINKED):
        return
    *walks, last = _STATEMENTS
    for statement in walks:
        execute(statement)
    with hash_joins_only():  # joins tables of the file; the planner assumes that few edges fit a line
        execute(last)


_FOUND = "numbered_pk, holder_pk, owner_pk, student_pk"
# A line that can be read and contradicts neither another line nor the record.
_EDGE = """NOT {row}.refused AND {row}.dup_retired <> 2 AND {row}.retired_ok AND {row}.replacement_ok
        AND {row}.retired_ssid <> {row}.replacement_ssid
        AND coalesce({recorded}.replacement_ssid = {row}.replacement_ssid, true)"""
# `twice` and `behind` are what the walk below would find in a tree of this one line.
_STUDENTS = f"""
    UPDATE staged_replacement r
    SET numbered_pk = q.numbered, holder_pk = q.holder, owner_pk = q.owner, student_pk = q.student,
      moves_on = q.moves_on, twice = q.edge AND coalesce(q.holder <> q.owner, false),
      behind = q.edge AND q.owner_has_it AND NOT q.holder_has_it
        AND q.owner = q.student AND coalesce(q.numbered = q.student, true)
    FROM (
      SELECT p.line, n.id AS numbered, h.student_id AS holder, o.student_id AS owner,
        coalesce(h.student_id, n.id, o.student_id) AS student, m.id IS NOT NULL AS moves_on,
        h.id IS NOT NULL AND h.retired_at IS NULL AS holder_has_it, o.id IS NOT NULL AND o.retired_at IS NULL AS owner_has_it,
        {_EDGE.format(row="p", recorded="k")} AS edge
      FROM staged_replacement p
      LEFT JOIN students_student n ON n.lea_id = p.lea_id AND n.local_number = p.local_number
      LEFT JOIN students_ssid h ON h.state = p.state AND h.ssid = p.retired_ssid
      LEFT JOIN students_ssid o ON o.state = p.state AND o.ssid = p.replacement_ssid
      LEFT JOIN students_ssidreplacement k ON k.state = p.state AND k.retired_ssid = p.retired_ssid
      LEFT JOIN students_ssidreplacement m ON m.state = p.state AND m.retired_ssid = p.replacement_ssid
    ) AS q WHERE q.line = r.line
"""
# Numbers that several lines name, and those that the record already replaces with another.
_LINKED = """
    CREATE TEMP TABLE linked_number ON COMMIT DROP AS
    SELECT n.state, n.number FROM (
      SELECT state, retired_ssid AS number, false AS moves_on FROM staged_replacement
      UNION ALL SELECT state, replacement_ssid, moves_on FROM staged_replacement
    ) AS n GROUP BY n.state, n.number HAVING count(*) > 1 OR bool_or(n.moves_on)
"""
_STATEMENTS = (
    """
    UPDATE staged_replacement r SET chained_line = e.line FROM (
      SELECT replacement_ssid, min(line) AS line FROM staged_replacement WHERE replacement_ok GROUP BY replacement_ssid
    ) AS e WHERE e.replacement_ssid = r.retired_ssid AND r.holder_pk IS NULL
    """,
    """
    UPDATE staged_replacement r SET shared = true FROM (
      SELECT replacement_ssid FROM staged_replacement WHERE student_pk IS NOT NULL
      GROUP BY replacement_ssid HAVING count(DISTINCT student_pk) > 1
    ) AS s WHERE s.replacement_ssid = r.replacement_ssid
    """,
    # Further along on the record; another line may lead to such a number.
    """
    INSERT INTO linked_number (state, number)
    WITH RECURSIVE reached AS (
      SELECT state, replacement_ssid AS number FROM staged_replacement WHERE moves_on
      UNION SELECT k.state, k.replacement_ssid FROM reached a
        JOIN students_ssidreplacement k ON k.state = a.state AND k.retired_ssid = a.number)
    SELECT state, number FROM reached EXCEPT SELECT state, number FROM linked_number
    """,
    "ANALYZE linked_number",
    # `sure`: nothing in the line leads to another student, so a number may be given to a student through it.
    f"""
    CREATE TEMP TABLE replacement_edge ON COMMIT DROP AS
    SELECT DISTINCT ON (r.state, r.retired_ssid) r.state, r.retired_ssid AS retired, r.replacement_ssid AS replacement,
      coalesce(r.owner_pk = r.student_pk, true) AND coalesce(r.numbered_pk = r.student_pk, true) AS sure,
      k.id IS NULL AS fresh, NOT r.shared AND r.local_number NOT IN (r.retired_ssid, r.replacement_ssid) AS clean,
      r.student_pk, false AS opens, false AS ends
    FROM staged_replacement r
    LEFT JOIN students_ssidreplacement k ON k.state = r.state AND k.retired_ssid = r.retired_ssid
    WHERE {_EDGE.format(row="r", recorded="k")}
      AND ((r.state, r.retired_ssid) IN (SELECT state, number FROM linked_number)
        OR (r.state, r.replacement_ssid) IN (SELECT state, number FROM linked_number))
    ORDER BY r.state, r.retired_ssid, r.line
    """,
    "CREATE UNIQUE INDEX ON replacement_edge (state, retired)",
    # What is on record about the numbers that the file leads to.
    """
    INSERT INTO replacement_edge (state, retired, replacement, sure, fresh, clean, student_pk, opens, ends)
    WITH RECURSIVE reached AS (
      SELECT state, replacement AS number FROM replacement_edge
      UNION SELECT k.state, k.replacement_ssid FROM reached a
        JOIN students_ssidreplacement k ON k.state = a.state AND k.retired_ssid = a.number)
    SELECT k.state, k.retired_ssid, k.replacement_ssid, true, false, true, NULL::bigint, false, false
    FROM reached a JOIN students_ssidreplacement k ON k.state = a.state AND k.retired_ssid = a.number
    ON CONFLICT DO NOTHING
    """,
    "CREATE INDEX ON replacement_edge (state, replacement)",
    "ANALYZE replacement_edge",
    """
    CREATE TEMP TABLE replacement_number ON COMMIT DROP AS
    SELECT n.state, n.number, s.student_id, s.id IS NOT NULL AND s.retired_at IS NULL AS is_current,
      NULL::text AS ending, false AS ahead, false AS between, false AS behind
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
    # Chains of several lines that one Update can write: after what is on record, only new lines, each about this student and
    # leading to a number that nobody has.
    """
    WITH RECURSIVE tree AS (
      SELECT state, ending, min(student_id) AS student_id, min(number) FILTER (WHERE is_current) AS current
      FROM replacement_number WHERE ending IS NOT NULL GROUP BY state, ending
      HAVING count(DISTINCT student_id) = 1 AND bool_or(is_current) AND bool_and(number <> ending OR student_id IS NULL)
    ), path AS (
      SELECT t.*, t.current AS retired, t.current AS number, false AS fresh, true AS good FROM tree t
      UNION ALL SELECT p.state, p.ending, p.student_id, p.current, e.retired, e.replacement, e.fresh, p.good AND CASE
          WHEN e.fresh THEN e.sure AND e.clean AND coalesce(e.student_pk = p.student_id, true) AND n.student_id IS NULL
          ELSE NOT p.fresh END
      FROM path p JOIN replacement_edge e ON e.state = p.state AND e.retired = p.number
      JOIN replacement_number n ON n.state = e.state AND n.number = e.replacement
    ), whole AS (
      SELECT state, ending, current, max(retired) FILTER (WHERE number = ending) AS last
      FROM path GROUP BY state, ending, current
      HAVING count(*) > 2 AND bool_and(good) AND bool_or(fresh) FILTER (WHERE number = ending)
    ), written AS (
      UPDATE replacement_edge e SET opens = e.retired = w.current, ends = e.retired = w.last
      FROM whole w WHERE e.state = w.state AND e.retired IN (w.current, w.last)
    )
    UPDATE replacement_number n SET between = true
    FROM path p JOIN whole w ON w.state = p.state AND w.ending = p.ending
    WHERE n.state = p.state AND n.number = p.number AND p.number NOT IN (w.current, w.ending)
    """,
    """
    WITH RECURSIVE earlier AS (
      SELECT n.state, n.number FROM replacement_number n WHERE n.is_current OR n.ahead
      UNION SELECT e.state, e.retired
      FROM earlier b JOIN replacement_edge e ON e.state = b.state AND e.replacement = b.number WHERE e.sure)
    UPDATE replacement_number n SET behind = true
    FROM earlier b WHERE b.state = n.state AND b.number = n.number AND NOT n.is_current AND (n.between OR NOT n.ahead)
    """,
    """
    UPDATE staged_replacement r
    SET opens_chain = e.opens, ends_chain = e.ends, circle = n.ending IS NULL, twice = t.twice,
      behind = n.behind AND t.student_id IS NOT NULL,
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
