"""Which tests a layout contains and which of its columns they use: the files of `data/` as small types. No Django.

data/structure.toml   tests, children, record types, result statuses
data/types.toml       import types that take several layouts
data/ranges.csv       scale scores of each level, per test and grade
"""

import csv
import datetime as dt
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from sisimport.files.layouts import Layout, LayoutError
from sisimport.files.remembered import Remembered

DATA = Path(__file__).parent / "data"
_KEY = re.compile(r"(?P<family>caaspp|elpac-summative|elpac-initial)-(?P<year>\d{4})-\d{2}(-.+)?\Z")
# Follows the year in the key of a layout added in addition to the one of its year, for files with other columns.
OTHER_COLUMNS = "-other-columns"
FAMILIES = {"caaspp": "CAASPP", "elpac-summative": "ELPAC Summative", "elpac-initial": "ELPAC Initial"}


@dataclass(frozen=True, slots=True)
class Part:
    """A parent or child test of one layout. The fields are those of the layout; empty: the layout has no such column.

    `results`: result statuses (code as stored -> name), best first. `spellings`: upper-case spelling in files -> code.
    `in_parents_range`: its scale scores have the same range as those of the parent. `grades`: the only ones that have
    this part; empty: all that take the test.
    """

    code: str
    name: str
    scale: str = ""
    raw: str = ""
    result: str = ""
    error: str = ""
    measure: str = ""
    results: Mapping[str, str] | None = None
    passing: tuple[str, ...] = ()
    in_parents_range: bool = False
    grades: tuple[str, ...] = ()

    @property
    def fields(self) -> tuple[str, ...]:
        """Columns of which at least one must have a value for this test to be imported."""
        return tuple(name for name in (self.scale, self.raw, self.result) if name)

    @property
    def score_type(self) -> str:
        if self.scale:
            return "scale"
        return "level" if self.result else "raw"

    def spellings(self) -> dict[str, str]:
        """Spelling of a result in files, in upper case -> the result's code; only those that differ. Names of levels in
        that year are included."""
        results = self.results or {}
        names = [name.upper() for name in results.values()]
        codes = {name.upper(): code for code, name in results.items() if names.count(name.upper()) == 1}
        codes |= {other.upper(): code for other, code in structure()["spellings"].items() if code in results}
        codes |= {f"LEVEL {code}": code for code in results if code.isdigit() and f"LEVEL {code}" not in codes}
        codes |= {code.upper(): code for code in results}
        codes |= {f"0{spelling}": code for spelling, code in codes.items() if spelling.isdigit()}
        return {spelling: code for spelling, code in codes.items() if spelling != code}

    def without_score(self) -> list[str]:
        """Every way to write a level that means "no score", upper case."""
        codes = no_score()
        return [*codes, *sorted(spelling for spelling, code in self.spellings().items() if code in codes)]


@dataclass(frozen=True, slots=True)
class Edition:
    """A test in its form for some school years (by their spring): one set-up takes the scores of all of them.

    `label`: the import screen's name for the test. `own`: set-ups without years do not fit, because levels or parts
    differ from before. `comparable_from`: the first year whose scores may be compared with those of this edition.
    `ranged`: the score ranges of ranges.csv apply to it.
    """

    name: str
    label: str
    first: int = 0
    last: int | None = None
    own: bool = False
    comparable_from: int = 0
    ranged: bool = True
    comments: str = ""

    def covers(self, year: int) -> bool:
        return self.first <= year <= (self.last or year)


@dataclass(frozen=True, slots=True)
class LayoutTest:
    """A parent test in one layout, with the children that the layout has columns for."""

    parent: Part
    children: tuple[Part, ...]
    record_types: tuple[str, ...]
    edition: Edition
    ranges: str = ""

    @property
    def code(self) -> str:
        return self.parent.code

    @property
    def parts(self) -> tuple[Part, ...]:
        return (self.parent, *self.children)


@cache
def structure() -> dict[str, Any]:
    return tomllib.loads((DATA / "structure.toml").read_text(encoding="utf-8"))


def unscored_codes() -> list[str]:
    """Condition codes of rows without a score."""
    return list(structure()["unscored"])


def condition_codes() -> list[str]:
    """All condition codes that files may hold."""
    return [*unscored_codes(), *structure()["scored"]]


