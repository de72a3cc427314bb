"""What the errors and warnings of one cause have in common: `19 of 25: day and month changed places`.

One statement over the stored issues assigns each a pattern and counts them; nothing is read row by row. For a cause
with very many issues only the first ones are checked. Notices are not diagnosed: they need no action.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import QuerySet

from sisimport.files.issues import Severity
from sisimport.imports.engine.identifiers import ON_RECORD_TEXT, ZEROS_TEXT
from sisimport.imports.engine.sql import compiled, fetch_all
from sisimport.imports.models import ImportIssue, ImportRun
from sisimport.imports.runs.report import field_label, layout_of
from sisimport.web.queries.report import Cause, Reader
from sisimport.web.ssid_masking import FIELDS as SSID_FIELDS
from students.models import School, Student

MOST = 20_000  # issues of one cause that are checked
SHOWN = 3  # patterns of one cause
_LEAST_OF_ONE_SCHOOL = 3
_LEAST_BLOCK = 10  # lines that follow each other
_LEAST_ALIKE = 3
_LONGEST = 60  # characters of a value
_LEAST_SHARE = 0.2  # of a cause: lowest share of issues with one value, or in one field
_COLUMNS = ("run_id", "line", "code", "severity", "field", "found", "expected", "params", "school_id")
_NAMES = ("last_name", "first_name", "middle_name")
# Fields whose values differ from student to student, so a shared value is not the pattern.
_OF_ONE_STUDENT = (*_NAMES, "local_number", "local_student_id", "birth_date", *sorted(SSID_FIELDS))


def _array(values: Sequence[str]) -> str:
    """SQL of constants of this module."""
    return "ARRAY[" + ", ".join(f"'{value}'" for value in values) + "]"


_IS_NAME = f"p.field = ANY({_array(_NAMES)})"
_DATE = r"^\d{4}-\d\d-\d\d$"
_BOTH_DATES = f"(p.found ~ '{_DATE}' AND p.expected ~ '{_DATE}' AND p.found <> p.expected)"
# Pattern -> condition over an issue `p`; the first that holds is used.
_PATTERNS = {
    # IN, not EXISTS: the database hashes the issues once, instead of reading them all for each row.
    "changed_places": f"""{_IS_NAME} AND p.expected <> '' AND lower(p.found) <> lower(p.expected)
        AND (p.run_id, p.line, p.code, lower(p.found), lower(p.expected))
          IN (SELECT o.run_id, o.line, o.code, lower(o.expected), lower(o.found) FROM picked o)""",
    "day_and_month": f"""{_BOTH_DATES}
        AND left(p.found, 4) || substr(p.found, 9, 2) || substr(p.found, 6, 2) = replace(p.expected, '-', '')""",
    "year": f"{_BOTH_DATES} AND substr(p.found, 5) = substr(p.expected, 5)",
    "zeros": """(p.found ~ '^[0-9]+$' AND p.expected ~ '^0[0-9]*$' AND length(p.found) < length(p.expected)
        AND ltrim(p.found, '0') = ltrim(p.expected, '0'))""",
    "near_zeros": f"strpos(p.params ->> 'near_text', '{ZEROS_TEXT}') > 0",
    "blank": "p.found = '' AND p.expected <> ''",
    "half": f"""{_IS_NAME} AND p.found <> '' AND left(lower(p.expected), length(p.found) + 1)
        IN (lower(p.found) || ' ', lower(p.found) || '-')""",
    "second": f"""{_IS_NAME} AND p.expected <> '' AND left(lower(p.found), length(p.expected) + 1)
        IN (lower(p.expected) || ' ', lower(p.expected) || '-')""",
}
_WORDS = {
    "changed_places": "first and last name are swapped",
    "day_and_month": "day and month are swapped",
    "year": "only the year differs",
    "zeros": "the leading zero was lost",
    "near_zeros": "the leading zero was lost",
    "blank": "blank in the file",
    "half": "the file has only one of two names",
    "second": "the file has one more name",
}
# Patterns by which all lines can be corrected at once (`bulk_corrections`): the button's words before "these lines".
BULK = {
    "day_and_month": "Swap day and month in",
    "zeros": "Put the zeros back in",
    "near_zeros": "Put the zeros back in",
    "changed_places": "Swap first and last name in",
}
_NUMBER_ON_RECORD = f"substring(p.params ->> 'near_text' FROM '{ON_RECORD_TEXT}([^ ,]+),')"
# Parameters of a message that say what kind of issue it is, and the words put before them.
_TELLING = {"difference": "they differ only by ", "effect": "", "cause_text": "", "rule_text": ""}
_SAID = (
    "coalesce("
    + ", ".join(f"'{lead}' || nullif(btrim(p.params ->> '{name}'), '')" for name, lead in _TELLING.items())
    + ")"
)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """`count` of the cause's issues are of one kind: `text`. `where`: the only school, or the block of lines, that they
    are in."""

    count: int
    text: str
    where: str = ""
    pattern: str = ""

    @property
    def bulk_label(self) -> str:
        return BULK.get(self.pattern, "")


@dataclass(frozen=True, slots=True)
class Diagnosed:
    """A cause with what its issues have in common. `looked_at`: fewer than its count if there are very many."""

    cause: Cause
    looked_at: int
    diagnoses: tuple[Diagnosis, ...]

    @property
    def cut(self) -> bool:
        return self.looked_at < self.cause.count


def diagnosed(run: ImportRun, reader: Reader, causes: Sequence[Cause]) -> list[Diagnosed]:
    """The causes of errors and warnings with their diagnoses, worst and most frequent first."""
    serious = [cause for cause in causes if cause.severity > Severity.NOTICE]
    if not serious:
        return []
    groups = _groups(run, reader, serious)
    of_one_school = run.facts.get("schools") == 1  # then its name says nothing
    schools, layout = {} if of_one_school else _named_schools(groups), layout_of(run)
    result = []
    for cause in serious:
        own = [group for group in groups if (group.code, group.severity) == (cause.code, cause.severity)]
        texts = [(group, _text(group, field_label(layout, group.detail))) for group in own]
        diagnoses = [
            Diagnosis(group.count, text, _where(group, schools), group.pattern) for group, text in texts if text
        ]
        result.append(Diagnosed(cause, own[0].total if own else 0, tuple(diagnoses[:SHOWN])))
    return result


@dataclass(frozen=True, slots=True)
class _Group:
    """Issues of one cause that show the same pattern. `detail`: the value or the field, if that is the pattern."""

    code: str
    severity: int
    pattern: str
    detail: str
    count: int
    total: int
    kinds: int
    first_line: int
    last_line: int
    lines: int
    school: int | None  # the only school they are about, if there is only one


def issues_of_pattern(
    run: ImportRun, reader: Reader, *, code: str, severity: Severity, pattern: str
) -> list[tuple[int, str, str]]:
    """Line, field and value on record of a cause's issues that show this pattern; at most MOST."""
    if pattern not in _PATTERNS:
        return []
    issues = ImportIssue.objects.filter(
        reader.issues(), run_id__in={run.pk, run.plan_run_id}, code=code, severity=severity
    )
    slice_, params = compiled(issues.order_by("line").values_list(*_COLUMNS)[:MOST])
    whens = " ".join(f"WHEN {condition} THEN '{name}'" for name, condition in _PATTERNS.items())
    sql = f"""
      WITH picked ({", ".join(_COLUMNS)}) AS ({slice_})
      SELECT p.line, p.field, p.expected, {_NUMBER_ON_RECORD} FROM picked p
      WHERE p.line > 0 AND CASE {whens} END = '{pattern}'
    """
    rows = fetch_all(sql, params)
    if pattern == "near_zeros":
        return [(line, "local_number", number) for line, _field, _expected, number in rows if number]
    return [(line, field, expected) for line, field, expected, _number in rows if field and expected]


