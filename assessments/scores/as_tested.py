"""Who was tested, as the file says: school, gender, race, status as an English learner and so on at the time of the test.

The score of a test itself holds it as one text, facts with commas between them (blank: not in the file):

    1964733,0112345,0112345,Y,F,500,EL,Y,N,N,N,N,N

Grade and condition code are cells of the score of their own. Kept with the score it is planned, compared, put on the journal and
put back with it, and costs no row more (docs/decisions/0026-as-tested-and-results.md).
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from sisimport.imports.engine.sql import quoted

_BETWEEN = ","
_PLAIN = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
COUNTED = ("", "Y")  # include indicators of scores that count in results
TESTED = (*COUNTED, "T", "R")  # of students who took the test, with a result that counts or without


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact. `field`: of the layouts. `sql`: what of the column `{0}` is kept. `label`: in words."""

    name: str
    field: str
    label: str
    sql: str


_FIRST = "left({0}, 1)"
FACTS = (
    # Codes of county, district and school, 14 digits; a spreadsheet takes a zero at the front away.
    Fact("lea", "district_code", "district", "left(CASE WHEN octet_length({0}) = 13 THEN '0' || {0} ELSE {0} END, 7)"),
    Fact("school", "school_code", "school", "CASE WHEN {0} <> '' THEN right('0000000' || {0}, 7) ELSE '' END"),
    Fact(
        "tested_school",
        "tested_school_code",
        "tested at",
        "CASE WHEN {0} <> '' THEN right('0000000' || {0}, 7) ELSE '' END",
    ),
    Fact("include", "include_indicator", "include indicator", _FIRST),
    Fact("gender", "gender", "gender", "translate(left({0}, 1), 'Nn', 'XX')"),  # Nonbinary, until 2019-20
    Fact("ethnicity", "ethnicity", "ethnicity", "left({0}, 3)"),
    Fact("elas", "elas", "ELAS", "left({0}, 4)"),
    Fact("disadvantaged", "disadvantaged", "disadvantaged", _FIRST),
    Fact("disability", "disability", "disability", _FIRST),
    Fact("homeless", "homeless", "homeless", _FIRST),
    Fact("foster", "foster", "foster", _FIRST),
    Fact("migrant", "migrant", "migrant", _FIRST),
    Fact("military", "military", "military", _FIRST),
)
FIELDS = tuple(fact.field for fact in FACTS)
_BLANK = _BETWEEN * (len(FACTS) - 1)


def as_tested_sql(fields: Collection[str]) -> str:
    """SQL of the text of a staged line; blank where the file knows nothing. Nothing but digits, capitals and commas."""
    held = [fact.sql.format(quoted(fact.field)) if fact.field in fields else "''" for fact in FACTS]
    if set(held) == {"''"}:
        return "''"
    join = f" || '{_BETWEEN}' || "
    usual = f"upper({join.join(f'({sql})' for sql in held)})"
    cleaned = join.join(f"regexp_replace(upper({sql}), '[^0-9A-Z]', '', 'g')" if sql != "''" else sql for sql in held)
    return (
        f"CASE WHEN {usual} = '{_BLANK}' THEN ''"
        f" WHEN translate({usual}, '{_PLAIN}', '') = '{_BLANK}' THEN {usual} ELSE {cleaned} END"
    )


def fact_sql(name: str, text: str) -> str:
    """SQL of one fact in the text `text`; blank where the text is."""
    place = [fact.name for fact in FACTS].index(name) + 1
    return f"split_part({text}, '{_BETWEEN}', {place})"


def described(text: str) -> str:
    """The text in words: `school 0112345, gender F`. Blank facts are left out."""
    return ", ".join(f"{label} {value}" for label, value in _held(text))


def _held(text: str) -> Iterator[tuple[str, str]]:
    for fact, value in zip(FACTS, text.split(_BETWEEN), strict=False):
        if value:
            yield fact.label, value
