"""County and state next to the district: what the state published for the same test, year, grade and student group.

Numbers of the research files as they are (assessments/research): values hidden by the state are hidden here for
everyone.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from assessments.models import PublicPlace, PublicResult
from assessments.results.held import Held
from assessments.results.hiding import TOTAL
from assessments.results.shapes import Choice, LevelOf, Reader, Results, Row
from assessments.scores.result_counts import ALL
from students.models import LEA, StateProfile
from students.school_years import year_label

# Our student groups -> Student Group ID of the state's files (its table of student groups).
GROUPS = {
    ALL: "1", "g:M": "3", "g:F": "4", "e:100": "75", "e:200": "76", "e:300": "79", "e:400": "77", "e:500": "78", "e:600": "74",
    "e:700": "80", "e:800": "144", "l:EO": "180", "l:IFEP": "7", "l:EL": "160", "l:RFEP": "8", "l:TBD": "190", "s:Y": "31",
    "s:N": "111", "d:Y": "128", "d:N": "99", "m:Y": "28", "h:Y": "52", "f:Y": "240", "a:Y": "50",
}  # fmt: skip
STATE = "0" * 14
ALL_GRADES = "13"
_BELOW_LEA, _BELOW_COUNTY = "0" * 7, "0" * 12
_MOST_COUNTIES = 2
HIDDEN = "*"


@dataclass(frozen=True, slots=True)
class Figure:
    """A place's numbers in one row. `hidden`: the state does not publish them; `met` and `mean` are None if it has
    none."""

    met: float | None
    mean: float | None
    hidden: bool

    @property
    def written(self) -> str:
        if self.hidden:
            return "hidden by the state"
        return "" if self.met is None else f"{self.met:.1f}"


@dataclass(frozen=True, slots=True)
class BesideRow:
    """A row of the page, with one figure for each place; None: nothing on record."""

    row: Row
    figures: tuple[Figure | None, ...]


@dataclass(frozen=True, slots=True)
class Beside:
    """`places` are the column headings. `missing`: what would have to be imported, if nothing is on record."""

    places: tuple[str, ...]
    rows: tuple[BesideRow, ...]
    missing: str = ""

    def head(self) -> list[str]:
        return ["Met or above, percent", "Here", *self.places]

    def lines(self) -> list[list[str]]:
        """For files: under `head`, rows that are hidden here left blank."""
        return [
            [one.row.label, "" if one.row.met is None else f"{one.row.met:.1f}"]
            + [figure.written if figure else "" for figure in one.figures]
            for one in self.rows
        ]


def beside(found: Results, held: Held, reader: Reader) -> Beside:
    """What the state published for the rows of a table: for the counties and the district that these rows are about."""
    choice = found.choice
    # The state's files have no sums of several schools or grades, and for a school only what is requested for its
    # district.
    if choice.same or found.matrix or len(choice.grades) > 1:
        return Beside((), (), "")
    leas = _districts(choice, held, reader)
    counties = sorted({lea[:2] for lea in leas})[:_MOST_COUNTIES]
    places = [STATE, *(f"{county}{_BELOW_COUNTY}" for county in counties)]
    places += [f"{leas[0]}{_BELOW_LEA}"] if len(leas) == 1 else []
    keys = [_asked(choice, row) for row in found.all_rows]
    rows = PublicResult.objects.filter(
        test=choice.test,
        school_year__in={year for year, _group, _grade in keys},
        student_group__in={group for _year, group, _grade in keys},
        place__in=places,
    )
    held_rows = {(r.place, r.school_year, r.student_group, r.grade): r for r in rows}
    if not held_rows:
        if PublicResult.objects.filter(test=choice.test, school_year=choice.year).exists():
            return Beside((), (), "")  # the file was imported, and has nothing for these rows
        file = "ELPAC" if choice.test.startswith("ELPAC") else "CAASPP"
        return Beside(
            (), (), f"To see county and state beside these results, import the state's {file} research file of"
            f" {year_label(choice.year)} (menu Import, State results)."
        )  # fmt: skip
    shown = [place for place in places if any(key[0] == place for key in held_rows)]
    made = [
        BesideRow(row, tuple(_figure(held_rows.get((place, *key)), found.levels) for place in shown))
        for row, key in zip(found.all_rows, keys, strict=True)
    ]
    return Beside(tuple(_names(shown)), tuple(one for one in made if any(one.figures)))


def _districts(choice: Choice, held: Held, reader: Reader) -> list[str]:
    """Codes of the California districts that the choice is about; others have no county here."""
    if choice.schools and all(lea for lea, _school in choice.schools):
        district_codes = {lea for lea, _school in choice.schools}
    elif reader.schools is not None and not reader.with_district:
        district_codes = {lea for lea, _school in reader.schools}
    else:
        district_codes = set(held.districts)
    codes = LEA.objects.filter(state=StateProfile.CALIFORNIA).values_list("code", flat=True)
    return sorted(district_codes & {code.zfill(len(_BELOW_LEA)) for code in codes})


def _asked(choice: Choice, row: Row) -> tuple[int, str, str]:
    """Year, student group and grade of a row, as the state's files name them; a group that they lack is blank."""
    group = row.at.group if choice.by == "group" else choice.group
    grade = row.at.grade if row.at.grade != TOTAL else "".join(choice.grades)
    return row.at.year, GROUPS.get(group, ""), grade.lstrip("0") if grade else ALL_GRADES


def _figure(held: PublicResult | None, levels: Sequence[LevelOf]) -> Figure | None:
    if held is None:
        return None
    met = _number(held.met)
    if met is None:  # tests for which the state publishes only levels
        parts = [_number(getattr(held, f"level_{level.number}", "")) for level in levels if level.met]
        met = sum(part for part in parts if part is not None) if parts and None not in parts else None
    mean = _number(held.mean)
    return Figure(met, mean, hidden=met is None and mean is None and HIDDEN in {held.met, held.level_1, held.mean})


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _names(places: Collection[str]) -> list[str]:
    named = dict(PublicPlace.objects.filter(place__in=places).values_list("place", "name"))
    return [_level_of(place, named.get(place, "")) for place in places]


def _level_of(place: str, name: str) -> str:
    if place == STATE:
        return "State"
    if place.endswith(_BELOW_COUNTY):
        return f"County: {name}" if name else f"County {place[:2]}"
    return "District, as the state counts"
