"""Which school an id of orgs.csv stands for, and which dates are ends of terms."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from sisimport.files.oneroster.tables import Table

ORG_COLUMNS: Final = ("sourcedId", "status", "name", "type", "identifier", "parentSourcedId")
SESSION_COLUMNS: Final = ("startDate", "endDate", "status", "type")
_CDS, _CODE, _NCES_SCHOOL = 14, 7, 12
_NO_SCHOOL: Final = {"district", "local", "state", "national"}
_SHARED: Final = frozenset({"", "1"})  # no code, and the state's shared code for all nonpublic schools
_MOST_PARENTS: Final = 8
DELETED: Final = "tobedeleted"


@dataclass(frozen=True, slots=True)
class Place:
    """What an org stands for: codes of district and school, "" if it is not a school; or why it cannot be used."""

    lea: str = ""
    school: str = ""
    problem: str = ""


class Orgs:
    """The schools and districts of a file. They are few: a district has at most hundreds."""

    def __init__(self, rows: Iterable[tuple[Any, ...]] = (), *, whole: bool = True) -> None:
        """`whole`: every school is listed, so an unknown id is a mistake."""
        self._rows: dict[str, tuple[int, tuple[str, ...]]] = {}
        self._twice: dict[str, int] = {}
        self.whole = whole
        for line, *cells in rows:
            values = tuple(cells)
            key = values[0]
            if key in self._rows and self._rows[key][1] != values:
                self._twice[key] = line
            self._rows.setdefault(key, (line, values))
        self._places: dict[str, Place] = {}
        self._keys_of: dict[str, list[str]] = {}
        self._elsewhere: dict[tuple[str, str], int] = {}  # district of the code, district above: how many schools
        for key, (_line, values) in self._rows.items():
            if values[1].lower() != DELETED and values[3].lower() not in _NO_SCHOOL:
                self._keys_of.setdefault(_own_code(values[4]), []).append(key)
        districts = {self._rows[key][1][4] or key for key in self._rows if self._type(key) == "district"}
        self.only_lea = _lea_code(next(iter(districts))) if len(districts) == 1 else ""

    def place(self, key: str) -> Place:
        """The place of an id."""
        if key not in self._places:
            self._places[key] = self._look_up(key)
        return self._places[key]

    def elsewhere(self) -> Iterator[tuple[str, str]]:
        """Those schools looked up whose codes belong to a district other than the one above them, in words; and that district."""
        for (own, above), count in self._elsewhere.items():
            yield f"{count:,} school{'s have' if count > 1 else ' has'} the code of district {own}", above

    def _type(self, key: str) -> str:
        return self._rows[key][1][3].lower()

    def _look_up(self, key: str) -> Place:
        if key not in self._rows:
            # A file of changes does not list unchanged schools.
            unknown = Place(problem=f"the school {key[:60]}, which is not in orgs.csv")
            return unknown if self.whole else Place(lea=self.only_lea)
        line, (_key, _status, name, kind, identifier, _parent) = self._rows[key]
        if key in self._twice:
            line_numbers = f"{line:,} and {self._twice[key]:,}"
            return Place(
                problem=f"the school {key[:60]}, which is in orgs.csv with different data in lines {line_numbers}"
            )
        lea = self._lea_above(key) or self.only_lea
        if kind.lower() in _NO_SCHOOL:
            return Place(lea=lea)
        code = re.sub(r"[\s-]", "", identifier or key)
        wrong = self._shares_code(key)
        if len(code) == _CDS and code.isdigit() and not wrong:
            if len(lea) == _CODE and lea != code[:_CODE]:
                pair = (code[:_CODE], lea)
                self._elsewhere[pair] = self._elsewhere.get(pair, 0) + 1
            return Place(lea=code[:_CODE], school=code[_CODE:])
        wrong = wrong or _wrong_code(code, identifier)
        wrong = wrong or ("" if lea else "which has no district with the state's code above it")
        if wrong:
            return Place(problem=f"the school {name[:60] or key[:60]} (orgs.csv line {line:,}), {wrong}")
        return Place(lea=lea, school=code)

    def _shares_code(self, key: str) -> str:
        """Another school with the same code, whose name is not a longer form of this one's: the column was filled down."""
        _line, values = self._rows[key]
        name = values[2].casefold()
        code = _own_code(values[4])
        for other in self._keys_of.get(code, ()) if code not in _SHARED else ():
            other_name = self._rows[other][1][2].casefold()
            if other != key and not other_name.startswith(name) and not name.startswith(other_name):
                return f"which has the same identifier as {self._rows[other][1][2][:60] or other[:60]}"
        return ""

    def _lea_above(self, key: str) -> str:
        """The state's code of the nearest district upward, including the org itself."""
        for _step in range(_MOST_PARENTS):
            if key not in self._rows:
                return ""
            values = self._rows[key][1]
            if self._type(key) == "district":
                return _lea_code(values[4] or key)
            key = values[5]
        return ""


