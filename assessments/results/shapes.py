"""What is requested and what is shown: a choice, and a table of rows with their measures."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from assessments.results.counts import Moves, School, Sums
from assessments.results.hiding import TOTAL
from assessments.scores.result_counts import ALL
from assessments.structure import structure

BY = ("grade", "school", "group", "year")
CubeKey = tuple[School | str, str, str]  # school, grade and group; TOTAL for all schools or grades


@dataclass(frozen=True, slots=True)
class At:
    """What a number is about. `school`, `grade`: TOTAL for all requested ones."""

    year: int
    school: School | str = TOTAL
    grade: str = TOTAL
    group: str = ALL


@dataclass(frozen=True, slots=True)
class Reader:
    """The reader. `schools`: as tested, whose results are shown (None: all). `sees_each`: may look at every student of
    these individually, so nothing needs hiding. `with_district`: the total of all schools of `leas` is shown next to
    those of `schools`. `shared`: it is for a file or paper."""

    schools: frozenset[School] | None
    sees_each: bool
    with_district: bool = False
    leas: frozenset[str] = frozenset()
    shared: bool = False

    @property
    def reads_all(self) -> bool:
        return self.schools is None or self.with_district

    @property
    def sees_own_only(self) -> bool:
        """Whether no data of other schools is available for comparison: then hiding is decided among the reader's own
        schools."""
        return not (self.sees_each or self.reads_all or self.shared)

    @property
    def whole(self) -> str:
        """The name for all schools together."""
        return "District" if self.reads_all else "Your schools"

    def may_read(self, school: School | None) -> bool:
        """Whether the reader may see this school; None: all of the reader's schools together."""
        return school is None or self.schools is None or school in self.schools


@dataclass(frozen=True, slots=True)
class Choice:
    """What is requested. `year` by its spring. `schools`, `grades`, `groups`, `years`: only these; empty for all.
    Schools and grades are summed, groups are shown side by side. `by`: what a row is; `beside`: what is shown side by
    side in it, or empty. `same`: only students tested in both years."""

    test: str
    year: int
    by: str = "grade"
    beside: str = ""
    schools: tuple[School, ...] = ()
    grades: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    years: tuple[int, ...] = ()
    same: bool = False

    @property
    def group(self) -> str:
        """The group that the numbers are for, if groups are not shown separately."""
        return self.groups[0] if self.groups else ALL


@dataclass(frozen=True, slots=True)
class LevelOf:
    number: int
    name: str
    met: bool


@dataclass(frozen=True, slots=True)
class Row:
    """`sums` is None if the row is hidden; `before` if there is nothing to compare with, or it is hidden."""

    key: str
    label: str
    sums: Sums | None
    before: Sums | None
    levels: tuple[LevelOf, ...]
    at: At
    is_total: bool = False
    moves: Moves | None = (
        None  # of students with a level in this year and the one before; None: hidden, or not requested
    )
    enrolled: int | None = None  # who should have taken the test; None: not known
    earlier: tuple[
        tuple[int, Sums | None], ...
    ] = ()  # earlier years to draw, oldest first; None: no students, or hidden

    @property
    def tested(self) -> float | None:
        """Percent of the enrolled students who were tested; None if more were tested: then enrollments on record are
        incomplete."""
        if not self.sums or not self.enrolled or self.sums.tested > self.enrolled:
            return None
        return 100 * self.sums.tested / self.enrolled

    @property
    def hidden(self) -> bool:
        return self.sums is None

    @property
    def met(self) -> float | None:
        """Percent of those with a level who met the standard."""
        return _met(self.sums, self.levels)

    @property
    def mean(self) -> float | None:
        return _ratio(self.sums.scale_sum, self.sums.scale_count) if self.sums else None

    @property
    def distance(self) -> float | None:
        """Mean points above or below the standard."""
        return _ratio(self.sums.above, self.sums.measured) if self.sums else None

    @property
    def met_change(self) -> float | None:
        """In points of a percentage."""
        now, before = self.met, _met(self.before, self.levels)
        return None if now is None or before is None else now - before

    @property
    def distance_change(self) -> float | None:
        before = _ratio(self.before.above, self.before.measured) if self.before else None
        return None if self.distance is None or before is None else self.distance - before

    @property
    def mean_change(self) -> float | None:
        before = _ratio(self.before.scale_sum, self.before.scale_count) if self.before else None
        return None if self.mean is None or before is None else self.mean - before

    @property
    def trend(self) -> list[tuple[int, float | None]]:
        """Percent met for the drawn years, this one last; for a test without a standard, the mean scale score."""
        years = [*self.earlier, (self.at.year, self.sums)]
        if any(level.met for level in self.levels):
            return [(year, _met(sums, self.levels)) for year, sums in years]
        return [(year, _ratio(sums.scale_sum, sums.scale_count) if sums else None) for year, sums in years]

    def count(self, level: LevelOf) -> int:
        return self.sums.levels[level.number - 1] if self.sums else 0

    def percent(self, level: LevelOf) -> float:
        total = sum(self.sums.levels) if self.sums else 0
        return 100 * self.count(level) / total if total else 0.0


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _met(sums: Sums | None, levels: Iterable[LevelOf]) -> float | None:
    passing = [level.number for level in levels if level.met]
    total = sum(sums.levels) if sums else 0
    if not sums or not total or not passing:
        return None
    return 100 * sum(sums.levels[number - 1] for number in passing) / total


