"""The counted cells of one test and year, summed up over schools and grades, and which of them are hidden."""

from assessments.results.counts import Cell, School, Sums, sums_of
from assessments.results.groups import DIVISIONS, NAMES, ORDER, groups_of
from assessments.results.held import Held
from assessments.results.hiding import TOTAL, Count, Table, hidden_cells
from assessments.results.shapes import Choice, CubeKey, Reader, grade_label, grade_order, school_key
from assessments.scores.result_counts import ALL

_UNKNOWN = "?"  # of a division: students of whom the file does not say


class View:
    """The cells of one test and year that a choice may need, summed up, and which of them are hidden."""

    def __init__(self, choice: Choice, held: Held, reader: Reader, year: int) -> None:
        self.choice, self.held, self.reader = choice, held, reader
        self.cube: dict[CubeKey, Sums] = {}
        self.elsewhere = 0
        self.year = year
        self.cuts = held.standards(choice.test, year)
        for cell in self._cells(held.setups[choice.test, year]):
            if held.is_ours(cell.school):
                self._take(cell)
            elif cell.group == ALL:
                self.elsewhere += cell.sums.tested
        self.hidden = set() if reader.sees_each else hidden_in(self.cube)

    def _cells(self, setup: int) -> list[Cell]:
        choice, reader = self.choice, self.reader
        schools = None if reader.reads_all else reader.schools
        if not reader.sees_each:
            return sums_of(setup, self.year, self.cuts, schools=schools, by_grade=False)
        groups = None if choice.by == "group" else [choice.group]
        return sums_of(setup, self.year, self.cuts, groups=groups, schools=schools, grade=choice.grade)

    def _take(self, cell: Cell) -> None:
        own = self.cube.setdefault((cell.school, cell.grade, cell.group), cell.sums)
        if own is not cell.sums:
            own.add(cell.sums)
        sums_it_is_in: set[CubeKey] = {
            (cell.school, TOTAL, cell.group),
            (TOTAL, cell.grade, cell.group),
            (TOTAL, TOTAL, cell.group),
        }
        for key in sums_it_is_in - {(cell.school, cell.grade, cell.group)}:
            self.cube.setdefault(key, Sums()).add(cell.sums)

    @property
    def total_key(self) -> CubeKey:
        choice = self.choice
        return (choice.school or TOTAL, choice.grade or TOTAL, ALL if choice.by == "group" else choice.group)

    @property
    def total_label(self) -> str:
        choice = self.choice
        if choice.by == "school" or choice.school is None:
            return self.reader.whole
        return self.held.school_name(choice.school)

    def row_keys(self) -> list[tuple[str, str, CubeKey]]:
        """(key for the address, label, cell) of every row, in order."""
        school, grade, group = self.total_key
        if self.choice.by == "grade":
            grades = {key[1] for key in self.cube if key[0] == school and key[2] == group} - {TOTAL}
            grades = grades & {grade} if grade != TOTAL else grades
            return [(g, grade_label(g), (school, g, group)) for g in sorted(grades, key=grade_order)]
        if self.choice.by == "group":
            return [(g, NAMES[g], (school, grade, g)) for g in ORDER[1:] if (school, grade, g) in self.cube]
        schools = {key[0] for key in self.cube if isinstance(key[0], tuple) and key[1:] == (grade, group)}
        if self.choice.school is not None:
            schools &= {self.choice.school}
        named = sorted(
            (self.held.school_name(one), one) for one in schools if isinstance(one, tuple) and self.reader.may_read(one)
        )
        return [(school_key(one), name, (one, grade, group)) for name, one in named]

    def shown(self, key: CubeKey) -> Sums | None:
        """The sums of a cell; None where it is hidden."""
        return None if key in self.hidden else self.cube.get(key, Sums())


def hidden_in(cube: dict[CubeKey, Sums]) -> set[CubeKey]:
    """What must not be shown of a cube: schools by grades, and schools by the groups of each division."""
    counts = {key: Count(sums.tested, sums.scored) for key, sums in cube.items() if sums.tested}
    schools = {key[0] for key in counts}
    tables = [
        Table({
            (_name(school), grade): (school, grade, group)
            for school, grade, group in counts
            if group == ALL
        })
    ]  # fmt: skip
    for division in DIVISIONS:
        groups = groups_of(division)
        for school in schools:
            whole = counts.get((school, TOTAL, ALL), Count(0, 0))
            members = [counts.get((school, TOTAL, group), Count(0, 0)) for group in groups]
            rest = Count(whole.tested - sum(c.tested for c in members), whole.scored - sum(c.scored for c in members))
            if rest.tested > 0:
                counts[school, TOTAL, f"{division}:{_UNKNOWN}"] = rest
        columns = {group: group for group in (*groups, f"{division}:{_UNKNOWN}")} | {TOTAL: ALL}
        tables.append(
            Table({
                (_name(school), column): (school, TOTAL, group)
                for school in schools
                for column, group in columns.items()
                if (school, TOTAL, group) in counts
            })
        )  # fmt: skip
    return hidden_cells(counts, tables)  # type: ignore[return-value, arg-type]


def _name(school: School | str) -> str:
    return school if isinstance(school, str) else school_key(school)