def _groups(run: ImportRun, reader: Reader, causes: Sequence[Cause]) -> list[_Group]:
    slices, params = [], list[object]()
    for cause in causes:
        issues = ImportIssue.objects.filter(
            reader.issues(), run_id__in={run.pk, run.plan_run_id}, code=cause.code, severity=cause.severity
        )
        sql, values = compiled(issues.order_by("line").values_list(*_COLUMNS)[:MOST])
        slices.append(f"({sql})")
        params += values
    students, values = compiled(_named_as_near(run, reader).values_list("local_number", "school_id"))
    whens = " ".join(f"WHEN {condition} THEN '{name}'" for name, condition in _PATTERNS.items())
    sql = f"""
      WITH picked ({", ".join(_COLUMNS)}) AS ({" UNION ALL ".join(slices)}), near (local_number, school_id) AS ({students}),
      marked AS (
        SELECT p.*, CASE {whens} WHEN {_SAID} IS NOT NULL THEN 'said'
            WHEN p.found <> '' AND NOT p.field = ANY({_array(_OF_ONE_STUDENT)}) THEN 'value' ELSE 'field' END AS pattern
        FROM picked p
      ), detailed AS (
        SELECT p.code, p.severity, p.line, p.pattern, coalesce(p.school_id, n.school_id) AS school_id,
          CASE p.pattern WHEN 'said' THEN {_SAID} WHEN 'value' THEN p.found WHEN 'field' THEN p.field ELSE '' END AS detail
        FROM marked p LEFT JOIN near n ON p.pattern = 'near_zeros' AND p.school_id IS NULL
          AND n.local_number = {_NUMBER_ON_RECORD}
      ), counted AS (
        SELECT code, severity, pattern, detail, count(*) AS n, min(line) AS first_line, max(line) AS last_line,
          count(DISTINCT line) AS lines,
          CASE WHEN count(school_id) = count(*) AND count(DISTINCT school_id) = 1 THEN min(school_id) END AS school
        FROM detailed GROUP BY 1, 2, 3, 4
      ), ranked AS (
        SELECT c.*, (sum(n) OVER cause)::bigint AS total, count(*) OVER cause AS kinds,
          row_number() OVER (PARTITION BY code, severity ORDER BY n DESC, pattern, detail) AS place
        FROM counted c WINDOW cause AS (PARTITION BY code, severity)
      )
      SELECT code, severity, pattern, detail, n, total, kinds, first_line, last_line, lines, school
      FROM ranked WHERE place <= {SHOWN + 2} ORDER BY place
    """
    return [_Group(*row) for row in fetch_all(sql, [*params, *values])]


