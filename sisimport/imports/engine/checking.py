"""match and check: every rule of the type is evaluated against every staged row in one pass; findings are inserted as issues.

The staged row joins its student by key inside the statement (a stored match would rewrite every row). Rules about the whole
record come first; if a row fails one, its parts are not checked, because it is not certain whose record it is (rule W-11).

For types that declare it, the same pass also finds idle rows: nothing in them differs from the records, so planning skips them.
In a file that was imported before, nearly every row is idle.
"""

from dataclasses import replace
from typing import Any

from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Cast

from sisimport.files.issues import Severity, codes
from sisimport.imports.definition.expressions import Cardinality, FiredRules
from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.definition.rules import RECORD, Rule
from sisimport.imports.engine import accepted_matches, identifiers, kept_selects, planning, repeats
from sisimport.imports.engine.folding import folded
from sisimport.imports.engine.sql import execute, fetch_all, fetch_one, quoted, with_values

FIRST_SEQ = 100  # rule issues come after those of the reader


def condition(context: RunContext, rule: Rule) -> Q:
    """The rule's own condition, limited to rows with a student if the rule needs one."""
    own = rule.when if isinstance(rule.when, Q) else Q(rule.when)
    return context.matched & own if rule.needs_student else own


def check(context: RunContext) -> None:
    """Evaluate all rules and write the issues."""
    rules = list(context.import_type.rules(context))
    if not rules:
        return
    if context.accepted_rows:
        rules = [
            *rules,
            *accepted_matches.rules(context.import_type.matching.number_field),
            *(_forgiven(r) for r in rules if r.forgivable),
        ]
        rules = [_where_not_accepted(r) if r.forgivable else r for r in rules]
    if context.read_numbers:
        rules = [*rules, *identifiers.rules()]
    unread = fetch_all(
        "SELECT 1 FROM imports_importissue WHERE run_id = %s AND severity = %s LIMIT 1",
        [context.run.pk, int(Severity.ERROR)],
    )
    _ask(context, rules)
    refusing = [i for i, r in enumerate(rules) if r.part == RECORD and r.severity == Severity.ERROR]
    while (doubtful := context.import_type.second_pass(context, refusing)) is not None:
        _ask(context, rules, only=doubtful)
    repeats.let_repeats_stand_in(context, refusing, lambda rows: _ask(context, rules, only=rows))
    fired = [i for (i,) in fetch_all(f"SELECT DISTINCT unnest(rules) AS i FROM checked_line {_SPOKEN_OF} ORDER BY i")]
    if fired:
        _write(context, [(i, rules[i]) for i in fired])
        _say_causes_of_differences(context.run.pk)
    if unread:
        _drop_echoes(context.run.pk)


def _possible(context: RunContext, when: Q) -> Q | None:
    """The condition as far as lines of this file can fulfill it; None if none of them can."""
    field = context.import_type.speed.collect_values_of
    if field is None or field not in context.fields:
        return when
    found = folded(when, field, context.collected)
    return when if found is True else found or None


_SPOKEN_OF = "WHERE cardinality(rules) > 0"