def own_codes(test: str, year: int = 0) -> list[str]:
    """Condition codes of scored rows that this test may have; test "": all that belong to certain tests. Years before
    codes were known by test do not limit them."""
    tests_of_codes: dict[str, list[str]] = structure()["codes_of_tests"]
    if year and year < structure()["codes_of_tests_from"]:
        return []
    return [code for code, tests in tests_of_codes.items() if not test or test in tests]


def grades() -> list[str]:
    """Grades assessed, as the state writes them and without the leading zeros that a spreadsheet drops."""
    grade_codes = list(structure()["grades"])
    return [*grade_codes, *(grade.lstrip("0") for grade in grade_codes if grade.startswith("0"))]


def other_grades() -> list[str]:
    """Grades that students are in but for which no test is given."""
    return list(structure()["other_grades"])


def no_score() -> list[str]:
    """Scores and levels that mean "no score"."""
    return list(structure()["no_score"])


def family_of(layout_key: str) -> str:
    """Raises LayoutError for a layout file that is not named family-year."""
    return _match(layout_key)["family"]


def school_year(layout_key: str) -> int:
    """The school year of a layout, as the year of its spring: caaspp-2023-24 -> 2024."""
    return int(_match(layout_key)["year"]) + 1


def last_test_day(layout_key: str, year: int) -> dt.date:
    """The last day on which a test of the layout's family could be taken in a school year (by its spring)."""
    late = structure()["windows"].get(family_of(layout_key), {}).get(str(year))
    return late if isinstance(late, dt.date) else dt.date(year, 6, 30)


def _match(layout_key: str) -> re.Match[str]:
    match = _KEY.match(layout_key)
    if match is None:
        raise LayoutError(f"{layout_key}: a layout file is named family-CCYY-YY, family one of {', '.join(FAMILIES)}")
    return match


def _covers(years: list[int] | None, year: int) -> bool:
    if not years:
        return True
    return years[0] <= year and (len(years) == 1 or year <= years[1])


def _own_facts(code: str, year: int) -> dict[str, Any]:
    """What is specific to a test in a school year; empty if the structure file says nothing about that year."""
    editions = structure()["tests"].get(code, {}).get("editions", ())
    return next((edition for edition in editions if _covers(edition["years"], year)), {})


@cache
def edition_of(code: str, year: int) -> Edition:
    """The edition of a test of the structure file that is for this school year."""
    test, own = structure()["tests"][code], _own_facts(code, year)
    name: str = own.get("name", test["name"])
    label = next(
        (other["label"] for other in own.get("labels", ()) if _covers(other["years"], year)), own.get("label", "")
    )
    if not label:
        label = f"{test['number']} - {name}" if "number" in test else name
    first, *last = own.get("years", [0])
    if "{" in name:
        first, last = year, [year]
    words = {"fall": year - 1, "spring": year}
    starts = [other["years"][0] for other in test.get("editions", ()) if other.get("new_design")]
    return Edition(
        name=name.format(**words),
        label=label.format(**words),
        first=first,
        last=last[0] if last else None,
        own=bool(own.get("new_design") or own.get("renamed")),
        comparable_from=max((start for start in starts if start <= year), default=0),
        comments=own.get("comments", ""),
    )


_YEARS = range(2010, 2100)


@cache
def edition_names(code: str) -> frozenset[str]:
    """Every default name for a set-up of this test, and the name that all years share."""
    test = structure()["tests"].get(code)
    return frozenset([test["name"], *(edition_of(code, year).name for year in _YEARS)]) if test else frozenset()


def is_default_name(name: str, code: str) -> bool:
    """Was a set-up of this test named by the product? A further one of the same years has a number behind its name."""
    return re.sub(r" \(\d+\)$", "", name) in edition_names(code)


def ranges_key(code: str, year: int) -> str:
    """The test's name in ranges.csv; empty if no ranges are published."""
    return str(_own_facts(code, year).get("ranges", structure()["tests"].get(code, {}).get("ranges", "")))


@cache
def level_names(code: str, year: int) -> Mapping[str, str]:
    """Names of the levels of a test or part in a school year; empty if the structure file has none."""
    for test, test_entry in structure()["tests"].items():
        own = _own_facts(test, year)
        if test == code:
            return dict(structure()["results"].get(own.get("results", test_entry.get("results")), {}))
        for child in own.get("children", test_entry.get("children", ())):
            if child["code"] == code:
                return dict(structure()["results"].get(child.get("results"), {}))
    return {}


