"""The plan of score lines: which set-ups their scores go to, which are new, and what differs from the scores there are.

One change per line holds all its scores (see packing.py); set-ups to be made stand on line 0.
"""

import json
from dataclasses import dataclass
from typing import Any

from django.db.models.expressions import RawSQL

from assessments.kinds import ASSESSMENT_KIND, SCORES
from assessments.models import Assessment, ScoreRow
from assessments.packing import CELL, CELLS, LENGTHS, SCORE, packed_row_sql
from assessments.score_stage import EARLIER, has_score, in_test, score_date
from assessments.structure import LayoutTest, Part, school_year, structure, tests_of
from sisimport.imports.engine.context import RunContext
from sisimport.imports.engine.sql import compiled, execute, fetch_all, fetch_one, quoted
from sisimport.imports.issues import Severity

ROWS = ScoreRow._meta.db_table
EARLIEST = 3  # years that a line may reach back
_SEQ = 50  # after changes planned by steps


@dataclass(frozen=True, slots=True)
class Target:
    """A test of the file and the set-ups its scores go to, by state code."""

    test: LayoutTest
    ids: dict[str, int]


def plan_scores(context: RunContext) -> None:
    """Write the changes of the run: set-ups to be made, and the scores of every line that has something new."""
    assert context.layout is not None  # noqa: S101 - a staged file has one
    present = {
        record_type
        for (record_type,) in fetch_all(
            f"SELECT DISTINCT r.record_type FROM {ROWS} r WHERE NOT r.refused AND r.skipped = 0 AND r.repeated = 0"
        )
    }
    used = [test for test in tests_of(context.layout) if present & set(test.record_types)]
    targets = [_target(context, test) for test in used]
    context.facts["targets"] = []
    if not targets:
        return
    sql, params = _packed_lines(context, targets)
    compared = _something_there(context, targets)
    if compared:
        execute(f"CREATE TEMP TABLE score_pack ON COMMIT DROP AS {sql}", params)
        execute("ANALYZE score_pack")
        _insert_differing(context)
    else:
        execute(f"{_INSERT}, NULL, {_AFTER.format(scores='p.scores')} FROM ({sql}) AS p", [context.run.pk, *params])
    targets = _used(context, targets)
    context.facts["targets"] = sorted(pk for target in targets for pk in target.ids.values())
    context.facts |= _facts(context, targets, compared=compared)


def _target(context: RunContext, test: LayoutTest) -> Target:
    """The chosen set-up, the one that fits, or a new one; children that are not there yet are planned with it."""
    choice = context.option(test.code)
    parent: Assessment | None = None
    if choice.isdigit():
        parent = Assessment.objects.filter(pk=int(choice), parent__isnull=True, state_code=test.code).first()
    elif choice != "new":
        parent = Assessment.objects.filter(parent__isnull=True, state_code=test.code).order_by("pk").first()
    there = {} if parent is None else {child.state_code: child.pk for child in parent.children.all()}
    if parent is not None:
        there[test.code] = parent.pk
    missing = [part for part in test.parts if part.code not in there]
    if missing:
        ids = [pk for (pk,) in fetch_all(
            "SELECT nextval(pg_get_serial_sequence('assessments_assessment', 'id')) FROM generate_series(1, %s)", [len(missing)]
        )]  # fmt: skip
        there |= {part.code: pk for part, pk in zip(missing, ids, strict=True)}
        _plan_setups(context, test, missing, there)
    return Target(test=test, ids={part.code: there[part.code] for part in test.parts})


def _plan_setups(context: RunContext, test: LayoutTest, missing: list[Part], ids: dict[str, int]) -> None:
    assert context.layout is not None  # noqa: S101 - a staged file has one
    start = f"{school_year(context.layout.key) - 1}-07-01"
    order = list(structure()["tests"])
    (last,) = fetch_one(
        "SELECT coalesce(max(seq), -1) FROM imports_importchange WHERE run_id = %s AND line = 0", [context.run.pk]
    )
    for seq, part in enumerate(missing, last + 1):
        is_parent = part.code == test.code
        results = [
            {"code": code, "name": name, "passing": code in part.passing} for code, name in (part.results or {}).items()
        ]
        after: dict[str, Any] = {
            "parent_id": None if is_parent else ids[test.code],
            "state_code": part.code,
            "name": _free_name(part) if is_parent else part.name,
            "score_type": part.score_type,
            "position": order.index(test.code) + 1 if is_parent else test.children.index(part) + 1,
            "start_date": start,
            "results": results,
        }
        execute(
            "INSERT INTO imports_importchange (run_id, line, seq, part, kind, object_id, student_id, guard, before, after)"
            " VALUES (%s, 0, %s, %s, %s, %s, NULL, NULL, NULL, %s)",
            [context.run.pk, seq, test.code[:8], ASSESSMENT_KIND.key, ids[part.code], json.dumps(after)],
        )


