"""The plan of score lines: which set-ups their scores go to, which are new, and what differs from existing scores.

One change per line holds all its scores (see encoding.py); set-ups to be made are on line 0.
"""

from typing import Any

from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Cast, Concat

from assessments.models import Assessment, ScoreRow
from assessments.scores import alike, as_tested, doubts, grade_column, some_lines, whole_columns
from assessments.scores.change_kinds import ASSESSMENT_KIND, SCORES
from assessments.scores.encoding import AS_TESTED, CELL, OWN_CELLS, SCORE, as_tested_sql, written_row_sql
from assessments.scores.missing_columns import facts_not_held
from assessments.scores.setups import Target, plan_setups
from assessments.scores.some_lines import ALONE, Spread
from assessments.scores.year_tables import keep_years_of_plan, listed, years_of_lines
from assessments.scores.years import score_date
from assessments.structure import no_score, school_year, structure
from sisimport.files.issues import Severity
from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.engine.sql import execute, fetch_all, fetch_one
from sisimport.imports.engine.statistics import hash_joins_only
from sisimport.imports.models import Work

_SEQ = 50  # after changes planned by steps
_UIN_SEQ = 900  # after issues of rules
_LOST_SEQ = 901


def kept_columns(context: RunContext) -> dict[str, Any]:
    """What the pass over the rules keeps of a line for the plan: its scores, blank unless the line has a student that
    this run may change, and what they share."""
    assert context.layout is not None  # noqa: S101 - a staged file has one
    year: Any = Value(school_year(context.layout.key), output_field=models.SmallIntegerField())
    if "current_year_flag" in context.fields:
        own = When(current_year_flag__startswith="20", then=Cast("current_year_flag", models.SmallIntegerField()))
        year = Case(own, default=year)
    grade = Case(
        When(grade_assessed__in=[f"{n}" for n in range(1, 10)], then=Concat(Value("0"), "grade_assessed")),
        When(grade_assessed__in=[*structure()["grades"], *structure()["other_grades"]], then=F("grade_assessed")),
        default=Value(""),  # EXC-GRADE reports it
        output_field=models.TextField(),
    )
    planned = context.matched & Q(refused=False, skipped=0, repeated=0)
    return {
        "guard": F("student__identity_hash"),
        "date": score_date(context),
        "school_year": year,
        "grade": grade,
        "scores": Case(When(planned, then=F("packed")), default=Value(""), output_field=models.TextField()),
    }


def plan_scores(context: RunContext) -> None:
    """Write the changes of the run: set-ups to be made, and the scores of every line that brings something new."""
    alone = context.notes.get(ALONE)
    present = some_lines.present_targets(context)
    if alone is not None:
        _take_setups_out(context)
    for target in present:
        plan_setups(context, target)
    lines = f"(SELECT * FROM checked_line r WHERE r.scores <> '' {_without_errors(context)}) AS p"
    planned_years = years_of_lines()
    years = listed(planned_years)
    # Some lines do not tell whether the whole file had anything to compare with; comparing gives the same result.
    compared = alone is not None or _something_there(present, years)
    if compared:
        if context.notes.get("undated"):
            _keep_dates_on_record(years)
        _keep_grades_on_record(years)
        unlike, some = alike.unlike(context, present, lines)
        planned = _insert_differing(context, present, unlike, years) if some else 0
        _warn_of_uins_elsewhere(context, present, years)
    else:
        planned = execute(
            f"{_INSERT}, NULL, {_AFTER.format(scores='p.scores')} FROM {lines} ORDER BY p.student_id, p.line",
            [context.run.pk],
        )
    if planned and context.run.work == Work.IMPORT:
        keep_years_of_plan(context.run.pk, planned_years)
    _say_of_the_whole(context, present, lines, compared=compared)


