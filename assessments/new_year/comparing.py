"""The columns of a new header compared with those of a layout: kept, added, gone, and which of those gone may be
renamed."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz import fuzz

from assessments.new_year.looking import ColumnFacts, Look
from sisimport.files.layout_matching import find_columns
from sisimport.files.layouts import Column, ColumnKind, Layout, normalise_header

SUGGESTED = 60  # of 100: from here on a name is suggested
CERTAIN = 100  # the name that another year of the family has for the same field
_OTHER_NAME = 90  # a name that files of other states and years use for a field
_NEIGHBORS = 8  # points for being between the same columns as before
_WITHIN, _OWN_WORD = 0.8, 0.95  # names that contain each other, or the field's word
_UNFIT = 0.5  # a column whose values are of another kind is half as likely
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_EARLIER = re.compile(r"minus(\d)\Z")
_OTHER_NAMES: Mapping[str, frozenset[str]] = {
    "ssid": frozenset({"statewidestudentidentifier", "statestudentidentifier", "statestudentid", "stateid", "studentssid"}),
    "last_name": frozenset({"studentlastname", "familyname", "surname", "studentlastorsurname"}),
    "first_name": frozenset({"studentfirstname", "givenname"}),
    "birth_date": frozenset({"dateofbirth", "dob", "studentbirthdate", "studentdateofbirth"}),
    "grade_assessed": frozenset({"gradelevel", "testedgrade", "enrolledgrade", "gradelevelassessed"}),
    "record_type": frozenset({"recordtypecode", "assessmenttype", "testtype"}),
    "scale_score": frozenset({"overallscore", "scaledscore", "overallscaledscore", "scalescoreoverall"}),
    "achievement_level": frozenset({
        "performancelevel", "achievementlevel", "overallperformancelevel", "overalllevel", "proficiencylevel", "overallpl",
    }),
}  # fmt: skip
_ENOUGH = 0.5  # share of the filled values that has to be of the kind


@dataclass(frozen=True, slots=True)
class Rename:
    """A column that is gone and the file's column that may replace it; `score` out of 100."""

    column: Column
    name: str
    score: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """`places`: columns of the layout (by position) that the header has, with their position in it. Names are as in the
    file. `renames`: the best suggestions, each column and name once, best first."""

    like: Layout
    look: Look
    places: Mapping[int, int]
    added: tuple[str, ...]
    missing: tuple[Column, ...]
    renames: tuple[Rename, ...]

    @property
    def kept(self) -> int:
        return len(self.places)

    def rename_of(self, column: Column) -> Rename | None:
        return next((one for one in self.renames if one.column is column), None)


def compare(like: Layout, look: Look, family: Iterable[Layout], uses: "Uses") -> Comparison:
    """`family`: all layouts of the same file; their names for a field are its known spellings."""
    plain = [normalise_header(name) for name in look.header]
    found = find_columns(like, plain)
    places = {column.position: at for at, column in enumerate(found) if column is not None and plain[at] != "blank"}
    free = {at: name for at, name in enumerate(look.header) if plain[at] not in {"", "blank"} and found[at] is None}
    gone = [c for c in like.columns if c.position not in places and normalise_header(c.name) != "blank"]
    matcher = _Matcher(look, places, _spellings(family), uses)
    pairs = [
        (score, place, column)
        for column in gone
        for place in free
        if (score := matcher.score(column, place)) >= SUGGESTED
    ]
    renames = _best(pairs, free)
    new_names = {one.name for one in renames}
    return Comparison(
        like,
        look,
        places,
        added=tuple(name for name in free.values() if name not in new_names),
        missing=tuple(c for c in gone if all(one.column is not c for one in renames)),
        renames=tuple(renames),
    )


def _spellings(family: Iterable[Layout]) -> dict[str, str]:
    """Normalized names of a field's columns in any year -> the field; only unambiguous names."""
    found: dict[str, set[str]] = {}
    for layout in family:
        for column in layout.fields.values():
            for name in column.names:
                if column.field and name != "blank" and "*" not in name:
                    found.setdefault(name, set()).add(column.field)
    return {name: next(iter(codes)) for name, codes in found.items() if len(codes) == 1}