def _free_name(part: Part) -> str:
    """The test's name, with a number where set-ups of that name are there already."""
    taken = set(Assessment.objects.filter(parent__isnull=True, state_code=part.code).values_list("name", flat=True))
    name, number = part.name, 2
    while name in taken:
        name, number = f"{part.name} ({number})", number + 1
    return name


# -- packing -----------------------------------------------------------------------------------------------------------


def _number(column: str) -> str:
    """A score without lost or padding zeros; "NS" is none."""
    c = f"{ROWS}.{quoted(column)}"
    return f"CASE WHEN {c} LIKE '0_%%' THEN coalesce(nullif(ltrim({c}, '0'), ''), '0') WHEN {c} = 'NS' THEN '' ELSE {c} END"


def _result(part: Part) -> str:
    c = f"{ROWS}.{quoted(part.result)}"
    whens = " ".join(f"WHEN '{_sql(spelling)}' THEN '{_sql(code)}'" for spelling, code in part.spellings().items())
    return f"CASE {c} {whens} ELSE {c} END" if whens else c


def _sql(text: str) -> str:
    return text.replace("'", "''").replace("%", "%%")


def _text(column: str, cell: str) -> str:
    return f"left(translate({ROWS}.{quoted(column)}, '{CELL}{SCORE}', ''), {LENGTHS[cell]})"


def _packed(part: Part, pk: int, fields: tuple[str, ...], *, parent: bool) -> str:
    """SQL of one packed score, with a leading separator; blank when the line holds none."""
    cells = [
        _number(part.scale) if part.scale else "''",
        _number(part.raw) if part.raw else "''",
        _result(part) if part.result else "''",
    ]
    if part.error or parent:
        cells.append(_number(part.error) if part.error else "''")
    if parent:
        cells += [_text(c, cell) if c in fields else "''" for c, cell in (("condition_code", "status"), ("uin", "uin"))]
        cells.append(_text(part.measure, "measure") if part.measure else "''")
    text = f" || '{CELL}' || ".join([f"'{SCORE}{int(pk)}'", *(f"({cell})" for cell in cells)])
    return f"CASE WHEN {has_score(part, ROWS, real=parent)} THEN {text} ELSE '' END"


