"""The numbers of a choice: sums by school, grade, student group and year, and which of them the reader does not see.

A number for several schools or grades is a sum of shown numbers: if one of them is hidden, so is the sum. So no
selection of schools, grades or years reveals a hidden number.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from assessments.results.counts import School, Sums, sums_of
from assessments.results.cubes import Hidden
from assessments.results.groups import ORDER
from assessments.results.held import Held
from assessments.results.hidden_results import Scope, Versions, hidden_among, hidden_results, scopes_of, versions_of
from assessments.results.hiding import TOTAL, Count
from assessments.results.shapes import At, Choice, Reader
from assessments.scores.result_counts import ALL

_TRIES = 3
OWN = "own"  # scope of users who see only some schools


@dataclass(slots=True)
class Numbers:
    """Sums of everything requested. `elsewhere`: by year, students tested here and enrolled in another district."""

    choice: Choice
    reader: Reader
    scopes: Sequence[Scope]
    sums: dict[At, Sums]
    hidden: dict[tuple[int, str], Hidden]
    elsewhere: dict[int, int]

    def shown(self, at: At) -> Sums | None:
        """The sums of a cell; None if it is hidden."""
        sums = self.sums.get(at, Sums())
        return None if sums.tested and self.hides(at, sums) else sums

    def hides(self, at: At, sums: Sums) -> bool:
        if self.reader.sees_each:
            return False
        if Count(sums.tested, sums.scored).few:
            return True
        grades = [at.grade] if at.grade != TOTAL else self.choice.grades or [TOTAL]
        if isinstance(at.school, tuple):
            schools: Sequence[School] | None = [at.school]
        else:
            schools = self.choice.schools or summed_schools(self.reader)
        places: list[tuple[Hidden, School | str]] = (
            [(self.hidden[at.year, scope.name], TOTAL) for scope in self.scopes]
            if schools is None
            else [(self._of(at.year, school), school) for school in schools]
        )
        return any(hidden.hides((place, grade, at.group)) for hidden, place in places for grade in grades)

    def lists(self, at: At) -> bool:
        """Whether a hidden cell may be listed at all. For groups by grade, its existence would reveal something."""
        if at.group == ALL or (at.grade == TOTAL and not self.choice.grades):
            return True
        return all(hidden.one_school for (year, _scope), hidden in self.hidden.items() if year == at.year)

    def _of(self, year: int, school: School) -> Hidden:
        scope = next(scope for scope in self.scopes if school[0] in scope.leas)
        return self.hidden[year, scope.name]


def summed_schools(reader: Reader) -> list[School] | None:
    """The schools whose numbers are summed; None: all of the scope."""
    return None if reader.reads_all or reader.sees_own_only or reader.schools is None else sorted(reader.schools)


def scopes_for(held: Held, reader: Reader) -> list[Scope]:
    """The districts whose results this reader sees, or some of their schools'."""
    scopes = scopes_of(sorted(held.districts))
    if reader.sees_own_only and reader.schools is not None:
        return [Scope(OWN, tuple(sorted({lea for lea, _school in reader.schools})))]
    if reader.schools is None:
        return scopes
    leas = {lea for lea, _school in reader.schools} | reader.leas
    return [scope for scope in scopes if leas.intersection(scope.leas)]


def numbers_of(
    choice: Choice, held: Held, reader: Reader, years: Collection[int], separated_by: Collection[str]
) -> Numbers:
    """Numbers of years, by what is `separated_by`: any of school, grade and group (years always are)."""
    setups = {year: held.setups[choice.test, year] for year in sorted(years)}
    scopes = scopes_for(held, reader)
    found = Numbers(choice, reader, scopes, {}, {}, {})
    for _try in range(_TRIES):
        versions = versions_of(setups)
        hidden = _hidden(setups, scopes, versions, reader)
        found = Numbers(choice, reader, scopes, {}, hidden, {})
        _read(found, held, setups, separated_by)
        # After a run has written in the meantime, other cells may have to be hidden.
        if reader.sees_each or versions_of(setups) == versions:
            break
    return found


def _hidden(
    setups: dict[int, int], scopes: Sequence[Scope], versions: Versions, reader: Reader
) -> dict[tuple[int, str], Hidden]:
    if reader.sees_each:
        return {}
    if reader.sees_own_only:
        return hidden_among(setups, scopes[0], reader.schools or ())
    return hidden_results(setups, scopes, versions)


def _read(found: Numbers, held: Held, setups: dict[int, int], separated_by: Collection[str]) -> None:
    choice, reader = found.choice, found.reader
    by = [name for name in ("school", "grade") if name in separated_by]
    groups = [ALL, *(choice.groups or ORDER[1:])] if "group" in separated_by else [choice.group]
    ours = {lea for scope in found.scopes for lea in scope.leas}
    cells = sums_of(
        setups,
        {year: held.standards(choice.test, year) for year in setups},
        groups=groups,
        by=by,
        leas=None if reader.schools is None and not choice.schools else sorted(ours),
        schools=choice.schools or (None if reader.reads_all else reader.schools),
        grades=choice.grades,
    )
    for cell in cells:
        if cell.lea not in ours:
            if cell.group == groups[0]:
                found.elsewhere[cell.year] = found.elsewhere.get(cell.year, 0) + cell.sums.tested
            continue
        school = (cell.lea, cell.school) if "school" in by else TOTAL
        own = At(cell.year, school, cell.grade, cell.group)
        for at in {own, replace(own, school=TOTAL), replace(own, grade=TOTAL), At(cell.year, group=cell.group)}:
            found.sums.setdefault(at, Sums()).add(cell.sums)