def _say_of_the_whole(context: RunContext, present: list[Target], lines: str, *, compared: bool) -> None:
    """Findings and facts about the file as a whole, after the changes of its lines."""
    alone = context.notes.get(ALONE)
    spread = _spread(context, lines, compared=compared)
    line_count, total = sum(n for n, *_ in spread.values()), sum(planned for _, planned, _ in spread.values())
    if compared:
        line_count, total = fetch_one(f"SELECT count(*), {some_lines.count('p.scores')} FROM {lines}")
    if alone is not None:
        spread, (other_lines, other_scores) = alone.corrected(spread), alone.others()
        line_count, total = line_count + other_lines, total + other_scores
    if context.lines is None:  # before what such a column also brings about
        grade_column.look_at_grades(context, whole_columns.some_of(context), compared=compared)
    doubts.look_at_the_whole(context, line_count, compared=compared)
    if context.lines is None:  # for lines planned again, the file's columns were checked before
        whole_columns.look_at_columns(context, lines, compared=compared)
    used = _used(context, present, {pk for pk, _grade, _result in spread})
    context.report_facts["targets"] = sorted(pk for target in used for pk in target.ids.values())
    context.report_facts |= _facts(used, spread, total=total)
    context.report_facts |= some_lines.fact(context, spread, lines=int(line_count), scores=int(total))


def _take_setups_out(context: RunContext) -> None:
    """Set-ups of tests that lines planned again bring or remove: all of them are planned again, under the same keys."""
    execute(
        "DELETE FROM imports_importchange WHERE run_id = %s AND line = 0 AND kind = %s",
        [context.run.pk, ASSESSMENT_KIND.key],
    )


def _without_errors(context: RunContext) -> str:
    """SQL condition: line `r` has no error that keeps its scores out; blank when no line has one."""
    errors = (
        f"imports_importissue i WHERE i.run_id = {int(context.run.pk)} AND i.severity = {int(Severity.ERROR)}"
        " AND i.part <> 'el'"
    )
    if not fetch_all(f"SELECT 1 FROM {errors} LIMIT 1"):
        return ""
    return f"AND NOT EXISTS (SELECT 1 FROM {errors} AND i.line = r.line)"


def _something_there(used: list[Target], years: str) -> bool:
    """Do these set-ups have any scores yet in these years?"""
    ids = [pk for target in used for pk in target.ids.values()]
    there = Assessment.objects.filter(pk__in=ids).values_list("pk", flat=True)
    if not there:
        return False
    return bool(
        fetch_all(
            f"SELECT 1 FROM assessments_score WHERE assessment_id = ANY(%s) AND school_year = ANY({years}) LIMIT 1",
            [list(there)],
        )
    )


def _keep_dates_on_record(years: str) -> None:
    """For lines without test date, placed in the year by other dates: the same score's date on record stays."""
    execute(
        f"""
        UPDATE checked_line k SET date = t.date FROM assessments_score t
        WHERE k.date IS NULL AND k.scores <> '' AND t.student_id = k.student_id AND t.school_year = k.school_year
          AND t.school_year = ANY({years}) AND t.assessment_id = split_part(k.scores, '{CELL}', 1)::bigint AND t.date IS NOT NULL
        """
    )


def _keep_grades_on_record(years: str) -> None:
    """For lines whose grade is blank or could not be read: the same score's grade on record stays."""
    if not fetch_all("SELECT 1 FROM checked_line WHERE grade = '' AND scores <> '' LIMIT 1"):
        return
    execute(
        f"""
        UPDATE checked_line k SET grade = t.grade FROM assessments_score t
        WHERE k.grade = '' AND k.scores <> '' AND t.student_id = k.student_id AND t.school_year = k.school_year
          AND t.school_year = ANY({years}) AND t.assessment_id = split_part(k.scores, '{CELL}', 1)::bigint AND t.grade <> ''
        """
    )


# For texts only: half the cost of jsonb_build_object, which takes any type.
_AFTER = "jsonb_object(ARRAY['school_year', p.school_year::text, 'date', p.date::text, 'grade', p.grade, 'scores', {scores}])"
_INSERT = (
    "INSERT INTO imports_importchange (run_id, line, seq, part, kind, object_id, student_id, guard, before, after)"
    f" SELECT %s, p.line, {_SEQ}, '{SCORES}', '{SCORES}', p.student_id, p.student_id, p.guard"
)


_OWN = dict(zip(OWN_CELLS, (f"split_part(q.score, '{CELL}', {at})" for at in range(2, AS_TESTED)), strict=False))
_SAME = f"t.scale_score = {_OWN['scale_score']}"