@dataclass(frozen=True, slots=True)
class Line:
    """A row of side-by-side numbers, one for each column; None: no students."""

    label: str
    cells: tuple[Row | None, ...]


@dataclass(slots=True)
class Results:
    """What is shown. `levels` are those of the chosen year. `notes`: what a reader has to know about the numbers.
    `nothing`: what is missing if there are no rows."""

    choice: Choice
    name: str
    levels: tuple[LevelOf, ...]
    rows: list[Row]
    total: Row | None
    notes: list[str] = field(default_factory=list)
    elsewhere: int = 0
    columns: list[str] = field(default_factory=list)  # what is shown side by side
    matrix: list["Line"] = field(default_factory=list)
    nothing: str = ""

    @property
    def said(self) -> list[str]:
        """All notes on the numbers."""
        return [*([self.nothing] if self.nothing else []), *self.notes]

    @property
    def measured(self) -> bool:
        return any(row.sums is not None and row.sums.measured for row in self.all_rows)

    @property
    def scaled(self) -> bool:
        return any(row.sums is not None and row.sums.scale_count for row in self.all_rows)

    @property
    def compared(self) -> bool:
        return any(row.before is not None for row in self.all_rows)

    @property
    def trend_years(self) -> list[int]:
        """Earlier years for which some row has a number, oldest first: with this one they make a line of two or three
        points."""
        found = {year for row in self.all_rows for year, value in row.trend[:-1] if value is not None}
        return sorted(found)

    @property
    def rows_have_enrolled(self) -> bool:
        return any(row.enrolled is not None for row in self.rows)

    @property
    def has_enrolled(self) -> bool:
        return any(row.enrolled is not None for row in self.all_rows)

    @property
    def moved(self) -> bool:
        return any(row.moves is not None for row in self.all_rows)

    @property
    def all_rows(self) -> list[Row]:
        beside = [cell for line in self.matrix for cell in line.cells if cell is not None]
        return [*([self.total] if self.total else []), *self.rows, *beside]

    @property
    def hides(self) -> bool:
        return any(row.hidden for row in self.all_rows)


def school_key(school: School) -> str:
    return "-".join(school)


def grade_label(grade: str) -> str:
    if grade == "KN":
        return "Kindergarten"
    return f"Grade {int(grade)}" if grade.isdigit() else grade or "Grade not known"


def grade_order(grade: str) -> tuple[int, str]:
    order = list(structure()["grades"])
    return (order.index(grade) if grade in order else len(order), grade)