def _packed_lines(context: RunContext, targets: list[Target]) -> tuple[str, list[Any]]:
    """SELECT of the lines to be planned, by student, each with all its scores as one text: lines with a student whom this
    run may touch, without error, with a score."""
    assert context.layout is not None  # noqa: S101 - a staged file has one
    whens = []
    for target in targets:
        parts = [
            _packed(part, target.ids[part.code], context.fields, parent=part is target.test.parent)
            for part in target.test.parts
        ]
        whens.append(f"WHEN {in_test(target.test, ROWS)} THEN {' || '.join(parts)}")
    grade, digits = f"{ROWS}.grade_assessed", ", ".join(f"'{n}'" for n in range(1, 10))
    rows = (
        context.import_type.rows(context)
        .filter(context.matched, refused=False, skipped=0, repeated=0)
        .annotate(
            on=score_date(context),
            grade=RawSQL(  # noqa: S611 - made of the layout's own names
                f"CASE WHEN {grade} IN ({digits}) THEN '0' || {grade} ELSE left({grade}, 2) END", []
            ),
            packed=RawSQL(f"substr(CASE {' '.join(whens)} ELSE '' END, 2)", []),  # noqa: S611
        )
        .order_by("student__id", "line")
        .values_list("line", "student__id", "student__identity_hash", "on", "current_year_flag", "grade", "packed")
    )
    sql, params = compiled(rows)
    year = school_year(context.layout.key)
    year_sql = str(year)
    if "current_year_flag" in context.fields:
        year_sql = f"CASE WHEN {EARLIER} THEN r.current_year_flag::int ELSE {year} END"
    # OFFSET 0: or else the planner would pack every line twice, once to compare it with nothing.
    return (
        f"""
        SELECT r.line, r.student_id, r.guard, r.date, {year_sql} AS school_year, r.grade, r.scores
        FROM ({sql} OFFSET 0) AS r(line, student_id, guard, date, current_year_flag, grade, scores)
        WHERE r.scores <> %s {_without_errors(context)}
        """,
        [*params, ""],
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


def _something_there(context: RunContext, targets: list[Target]) -> bool:
    """Is there any score yet of these set-ups in the years that the file may speak of?"""
    assert context.layout is not None  # noqa: S101 - a staged file has one
    ids = [pk for target in targets for pk in target.ids.values()]
    there = Assessment.objects.filter(pk__in=ids).values_list("pk", flat=True)
    if not there:
        return False
    year = school_year(context.layout.key)
    return bool(
        fetch_all(
            "SELECT 1 FROM assessments_score WHERE assessment_id = ANY(%s) AND school_year BETWEEN %s AND %s LIMIT 1",
            [list(there), year - EARLIEST, year],
        )
    )


_AFTER = "jsonb_build_object('school_year', p.school_year, 'date', p.date, 'grade', p.grade, 'scores', {scores})"
_INSERT = (
    "INSERT INTO imports_importchange (run_id, line, seq, part, kind, object_id, student_id, guard, before, after)"
    f" SELECT %s, p.line, {_SEQ}, '{SCORES}', '{SCORES}', p.student_id, p.student_id, p.guard"
)


def _insert_differing(context: RunContext) -> None:
    """Only scores that are new or differ go into the plan, with the rows they change as `before`."""
    new = {name: f"coalesce(a[{n}], '')" for n, name in enumerate(CELLS, 2)} | {"date": "p.date", "grade": "p.grade"}
    differs = " OR ".join(f"t.{name} IS DISTINCT FROM {sql}" for name, sql in new.items())
    execute(
        f"""
        WITH differing AS (
          SELECT p.line, string_agg(q.score, '{SCORE}') AS after,
            string_agg(CASE WHEN t.student_id IS NOT NULL THEN {packed_row_sql("t")} END, '{SCORE}') AS before
          FROM score_pack p
          CROSS JOIN LATERAL (
            SELECT x AS score, string_to_array(x, '{CELL}') AS a FROM string_to_table(p.scores, '{SCORE}') AS x OFFSET 0) AS q
          LEFT JOIN assessments_score t
            ON t.student_id = p.student_id AND t.assessment_id = q.a[1]::bigint AND t.school_year = p.school_year
          WHERE t.student_id IS NULL OR {differs}
          GROUP BY p.line
        )
        {_INSERT},
          CASE WHEN d.before IS NOT NULL THEN jsonb_build_object('school_year', p.school_year, 'scores', d.before) END,
          {_AFTER.format(scores="d.after")}
        FROM differing d JOIN score_pack p ON p.line = d.line ORDER BY p.student_id, p.line
        """,
        [context.run.pk],
    )


def _used(context: RunContext, targets: list[Target]) -> list[Target]:
    """The targets that scores are planned for. No set-up is made for a test of which nothing is imported."""
    used = []
    for target in targets:
        ids = list(target.ids.values())
        pattern = f"^({'|'.join(str(pk) for pk in ids)})\\|"
        (planned,) = fetch_one(
            "SELECT EXISTS (SELECT 1 FROM imports_importchange WHERE run_id = %s AND kind = %s AND after->>'scores' ~ %s)",
            [context.run.pk, SCORES, pattern],
        )
        if planned:
            used.append(target)
        else:
            execute(
                "DELETE FROM imports_importchange WHERE run_id = %s AND line = 0 AND kind = %s AND object_id = ANY(%s)",
                [context.run.pk, ASSESSMENT_KIND.key, ids],
            )
    return used


# -- facts for the results page ----------------------------------------------------------------------------------------


def _facts(context: RunContext, targets: list[Target], *, compared: bool) -> dict[str, Any]:
    """Scores added, updated and unchanged, and how the levels of each test spread over the grades."""
    spread = fetch_all(
        f"""
        SELECT split_part(p.score, '{CELL}', 1)::bigint, p.grade, split_part(p.score, '{CELL}', 4), count(*),
          {_count("p.scores")}, {_count("p.before")}
        FROM (
          SELECT c.scores, c.before, c.grade, split_part(c.scores, '{SCORE}', 1) AS score
          FROM (SELECT after->>'scores' AS scores, before->>'scores' AS before, after->>'grade' AS grade
            FROM imports_importchange WHERE run_id = %s AND kind = %s OFFSET 0) AS c
        ) AS p GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
        """,
        [context.run.pk, SCORES],
    )
    planned, updated = sum(row[4] for row in spread), sum(row[5] for row in spread)
    total = planned
    if compared:
        (total,) = fetch_one(f"SELECT {_count('scores')} FROM score_pack")
    parents = {target.ids[target.test.code]: target.test for target in targets}
    # Lists, for stored JSON objects lose their order. Results are best first.
    grades: dict[str, dict[str, dict[str, int]]] = {}
    for pk, grade, result, n, _planned, _updated in spread:
        if pk in parents:
            grades.setdefault(parents[pk].code, {}).setdefault(grade, {})[result] = int(n)
    distributions = [
        {"name": t.parent.name, "results": list((t.parent.results or {}).items()), "grades": grades[t.code]}
        for t in parents.values()
        if t.code in grades
    ]
    counts = {"added": int(planned - updated), "updated": int(updated), "unchanged": int(total - planned)}
    return {"score_counts": counts, "distributions": distributions}


def _count(packed: str) -> str:
    """SQL of the number of scores in packed texts."""
    return f"coalesce(sum(length({packed}) - length(replace({packed}, '{SCORE}', '')) + 1), 0)"
