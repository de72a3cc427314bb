"""Score files whose columns were sorted, shifted, exchanged, emptied or pasted, as happens in a spreadsheet; for any layout.

A file is clean at first: its grades go with the birth dates, its levels with the scores, its parts with the whole.
"""

import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from itertools import pairwise

from django.utils import timezone

from assessments.demo.score_files import Person, write_scores
from assessments.scores.import_type import LAYOUTS
from assessments.structure import LayoutTest, family_of, school_year, tests_of
from sisimport.files.layouts import Layout, load_layouts
from students.school_years import spring_of
from tests.ssid.journey import SCHOOL_CODE, District

ALL = load_layouts(LAYOUTS)
_GRADES = ("KN", "01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12")
SCIENCES = {"CAST", "CAASCI"}
FEWEST_LINES, FIRST_YEAR_OF_CODES = 30, 2017
DAYS = ("final_test_completed_date", "test_completed_date_1", "test_completed_date", "lst_lock_score_date")


@dataclass
class ScoreFile:
    """Records of a layout as cells, with the place of each field."""

    layout: Layout
    records: list[list[str]]
    names: list[str]
    at: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        self.at = {name: column.position - 1 for name, column in self.layout.fields.items()}

    @property
    def tests(self) -> tuple[LayoutTest, ...]:
        return tests_of(self.layout)

    def of(self, test: LayoutTest, *, scored: bool = True) -> list[list[str]]:
        """The records of a test, or only those that have a score."""
        kind, code = self.at["record_type"], self.at["condition_code"]
        return [r for r in self.records if r[kind] in test.record_types and not (scored and r[code])]

    def held(self, test: LayoutTest, name: str) -> bool:
        return name in self.at and any(record[self.at[name]] for record in self.of(test))

    def text(self) -> bytes:
        lines = [self.names, *self.records]
        return "".join(self.layout.delimiter.join(line) + "\r\n" for line in lines).encode()


