"""Groups the rows of one request and works out who was chosen, in the file, on the screen or by score, before the rules
run.

A request is submitted LEA + school + local number (CALPADS match request results: one row for each candidate).
"""

from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.engine.sql import execute, quoted
from ssid.models.request_rows import TAKEN, Pick, SSIDRequestRow

# Marks that mean a sure choice. Anything else (?, a remark) is doubt, and doubt never chooses: SEL-MARK.
YES_MARKS = ("x", "y", "yes", "1", "t", "true", "✓", "✔", "☑", "✅")
NO_MARKS = ("n", "no", "0", "f", "false", "-")
# Allowed around a mark: spaces of any kind, invisible characters (a byte order mark, the emoji form of a check mark),
# and what spreadsheets add: 'x, ="x", 1.0.
_AROUND = "[\\s\u00a0\u200b\u2060\ufeff\ufe0e\ufe0f]*"
_BEFORE = f"{_AROUND}(=\"|')?"
_AFTER = f'"?{_AROUND}'
YES = f"^{_BEFORE}({'|'.join(YES_MARKS)}|1[.,]0+){_AFTER}$"
NO = f"^{_BEFORE}({'|'.join(NO_MARKS)}|0[.,]0+)?{_AFTER}$"
_TABLE = quoted(SSIDRequestRow._meta.db_table)
_TAKEN = ", ".join(f"'{pick.value}'" for pick in TAKEN)
# The score as delivered, to compare with a limit: `91%`, `91 %`, `91`; anything else, and anything over 100, is not a
# score.
_SCORE = r"""CASE WHEN score ~ '^ *(0*[0-9]{1,2}([.][0-9]+)?|100([.]0+)?) *%%?$'
  THEN floor(substring(score FROM '[0-9.]+')::numeric)::int END"""

_MOST_CHOICES = 20  # named in a message; no one reads more


def pick_candidates(context: RunContext) -> None:
    """Work out `pick` of every row: a choice on the screen counts first, then marks in the file, then the score (rule R-4)."""
    limit = int(context.option("single_match_score") or "100")
    execute(
        f"""
        WITH scores AS (  -- Each different text is read once: most lines have one of a few.
          SELECT score, {_SCORE} AS points FROM (SELECT DISTINCT score FROM {_TABLE}) AS s
        ), marks AS (
          SELECT selection, selection ~* %s AS yes, selection ~* %s AS no FROM (SELECT DISTINCT selection FROM {_TABLE}) AS s
          WHERE selection <> ''
        ), said AS (
          SELECT r.line, r.lea, r.school, coalesce(nullif(r.given_number, ''), r.local_number) AS number, r.ssid, r.score,
            lower(r.category) = 'no match' AS empty, lower(r.category) = 'single match' AS single, s.points,
            coalesce(m.yes, false) AS marked, coalesce(NOT m.yes AND NOT m.no, false) AS unsure, d.answer
          FROM {_TABLE} r JOIN scores s ON s.score = r.score LEFT JOIN marks m ON m.selection = r.selection
          LEFT JOIN imports_matchdecision d ON d.run_id = %s AND d.line = r.line AND d.subject = 'candidate'
        ), request AS (
          SELECT lea, school, number, min(line) AS first_line,
            count(DISTINCT ssid) FILTER (WHERE NOT empty) AS candidates,
            bool_and(empty) AS empty, bool_and(single) AS single,
            bool_or(answer = 'refuse') AS refused,
            min(line) FILTER (WHERE answer = 'accept') AS decided,
            count(DISTINCT ssid) FILTER (WHERE marked) AS marks,
            min(line) FILTER (WHERE marked) AS marked_line,
            bool_or(unsure) AS unsure,
            min(line) FILTER (WHERE NOT empty AND points >= %s) AS scored_line,
            -- In each line of the request: all of many candidates would be the square of them.
            array_to_string((array_agg(
              'line ' || line || ', …' || right(ssid, 3) || ': ' || coalesce(nullif(score, ''), 'no score') ORDER BY line)
              FILTER (WHERE NOT empty AND ssid <> ''))[1:{_MOST_CHOICES}], '; ')
              || CASE WHEN count(*) FILTER (WHERE NOT empty AND ssid <> '') > {_MOST_CHOICES} THEN '; and '
                || count(*) FILTER (WHERE NOT empty AND ssid <> '') - {_MOST_CHOICES} || ' more' ELSE '' END AS choices
          FROM said GROUP BY lea, school, number
        ), judged AS (
          SELECT said.line, said.points, q.first_line, q.candidates, coalesce(q.choices, '') AS choices,
            CASE WHEN q.decided IS NOT NULL THEN q.decided
              WHEN q.refused THEN NULL
              WHEN q.marks = 1 THEN q.marked_line
              WHEN q.marks = 0 AND NOT q.unsure AND q.single AND q.candidates = 1 THEN q.scored_line
            END AS taken_line,
            q.decided IS NOT NULL OR q.marks = 1 AS by_hand,
            q.decided IS NOT NULL OR q.refused IS TRUE AS on_screen,
            CASE WHEN q.refused THEN '{Pick.REFUSED}' WHEN q.marks > 1 THEN '{Pick.MANY}' WHEN q.empty THEN '{Pick.NONE}'
              ELSE '{Pick.OPEN}' END AS otherwise
          FROM said JOIN request q ON (q.lea, q.school, q.number) = (said.lea, said.school, said.number)
        )
        UPDATE {_TABLE} r SET request_line = j.first_line, candidate_count = j.candidates, choice_text = j.choices,
          points = j.points, chosen_line = coalesce(j.taken_line, 0),
          selection = CASE WHEN j.on_screen THEN '' ELSE r.selection END,
          pick = CASE WHEN j.taken_line IS NULL THEN j.otherwise WHEN j.taken_line <> j.line THEN '{Pick.OTHER}'
            WHEN j.by_hand THEN '{Pick.CHOSEN}' ELSE '{Pick.SCORE}' END
        FROM judged j WHERE j.line = r.line
        """,
        [YES, NO, context.run.pk, limit],
    )
    # Every row was written since the table was last analyzed: without this the statements below would be planned for
    # one row.
    execute(f"ANALYZE {_TABLE} (line, request_line, pick, ssid, local_number)")
    _mark_shared()


