"""The available choices: tests, their years, levels and standards, and the names of schools."""

from collections.abc import Collection, Mapping
from functools import cached_property

from assessments.models import Assessment
from assessments.results import cuts
from assessments.results.counts import School, held_setups
from assessments.results.shapes import LevelOf
from assessments.structure import edition_of, structure

_NO_LEVEL = {"9", "NS", "E"}


class Held:
    """`names`: of schools, by codes as tested. `districts`: codes of the districts whose students count."""

    def __init__(self, names: Mapping[School, str], districts: Collection[str]) -> None:
        self.names = names
        self.districts = frozenset(districts)
        self.setups: dict[tuple[str, int], int] = {}
        self.others: dict[tuple[str, int], list[int]] = {}
        for pk, code, year, _tested in held_setups():
            if (code, year) in self.setups:
                self.others.setdefault((code, year), []).append(pk)
            else:
                self.setups[code, year] = pk

    @property
    def tests(self) -> dict[str, str]:
        """Code -> name, in the order of the structure file, the district's own tests last."""
        order = [*structure()["tests"]]
        codes = sorted({code for code, _year in self.setups}, key=lambda c: (order.index(c) if c in order else 99, c))
        return {code: self.name_of(code) for code in codes}

    def name_of(self, code: str) -> str:
        if code in structure()["tests"]:
            return str(structure()["tests"][code]["name"])
        newest = max(year for held, year in self.setups if held == code)
        return self.assessment(code, newest).name

    def years(self, code: str) -> list[int]:
        """Newest first."""
        return sorted((year for held, year in self.setups if held == code), reverse=True)

    def assessment(self, code: str, year: int) -> Assessment:
        return self.assessments[self.setups[code, year]]

    @cached_property
    def assessments(self) -> dict[int, Assessment]:
        pks = {*self.setups.values(), *(pk for others in self.others.values() for pk in others)}
        return Assessment.objects.in_bulk(pks)

    def standards(self, code: str, year: int) -> dict[str, int]:
        """By grade, the lowest score that meets the standard; empty if none are published."""
        return cuts.standards(code, year) if self.assessment(code, year).ranged else {}

    def school_name(self, school: School) -> str:
        if not school[1]:
            return "School not known"
        return self.names.get(school) or self.names.get(("", school[1])) or f"School {school[1]}"

    def levels(self, code: str, year: int) -> tuple[LevelOf, ...]:
        """Lowest first."""
        assessment = self.assessment(code, year)
        names = assessment.names_in(year)
        passing = {str(result["code"]) for result in assessment.results if result.get("passing")}
        codes = [name for name in reversed(names) if name not in _NO_LEVEL]
        if all(name.isdigit() for name in codes):
            return tuple(LevelOf(int(name), names[name], name in passing) for name in sorted(codes, key=int))
        words = [name for name in codes if not name.isdigit()]
        return tuple(LevelOf(n, names[name], name in passing) for n, name in enumerate(words, 1))

    def comparable(self, code: str, year: int, before: int) -> bool:
        if (code, before) not in self.setups:
            return False
        if code not in structure()["tests"]:
            return self.setups[code, year] == self.setups[code, before]
        return edition_of(code, year).comparable_from == edition_of(code, before).comparable_from
