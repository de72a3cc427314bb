"""Codes and dates between marks of a spreadsheet, or with a separator too many, are read in every layout."""

import pytest

from assessments.research.files import FOLDER as RESEARCH
from sisimport.files.damage import is_name
from sisimport.files.issues import Severity
from sisimport.files.layouts import Column, ColumnKind, Layout, load_layouts
from sisimport.files.numbers import SSID_FIELDS
from sisimport.files.values import read_value
from tests.files.samples import ALL_LAYOUTS, ROSTER, ROSTER_LAYOUTS, SCORE_LAYOUTS, read
from tests.longer import one_in

LAYOUTS = [*ALL_LAYOUTS, *ROSTER_LAYOUTS.values()]
CODED = [(layout, column) for layout in LAYOUTS for column in layout.columns if column.field and column.codes]
DATED = [
    (layout, column)
    for layout in LAYOUTS
    for column in layout.columns
    if column.field and column.kind is ColumnKind.DATE
]
MARKS = ("'{}", '="{}"', '"{}"', "{},", "{};", ",{}", "'{}'")


def _code(column: Column) -> str:
    """A code of the column in letters, or one that begins with a zero."""
    return next((code for code in column.codes or () if code.isalpha()), next(iter(column.codes or ())))


def _id(one: object) -> str:
    return str(getattr(one, "key", None) or getattr(one, "field", ""))


@pytest.mark.parametrize(("layout", "column"), CODED, ids=_id)
def test_a_marked_code_is_read_with_a_notice(layout: Layout, column: Column) -> None:
    code = _code(column)
    for marks in MARKS:
        value, problem = read_value(layout, column, marks.format(code))
        assert value == code, marks
        assert problem is not None
        assert (problem.code, problem.severity) == ("FILE-MARKS", Severity.NOTICE), marks


@pytest.mark.parametrize(("layout", "column"), DATED, ids=_id)
def test_a_marked_date_is_read_with_a_notice(layout: Layout, column: Column) -> None:
    for marks in MARKS:
        value, problem = read_value(layout, column, marks.format("2014-03-02"))
        assert value.replace("-", "") == "20140302", marks
        assert problem is not None
        assert problem.severity is Severity.NOTICE, marks


@pytest.mark.parametrize("text", ["'zz", '="2014-13-02"', "M F,", '="'])
def test_what_no_code_or_date_is_between_marks_is_refused_as_before(text: str) -> None:
    for name in ("gender", "birth_date"):
        value, problem = read_value(ROSTER, ROSTER.fields[name], text)
        assert not value
        assert problem is not None
        assert problem.code in {"FILE-CODE", "FILE-DATE", "FILE-LENGTH"}


def test_a_marked_language_is_its_code() -> None:
    value, problem = read_value(ROSTER, ROSTER.fields["home_language"], "'SPA")

    assert (value, problem and problem.code) == ("spa", "FILE-MARKS")


@pytest.mark.parametrize("marks", [1, 2, 3])
def test_byte_order_marks_are_not_part_of_the_first_name(marks: int) -> None:
    head = "lea,school,local_number,last_name,first_name,birth_date\n"
    found = read(b"\xef\xbb\xbf" * marks + head.encode() + b"1234567,0123456,1,Lee,Sam,2014-03-02\n", expected=ROSTER)

    assert (found.column("lea"), found.problems) == (["1234567"], [])


@pytest.mark.parametrize("marked", ["{},", "{};", ",{}", "'{},"])
def test_an_extra_separator_is_not_part_of_a_number(marked: str) -> None:
    for name, text in (("ssid", "9001230007"), ("lea", "1234567")):
        value, problem = read_value(ROSTER, ROSTER.fields[name], marked.format(text))
        assert (value, problem and problem.code) == (text, "FILE-MARKS")


FRAMED = [
    (layout, column)
    for layout in [*LAYOUTS, *SCORE_LAYOUTS.values(), *load_layouts(RESEARCH).values()]
    for column in layout.columns
    if column.field and column.kind is ColumnKind.TEXT and not is_name(column) and not column.spellings
    if column.field not in {"message", "local_number", *SSID_FIELDS} and layout.key != "oneroster"
]  # fmt: skip


@pytest.mark.parametrize(("layout", "column"), FRAMED, ids=_id)
def test_a_marked_number_in_a_column_of_text_is_read_with_a_notice(layout: Layout, column: Column) -> None:
    """A UIN with an apostrophe went on record as another UIN, and the codes of a research file were refused."""
    for marks in ("'{}", '="{}"', '"{}"', "'{}'"):
        value, problem = read_value(layout, column, marks.format("1045"))
        assert (value, problem.code if problem else "") == ("1045", "FILE-MARKS"), marks


OF_NO_LIST = [
    (layout, column)
    for layout in [*LAYOUTS, *SCORE_LAYOUTS.values()]
    for column in layout.columns
    if column.field and column.kind is ColumnKind.CODE and column.codes is None and (column.length or 9) > 5
]


@pytest.mark.parametrize(("layout", "column"), one_in(9, OF_NO_LIST))
def test_a_marked_code_of_several_words_is_read_with_a_notice(layout: Layout, column: Column) -> None:
    """A level in words, US-CA."""
    for marks in ("'{}'", '="{}"', '"{}"'):
        for text in ("US-CA", "AB C"):
            value, problem = read_value(layout, column, marks.format(text))
            assert (value, problem.code if problem else "") == (text, "FILE-MARKS"), marks
