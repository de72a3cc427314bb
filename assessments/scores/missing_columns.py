"""Columns that a score file does not have: which of them its scores need, and what happens to the values of the others.

whose, when, what    the file is refused: a blank in their place would overwrite what is on record
beside a score       standard error, measure: the scores are imported without; those on record keep theirs
as tested            gender, school and so on at the time of the test: what is on record stays
"""

from typing import Final

from assessments.scores import as_tested
from assessments.scores.setups import SKIP
from assessments.scores.years import date_fields, is_flagged, needed_dates
from assessments.structure import LayoutTest, Part, tests_of
from sisimport.files.issues import FileError, Severity
from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.engine.file_issues import report_on_file

_OTHER_NAMES: Final = "under other names, an import admin adds them: Add a school year, or add_layout"
_BESIDE: Final = {"error": "standard error", "measure": "Lexile or Quantile measure"}


def look_at_missing_columns(context: RunContext) -> None:
    """Refuse a file without columns that its scores need, and say which others it lacks.

    Needed are the columns that say whose score it is and when it was made, and those that the scores are made of, of the imported
    tests that the file has records of. A part of a test is not imported if the file has none of its columns. Raises FileError.
    """
    if context.layout is None or context.recognition is None or not context.recognition.header:
        return
    held = held_fields(context)
    tests = _imported_tests(context)
    missing = (_needed(context, tests, held) & set(context.fields)) - held
    if missing:
        of = ", ".join(test.parent.name for test in tests) or context.layout.title
        raise FileError(
            "FILE-COLUMN-MISSING",
            found=_names(context, missing),
            expected=f"the columns that scores of {of} need ({_OTHER_NAMES})",
        )
    if context.lines is None:  # for lines planned again, it was reported before
        _report_missing_values(context, tests, held)


def held_fields(context: RunContext) -> frozenset[str]:
    """Fields that the file has columns for. Without a header, those of its layout."""
    assert context.layout is not None  # noqa: S101 - a staged file has one
    if context.recognition is None or not context.recognition.header:
        return frozenset(context.layout.fields)
    return frozenset(context.recognition.positions)


def facts_not_held(context: RunContext) -> frozenset[str]:
    """Names of the facts of `as_tested` that the file has no columns for."""
    held = held_fields(context)
    return frozenset(fact.name for fact in as_tested.FACTS if fact.field not in held)


def _imported_tests(context: RunContext) -> tuple[LayoutTest, ...]:
    assert context.layout is not None  # noqa: S101 - a staged file has one
    return tuple(
        test
        for test in tests_of(context.layout)
        if context.collected.intersection(test.record_types) and context.option(test.code) != SKIP
    )


def _needed(context: RunContext, tests: tuple[LayoutTest, ...], held: frozenset[str]) -> set[str]:
    needed = {"grade_assessed", "condition_code", *needed_dates(date_fields(context))}
    if any(is_flagged(test.record_types) for test in tests):
        needed.add("current_year_flag")
    for test in tests:
        needed.update(*(part.fields for part in _read_parts(test, held)))
    return needed


def _read_parts(test: LayoutTest, held: frozenset[str]) -> list[Part]:
    """The test itself, and its parts of which the file has a score."""
    return [part for part in test.parts if part is test.parent or not held.isdisjoint(part.fields)]


def _report_missing_values(context: RunContext, tests: tuple[LayoutTest, ...], held: frozenset[str]) -> None:
    beside = {
        name: text
        for test in tests
        for part in _read_parts(test, held)
        for which, text in _BESIDE.items()
        if (name := getattr(part, which)) and name not in held
    }
    if beside:
        what = " and ".join(dict.fromkeys(beside.values()))
        params = {"columns": _names(context, beside), "what": what}
        report_on_file(context, "EXC-NOT-BESIDE", params=params, severity=Severity.NOTICE)


def _names(context: RunContext, fields: set[str] | dict[str, str]) -> str:
    assert context.layout is not None  # noqa: S101 - a staged file has one
    columns = sorted((context.layout.fields[name] for name in fields), key=lambda column: column.position)
    return ", ".join(column.name for column in columns)
