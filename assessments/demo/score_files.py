"""Sample score files: valid synthetic rows of every layout, for students of the district who have an SSID.

`write_scores` writes one file of any layout and size in flat memory; `make_demo` writes one of each.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import IO

from django.utils import timezone

from assessments.scores.import_type import LAYOUTS
from assessments.structure import LayoutTest, Part, Range, family_of, kept_ranges, school_year, structure, tests_of
from sisimport.demo.district import Sample, register_samples
from sisimport.files.layouts import Layout, load_layouts
from students.models import LEA, SSID
from students.school_years import spring_of

SAMPLE_STUDENTS = 150
_UNSCORED_EVERY = 25
_TEMPLATES = 20
_SPAN = 5  # years
_ABOUT_THE_STUDENT = 50  # the first columns
_FILLING = ("Y", "N", "1", "0", "02", "A", "SP", "0123456", "2019-08-15", "Oak Grove Elementary School", "N", "Y", "3")
_ORDINARY, _ALTERNATE = (
    {"SBELA", "SBMATH", "CAST", "ELPACS", "ELPACI"},
    {"CAAELA", "CAAMATH", "CAASCI", "ELPACSA", "ELPACIA"},
)
_SB_GRADES = ("03", "04", "05", "06", "07", "08", "11")
_GRADES = {"CAST": ("05", "08", "11"), "CSA": ("03", "04", "05", "06", "07", "08"), "CAASCI": ("05", "08", "11")}
_ELAS = ("EO", "EO", "EO", "EO", "EO", "EL", "EL", "RFEP", "RFEP", "IFEP")
_ETHNICITIES = ("500", "500", "500", "700", "700", "200", "600", "400", "800", "500", "700", "300", "100")
# Percent of the students.
_FLAGS = {"disadvantaged": 55, "disability": 14, "homeless": 5, "foster": 2, "migrant": 4, "military": 6}
_GENDER_IN_WORDS, _NOT_YET_KNOWN = 2019, 2018  # up to these years
_ELPAC_GRADES = ("KN", "01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12")


@dataclass(frozen=True, slots=True)
class Person:
    """The student of a row: what identifies the student in a score file."""

    ssid: str
    local_number: str
    last_name: str
    first_name: str
    birth_date: date
    grade: str
    gender: str = ""
    school: str = ""
    lea: str = ""


def people(lea: LEA, limit: int | None = None) -> Iterator[Person]:
    """Students of the district with a current SSID, by local number, read in blocks."""
    rows = (
        SSID.objects.filter(student__lea=lea, retired_at__isnull=True, state="CA")
        .order_by("student__local_number")
        .values_list(
            "ssid", "student__local_number", "student__match_last_name", "student__match_first_name",
            "student__birth_date", "student__grade", "student__gender", "student__school__code", "student__lea__code",
        )
    )  # fmt: skip
    if limit is not None:
        rows = rows[:limit]
    return (Person(*row) for row in rows.iterator(chunk_size=4000))


def write_scores(
    stream: IO[str],
    layout: Layout,
    persons: Iterable[Person],
    *,
    seed: int = 1,
    one_each: bool = False,
    only: str = "",
    fixed: bool = False,
    filled: bool = False,
) -> int:
    """Write a file of the layout; returns the number of records.

    A student gets a row for each suitable test (`one_each`: one row, alternating tests; `only`: this test). `fixed`:
    the fixed-width version. `filled`: columns that are not imported are filled too, as in the state's files.
    """
    maker = _Maker(layout, seed, filled=filled)
    if not fixed:
        stream.write(layout.delimiter.join(column.name for column in layout.columns) + "\r\n")
    count = 0
    for number, person in enumerate(persons):
        if person.birth_date >= date(maker.year - 1, 7, 1):
            continue  # no one is tested before birth
        for test in maker.tests_for(number, person, one_each=one_each, only=only):
            cells = maker.row(number, person, test)
            stream.write(maker.fixed_line(cells) if fixed else layout.delimiter.join(cells) + "\r\n")
            count += 1
    return count


class _Maker:
    def __init__(self, layout: Layout, seed: int, *, filled: bool = False) -> None:
        self.layout = layout
        self.seed = seed
        self.year = school_year(layout.key)
        self.family = family_of(layout.key)
        self.tests = tests_of(layout)
        self.at = {name: column.position - 1 for name, column in layout.fields.items()}
        self.length = {name: column.length for name, column in layout.fields.items()}
        self.blank = [""] * len(layout.columns)
        self.blank[-1] = layout.end_marker or ""
        self.templates = [self._filled(turn) if filled else self.blank for turn in range(_TEMPLATES)]
        self.ranges: dict[str, dict[str, Range]] = {
            test.code: {r.grade: r for r in kept_ranges(test.ranges, self.year, test.edition.comparable_from)}
            for test in self.tests
        }

    def _filled(self, turn: int) -> list[str]:
        """A row with values in most columns about the student and in every fourth of the rest: flags, codes, some
        texts."""
        cells = self.blank.copy()
        used_columns = set(self.at.values())
        for at, column in enumerate(self.layout.columns):
            used = (at * 7 + turn) % 5 > 0 if at < _ABOUT_THE_STUDENT else (at * 7 + turn) % 4 == 0
            if used and at not in used_columns and column.name.casefold() != "blank" and not cells[at]:
                cells[at] = _FILLING[(at * 13 + turn * 5) % len(_FILLING)]
        return cells

    def tests_for(self, number: int, person: Person, *, one_each: bool, only: str = "") -> list[LayoutTest]:
        if only:
            return [test for test in self.tests if test.code == only]
        if one_each:
            return [self.tests[number % len(self.tests)]]
        alternate = [test for test in self.tests if test.code in _ALTERNATE]
        if number % 12 == 5 and alternate:
            return [test for test in alternate if self._suits(test, person)]
        chosen = [test for test in self.tests if test.code in _ORDINARY]
        if number % 9 == 2:
            chosen += [test for test in self.tests if test.code not in _ORDINARY | _ALTERNATE]
        chosen = chosen or [self.tests[number % len(self.tests)]]
        return [test for test in chosen if self._suits(test, person)]

    def _suits(self, test: LayoutTest, person: Person) -> bool:
        """Whether a student of this age took the test in this year."""
        return self._grade_then(person) in self._grades(test)

    def _grade_then(self, person: Person) -> str:
        """The grade that a current student was in then, blank before kindergarten."""
        if person.grade not in _ELPAC_GRADES:
            return ""
        # In files older than five years, current students would have no grade: they get grades that rise within such
        # spans.
        ago = (spring_of(timezone.localdate()) - self.year) % _SPAN
        at = _ELPAC_GRADES.index(person.grade) - ago
        return _ELPAC_GRADES[at] if 0 <= at < len(_ELPAC_GRADES) else ""

    def _grades(self, test: LayoutTest) -> tuple[str, ...]:
        return _ELPAC_GRADES if self.family != "caaspp" else _GRADES.get(test.code, _SB_GRADES)

    def row(self, number: int, person: Person, test: LayoutTest) -> list[str]:
        cells = self.templates[number % _TEMPLATES].copy()
        salt = len(test.code) * 31 + sum(map(ord, test.code))
        dice = (number * 7919 + self.seed * 104_729 + salt + self.year * 6_700_417) & 0x7FFFFFFF
        grade = self._grade(test, person, dice)
        values = {
            "record_type": self._record_type(test),
            "ssid": person.ssid,
            "local_student_id": person.local_number,
            "uin": f"{9_000_000_000 + number:010d}{list(structure()['tests']).index(test.code) + 1:02d}{self.year % 100:02d}",
            "last_name": person.last_name,
            "first_name": person.first_name,
            "birth_date": self._date("birth_date", person.birth_date),
            "grade_assessed": grade,
        }
        values |= self._as_tested(number, person, test)
        if dice % _UNSCORED_EVERY == 3:
            values["include_indicator"] = "N"
            values["condition_code"] = ("NT", "PGE", "NTE")[dice % 3] if self.family == "caaspp" else "NT"
        else:
            values |= self._dates(dice) | self._scores(test, grade, dice)
        for name, value in values.items():
            if name in self.at:
                cells[self.at[name]] = value
        return cells

    def _as_tested(self, number: int, person: Person, test: LayoutTest) -> dict[str, str]:
        """The student's facts at the time of the test: the same for each test, in the wording of the file's year."""
        school = f"{person.lea:0>7}{person.school:0>7}" if person.school else ""
        # Neighbors in the list differ, and the groups overlap.
        mixed = (number * 2_654_435_761 >> 7) & 0xFFFF
        elas = "EL" if "ELPAC" in test.code else _ELAS[mixed % len(_ELAS)]
        words = {"F": "Female", "M": "Male"} if self.year <= _GENDER_IN_WORDS else {}
        flags = {name: "Yes" if mixed // 3 % 100 < percent else "No" for name, percent in _FLAGS.items()}
        if self.year <= _NOT_YET_KNOWN:
            flags = {name: value for name, value in flags.items() if name not in {"homeless", "foster", "military"}}
        return flags | {
            "district_code": f"{person.lea:0>7}0000000",
            "school_code": school,
            "tested_school_code": school,
            "include_indicator": "Y",
            "gender": words.get(person.gender, person.gender),
            "ethnicity": _ETHNICITIES[mixed // 7 % len(_ETHNICITIES)],
            "elas": elas,
        }

    def _record_type(self, test: LayoutTest) -> str:
        if test.code == "ELPACS":
            return "SA" if self.year <= 2019 else "SE" if self.year == 2020 else "21"
        if test.code == "ELPACI":
            return "IA" if self.year == 2019 else "IE" if self.year <= 2021 else "22"
        return test.record_types[0]

    def _grade(self, test: LayoutTest, person: Person, dice: int) -> str:
        grades, then = self._grades(test), self._grade_then(person)
        return then if then in grades else grades[dice % len(grades)]

    def _date(self, name: str, day: date) -> str:
        forms = self.layout.date_formats
        if name == "test_completed_date" and "M/D/CCYY" in forms:
            return f"{day:%m/%d/%Y}"
        return day.isoformat()

    def _dates(self, dice: int) -> dict[str, str]:
        start = date(self.year, 4, 1) if self.family != "elpac-initial" else date(self.year - 1, 9, 1)
        day = start + timedelta(days=dice % 40)
        names = ("final_test_completed_date", "test_completed_date", "test_completed_date_1", "lst_lock_score_date")
        return {name: self._date(name, day) for name in names}

    def _scores(self, test: LayoutTest, grade: str, dice: int) -> dict[str, str]:
        parent = test.parent
        codes = [code for code in parent.results or {} if code not in {"9", "NS", "E"}]
        # Best first in the structure file, so the first level is the last code.
        level, scale, reached = self._scale(test, grade, dice, len(codes) or 4)
        level_text = codes[-min(level, 3 if test.code == "ELPACIA" else len(codes))] if codes else ""
        values = {
            parent.scale: scale,
            parent.result: level_text,
            parent.raw: str(int(reached * 60) + 20),
            parent.error: str(dice % 20 + 15),
            parent.measure: f"{int(reached * 900) + 300}{'L' if test.code == 'SBELA' else 'Q'}",
        }
        for number, child in enumerate(test.children):
            fits = grade in (child.grades or (grade,))
            values |= self._child(child, reached, dice // (number + 2)) if fits else {}
        if test.code == "ELPACI":
            values["calculated_elas"] = "IFEP" if level == 3 else "EL"
        return values

    def _scale(self, test: LayoutTest, grade: str, dice: int, levels: int) -> tuple[int, str, float]:
        """A level, a scale score that fits it in this grade, and its position in the whole range (0 to 1)."""
        score_range = self.ranges[test.code].get(grade)
        if score_range is None:
            share = dice // 7 % 100 / 100
            return int(share * min(levels, 4)) + 1, str(300 + int(share * 100)), share
        bounds = [
            score_range.lowest,
            *(bound for bound in score_range.levels if bound is not None),
            score_range.highest + 1,
        ]
        level = dice % (len(bounds) - 1) + 1
        width = bounds[level] - bounds[level - 1]
        above = dice // 7 % width
        return level, str(bounds[level - 1] + above), (level - 1 + above / width) / (len(bounds) - 1)

    def _child(self, child: Part, reached: float, dice: int) -> dict[str, str]:
        """Scores and level of a part, consistent with the result (0 to 1) of the whole test and with each other."""
        here = min(max(reached + (dice % 41 - 20) / 100, 0), 0.99)
        values = {}
        if child.result:
            codes = [code for code in child.results or {} if code not in {"9", "NS", "E"}]
            values[child.result] = codes[-1 - int(here * len(codes))]
        if child.scale:
            values[child.scale] = str((1200 if self.family == "elpac-summative" else 2300) + int(here * 300))
        if child.raw:
            values[child.raw] = str(int(here * 30))
        if child.error:
            values[child.error] = str(dice % 20 + 10)
        return values

    def fixed_line(self, cells: list[str]) -> str:
        line = [" "] * (self.layout.record_length or 0)
        for column, value in zip(self.layout.columns, cells, strict=True):
            if value and column.span:
                first, last = column.span
                line[first - 1 : last] = value[: last - first + 1].ljust(last - first + 1)
        return "".join(line) + "\r\n"


def _sample(layout: Layout, import_type: str) -> Sample:
    def write(stream: IO[str], lea: LEA) -> None:
        write_scores(stream, layout, people(lea, SAMPLE_STUDENTS))

    return Sample(
        name=f"{layout.key}.csv",
        import_type=import_type,
        note=f"{layout.title}: scores of {SAMPLE_STUDENTS} students who have an SSID; a few were not tested.",
        write=write,
    )


def _register() -> None:
    from assessments.structure import import_types

    layouts = load_layouts(LAYOUTS)
    register_samples(
        *(_sample(layouts[key], type_facts.key) for type_facts in import_types(layouts) for key in type_facts.layouts)
    )


_register()