def _lost_sql() -> str:
    """SQL: what a score on record (`t`) has and the same score in the file (`q.score`) lacks: "Reading: level 2"."""
    labels = {"scale_score": "scale score", "raw_score": "raw score", "result": "level"}
    none = ", ".join(f"'{code}'" for code in ("", *no_score()))
    lost = {name: f"t.{name} NOT IN ({none}) AND {_OWN[name]} IN ({none})" for name in labels}
    # They belong to the scale score: with another one, those on record do not stay.
    beside = {"error_band": "standard error", "measure": "measure"}
    lost |= {name: f"t.{name} <> '' AND {_OWN[name]} = '' AND NOT {_SAME}" for name in beside}
    texts = ", ".join(
        f"CASE WHEN {lost[name]} THEN '{what} ' || t.{name} END" for name, what in (labels | beside).items()
    )
    name = "(SELECT a.name FROM assessments_assessment a WHERE a.id = t.assessment_id)"
    return f"CASE WHEN {' OR '.join(f'({one})' for one in lost.values())} THEN {name} || ': ' || concat_ws(' and ', {texts}) END"


def _filled_sql(context: RunContext) -> str:
    """SQL of a score of the file (`q.score`), filled from the record (`t`): blanks by the UIN and, if the scale score is the
    same, the values that belong to it; and what columns that the file does not have would say of who was tested."""
    filled = _OWN | {
        "uin": f"coalesce(nullif({_OWN['uin']}, ''), t.uin)",
        **{
            name: f"CASE WHEN {_OWN[name]} = '' AND {_SAME} THEN t.{name} ELSE {_OWN[name]} END"
            for name in ("error_band", "measure")
        },
    }
    others = [f"split_part(q.score, '{CELL}', {at})" for at in range(len(OWN_CELLS) + 2, AS_TESTED + 1)]
    tested = as_tested.filled_sql(as_tested_sql("q.score"), "t.as_tested", facts_not_held(context))
    cells = ", ".join([f"split_part(q.score, '{CELL}', 1)", *filled.values(), *others, tested])
    return f"rtrim(concat_ws('{CELL}', {cells}), '{CELL}')"


def _insert_differing(context: RunContext, present: list[Target], lines: str, years: str) -> int:
    """Only scores that are new or differ go into the plan, with the rows they change as `before`. Returns how many
    changes there are.

    Scores are compared as texts, both without trailing blank cells: in a repeated file nearly all are equal, and then need
    not be split.
    """
    ids = sorted(pk for target in present for pk in target.ids.values())
    blank = ["''"] * (AS_TESTED - len(OWN_CELLS) - 1)  # date, grade, run and line
    own = ", ".join(["t.assessment_id", *(f"t.{name}" for name in OWN_CELLS)])
    # Most scores are of parts, and those end before the cell that says who was tested.
    on_record = (
        f"CASE WHEN t.as_tested = '' THEN rtrim(concat_ws('{CELL}', {own}), '{CELL}')"
        f" ELSE concat_ws('{CELL}', {own}, {', '.join(blank)}, t.as_tested) END"
    )
    filled = _filled_sql(context)
    return execute(
        f"""
        WITH differing AS (
          SELECT q.line,
            string_agg(CASE WHEN t.student_id IS NULL THEN q.score ELSE {filled} END, '{SCORE}' ORDER BY q.place) AS after,
            string_agg(CASE WHEN t.student_id IS NOT NULL THEN {written_row_sql("t")} END, '{SCORE}' ORDER BY q.place) AS before,
            string_agg({_lost_sql()}, ', ' ORDER BY q.place) AS lost
          FROM (
            SELECT p.line, p.student_id, p.school_year, p.date, p.grade, s.score, s.place
            FROM {lines}, unnest(string_to_array(p.scores, '{SCORE}')) WITH ORDINALITY AS s (score, place) OFFSET 0) AS q
          LEFT JOIN assessments_score t ON t.student_id = q.student_id AND t.school_year = q.school_year
            AND t.school_year = ANY({years}) AND t.assessment_id = ANY(%s)
            AND t.assessment_id = split_part(q.score, '{CELL}', 1)::bigint
          WHERE t.student_id IS NULL
            OR CASE WHEN {on_record} <> rtrim(q.score, '{CELL}') THEN {on_record} <> {filled} ELSE false END
            OR t.date IS DISTINCT FROM q.date OR t.grade <> q.grade
          GROUP BY q.line
        ), warned AS (
          INSERT INTO imports_importissue
            (run_id, line, seq, severity, code, part, field, found, expected, student_id, school_id)
          SELECT {int(context.run.pk)}, k.line, {_LOST_SEQ}, {int(Severity.WARNING)}, 'EXC-BLANKED', 'record', '', d.lost, '',
            k.student_id, k.school_id
          FROM differing d JOIN checked_line k ON k.line = d.line WHERE d.lost IS NOT NULL
        )
        {_INSERT},
          CASE WHEN d.before IS NOT NULL
            THEN jsonb_object(ARRAY['school_year', p.school_year::text, 'scores', d.before]) END,
          {_AFTER.format(scores="d.after")}
        FROM differing d JOIN checked_line p ON p.line = d.line ORDER BY p.student_id, p.line
        """,
        [ids, context.run.pk],
    )