def _mark_shared() -> None:
    """R-15: one SSID chosen for two students, and two requests about the same student."""
    execute(
        f"""
        UPDATE {_TABLE} r SET shared_with = CASE WHEN o.lowest <> r.local_number THEN o.lowest ELSE o.highest END
        FROM (
          SELECT line, min(local_number) OVER w AS lowest, max(local_number) OVER w AS highest,
            min(coalesce(lea_id, 0)) OVER w <> max(coalesce(lea_id, 0)) OVER w AS leas_differ
          FROM {_TABLE} WHERE pick IN ({_TAKEN}) AND ssid <> '' WINDOW w AS (PARTITION BY ssid)
        ) AS o WHERE o.line = r.line AND (o.lowest <> o.highest OR o.leas_differ)
        """
    )
    execute(
        f"""
        UPDATE {_TABLE} r SET chosen_line = o.first_line,
          repeats = CASE WHEN o.differ THEN 2 WHEN r.line > o.first_line THEN 1 ELSE 0 END
        FROM (
          SELECT line, min(line) OVER w AS first_line, min(said) OVER w <> max(said) OVER w AS differ, count(*) OVER w AS n
          FROM (SELECT line, lea_id, local_number,
              concat_ws(chr(31), ssid, elas, coalesce(elas_date::text, ''), lower(language)) AS said
            FROM {_TABLE} WHERE pick IN ({_TAKEN}) AND lea_id IS NOT NULL) AS t
          WINDOW w AS (PARTITION BY lea_id, local_number)
        ) AS o WHERE o.line = r.line AND o.n > 1
        """
    )


def keep_requests(context: RunContext) -> None:
    """Write the requests of the run for the choosing page, replacing those of lines that are planned again."""
    run_id = context.run.pk
    where = "" if context.lines is None else f"AND line IN (SELECT request_line FROM {_TABLE})"
    execute(f"DELETE FROM ssid_matchrequest WHERE run_id = %s {where}", [run_id])
    schools = "" if context.run.schools is None else "AND s.school_id = ANY(%s)"
    scope = [] if context.run.schools is None else [list(context.run.schools)]
    execute(
        f"""
        WITH scored AS (
          SELECT line, request_line, lea_id, local_number, given_number, category, ssid, pick, points
          FROM {_TABLE} WHERE request_line > 0
        ), best AS (
          SELECT request_line, max(points) AS points FROM scored WHERE ssid <> '' GROUP BY request_line
        ), best_line AS (
          SELECT b.request_line, b.points, CASE WHEN count(DISTINCT s.ssid) = 1 THEN min(s.line) END AS line
          FROM best b JOIN scored s ON s.request_line = b.request_line AND s.points = b.points AND s.ssid <> ''
          GROUP BY b.request_line, b.points
        )
        INSERT INTO ssid_matchrequest (run_id, line, lines, local_number, category, state, chosen_line, best_line, best_score,
          has_errors, student_id, school_id)
        SELECT %s, r.request_line, array_agg(r.line ORDER BY r.line),
          min(coalesce(nullif(r.given_number, ''), r.local_number)), left(min(r.category), 14),
          (array_agg(r.pick ORDER BY (r.pick IN ({_TAKEN})) DESC, r.line))[1],
          min(r.line) FILTER (WHERE r.pick IN ({_TAKEN})), min(b.line), min(b.points),
          bool_or(EXISTS (SELECT 1 FROM imports_importissue i
            WHERE i.run_id = %s AND i.line = r.line AND i.severity = 3 AND i.code NOT IN ('SEL-NONE', 'SEL-MANY', 'SEL-MARK'))),
          min(s.id), min(s.school_id)
        FROM scored r LEFT JOIN best_line b ON b.request_line = r.request_line
        LEFT JOIN students_student s ON s.lea_id = r.lea_id AND s.local_number = r.local_number {schools}
        GROUP BY r.request_line
        """,
        [run_id, run_id, *scope],
    )