@dataclass(frozen=True, slots=True)
class _Matcher:
    """Scores how likely a gone column is in the file under another name."""

    look: Look
    places: Mapping[int, int]
    spellings: Mapping[str, str]
    uses: "Uses"

    def score(self, column: Column, place: int) -> float:
        """0 to 100."""
        name = self.look.header[place]
        plain, own = normalise_header(name), normalise_header(column.name)
        if column.field and self.spellings.get(plain) == column.field:
            return CERTAIN
        if _EARLIER.findall(plain) != _EARLIER.findall(own):
            return 0  # scores of other years
        alike = max(fuzz.ratio(own, plain), fuzz.token_sort_ratio(_words(column.name), _words(name)))
        alike = max(alike, _WITHIN * _words_within(_words(column.name), _words(name)))
        if plain.replace("_", "") in _OTHER_NAMES.get(column.field or "", ()):
            alike = max(alike, float(_OTHER_NAME))
        if column.field:  # a known name says what the column is, whatever its old name
            alike = max(alike, _OWN_WORD * fuzz.ratio(normalise_header(column.field), plain))
        score = min(alike + self._between(column, place), CERTAIN - 1.0)
        return score if self.uses.fits(column, self.look.facts[place]) else score * _UNFIT

    def _between(self, column: Column, place: int) -> float:
        """Points for being next to the same columns as the old one."""
        before, after = self.places.get(column.position - 1), self.places.get(column.position + 1)
        return (
            _NEIGHBORS * ((before is not None and before == place - 1) + (after is not None and after == place + 1)) / 2
        )


def _best(pairs: list[tuple[float, int, Column]], names: Mapping[int, str]) -> list[Rename]:
    """Best pairs first, every column and every name once; among equals, columns that are read come first."""
    found: list[Rename] = []
    for score, place, column in sorted(pairs, key=lambda pair: (-pair[0], pair[2].field is None, pair[1])):
        if all(one.column is not column and one.name != names[place] for one in found):
            found.append(Rename(column, names[place], round(score)))
    return found


def _words_within(one: str, other: str) -> float:
    """100 if all words of one name, at least two, are in the other."""
    fewer, more = sorted((set(one.split()), set(other.split())), key=len)
    return 100.0 * (len(fewer) > 1 and fewer <= more)


@lru_cache(maxsize=4096)
def _words(name: str) -> str:
    return " ".join(_WORDS.findall(name)).lower()


@dataclass(frozen=True, slots=True)
class Uses:
    """How the fields of a layout are read."""

    numbers: frozenset[str]
    levels: frozenset[str]
    percents: frozenset[str] = frozenset()

    def fits(self, column: Column, counts: ColumnFacts) -> bool:
        """Whether the first records hold what this column's field needs; true if they are blank."""
        if not counts.filled or column.field is None:
            return True
        return counts.filled * _ENOUGH <= self._right(column, counts)

    def _right(self, column: Column, counts: ColumnFacts) -> int:
        kinds = {
            "dates": counts.dates,
            "numbers": counts.numbers,
            "known levels": counts.levels,
            "percents": counts.percents,
            "ten-digit SSIDs": counts.ssids,
            "known record types": counts.record_types,
            "grades": counts.grades,
            "names": counts.filled - max(counts.numbers, counts.dates, counts.ssids),
        }
        return kinds.get(self.needed(column), counts.filled)

    def needed(self, column: Column) -> str:
        """What the field needs, in words; "values" if anything is accepted."""
        field = column.field or ""
        if column.kind is ColumnKind.DATE:
            return "dates"
        if field in self.numbers or field in self.levels:
            return "numbers" if field in self.numbers else "known levels"
        if field in self.percents:
            return "percents"
        words = {"ssid": "ten-digit SSIDs", "record_type": "known record types", "grade_assessed": "grades"}
        words |= dict.fromkeys(("last_name", "first_name"), "names")
        return words.get(field, "values")