def _warn_of_uins_elsewhere(context: RunContext, present: list[Target], years: str) -> None:
    """A record that appears under another student in the same year: the state moved it, or one of the two matches is
    wrong."""
    planned = f"imports_importchange c WHERE c.run_id = {int(context.run.pk)} AND c.kind = '{SCORES}'"
    if "uin" not in context.fields or not fetch_all(f"SELECT 1 FROM {planned} LIMIT 1"):
        return
    # Nothing is known yet about how many lines changed: joined row by row, each of them would read all scores of the year.
    with hash_joins_only():
        execute(
            f"""
            INSERT INTO imports_importissue
              (run_id, line, seq, severity, code, part, field, found, expected, student_id, school_id)
            SELECT %s, k.line, {_UIN_SEQ}, {int(Severity.WARNING)}, 'AMB-UIN-ELSEWHERE', 'record', 'uin', r.uin, '',
              k.student_id, k.school_id
            FROM checked_line k JOIN {ScoreRow._meta.db_table} r ON r.line = k.line
            WHERE r.uin <> '' AND k.line IN (SELECT c.line FROM {planned})
              AND EXISTS (SELECT 1 FROM assessments_score t WHERE t.uin <> '' AND t.uin = r.uin AND t.student_id <> k.student_id
                AND t.school_year = k.school_year AND t.school_year = ANY({years}) AND t.assessment_id = ANY(%s))
            """,
            [context.run.pk, sorted(pk for target in present for pk in target.ids.values())],
        )


# -- facts for the results page ----------------------------------------------------------------------------------------


def _spread(context: RunContext, lines: str, *, compared: bool) -> Spread:
    # With nothing to compare with, the lines are planned as they are.
    if not compared:
        return some_lines.spread(f"(SELECT p.grade, p.scores, NULL::text AS before FROM {lines}) AS c")
    return some_lines.spread_of(context.run.pk, context.lines)


def _used(context: RunContext, present: list[Target], planned: set[int]) -> list[Target]:
    """The targets that scores are planned for. No set-up is made for a test without imported scores."""
    used = [target for target in present if planned.intersection(target.ids.values())]
    idle = [pk for target in present if target not in used for pk in target.ids.values()]
    execute(
        "DELETE FROM imports_importchange WHERE run_id = %s AND line = 0 AND kind = %s AND object_id = ANY(%s)",
        [context.run.pk, ASSESSMENT_KIND.key, idle],
    )
    return used


def _facts(used: list[Target], spread: Spread, *, total: int) -> dict[str, Any]:
    """Scores added, updated and unchanged, and how the levels of each test are spread over the grades."""
    planned, updated = (sum(counts[at] for counts in spread.values()) for at in (1, 2))
    parents = {target.ids[target.test.code]: target.test for target in used}
    # Lists, because stored JSON objects lose their order. Results are best first.
    grades: dict[str, dict[str, dict[str, int]]] = {}
    for (pk, grade, result), (n, _planned, _updated) in spread.items():
        if pk in parents:
            grades.setdefault(parents[pk].code, {}).setdefault(grade, {})[result] = n
    distributions = [
        {"name": t.parent.name, "results": list((t.parent.results or {}).items()), "grades": grades[t.code]}
        for t in parents.values()
        if t.code in grades
    ]
    counts = {"added": planned - updated, "updated": updated, "unchanged": int(total) - planned}
    return {"score_counts": counts, "distributions": distributions}
