"""Values that the roster cannot read as they are, and what they may mean: schools by their students, names and codes;
grades and other codes by their words."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rapidfuzz import fuzz, utils

from sisimport.files.foreign_codes import foreign_codes
from sisimport.files.issues import Severity
from sisimport.files.layouts import Layout
from sisimport.files.values import read_value
from sisimport.roster.mapping.content import CODE_FIELDS, CODE_LENGTH, TRANSLATED_FIELDS
from sisimport.roster.mapping.suggesting import Score
from students.models import LEA, School, Student

_TABLES: Final = {"home_language": "language", "legal_gender": "gender"}  # field -> the table of its codes
_STANDARDS: Final = {"home_language": "iso639"}  # tables valid for every system
_LIKE: Final = 88.0  # of 100: names of one school
_ALIKE: Final = 97.0
_FEW: Final = 3  # this many students hardly agree by chance
_GRADE: Final = re.compile(
    r"(?:grade|gr\.?|grd\.?|level)?\s*0*([0-9]{1,2})(?:st|nd|rd|th)?\s*(?:grade|gr\.?)?\Z", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Unread:
    """A value of a column that the roster does not know. `times`: lines with it. `becomes`: what it may mean, or
    blank."""

    text: str
    times: int
    becomes: str = ""
    score: Score | None = None
    why: str = ""


def unread_values(key: str, counts: Mapping[str, int], roster: Layout, *, system: str = "") -> list[tuple[str, int]]:
    """Values of a field, with how often each occurs, that would be refused or that the system (of a ready mapping)
    writes in its own codes; most frequent first."""
    return [
        (text, times)
        for text, times in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
        if key in TRANSLATED_FIELDS
        and (not _reads(key, text, roster) or _foreign(system, key, text) not in {None, text})
    ]


def _foreign(system: str, key: str, text: str) -> str | None:
    """What a code of the system's own tables means; None if they lack it."""
    codes = foreign_codes(system, _TABLES.get(key, key)).codes
    return codes.get(text.strip().casefold())


def _reads(key: str, text: str, roster: Layout) -> bool:
    if key in CODE_FIELDS:
        return len(text) == CODE_LENGTH and text.isascii() and text.isdigit()
    problem = read_value(roster, roster.fields[key], text)[1]
    return problem is None or problem.severity is not Severity.ERROR


def suggested(
    key: str,
    unread: Iterable[tuple[str, int]],
    roster: Layout,
    *,
    schools: Sequence[School],
    leas: Sequence[LEA],
    pupils: Mapping[str, Collection[str]],
    system: str = "",
) -> list[Unread]:
    """The values with what each may mean. `schools`, `leas`: those on record that the user sees; `pupils`: a school's
    text -> local numbers of some of its lines; `system`: the system whose codes these are."""
    if key == "lea":
        return [_lea(text, times, leas) for text, times in unread]
    if key == "school":
        by_pupils = _schools_of(pupils, schools)
        return [_school(text, times, schools, by_pupils.get(text)) for text, times in unread]
    standard = _STANDARDS.get(key, "")
    return [
        _code(key, text, times, roster, _foreign(system, key, text) or _foreign(standard, key, text))
        for text, times in unread
    ]


def _schools_of(pupils: Mapping[str, Collection[str]], schools: Sequence[School]) -> dict[str, tuple[School, int, int]]:
    """School's text -> the school on record that has most of its students, how many those are, and out of how many on
    record."""
    numbers = {number for some in pupils.values() for number in some}
    ids = {school.pk: school for school in schools}
    of = dict(
        Student.objects.filter(local_number__in=numbers, school_id__in=list(ids)).values_list(
            "local_number", "school_id"
        )
    )
    found = {}
    for text, some in pupils.items():
        counts = Counter(of[number] for number in some if number in of)
        if counts:
            school, most = counts.most_common(1)[0]
            found[text] = (ids[school], most, sum(counts.values()))
    return found


def _school(text: str, times: int, schools: Sequence[School], by_pupils: tuple[School, int, int] | None) -> Unread:
    if by_pupils is not None:
        school, most, of = by_pupils
        clear = most * 10 >= of * 8
        if clear:
            score = Score.SURE if most >= _FEW else Score.LIKELY
            why = f"{most:,} of {of:,} of its students on record: at {school.name or school.code}"
            return Unread(text, times, school.code, score, why)
    best = max(schools, key=lambda one: _likeness(text, one), default=None)
    if best is not None and (likeness := _likeness(text, best)) >= _LIKE:
        rivals = [one for one in schools if one is not best and _likeness(text, one) == likeness]
        if not rivals:
            score = Score.SURE if likeness >= _ALIKE else Score.LIKELY
            return Unread(text, times, best.code, score, f"the school on record called {best.name}")
    ending = [one for one in schools if text.isdigit() and one.code.lstrip("0") == text.lstrip("0")]
    if len(ending) == 1:
        return Unread(text, times, ending[0].code, Score.LIKELY, "its code without leading zeros")
    return Unread(text, times)


def _lea(text: str, times: int, leas: Sequence[LEA]) -> Unread:
    named = [one for one in leas if one.name and one.name.casefold() == text.casefold()]
    cut = [one for one in leas if text.isdigit() and one.code.lstrip("0") == text.lstrip("0")]
    if len(named) == 1:
        return Unread(text, times, named[0].code, Score.SURE, f"the district on record called {named[0].name}")
    if len(cut) == 1:
        return Unread(text, times, cut[0].code, Score.LIKELY, "its code without leading zeros")
    if len(leas) == 1:
        return Unread(text, times, leas[0].code, Score.GUESS, "the only district on record")
    return Unread(text, times)


def _likeness(text: str, school: School) -> float:
    return float(fuzz.token_sort_ratio(text, school.name, processor=utils.default_process)) if school.name else 0.0


def _code(key: str, text: str, times: int, roster: Layout, foreign: str | None) -> Unread:
    column = roster.fields[key]
    if foreign:
        return Unread(text, times, foreign, Score.SURE, "as such codes are usually meant")
    if key == "grade" and (match := _GRADE.match(text.strip())):
        grade = f"{int(match[1]):02}"
        if column.codes and grade in column.codes:
            return Unread(text, times, grade, Score.LIKELY, f"{column.codes[grade]}")
    best, likeness = "", 0.0
    for code, meaning in (column.codes or {}).items():
        alike = float(fuzz.ratio(text, meaning, processor=utils.default_process))
        if alike > likeness:
            best, likeness = code, alike
    if likeness >= _LIKE and column.codes:
        return Unread(text, times, best, Score.LIKELY, column.codes[best])
    return Unread(text, times)


def choices(key: str, roster: Layout, schools: Sequence[School], leas: Sequence[LEA]) -> list[tuple[str, str]]:
    """Codes that a field may have, with their meaning, if there are only a few."""
    if key in CODE_FIELDS:
        return [(one.code, one.name) for one in (schools if key == "school" else leas)]
    return list((roster.fields[key].codes or {}).items())