@cache
def known_level_names(code: str) -> tuple[Mapping[str, str], ...]:
    """The default level names that a set-up of this test or part may have gotten, in any year."""
    return tuple(names for year in _YEARS if (names := level_names(code, year)))


_tests: Remembered[tuple[LayoutTest, ...]] = Remembered(most=128)  # layouts; a run asks ten times


def tests_of(layout: Layout) -> tuple[LayoutTest, ...]:
    """The tests whose records a file of this layout may contain, in the order of the structure file. For the same layout object
    the same tuple, so that what is composed of its tests can be kept with it."""
    made_of = (layout, structure())
    found = _tests.get((), made_of)
    if found is None:
        found = tuple(_found_tests(layout))
        _tests.keep((), made_of, found)
    return found


def _found_tests(layout: Layout) -> Iterator[LayoutTest]:
    family, year = family_of(layout.key), school_year(layout.key)
    for code, entry in structure()["tests"].items():
        if entry["family"] != family or not _covers(entry.get("years"), year) or year in entry.get("not_years", ()):
            continue
        if layout.key in entry.get("not_layouts", ()):
            continue
        own, edition, levels = _own_facts(code, year), _answered_edition(code, year, layout), _answered_levels(layout)
        instead = next((other for other in entry.get("instead", ()) if _covers(other["years"], year)), None)
        whole = instead or entry | ({"results": own["results"]} if "results" in own else {})
        parent = _part(code, edition.name, whole, layout, levels.get(code), passing=entry.get("passing", ()))
        children: dict[str, Part] = {}
        for child in () if instead else own.get("children", entry.get("children", ())):
            part = _part(child["code"], child["name"], child, layout, levels.get(child["code"]))
            if part.fields and part.code not in children and _covers(child.get("years"), year):
                children[part.code] = part
        if parent.fields:
            yield LayoutTest(
                parent=parent,
                children=tuple(children.values()),
                record_types=tuple(entry["record_types"]),
                edition=edition,
                ranges=ranges_key(code, year) if edition.ranged and not instead else "",
            )


def _answered_levels(layout: Layout) -> Mapping[str, Mapping[str, str]]:
    """Names of levels, best first, that were given when the layout was added, by test or part."""
    found: Mapping[str, Mapping[str, str]] = layout.answers.get("levels", {})
    return found


def _answered_edition(code: str, year: int, layout: Layout) -> Edition:
    """The edition of a test in this layout: a separate one if the names or ranges given differ from the known ones."""
    edition = edition_of(code, year)
    given, ranged = _answered_levels(layout).get(code), code not in layout.answers.get("without_ranges", ())
    if ranged and (given is None or dict(given) == dict(level_names(code, year))):
        return edition
    name = f"{structure()['tests'][code]['name']} {year - 1}-{year}"
    return replace(edition, name=name, first=year, last=year, own=True, ranged=ranged)


def _part(
    code: str,
    name: str,
    entry: Mapping[str, Any],
    layout: Layout,
    levels: Mapping[str, str] | None = None,
    *,
    passing: Iterable[str] = (),
) -> Part:
    fields = {
        key: entry[key] for key in ("scale", "raw", "result", "error", "measure") if entry.get(key) in layout.fields
    }
    results = (levels or structure()["results"][entry["results"]]) if "result" in fields else None
    return Part(
        code=code,
        name=name,
        results=results,
        passing=tuple(passing) if results else (),
        in_parents_range=bool(entry.get("in_parents_range")) and "scale" in fields,
        grades=tuple(entry.get("grades", ())),
        **fields,
    )


def offered_tests(layouts: Iterable[Layout]) -> dict[str, tuple[Edition, ...]]:
    """Parent codes of all tests that files of these layouts may contain, with their editions, oldest first."""
    found: dict[str, dict[Edition, None]] = {}
    for layout in sorted(layouts, key=lambda layout: school_year(layout.key)):
        for test in tests_of(layout):
            found.setdefault(test.code, {})[test.edition] = None
    order = list(structure()["tests"])
    return {code: tuple(found[code]) for code in sorted(found, key=order.index)}


@dataclass(frozen=True, slots=True)
class Range:
    """Scale scores of one grade: lowest of all, lowest of levels 2 to 4 if published, highest."""

    grade: str
    lowest: int
    levels: tuple[int | None, int | None, int | None]
    highest: int