def _named_as_near(run: ImportRun, reader: Reader) -> QuerySet[Student]:
    """Students that a message may have named: with leading zeros, in the run's districts and the reader's schools."""
    students = reader.students().filter(local_number__lt="1", local_number__startswith="0")
    return students.filter(lea_id__in=run.lea_ids) if run.lea_ids else students


def _named_schools(groups: Sequence[_Group]) -> dict[int, str]:
    wanted = {group.school for group in groups if group.school}
    return {school.pk: school.name or school.code for school in School.objects.filter(pk__in=wanted)} if wanted else {}


def _text(group: _Group, field: str) -> str:
    """What the issues of a group have in common; blank if nothing worth reporting."""
    if group.pattern in _WORDS:
        return _WORDS[group.pattern]
    if group.pattern == "said":
        return group.detail.strip().rstrip(".")
    few = group.count < _LEAST_ALIKE or group.count < _LEAST_SHARE * group.total
    if few or (group.pattern == "field" and group.kinds == 1):
        return ""
    return f"the value {group.detail[:_LONGEST]}" if group.pattern == "value" else field


def _where(group: _Group, schools: dict[int, str]) -> str:
    if group.school in schools and group.count >= _LEAST_OF_ONE_SCHOOL:
        return f"{schools[group.school]} only"
    follow = group.lines == group.last_line - group.first_line + 1
    if follow and group.lines >= _LEAST_BLOCK:
        return f"lines {group.first_line:,} to {group.last_line:,} in a row"
    return ""
