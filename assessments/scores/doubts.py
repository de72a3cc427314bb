"""Lines that hold values of a test other than their own, and files in which most scores do not fit their levels.

The state works out the level from scale score and grade, and fills the columns of the line's own test. Where a spreadsheet
sorted, shifted, filled down or exchanged a column, neither holds. Such a line is imported with a warning, like any odd
line; a file of such lines never replaces scores on record.
"""

from collections.abc import Sequence
from typing import Any, Final

from django.db import models
from django.db.models import F, Q, Value

from assessments.scores.as_tested import ODD_INCLUDE, fact_sql, odd_found
from assessments.scores.change_kinds import SCORES
from assessments.structure import LayoutTest
from sisimport.files.issues import FileError, Severity
from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.definition.rules import RECORD, Rule
from sisimport.imports.engine.file_issues import report_on_file, take_back
from sisimport.imports.engine.sql import fetch_all, fetch_one, quoted
from sisimport.imports.models import ImportIssue

_FEWEST: Final = 10  # lines; fewer may be what the state sent
_SHARE: Final = 0.4
_FEW_LEVELS: Final = 0.1  # of a column in which some values are not levels
_CODES: Final = "('EXC-LEVEL-RANGE', 'EXC-RANGE')"
# Units of measures: `1025L` on a line of English, `EM150Q` on one of mathematics.
_UNIT: Final = {"SBELA": "L", "SBMATH": "Q"}


class AreBlank(models.Func):
    """Are all these texts blank?"""

    template = "((%(expressions)s) = '')"
    arg_joiner = " || "
    output_field = models.BooleanField()
    conditional = True


def columns_of_others(test: LayoutTest, columns: Sequence[str], tests: Sequence[LayoutTest]) -> list[str]:
    """The `columns` that other tests of the layout have and this one does not."""
    own = {name for part in test.parts for name in part.fields}
    others = {name for other in tests for part in other.parts for name in part.fields}
    return sorted(others.intersection(columns) - own)


def own_unit(test: LayoutTest) -> str:
    """The unit of the test's measure; empty for a test without one."""
    return _UNIT.get(test.code, "") if test.parent.measure else ""


def has_own_measure(test: LayoutTest) -> Q:
    """The measure is blank, or ends with the unit of this test: checked in every line, so without a regular expression."""
    column, unit = test.parent.measure, own_unit(test)
    return Q(**{column: ""}) | Q(**{f"{column}__endswith": unit}) & ~Q(**{column: unit})


def rules(tests: Sequence[LayoutTest], columns: Sequence[str], live: Q) -> list[Rule]:
    """`columns`: the scores and levels of the layout."""
    found = []
    for test in tests:
        of_test: dict[str, Any] = {
            "severity": Severity.WARNING,
            "expected": Value(test.parent.name),
            "needs_student": False,
        }
        mine = live & Q(record_type__in=list(test.record_types))
        if others := columns_of_others(test, columns, tests):
            filled = mine & ~Q(AreBlank(*others))
            found.append(Rule(number="CA-E-19", code="EXC-OTHER-TEST", field="record_type", when=filled,
                              found=F("record_type"), **of_test))  # fmt: skip
        if own_unit(test):
            found.append(Rule(number="CA-E-20", code="EXC-MEASURE", field=test.parent.measure, when=mine & ~has_own_measure(test),
                              found=F(test.parent.measure), **of_test))  # fmt: skip
    return found


def look_at_the_whole(context: RunContext, of: int, *, compared: bool) -> None:
    """Warn about a file in which most scores do not fit their levels; raises FileError if it would replace others.

    `of`: how many lines of the file have scores.
    """
    if context.lines is None:
        _report_odd_indicators(context)
        _report_columns_without_levels(context, of)
    else:  # lines planned again may have changed it
        take_back(context, "EXC-SORTED")
    odd = f"imports_importissue i WHERE i.run_id = {int(context.run.pk)} AND i.code IN {_CODES}"
    (count,) = fetch_one(f"SELECT count(DISTINCT i.line) FROM {odd}")
    if count < _FEWEST:
        return
    # Lines that are refused for another reason bring nothing and are not counted.
    refused = f"SELECT r.line FROM imports_importissue r WHERE r.run_id = {int(context.run.pk)} AND r.part = '{RECORD}'"
    refused = f"{refused} AND r.severity = {int(Severity.ERROR)}"
    (count,) = fetch_one(f"SELECT count(DISTINCT i.line) FROM {odd} AND i.line NOT IN ({refused})")
    if count < _FEWEST or count <= _SHARE * of:
        return
    params = {"count": f"{count:,}", "of": f"{of:,}"}
    if compared and _replaced(context, odd) >= _FEWEST:
        raise FileError("EXC-FILE-SORTED", params=params)
    report_on_file(context, "EXC-SORTED", field="scale_score", params=params)


def _report_columns_without_levels(context: RunContext, of: int) -> None:
    """A column that holds no levels in many lines holds them by chance in the others, which are imported."""
    reported = ImportIssue.objects.filter(run=context.run, code="EXC-LEVEL", line__gt=0).values("field")
    for column in reported.annotate(count=models.Count("line", distinct=True)).order_by("field"):
        if column["count"] >= _FEWEST and column["count"] > _FEW_LEVELS * of:
            report_on_file(context, "EXC-LEVELS", field=column["field"], params={"count": f"{column['count']:,}"})


def _report_odd_indicators(context: RunContext) -> None:
    """Lines whose include indicator is not one of the state's values: their scores count in no results."""
    if not odd_found(context.notes).includes:
        return
    table = quoted(context.import_type.row_model._meta.db_table)
    count, first = fetch_one(
        f"SELECT count(*), min(line) FROM {table} WHERE NOT refused AND {fact_sql('include', 'as_tested')} = %s",
        [ODD_INCLUDE],
    )
    if count:
        params = {"count": f"{count:,}", "first_line": f"{first:,}"}
        report_on_file(context, "EXC-INCLUDE", field="include_indicator", params=params)


def _replaced(context: RunContext, odd: str) -> int:
    changes = f"imports_importchange c WHERE c.run_id = {int(context.run.pk)} AND c.kind = '{SCORES}' AND c.before IS NOT NULL"
    ((count,),) = fetch_all(f"SELECT count(*) FROM {changes} AND c.line IN (SELECT i.line FROM {odd})")
    return int(count)
