"""What is missing if a choice has no results, and which file brings it; and what the files of a year do not contain."""

from collections.abc import Collection, Iterator

from assessments.models import AddedLayout
from assessments.results.groups import DIVISIONS, NAMES
from assessments.results.held import Held
from assessments.results.shapes import Choice, grade_label, grade_order
from assessments.scores.as_tested import FACTS
from assessments.scores.import_type import LAYOUTS
from assessments.scores.result_counts import GROUPS
from assessments.structure import family_of, ranges_key, school_year, structure, tested_grades
from sisimport.imports.definition.registry import folder_layouts
from students.school_years import year_label

_FILES = {"caaspp": "CAASPP", "elpac-summative": "Summative ELPAC", "elpac-initial": "Initial ELPAC"}
_FIELD_OF = {fact.name: fact.field for fact in FACTS}


def file_of(code: str) -> str:
    """Which file brings the scores of a test."""
    return f"Import the {_FILES.get(_family(code), 'CAASPP or ELPAC')} student data file of that year."


def nothing_of(choice: Choice, held: Held) -> str:
    """Why a table is empty, and what would fill it."""
    limits = ", ".join(_limits(choice, held)) or "this selection"
    text = f"No results of {held.name_of(choice.test)}, {year_label(choice.year)}, are on record for {limits}."
    given = tested_grades(ranges_key(choice.test, choice.year))
    if choice.grades and given and not set(choice.grades) & set(given):
        return f"{text} The test is given in {_listed([grade_label(grade).lower() for grade in sorted(given, key=grade_order)])}."
    if choice.groups and {group[0] for group in choice.groups} <= set(missing_groups(choice.test, choice.year)):
        return text
    return f"{text} {file_of(choice.test)}"


def _limits(choice: Choice, held: Held) -> Iterator[str]:
    if choice.schools:
        yield _listed([held.school_name(school) for school in choice.schools])
    if choice.grades:
        yield _listed([grade_label(grade).lower() for grade in choice.grades])
    if choice.groups:
        yield _listed([NAMES[group] for group in choice.groups])


def missing_groups(code: str, year: int) -> list[str]:
    """Prefixes of student groups that no file of the test and year has a column for; none if its files are not
    known."""
    return _missing_by_year(code, [year])[year]


def _missing_by_year(code: str, years: Collection[int]) -> dict[int, list[str]]:
    added = AddedLayout.objects.filter(school_year__in=years).exclude(text="")
    unknown = set(added.values_list("school_year", flat=True))  # a layout added by a district may have any column
    found: dict[int, list[str]] = {}
    for year in years:
        fields = set() if year in unknown else _fields(_family(code), year)
        found[year] = [prefix for prefix, (fact, _values) in GROUPS.items() if fields and _FIELD_OF[fact] not in fields]
    return found


def note_on_missing_groups(code: str, years: Collection[int], divisions: Collection[str]) -> list[str]:
    """A note for each year whose files lack some of the requested student groups (by prefix)."""
    found = []
    for year, prefixes in _missing_by_year(code, sorted(years)).items():
        if names := [DIVISIONS[prefix].lower() for prefix in prefixes if prefix in divisions]:
            file = _FILES.get(_family(code), "state")
            found.append(
                f"The {file} files of {year_label(year)} have no column for {_listed(names)}: no students are counted there."
            )
    return found


def _family(code: str) -> str:
    return str(structure()["tests"].get(code, {}).get("family", ""))


def _fields(family: str, year: int) -> set[str]:
    """Columns of all our layouts for a family of tests and a school year."""
    layouts = [
        one for key, one in folder_layouts(LAYOUTS).items() if (family_of(key), school_year(key)) == (family, year)
    ]
    return {field for layout in layouts for field in layout.fields}


def _listed(names: Collection[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