def students_of(made: District, layout_key: str, test: str, count: int) -> list[Person]:
    """Students on record whose birth dates go with the grade they were in then, in which the test is given."""
    year = school_year(layout_key)
    grades = [*range(3, 9)] if family_of(layout_key) == "caaspp" else [*range(9)]
    grades = [5, 8] if test in SCIENCES else grades
    ago = (_spring() - year) % 5
    found = []
    for n in range(count):
        grade = grades[(n * 2_654_435_761 >> 9) % len(grades)]
        person = Person(
            ssid=f"90{n * 7919 % 100_000:05}{n:03}",
            local_number=f"4{n:03}",
            last_name="Lee" + chr(97 + n % 26) + chr(97 + n // 26),
            first_name="Sam" + chr(97 + n * 3 % 26),
            birth_date=date(year - 6 - grade, 1 + n * 5 % 8, 1 + n * 11 % 28),
            grade=_GRADES[grade + ago],
            gender="FM"[n % 2],
            school=SCHOOL_CODE,
            lea=made.lea.code,
        )
        facts = {name: getattr(person, name) for name in ("last_name", "first_name", "birth_date", "grade", "gender")}
        made.add(person.local_number, ssid=person.ssid, **facts)
        found.append(person)
    return found


def _spring() -> int:
    return spring_of(timezone.localdate())


def score_file(layout_key: str, persons: list[Person], *tests: str) -> ScoreFile:
    """A clean file with lines of these tests, of each student one."""
    layout = ALL[layout_key]
    records: list[list[str]] = []
    names: list[str] = []
    for number, test in enumerate(test for test in tests_of(layout) if test.code in tests):
        stream = io.StringIO()
        write_scores(stream, layout, persons, only=test.code, seed=number + 1)
        header, *lines = stream.getvalue().splitlines()
        names = header.split(layout.delimiter)
        records += [line.split(layout.delimiter) for line in lines]
    return ScoreFile(layout, records, names)


def value_columns(file: ScoreFile, test: LayoutTest) -> list[str]:
    """Columns of the scores and levels of a test, as far as the file has values there."""
    names = [
        name for part in test.parts for name in (part.scale, part.result, part.raw, part.error, part.measure) if name
    ]
    return [name for name in dict.fromkeys(names) if file.held(test, name)]


@dataclass(frozen=True)
class Damage:
    """What is done, and to which column or test. `seen`: the file alone shows it; else only what is on record does."""

    what: str
    to: str
    do: Callable[[], None]
    seen: bool = True

    def __str__(self) -> str:
        return f"{self.what}: {self.to}"


def damages(file: ScoreFile, test: LayoutTest) -> Iterator[Damage]:
    """All that is done to lines of a test, of which the file is made."""
    yield from _of_columns(file, test)
    yield from _of_codes(file, test)
    yield from _of_days(file, test)


def _of_columns(file: ScoreFile, test: LayoutTest) -> Iterator[Damage]:
    lines, values = file.of(test), value_columns(file, test)
    bound = bound_columns(file, test)
    for name in [*values, "grade_assessed"]:
        if _varies(file, lines, name):
            yield Damage("sorted", name, partial(_sorted, file, lines, name), name in bound)
            yield Damage("shifted", name, partial(_shifted, file, lines, name), name in bound)
        if name.endswith("level") and _varies(file, lines, name):
            yield Damage("turned", name, partial(_turned, file, lines, name), name in bound)
    for one, other in pairwise(values):
        yield Damage("exchanged", f"{one} {other}", partial(_exchanged, file, lines, one, other), seen=False)
    for name in values:
        yield Damage("blank", name, partial(_each, file, lines, name, lambda _value: ""), name in _own(test))
        if all(record[file.at[name]].isdigit() for record in lines) and not name.endswith("level"):
            yield Damage("halves", name, partial(_each, file, lines, name, lambda value: f"{value}.5"))


def _of_codes(file: ScoreFile, test: LayoutTest) -> Iterator[Damage]:
    lines = file.of(test)
    for code in ("NT", "LOSS", "INC0", "EXD"):
        seen = code == "NT" or school_year(file.layout.key) > FIRST_YEAR_OF_CODES
        yield Damage(f"code {code}", "condition_code", partial(_coded, file, lines, code), seen)
    yield Damage("shifted", "condition_code", partial(_shifted, file, file.of(test, scored=False), "condition_code"))


def _of_days(file: ScoreFile, test: LayoutTest) -> Iterator[Damage]:
    lines = file.of(test)
    name = next(name for name in DAYS if file.held(test, name))
    yield Damage("sorted", name, partial(_sorted, file, lines, name), seen=False)
    yield Damage("of the year before", name, partial(_a_year_before, file, lines, every=1))
    yield Damage("some of the year before", name, partial(_a_year_before, file, lines, every=3))


def _own(test: LayoutTest) -> set[str]:
    """Score and level of the test itself, of which there are both or none."""
    part = test.parent
    return {part.scale, part.result} if part.scale and part.result else set()


def bound_columns(file: ScoreFile, test: LayoutTest) -> set[str]:
    """Columns that rise and fall with others of the file: all but errors, and those beside which nothing varies."""
    lines = file.of(test)
    errors = {part.error for part in test.parts}
    varying = [n for n in value_columns(file, test) if n not in errors and _varies(file, lines, n)]
    of_parts = [{part.scale, part.raw, part.result, part.measure} for part in test.parts]
    enough = len(lines) >= FEWEST_LINES
    grades = (
        {"grade_assessed"} if enough and len({record[file.at["grade_assessed"]] for record in lines}) >= 3 else set()
    )
    if not enough or len(varying) < 2:
        return grades
    raws_alone = {p.raw for p in test.parts[:1] if p.raw and not (p.result and {p.result} <= set(varying))}
    return {n for n in varying if any(n in part for part in of_parts)} - raws_alone | grades


def _varies(file: ScoreFile, lines: list[list[str]], name: str) -> bool:
    return name in file.at and len({record[file.at[name]] for record in lines}) > 1


def _sorted(file: ScoreFile, lines: list[list[str]], name: str) -> None:
    at = file.at[name]
    for record, value in zip(lines, sorted(record[at] for record in lines), strict=True):
        record[at] = value


def _shifted(file: ScoreFile, lines: list[list[str]], name: str) -> None:
    at = file.at[name]
    values = [record[at] for record in lines]
    for record, value in zip(lines, [values[-1], *values[:-1]], strict=True):
        record[at] = value


def _exchanged(file: ScoreFile, lines: list[list[str]], one: str, other: str) -> None:
    a, b = file.at[one], file.at[other]
    for record in lines:
        record[a], record[b] = record[b], record[a]


def _each(file: ScoreFile, lines: list[list[str]], name: str, change: Callable[[str], str]) -> None:
    at = file.at[name]
    for record in lines:
        record[at] = change(record[at])


def _turned(file: ScoreFile, lines: list[list[str]], name: str) -> None:
    """The best level for the lowest, and so on."""
    values = sorted({record[file.at[name]] for record in lines})
    _each(file, lines, name, lambda v: values[-1 - values.index(v)])


def _coded(file: ScoreFile, lines: list[list[str]], code: str) -> None:
    for record in lines[::3]:
        record[file.at["condition_code"]] = code


def _a_year_before(file: ScoreFile, lines: list[list[str]], *, every: int) -> None:
    """Every date of a test, in the year before."""
    for record in lines[::every]:
        for name in DAYS:
            if name in file.at and (value := record[file.at[name]]):
                year = next(part for part in re.split(r"[-/]", value) if len(part) == 4)
                record[file.at[name]] = value.replace(year, str(int(year) - 1))
