"""The school year of a score: that of the layout, checked against the test dates of the file.

A school year runs from July 1 to June 30; some testing windows ran longer (`windows` in data/structure.toml), and those
tests count for the year that the window belongs to. Grade 12 science lines may be flagged as carrying a score of an
earlier year.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import BooleanField, DateField, Exists, F, Func, OuterRef, Q, Value
from django.db.models.functions import Coalesce, Greatest
from django.utils import timezone

from assessments.models import Score, ScoreRow
from assessments.scores import other_dates
from assessments.structure import last_test_day, school_year, tests_of
from sisimport.files.issues import FileError, Severity
from sisimport.imports.definition.expressions import Differs
from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.definition.rules import Rule
from sisimport.imports.engine.sql import compiled, execute, fetch_all
from sisimport.imports.models import ImportIssue
from students.school_years import year_label

ROWS = ScoreRow._meta.db_table
EARLIEST = 3  # years that a line may reach back
# The flag of earlier years is about science only; lines of other tests may also hold it.
_SCIENCE_TYPES = ("05", "5", "06", "6")
_SCIENCE = ", ".join(f"'{code}'" for code in _SCIENCE_TYPES)
_SINGLE = ("test_completed_date", "lst_lock_score_date", "paper_test_completion_date")
# The day on which a district closed the scores of its Initial ELPAC; they are due within 30 days (5 CCR 11518.5).
_SCORED = "lst_lock_score_date"
_TO_SCORE = dt.timedelta(days=30)
_FEW = 20  # dates of another year on fewer than one in this many scored lines say nothing about the file
_YEAR_OF = "(extract(year FROM {0}) + CASE WHEN extract(month FROM {0}) >= 7 THEN 1 ELSE 0 END)::int"


class IsBlank(Func):
    """Is the expression null?"""

    template = "(%(expressions)s IS NULL)"
    conditional = True
    output_field = BooleanField()


class _Earlier(Func):
    """The first expression is before the second; null if either is."""

    template = "(%(expressions)s)"
    arg_joiner = " < "
    conditional = True
    output_field = BooleanField()


def bounds(context: RunContext) -> tuple[dt.date, dt.date]:
    """First and last day on which tests of the school year of the run's layout could be taken."""
    assert context.layout is not None  # noqa: S101 - a staged file has one
    year = school_year(context.layout.key)
    return dt.date(year - 1, 7, 1), last_test_day(context.layout.key, year)


def date_fields(context: RunContext) -> list[str]:
    """The file's columns that a test date is taken from, the one that counts first."""
    names = ("final_test_completed_date", *(f"test_completed_date_{n}" for n in range(1, 5)), *_SINGLE)
    return [name for name in names if name in context.fields]


def needed_dates(fields: Sequence[str]) -> set[str]:
    """Those of the date columns (`date_fields`) that decide the test date. One that only stands in for another is not needed: a
    line without any date is reported."""
    if "final_test_completed_date" in fields:
        return {"final_test_completed_date"}
    return {name for at, name in enumerate(fields) if at == 0 or name not in _SINGLE}


def score_date(context: RunContext) -> Any:
    """The test date of a line as an ORM expression: the final date where the layout has one, else the latest of its parts."""
    sources: list[Any] = []
    if "final_test_completed_date" in context.fields:
        sources.append(F("final_test_completed_date"))
    parts = [F(f"test_completed_date_{n}") for n in range(1, 5) if f"test_completed_date_{n}" in context.fields]
    if parts:
        sources.append(Greatest(*parts) if len(parts) > 1 else parts[0])
    sources += [F(name) for name in _SINGLE if name in context.fields]
    if not sources:
        return Value(None, output_field=DateField())
    return Coalesce(*sources) if len(sources) > 1 else sources[0]


def earlier(alias: str = "") -> str:
    """SQL: the score of a line belongs to an earlier school year (see `note_earlier_years`)."""
    return f"{alias}current_year_flag LIKE '20__'"


def is_flagged(record_types: Iterable[str]) -> bool:
    """Do records of these types say by a flag whether the score is of this year?"""
    return not set(_SCIENCE_TYPES).isdisjoint(record_types)


def note_earlier_years(context: RunContext) -> None:
    """Grade 12 science lines may carry a score that belongs to an earlier year: the flag is replaced by that year."""
    if "current_year_flag" not in context.fields or context.layout is None:
        return
    year = school_year(context.layout.key)
    dated = ScoreRow.objects.exclude(current_year_flag__in=["", "Y"]).annotate(on=score_date(context))
    sql, params = compiled(dated.values_list("line", "on"))
    before = last_test_day(context.layout.key, year - 1)
    tested = f"CASE WHEN d.date BETWEEN '{year - 1}-07-01' AND '{before}' THEN {year - 1} ELSE {_YEAR_OF.format('d.date')} END"
    execute(
        f"""
        UPDATE {ROWS} r SET current_year_flag = CASE
          WHEN r.current_year_flag = 'N' AND r.record_type IN ({_SCIENCE})
            AND {tested} BETWEEN {year - EARLIEST} AND {year - 1} THEN {tested}::text ELSE 'Y' END
        FROM ({sql}) AS d(line, date) WHERE d.line = r.line
        """,
        params,
    )


