"""Who was tested, as the file says: school, gender, race, status as an English learner and so on at the time of the test.

The score of the test itself stores it as one text, with commas between the facts (blank: not in the file):

    1964733,0112345,0112345,Y,F,500,EL,Y,N,N,N,N,N

Grade and condition code are separate cells of the score. Because the text is part of the score, it is planned,
compared, journaled and restored with it and costs no extra row (docs/decisions/0027-as-tested-and-results.md).
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sisimport.files.numbers import bare_number
from sisimport.files.together import Together

_BETWEEN = ","
COUNTED = ("", "Y")  # include indicators of scores that count in results
TESTED = (*COUNTED, "T", "R")  # of students who took the test, with a result that counts or without
_INCLUDES = frozenset({"Y", "N", "E", "T", "R", "YES", "NO"})
ODD_INCLUDE = "X"
ODD_FACT = "?"  # a gender or status that the state does not have; removed later, and reported
MISPRINT, MEANT = "TVD", "TBD"  # of a status
_GENDERS = {"F": "F", "FEMALE": "F", "M": "M", "MALE": "M", "X": "X", "NONBINARY": "X"}
_STATUSES = frozenset({"EO", "EL", "IFEP", "RFEP", "TBD", "ADEL", MISPRINT})
ODD_CODE = "X"  # of a district or school; removed later, and reported (staging.py)
_ODD = frozenset({ODD_FACT, ODD_CODE, ODD_INCLUDE, MISPRINT})
_NOTE = "odd_facts"  # of a context: names of facts with what they hold, where that is one of these


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact. `field`: its layout field. `label`: in words. `kept`: the part of a value that is kept, digits and
    capitals only. `masked`: what is kept of a value that has neither."""

    name: str
    field: str
    label: str
    kept: Callable[[str], str]
    masked: str = ""


def _first(value: str) -> str:
    return value[:1]


def _include(value: str) -> str:
    """A value that is not one of the state's counts nowhere: a doubtful value is not taken as yes."""
    return value[:1] if value in _INCLUDES else ODD_INCLUDE


def _gender(value: str) -> str:
    """Words until 2019-20."""
    return _GENDERS.get(value, ODD_FACT)


def _elas(value: str) -> str:
    return value if value in _STATUSES else ODD_FACT


def _district(value: str) -> str:
    """County, district and seven zeros; a spreadsheet drops a leading zero."""
    return (value.zfill(14) if len(value) == 13 else value)[:7] if value.isdigit() else ODD_CODE


def _school(value: str) -> str:
    return value[-7:].zfill(7) if value.isdigit() else ODD_CODE


FACTS = (
    Fact("lea", "district_code", "district", _district),
    Fact("school", "school_code", "school", _school),
    Fact("tested_school", "tested_school_code", "tested at", _school),
    Fact("include", "include_indicator", "include indicator", _include, masked=ODD_INCLUDE),
    Fact("gender", "gender", "gender", _gender, masked=ODD_FACT),
    Fact("ethnicity", "ethnicity", "ethnicity", lambda value: value[:3]),
    Fact("elas", "elas", "ELAS", _elas, masked=ODD_FACT),
    Fact("disadvantaged", "disadvantaged", "disadvantaged", _first),
    Fact("disability", "disability", "disability", _first),
    Fact("homeless", "homeless", "homeless", _first),
    Fact("foster", "foster", "foster", _first),
    Fact("migrant", "migrant", "migrant", _first),
    Fact("military", "military", "military", _first),
)
FIELDS = tuple(fact.field for fact in FACTS)
_BLANK = _BETWEEN * (len(FACTS) - 1)
_MOST_MET = 10_000  # values of one fact kept
CODES = ("lea", "school", "tested_school")
_FIRST_OF_STUDENT = [fact.name for fact in FACTS].index("gender")  # those before it say where the test was taken


def _kept(fact: Fact, value: str) -> str:
    if not value:
        return ""
    value = bare_number(value) if fact.name in CODES else value
    plain = "".join(sign for sign in value.upper() if sign.isascii() and sign.isalnum())
    return fact.kept(plain) if plain else fact.masked


def _met(met: dict[str, str], fact: Fact, value: str) -> str:
    kept = met.get(value)
    if kept is None:
        if len(met) > _MOST_MET:
            met.clear()
        kept = met[value] = _kept(fact, value)
    return kept