def _own_code(identifier: str) -> str:
    """The school's part of its code, without the zeros it begins with."""
    return re.sub(r"[\s-]", "", identifier)[-_CODE:].lstrip("0")


def _wrong_code(code: str, identifier: str) -> str:
    if len(code) == _NCES_SCHOOL and code.isdigit():
        return f"whose identifier {code} is a federal (NCES) number and not the state's code"
    if not code.isdigit() or len(code) > _CODE:
        return f"whose identifier {(identifier or 'is blank')[:40]} is not the state's code"
    return ""


def _lea_code(identifier: str) -> str:
    """The seven digits of a district's code, also from 14 with zeros for the school; shorter codes unchanged."""
    code = re.sub(r"[\s-]", "", identifier)
    if not code.isdigit() or len(code) not in range(1, _CDS + 1):
        return ""
    return code[:_CODE] if len(code) in {_CODE, _CDS} else code if len(code) < _CODE else ""


class Terms:
    """When terms and school years end: a class that ends with its term does not mean that a student leaves."""

    def __init__(self, rows: Iterable[tuple[Any, ...]] = ()) -> None:
        self._ends: set[str] = set()
        for _line, _start, end, _status, _kind in rows:
            day = _day(end)
            if day is not None:
                # By the standard, the end is the day after the last day; many systems write the last day.
                self._ends |= {f"{day + timedelta(days=step)}" for step in (-1, 0, 1)}
        self._last = max(self._ends, default="")

    def is_exit(self, end: str) -> bool:
        """Does a student enrolled until then leave? Not at the end of a term, or after all terms."""
        return bool(end) and end not in self._ends and not (self._last and end > self._last)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


@dataclass(slots=True)
class Stay:
    """A student's time at one school. `gone`: only rows marked as deleted name it, last changed on that day."""

    org: str
    begin: str = ""
    end: str = ""
    primary: bool = False
    gone: str = ""
    where: str = ""  # which rows of roles and enrollments name it


def counts_in_words(counts: Counter[str], most: int = 6) -> str:
    """Counts in words, the most frequent first: `teacher 12, guardian 3`."""
    return ", ".join(f"{name or 'no role'} {count:,}" for name, count in counts.most_common(most))


def read_orgs(table: Table | None, *, whole: bool) -> Orgs:
    """The orgs of a table; without a table, none are known."""
    return Orgs(table.rows(), whole=whole) if table is not None else Orgs(whole=False)


def read_terms(table: Table | None) -> Terms:
    return Terms(table.rows()) if table is not None else Terms()


def by_rank(stays: Sequence[Stay]) -> list[Stay]:
    """Open ones before ended ones, primary ones first, then the latest start."""
    return sorted(
        sorted(stays, key=lambda stay: stay.begin, reverse=True),
        key=lambda stay: (bool(stay.end or stay.gone), not stay.primary),
    )