def _ask(context: RunContext, rules: list[Rule], *, only: Q | None = None) -> None:
    """Evaluate every rule for every row. Lines where one fired, and idle ones, go into a small table; all lines do if the type
    has columns to keep. `only`: evaluate these rows again."""
    keeps_out = [(i, r) for i, r in enumerate(rules) if r.part == RECORD and r.severity == Severity.ERROR]
    others = [(i, r) for i, r in enumerate(rules) if r.part == RECORD and r.severity != Severity.ERROR]
    parts = [(i, r) for i, r in enumerate(rules) if r.part != RECORD]

    def fired(chosen: list[tuple[int, Rule]], *more: Any) -> FiredRules:
        possible = [(i, when) for i, r in chosen if (when := _possible(context, condition(context, r))) is not None]
        return FiredRules(*(Case(When(when, then=Value(i))) for i, when in possible), *more)

    refusing = fired(keeps_out)
    refused = Q(refused=True) | Q(_gt_zero(refusing))
    usual = context.import_type.skips_rules_when(context)
    if usual is not None and context.accepted_rows:
        usual &= Q(accepted=accepted_matches.AS_GIVEN)  # an accepted match is always reported
    steps = context.import_type.plan(context) if context.import_type.speed.marks_idle_rows else ()
    on_record = context.import_type.on_record_when(context) if steps else None
    silent = [
        When(condition & Q(refused=False), then=Value(None, output_field=refusing.output_field))
        for condition in (usual, on_record)
        if condition is not None
    ]
    idle: Any = Value(False)
    if steps:
        idle = Case(When(planning.changes_something(steps), then=Value(False)), default=Value(True))
    among: tuple[Any, ...] = ()
    if (
        on_record is not None
    ):  # such a row goes through neither rules nor plan; the query itself returns whether it is idle
        among, idle = (Case(When(idle, then=Value(_IDLE))),), Value(False)
    # No rule is in the statement twice without need: composing and planning them costs more than the rest of a small file.
    last: Any = refusing
    if parts or among:
        last = Case(When(refused, then=_joined(refusing, fired([], *among))), default=fired(parts, *among))
    answer = _joined(fired(others), last)
    answers: dict[str, Any] = {
        "fired_rules": Case(*silent, default=answer) if silent else answer,
        # The student goes into the issue only if the run may touch it: a report line never mentions another school's student.
        "seen_student": Case(When(context.matched, then=F("student__id"))),
        "seen_school": Case(When(context.matched, then=F("student__school_id"))),
        "idle": idle,
    }
    carried = context.import_type.kept_columns(context)
    answers |= {f"carried_{name}": expression for name, expression in carried.items()}
    rows, chosen = context.import_type.rows(context), [] if only is None else [only]
    sql = kept_selects.select(rows, [answers, *chosen], ["line", *answers])
    names = ", ".join(["line", "rules", "student_id", "school_id", "idle", *map(quoted, carried)])
    if on_record is not None:
        record_rules = [i for i, r in enumerate(rules) if r.code in context.import_type.speed.codes_on_record]
        sql = _unfolded(sql, names, record_rules)
    if not carried:
        # OFFSET 0: otherwise the rules are evaluated twice, in the condition and in the select list.
        sql = f"SELECT * FROM ({sql} OFFSET 0) AS q({names}) WHERE idle OR cardinality(rules) > 0"
    if only is None:
        execute("DROP TABLE IF EXISTS checked_line")
        execute(f"CREATE TEMP TABLE checked_line ({names}) ON COMMIT DROP AS {sql}")
    else:
        execute(f"DELETE FROM checked_line WHERE line IN ({kept_selects.select(rows, chosen, ['line'])})")
        execute(f"INSERT INTO checked_line ({names}) {sql}")
    execute("ANALYZE checked_line (line, idle)")
    if steps:
        (context.idle_rows,) = fetch_one("SELECT count(*) FROM checked_line WHERE idle")


_IDLE = -1  # stored among the numbers of the rules that fired: nothing would change


def _unfolded(sql: str, names: str, record_rules: list[int]) -> str:
    """Fill in the results of rows that are already on record (null), which skipped the rules: they are idle, and only
    `record_rules` (places in the list of rules) fire for them.

    For a checked row, the idle mark is last among the numbers of its rules: reading the end of an array costs nothing.
    """
    last_is_idle = f"rules[cardinality(rules)] = {_IDLE}"
    return (
        f"SELECT line, CASE WHEN rules IS NULL THEN ARRAY{record_rules}::int[] WHEN {last_is_idle} THEN trim_array(rules, 1)"
        f" ELSE rules END AS rules, student_id, school_id,"
        f" rules IS NULL OR coalesce({last_is_idle}, false) AS idle FROM ({sql} OFFSET 0) AS a({names})"
    )