def read_together(fields: Collection[str], odd: set[tuple[str, str]]) -> tuple[Together, ...]:
    """How the FIELDS that a file has are read, for `gathered`: where the test was taken, and who the student is. Adds to
    `odd` what is met on the way, at no cost: each combination is read once.

    They are read separately because all of them together make nearly as many combinations as there are students.
    """
    held = [fact for fact in FACTS if fact.field in fields]
    parts = [FACTS] if len(held) < len(FACTS) else [FACTS[:_FIRST_OF_STUDENT], FACTS[_FIRST_OF_STUDENT:]]
    return tuple(_read_as_one(part, frozenset(fields), odd) for part in parts)


def _read_as_one(part: Sequence[Fact], fields: Collection[str], odd: set[tuple[str, str]]) -> Together:
    held = tuple(fact.field for fact in part if fact.field in fields)

    met: dict[str, dict[str, str]] = {fact.field: {"": ""} for fact in part}  # combinations are many, values few

    def put(values: Sequence[str]) -> str:
        value_of = dict(zip(held, values, strict=True))
        kept = [_met(met[fact.field], fact, value_of.get(fact.field, "")) for fact in part]
        odd.update((fact.name, value) for fact, value in zip(part, kept, strict=True) if value in _ODD)
        return _BETWEEN.join(kept)

    return Together(held, put)


@dataclass(frozen=True, slots=True)
class OddFound:
    """Whether any line has a code that is not a number, a gender or status that the state does not have, a misprinted
    status, or an include indicator that is none."""

    codes: bool
    facts: bool
    misprints: bool
    includes: bool


def noted(notes: dict[str, Any]) -> set[tuple[str, str]]:
    """Where the reader notes what it meets."""
    found: set[tuple[str, str]] = notes.setdefault(_NOTE, set())
    return found


def odd_found(notes: dict[str, Any]) -> OddFound:
    """What the reader met in the lines of a context with these `notes`."""
    met = noted(notes)
    held = {value for _name, value in met}
    return OddFound(
        codes=any((name, ODD_CODE) in met for name in CODES),
        facts=ODD_FACT in held,
        misprints=MISPRINT in held,
        includes=("include", ODD_INCLUDE) in met,
    )


def gathered(columns: Sequence[Sequence[str]]) -> list[str]:
    """The texts of a block of lines, joined from the columns read together; blank where nothing is known."""
    texts = list(map(_BETWEEN.join, zip(*columns, strict=True)))
    return ["" if text == _BLANK else text for text in texts] if _BLANK in texts else texts


def fact_sql(name: str, text: str) -> str:
    """SQL of one fact in the text `text`; blank if the text is blank."""
    place = [fact.name for fact in FACTS].index(name) + 1
    return f"split_part({text}, '{_BETWEEN}', {place})"


def without_odd_codes_sql(text: str) -> str:
    """SQL of the text without codes that are not numbers."""
    cells = [
        f"CASE WHEN {fact_sql(fact.name, text)} <> '{ODD_CODE}' THEN {fact_sql(fact.name, text)} ELSE '' END"
        if fact.name in CODES
        else fact_sql(fact.name, text)
        for fact in FACTS
    ]
    return f"concat_ws('{_BETWEEN}', {', '.join(cells)})"


def filled_sql(text: str, record: str, kept_facts: Collection[str]) -> str:
    """SQL of the text with these facts as they are on record; blank stays blank, as scores of parts have none."""
    if not kept_facts:
        return text
    cells = [fact_sql(fact.name, record if fact.name in kept_facts else text) for fact in FACTS]
    return (
        f"CASE WHEN {record} = '' THEN {text} ELSE nullif(concat_ws('{_BETWEEN}', {', '.join(cells)}), '{_BLANK}') END"
    )


def counts_sql(text: str) -> str:
    """SQL condition: the score with this `text` counts in results, according to its include indicator."""
    listed = ", ".join(f"'{value}'" for value in COUNTED)
    return f"{fact_sql('include', text)} IN ({listed})"


def described(text: str) -> str:
    """The text in words: `school 0112345, gender F`. Blank facts are left out."""
    return ", ".join(f"{label} {value}" for label, value in _held(text))


def _held(text: str) -> Iterator[tuple[str, str]]:
    for fact, value in zip(FACTS, text.split(_BETWEEN), strict=False):
        if value:
            yield fact.label, value
