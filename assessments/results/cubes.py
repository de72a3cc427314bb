"""The cube of a district in one test and year: schools by grades, schools by student groups, grades by groups; and which of its
cells are hidden.

Decided for a district as a whole, for all users alike: a principal and the district office learn no more by combining
what they see.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from assessments.results.groups import DIVISIONS, groups_of
from assessments.results.hiding import TOTAL, Count, Key, Table, hidden_cells
from assessments.results.shapes import CubeKey, school_key
from assessments.scores.result_counts import ALL

_UNKNOWN = "?"  # in a division: students for whom the file does not say
Counts = dict[CubeKey, Count]


@dataclass(frozen=True, slots=True)
class Hidden:
    """Hidden cells of a district. `crossed`: divisions whose groups are also reported by grade, in each school and
    overall. `one_school`: the school's numbers are the district's; its groups by grade are among `cells`."""

    cells: frozenset[CubeKey]
    crossed: frozenset[str]
    one_school: bool = False

    def hides(self, key: CubeKey) -> bool:
        """Whether a cell is hidden; also for an empty cell if all cells of its kind are hidden."""
        _school, grade, group = key
        if group == ALL or grade == TOTAL:
            return key in self.cells
        if self.one_school:
            return (TOTAL, grade, group) in self.cells
        return group[0] not in self.crossed


def hidden_of(counts: Counts, crossed: Collection[str]) -> Hidden:
    """What must not be shown. `counts`: of schools by grades (all students), schools by groups, and grades by groups of all
    schools; with their sums. `crossed`: the divisions without a small cell in any school and grade.

    Groups by grade reveal schools through the grades and groups that these have. So they are shown only if nothing that
    they add up to is hidden, or if there is only one school.
    """
    held = {key: count for key, count in counts.items() if count.tested}
    _with_unknown(held)
    hidden: set[Key] = hidden_cells(held, [by_grade(held), *(_by_group(held, division) for division in DIVISIONS)])
    shown = {division for division in crossed if not _hides(hidden, division)}
    one_school = len({school for school, _grade, _group in held} - {TOTAL}) == 1
    for division in DIVISIONS if one_school else ():
        hidden |= _hidden_by_grade(held, division, hidden)
    return Hidden(frozenset(key for key in hidden if isinstance(key, tuple)), frozenset(shown), one_school)


def _with_unknown(counts: Counts) -> None:
    """If the groups of a division do not cover all students, add the rest as a cell that is never shown."""
    wholes = [key for key in counts if key[2] == ALL and (key[1] == TOTAL or key[0] == TOTAL)]
    for school, grade, _all in wholes:
        whole = counts[school, grade, ALL]
        for division in DIVISIONS:
            members = [counts[school, grade, g] for g in groups_of(division) if (school, grade, g) in counts]
            tested = whole.tested - sum(count.tested for count in members)
            if tested > 0:
                rest = Count(tested, whole.scored - sum(count.scored for count in members))
                counts[school, grade, f"{division}:{_UNKNOWN}"] = rest


def by_grade(counts: Counts) -> Table:
    """Schools by grades, of all students."""
    return Table({(_name(school), grade): (school, grade, group) for school, grade, group in counts if group == ALL})


def _by_group(counts: Counts, division: str) -> Table:
    columns = _columns(division)
    return Table(
        {
            (_name(school), columns[group]): (school, grade, group)
            for school, grade, group in counts
            if grade == TOTAL and group in columns
        }
    )


def _hidden_by_grade(counts: Counts, division: str, hidden: set[Key]) -> set[Key]:
    """Grades by the groups of a division. What is shown elsewhere stays shown; if that is impossible, none of these is
    shown. Groups and grades whose sums are hidden are hidden throughout, and combined: so all sums of this table are
    known, and combined with the cells of other tables it reveals nothing."""
    own = {key: count for key, count in counts.items() if key[0] == TOTAL}
    grades = [g for school, g, group in own if group == ALL and g != TOTAL and (school, g, ALL) not in hidden]
    groups = [g for g in groups_of(division) if (TOTAL, TOTAL, g) in own and (TOTAL, TOTAL, g) not in hidden]
    crossed = {key for key in own if key[1] != TOTAL and key[2] in _columns(division) and key[2] != ALL}
    if (TOTAL, TOTAL, ALL) not in own or (TOTAL, TOTAL, ALL) in hidden:
        return set(crossed)
    table: dict[tuple[str, str], Count] = {
        (grade, TOTAL if group == ALL else group): own.get((TOTAL, grade, group), Count(0, 0))
        for grade in (*grades, TOTAL)
        for group in (*groups, ALL)
    }
    for grade in (*grades, TOTAL):
        table[grade, _UNKNOWN] = _less(table[grade, TOTAL], [table[grade, group] for group in groups])
    for column in (*groups, _UNKNOWN, TOTAL):
        table[_UNKNOWN, column] = _less(table[TOTAL, column], [table[grade, column] for grade in grades])
    held = {at: count for at, count in table.items() if count.tested > 0}
    found = hidden_cells(held, [Table({at: at for at in held})])
    sums = {at for at in held if TOTAL in at}
    if found & sums:
        return set(crossed)
    return {key for key in crossed if key[1] not in grades or key[2] not in groups or (key[1], key[2]) in found}


def _less(whole: Count, parts: list[Count]) -> Count:
    return Count(whole.tested - sum(part.tested for part in parts), whole.scored - sum(part.scored for part in parts))


def _columns(division: str) -> Mapping[str, str]:
    """Group -> its column; all students are the sum."""
    return {group: group for group in (*groups_of(division), f"{division}:{_UNKNOWN}")} | {ALL: TOTAL}


def _hides(hidden: Collection[Key], division: str) -> bool:
    """Whether anything is hidden that the groups of this division, by school and grade, add up to."""
    groups = {ALL, *groups_of(division), f"{division}:{_UNKNOWN}"}
    return any(isinstance(key, tuple) and key[2] in groups for key in hidden)


def _name(school: object) -> str:
    return school if isinstance(school, str) else school_key(school)  # type: ignore[arg-type]