@cache
def _range_rows() -> tuple[dict[str, str], ...]:
    with (DATA / "ranges.csv").open(encoding="utf-8", newline="") as stream:
        return tuple(csv.DictReader(stream))


@cache
def widest_span(test: str) -> tuple[int, int] | None:
    """The lowest and the highest score published for a test, in any grade and year; None if there are none."""
    rows = [row for row in _range_rows() if row["test"] == test]
    return (min(int(row["lowest"]) for row in rows), max(int(row["highest"]) for row in rows)) if rows else None


@cache
def ranges_of(test: str, year: int) -> tuple[Range, ...]:
    """Published score ranges of a test in a school year, by grade; empty if none are known."""
    grades: dict[str, list[dict[str, str]]] = {}
    for row in _range_rows():
        if row["test"] == test and int(row["from"] or 0) <= year <= int(row["to"] or 9999):
            grades.setdefault(row["grade"], []).append(row)
    found = []
    for grade, rows in grades.items():
        lowest = {row["level"]: int(row["lowest"]) for row in rows}
        found.append(
            Range(
                grade=grade,
                lowest=min(lowest.values()),
                levels=(lowest.get("2"), lowest.get("3"), lowest.get("4")),
                highest=max(int(row["highest"]) for row in rows),
            )
        )
    return tuple(found)


# Of a test or grade whose range is not published: no scale of the state begins lower or ends higher.
LOWEST, HIGHEST = 100, 2999
_LONGEST_KEPT = 10  # years that published ranges are assumed to remain valid


@cache
def kept_ranges(test: str, year: int, since: int) -> tuple[Range, ...]:
    """The ranges valid in a school year, by grade: later years keep the last published ones, until the test changes.
    `since`: the first year whose scores may be compared with those of this year's edition."""
    found: dict[str, Range] = {}
    for earlier in range(year, max(year - _LONGEST_KEPT, since - 1), -1):
        found = {one.grade: one for one in ranges_of(test, earlier)} | found
    return tuple(found.values())


@cache
def tested_grades(test: str) -> tuple[str, ...]:
    """Grades in which a test with published score ranges was ever given; empty if none are known."""
    return tuple(sorted({row["grade"] for row in _range_rows() if row["test"] == test}))


@dataclass(frozen=True, slots=True)
class TypeFacts:
    """An import type: key and label as on the screen, the layouts it accepts."""

    key: str
    label: str
    layouts: tuple[str, ...]
    order: int


def import_types(layout_keys: Iterable[str]) -> list[TypeFacts]:
    """Import types for these layouts: the special cases of types.toml, and one for every other layout."""
    keys = sorted(layout_keys)
    special = tomllib.loads((DATA / "types.toml").read_text(encoding="utf-8"))
    found: dict[str, tuple[str, list[str]]] = {}
    for key, entry in special.items():
        present = [layout for layout in entry["layouts"] if layout in keys]
        if present:
            found[key] = (entry["label"], present)
    special_layouts = {layout for entry in special.values() for layout in entry["layouts"]}
    for layout in keys:
        if layout not in special_layouts:
            key, label = _type_name(layout)
            found.setdefault(key, (label, []))[1].append(layout)
    made = [TypeFacts(key, label, tuple(layouts), _rank(layouts[0])) for key, (label, layouts) in found.items()]
    return sorted(made, key=lambda one: one.order)


def _rank(layout_key: str) -> int:
    """Sorts by family order, and within each by year."""
    return list(FAMILIES).index(family_of(layout_key)) * 1000 + school_year(layout_key) % 1000


def _type_name(layout: str) -> tuple[str, str]:
    family, spring = family_of(layout), school_year(layout)
    _year, other, number = layout.partition(OTHER_COLUMNS)
    label = f"{FAMILIES[family]} {spring if family == 'elpac-summative' else f'{spring - 1}-{spring}'}"
    key = f"{family}-{spring}" if family == "elpac-summative" else f"{family}-{spring - 1}-{spring}"
    return f"{key}{other}{number}", f"{label}{other_columns(layout)}"


def other_columns(layout_key: str) -> str:
    """What distinguishes a layout from the main one of its year, in words; blank for the main one."""
    _year, other, number = layout_key.partition(OTHER_COLUMNS)
    return f" (other columns{number.replace('-', ' ')})" if other else ""