def _write(context: RunContext, fired: list[tuple[int, Rule]]) -> None:
    """Write the issues of the rules that fired. Operands are computed only for these rules, and only where they fired."""
    columns: dict[Any, int] = {}
    annotations: dict[str, Any] = {}

    def column(operand: Any) -> str:
        """Name of the column that holds an operand; each expression gets one column."""
        if operand is None:
            return "''"
        if operand not in columns:
            columns[operand] = len(columns)
            expression = Value(operand) if isinstance(operand, str) else operand
            annotations[f"operand_{columns[operand]}"] = Cast(expression, models.TextField())
        return f"q.c{columns[operand]}"

    found = _by_rule([(i, column(r.found)) for i, r in fired if r.found is not None], "''")
    expected = _by_rule([(i, column(r.expected)) for i, r in fired if r.expected is not None], "''")
    params_by_rule: list[tuple[int, str]] = []
    for i, r in fired:
        if r.params:
            pairs = ", ".join(f"'{name}', {column(operand)}" for name, operand in r.params.items())
            params_by_rule.append((i, f"jsonb_build_object({pairs})"))
    params = _by_rule(params_by_rule, "NULL::jsonb")
    student = _by_rule([(i, "NULL::bigint") for i, r in fired if r.hides_student], "u.student_id")
    sql = kept_selects.select(context.import_type.rows(context), [annotations], ["line", *annotations])
    aliases = ", ".join(["line", *(f"c{n}" for n in range(len(columns)))])
    described = with_values(
        ", ".join("(%s, %s, %s, %s, %s)" for _ in fired),
        [v for i, r in fired for v in (i, r.code, int(r.severity), r.part, r.field)],
    )
    execute(
        f"""
        INSERT INTO imports_importissue
          (run_id, line, seq, severity, code, part, field, found, expected, params, student_id, school_id)
        SELECT {int(context.run.pk)}, u.line, {FIRST_SEQ} + u.i, r.severity, r.code, r.part, r.field, coalesce({found}, ''),
          coalesce({expected}, ''), {params}, {student}, u.school_id
        FROM (SELECT line, student_id, school_id, unnest(rules) AS i FROM checked_line {_SPOKEN_OF}) AS u
        JOIN ({sql}) AS q({aliases}) ON q.line = u.line
        JOIN (VALUES {described}) AS r(i, code, severity, part, field) ON r.i = u.i
        """
    )


def _drop_echoes(run_id: int) -> None:
    """A value that could not be read is staged as blank; rule findings about that blank would only mislead and are dropped."""
    execute(
        f"""
        DELETE FROM imports_importissue i USING imports_importissue r
        WHERE r.run_id = %s AND r.severity = %s AND r.seq < {FIRST_SEQ} AND r.field <> ''
          AND i.run_id = r.run_id AND i.line = r.line AND i.field = r.field AND i.seq >= {FIRST_SEQ}
        """,
        [run_id, int(Severity.ERROR)],
    )


def _say_causes_of_differences(run_id: int) -> None:
    """For a damaged name that is only compared, one error says that it differs and why, instead of a warning and an error."""
    differences = [code.code for code in codes if "{hint_text}" in code.message]
    execute(
        f"""
        WITH damaged AS (
          DELETE FROM imports_importissue d USING imports_importissue i
          WHERE d.run_id = %s AND d.code = 'FILE-DAMAGED' AND d.severity = %s AND i.run_id = d.run_id AND i.line = d.line
            AND i.field = d.field AND i.seq >= {FIRST_SEQ} AND i.code = ANY(%s) RETURNING i.line, i.seq, d.params->>'what' AS what
        )
        UPDATE imports_importissue i
        SET params = coalesce(i.params, '{{}}') || jsonb_build_object('hint_text',
          coalesce(i.params->>'hint_text', '') || ' The file has ' || damaged.what || '.')
        FROM damaged WHERE i.run_id = %s AND (i.line, i.seq) = (damaged.line, damaged.seq)
        """,
        [run_id, int(Severity.WARNING), differences, run_id],
    )


_ACCEPTED = Q(accepted__in=[accepted_matches.REMEMBERED, accepted_matches.ACCEPTED])


def _forgiven(rule: Rule) -> Rule:
    """The same finding as a notice, for rows whose match a person accepted."""
    own = rule.when if isinstance(rule.when, Q) else Q(rule.when)
    return replace(rule, severity=Severity.NOTICE, when=_ACCEPTED & own, forgivable=False)


def _where_not_accepted(rule: Rule) -> Rule:
    own = rule.when if isinstance(rule.when, Q) else Q(rule.when)
    return replace(rule, when=~_ACCEPTED & own)


def _gt_zero(expression: Any) -> Any:
    return GreaterThanZero(Cardinality(expression))


class GreaterThanZero(models.Func):
    template = "(%(expressions)s > 0)"
    output_field = models.BooleanField()
    conditional = True


class _Joined(models.Func):
    template = "(%(expressions)s)"
    arg_joiner = " || "


def _joined(first: FiredRules, second: Any) -> models.Func:
    return _Joined(first, second, output_field=first.output_field)


def _by_rule(pairs: list[tuple[int, str]], default: str) -> str:
    if not pairs:
        return default
    whens = " ".join(f"WHEN {i} THEN {sql}" for i, sql in pairs)
    return f"CASE u.i {whens} ELSE {default} END"