def _place_undated(context: RunContext) -> dict[int, int]:
    """Mark scored lines without test date whose other dates are of another year; returns the number of lines by
    year."""
    dated = ScoreRow.objects.filter(refused=False, skipped=0).annotate(on=score_date(context))
    undated = dated.filter(on=None).order_by("line").values_list("line", flat=True)
    return other_dates.note_other_years(context, undated, *bounds(context))


def refuse_another_year(context: RunContext, *, odd_dates: bool) -> None:
    """Raises FileError if most of the file's test dates are in a school year other than that of its layout.

    Impossible dates (after today, or before the student's birth) do not count, nor do scores marked as of an earlier
    year. Lines without test date are placed by their other dates. Skipped for lines planned again: their whole file was
    checked before. `_speak_for_the_file` says what `most` means if few lines are dated. `odd_dates`: any line has a test
    date outside of the year, or scores and no test date.
    """
    if not date_fields(context):
        return
    if context.lines is not None:
        context.notes["undated"] = True
        _place_undated(context)
        return
    context.notes["undated"] = False
    if not odd_dates:
        return
    assert context.layout is not None  # noqa: S101 - a staged file has one
    year = school_year(context.layout.key)
    dated = ScoreRow.objects.filter(refused=False).annotate(on=score_date(context))
    sql, params = compiled(dated.values_list("on", "birth_date", "current_year_flag", "skipped"))
    possible = "d.date <= %s AND (d.birth_date IS NULL OR d.date >= d.birth_date)"
    # Counted by day first: a file has few different days, so the year need not be computed for every line.
    days = fetch_all(
        f"SELECT d.date, count(*) FROM ({sql}) AS d(date, birth_date, current_year_flag, skipped)"
        f" WHERE {possible} AND NOT {earlier('d.').replace('%', '%%')} OR (d.date IS NULL AND d.skipped = 0) GROUP BY 1",
        [*params, timezone.localdate()],
    )
    first, last = bounds(context)
    counts: dict[int, int] = {}
    for day, n in days:
        if day is not None:
            tested = year if first <= day <= last else day.year + (day.month >= 7)
            counts[tested] = counts.get(tested, 0) + n
    undated = sum(n for day, n in days if day is None)
    context.notes["undated"] = bool(undated)
    if undated:
        for tested, n in _place_undated(context).items():
            counts[tested] = counts.get(tested, 0) + n
            undated -= n
    own, total = counts.pop(year, 0), sum(counts.values())
    if total > own and (own == 0 or _speak_for_the_file(total, own + total + undated)):
        other = max(counts, key=lambda tested: (counts[tested], tested))
        raise FileError(
            "EXC-FILE-YEAR",
            found=year_label(other),
            expected=year_label(year),
            params={"other": f"{counts[other]:,}", "dated": f"{own + total:,}"},
        )


def _speak_for_the_file(outside: int, scored: int) -> bool:
    """Are dates of another year more than a mistake on a few lines, in a file that also has dates of its own year and
    in which most lines have no date at all?

    A single line never is; more are, from one scored line in twenty on. Otherwise the rules for single lines decide: a
    dated line outside is an error, an undated one a warning, or an error if it would replace a dated score.
    """
    return outside > 1 and outside * _FEW >= scored


def _undated(context: RunContext) -> Q | None:
    """Lines whose only test date could not be read; None if every date of the file could be.

    A date that does not count (that of a part, if the whole test has one) never keeps a score out: the reader reports
    it, and it is ignored.
    """
    unread = ImportIssue.objects.filter(
        run=context.run.pk, code="FILE-DATE", severity=Severity.WARNING, field__in=date_fields(context)
    )
    if context.run.pk is not None and not unread.exists():
        return None
    return Q(Exists(unread.filter(line=OuterRef("line")))) & Q(IsBlank(score_date(context)))


def _undated_over_dated(context: RunContext) -> Q | None:
    """Lines without any test date whose scores would replace dated ones: nothing shows that they are of this year.

    None if every line of the file has a test date.
    """
    assert context.layout is not None  # noqa: S101 - a staged file has one
    if context.run.pk is not None and not context.notes.get("undated"):
        return None
    dated = Score.objects.filter(
        student=OuterRef("student__id"), school_year=school_year(context.layout.key), date__isnull=False
    )
    replaces = Q(pk__isnull=True)
    for test in tests_of(context.layout):
        there = dated.filter(assessment__state_code=test.code)
        replaces |= Q(record_type__in=list(test.record_types)) & Q(Exists(there))
    return Q(IsBlank(score_date(context))) & replaces


