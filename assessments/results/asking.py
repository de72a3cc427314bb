"""Turns an address, a command or an API request into a choice, and determines what the reader may see."""

from collections.abc import Mapping, Sequence

from assessments.results.counts import School
from assessments.results.groups import ORDER
from assessments.results.held import Held
from assessments.results.missing import file_of
from assessments.results.shapes import BY, Choice, Reader
from assessments.structure import structure
from students.access import User, visible_school_ids
from students.district_settings import shows_district_results
from students.models import LEA
from students.models import School as SchoolOnRecord

_CODE = 7  # digits of the code of a district or school in the state's files


def school_names() -> dict[School, str]:
    """By codes as in the state's files; also by the school code alone, for files that name no district."""
    found: dict[School, str] = {}
    for lea, code, name in SchoolOnRecord.objects.values_list("lea__code", "code", "name"):
        found[lea.zfill(_CODE), code.zfill(_CODE)] = found["", code.zfill(_CODE)] = name or code
    return found


def what_is_held() -> Held:
    return Held(school_names(), [code.zfill(_CODE) for code in LEA.objects.values_list("code", flat=True)])


def reader_of(user: User, *, shared: bool = False) -> Reader:
    """What this user may see. `shared`: for a file or paper, which others may also read.

    A user who sees all schools may look at every student individually. Others see the results of their schools, with
    small groups hidden, since a student who was tested there may be at another school today. They see totals of the
    district only if it allows that.
    """
    ids = visible_school_ids(user)
    if ids is None:
        return Reader(None, sees_each=not shared, shared=shared)
    schools = SchoolOnRecord.objects.filter(pk__in=ids).values_list("lea_id", "lea__code", "code")
    leas = {lea_id for lea_id, _lea, _code in schools}
    codes = {(lea.zfill(_CODE), code.zfill(_CODE)) for _id, lea, code in schools}
    own = frozenset(lea for lea, _code in codes)
    codes |= {("", code) for _lea, code in codes}
    return Reader(
        frozenset(codes), sees_each=False, with_district=shows_district_results(leas), leas=own, shared=shared
    )


class NoResultsError(Exception):
    """There are no such results; the text says what is missing and which file brings it."""


Asked = Mapping[str, Sequence[str]]  # as in an address: test, year, by, beside, school, grade, group, years, same


def choice_of(query: Asked, held: Held, reader: Reader) -> Choice:
    """The choice of an address; missing or unlisted values take the first available. Raises NoResultsError."""
    tests = held.tests
    test = _first(query, "test")
    if not tests:
        raise NoResultsError(
            "No scores are on record yet. Import a CAASPP or ELPAC file of the state's testing portal."
        )
    if test and test not in tests:
        raise NoResultsError(f"No scores of {_test_name(test)} are on record. {file_of(test)}")
    test = test or next(iter(tests))
    years = held.years(test)
    year = _year(_first(query, "year")) or years[0]
    if year not in years:
        raise NoResultsError(f"No scores of {tests[test]} of that school year are on record. {file_of(test)}")
    by, beside = _first(query, "by"), _first(query, "beside")
    schools = [
        school for text in query.get("school", ()) if (school := _school(text, held)) and reader.may_read(school)
    ]
    return Choice(
        test=test,
        year=year,
        by=by if by in BY else BY[0],
        beside=beside if beside in BY else "",
        schools=tuple(sorted(set(schools))),
        grades=tuple(grade for grade in structure()["grades"] if grade in set(map(_grade, query.get("grade", ())))),
        groups=tuple(group for group in ORDER[1:] if group in query.get("group", ())),
        years=tuple(sorted({one for text in query.get("years", ()) if (one := _year(text)) in years})),
        same=_first(query, "same") == "1",
    )


def left_out(query: Asked, held: Held, reader: Reader) -> list[str]:
    """Requested values that do not exist, in words: `grade 99`. Pages ignore them and say so; commands and API
    requests, whose reader could mistake other numbers for the requested ones, are refused."""
    grades, years = structure()["grades"], held.years(_first(query, "test") or next(iter(held.tests)))
    recognizers = {
        "year": lambda text: bool(_year(text)),
        "by": BY.__contains__,
        "beside": BY.__contains__,
        "school": lambda text: (school := _school(text, held)) is not None and reader.may_read(school),
        "grade": lambda text: _grade(text) in grades,
        "group": ORDER.__contains__,
        "years": lambda text: _year(text) in years,
    }
    return [
        f"{_WORDS[name]} {text}" if text.isascii() and len(text) <= _LONGEST else _WORDS[name]
        for name, is_known in recognizers.items()
        for text in query.get(name, ())
        if text and not is_known(text)
    ]


_WORDS = {
    "year": "school year",
    "by": "arrangement",
    "beside": "arrangement",
    "school": "school",
    "grade": "grade",
    "group": "student group",
    "years": "school year",
}
_LONGEST = 16


def note_on_left_out(names: Sequence[str]) -> list[str]:
    if not names:
        return []
    return [f"Left out because there is nothing here that you may see: {', '.join(names)}."]


def _grade(text: str) -> str:
    """`5`, `05` -> 05; `K` -> KN."""
    code = text.strip().upper()
    return code.zfill(2) if code.isdecimal() else {"K": "KN"}.get(code, code)


def _first(query: Asked, name: str) -> str:
    return next(iter(query.get(name, ())), "")


def _year(text: str) -> int:
    """`2025` or `2024-25` -> 2025; 0: none."""
    if text[:4].isdecimal() and len(text) == 7 and text[4] == "-":
        return int(text[:4]) + 1
    return int(text) if text.isdecimal() and len(text) == 4 else 0


def _school(text: str, held: Held) -> School | None:
    """None if it is not a school of a district on record."""
    lea, dash, code = text.partition("-")
    if not dash or (lea and lea not in held.districts):
        return None
    return (lea, code) if code.isdecimal() and len(code) == _CODE else None


def _test_name(code: str) -> str:
    listed = structure()["tests"].get(code)
    return str(listed["name"]) if listed else "this test"