def _end_of_year(context: RunContext) -> dt.date:
    assert context.layout is not None  # noqa: S101 - a staged file has one
    return dt.date(school_year(context.layout.key), 6, 30)


def is_usual(context: RunContext) -> Q:
    """No rule of this module fires for a line whose birth date is known."""
    if not date_fields(context):
        return Q()
    usual = _is_dated_as_usual(context)
    if context.notes.get("told_otherwise"):
        usual &= Q(told_date=None)
    if context.notes.get("undated"):
        usual &= ~Q(IsBlank(score_date(context)))
    undated = _undated(context)
    return usual if undated is None else usual & ~undated


def _is_dated_as_usual(context: RunContext) -> Q:
    first, last = bounds(context)
    date = Coalesce(score_date(context), Value(first))
    last = max(first, min(last, _end_of_year(context), timezone.localdate()))
    return ~Q(_Earlier(date, Value(first))) & ~Q(_Earlier(Value(last), date)) & ~Q(_Earlier(date, F("birth_date")))


def rules(context: RunContext, live: Q) -> list[Rule]:
    """A test date outside the school year, after today, or before the student's birth keeps the line out.

    One in a testing window that ran beyond June 30 is a warning.
    """
    fields = date_fields(context)
    if not fields:
        return []
    undated = _undated(context)
    no_date = Rule(number="CA-E-13", code="EXC-DATE", severity=Severity.ERROR, field=fields[0], when=live & (undated or Q()),
                   needs_student=False)  # fmt: skip
    found = [] if undated is None else [no_date]
    first, last = bounds(context)
    replacing = _undated_over_dated(context)
    if replacing is not None:
        # `told_by` without a day: another date of the record is in this school year. A record that could not be read
        # already has its error, and does not count as a line without date.
        without_date = live & Q(told_date=None, told_by="", refused=False) & ~(undated or Q(pk__isnull=True))
        found.append(Rule(number="CA-E-17", code="EXC-UNDATED", severity=Severity.ERROR, field=fields[0],
                          when=without_date & replacing, expected=year_label(first.year + 1)))  # fmt: skip
        when = without_date & Q(IsBlank(score_date(context))) & ~replacing
        found.append(Rule(number="CA-E-18", code="EXC-NO-DATE", severity=Severity.WARNING, field=fields[0],
                          when=when, expected=year_label(first.year + 1)))  # fmt: skip
    found.append(Rule(
        number="CA-E-12", code="EXC-YEAR-TOLD", severity=Severity.ERROR, field=fields[0], when=live & ~Q(told_date=None),
        found=F("told_date"), expected=year_label(first.year + 1), needs_student=False,
        params={"column": F("told_by"), "first": Value(f"{first}"), "last": Value(f"{last}")},
    ))  # fmt: skip
    date, earlier_fields = score_date(context), Q()
    for name in fields:
        counts = Q(Differs(F(name), date))
        found += _rules_about(context, name, live & ~counts & earlier_fields)
        earlier_fields &= counts  # among equal dates the first is named
    return found


def _rules_about(context: RunContext, field: str, live: Q) -> list[Rule]:
    """Rules on the date in `field`, for lines (`live`) whose test date it is."""
    first, last = bounds(context)
    date, today, ordinary = F(field), timezone.localdate(), _end_of_year(context)
    if field == _SCORED:
        last += _TO_SCORE
    future = Q(_Earlier(Value(today), date))
    unborn = Q(_Earlier(date, Coalesce(F("birth_date"), F("student__birth_date"), date)))
    outside = Q(_Earlier(date, Value(first))) | Q(_Earlier(Value(last), date))
    marked = Q(current_year_flag__startswith="20")
    late = Q(_Earlier(Value(ordinary), date)) & ~outside
    possible = live & ~future & ~unborn & ~marked
    common: dict[str, Any] = {"field": field, "found": date, "needs_student": False}
    days = {"first": Value(f"{first}"), "last": Value(f"{last}")}
    year = year_label(ordinary.year)
    found = [
        Rule(number="CA-E-10", code="EXC-FUTURE", severity=Severity.ERROR, when=live & future, expected=f"{today} or before",
             **common),
        Rule(number="CA-E-11", code="EXC-BEFORE-BIRTH", severity=Severity.ERROR, when=live & unborn & ~future,
             expected=Coalesce(F("birth_date"), F("student__birth_date")), **common),
        Rule(number="CA-E-12", code="EXC-YEAR", severity=Severity.ERROR, when=possible & outside, expected=year, params=days,
             **common),
    ]  # fmt: skip
    if last > ordinary:
        found.append(Rule(number="CA-E-15", code="EXC-LATE", severity=Severity.WARNING, when=possible & late, expected=year,
                          params=days, **common))  # fmt: skip
    return found
