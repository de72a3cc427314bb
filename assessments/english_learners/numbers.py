"""The numbers of the page English learners, shared by the page, its files and paper, the command and the API."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from assessments.english_learners.asking import BAND_NAMES, RFEP_YEAR, STATUSES, Asking, elpac_years
from assessments.english_learners.counting import TOTAL, Key, counts_by_year, hidden_in, rfep_years
from students.access import User, visible_school_ids, visible_schools
from students.models import School
from students.school_years import spring_of, year_label

YEARS = 3  # ELPAC years to choose from


class Found:
    """The requested numbers. `shared`: for a file, paper or a program, where small numbers are hidden from everyone.

    `user`: None for the command line, which sees all schools. `school`: the key of one, or empty. `elpac`: a year by
    its spring; the newest available if it has no scores.
    """

    def __init__(self, user: User | None, *, shared: bool, school: str = "", elpac: str = "") -> None:
        self.shared = shared
        schools = School.objects.all() if user is None else visible_schools(user)
        self.schools = list(schools.order_by("name", "code"))
        self.school = next((one for one in self.schools if str(one.pk) == school), None)
        self.years = elpac_years()[:YEARS]
        newest = self.years[0] if self.years else 0
        self.elpac_year = int(elpac) if elpac.isdecimal() and int(elpac[:4]) in self.years else newest
        self.asking = Asking(None if user is None else visible_school_ids(user), self.elpac_year)
        if self.school and not shared:
            self.asking = self.asking.within([self.school.pk])
        # Hiding is decided for all schools of the reader and all ELPAC years, no matter which of them a file contains.
        counted_years = self.years if shared else [year for year in self.years if year == self.elpac_year]
        counts, elpacs = counts_by_year(self.asking, counted_years)
        self.counts: Mapping[Key, int] = counts
        self.hidden = hidden_in(counts, list(elpacs.values())) if shared else set()

    @property
    def whole(self) -> int | str:
        return self.school.pk if self.school else TOTAL

    def value(self, school: int | str, what: str) -> int | None:
        """The number; None if it is hidden."""
        return None if (school, what) in self.hidden else self.counts.get((school, what), 0)

    @property
    def rfep(self) -> list[str]:
        return [f"{RFEP_YEAR}{year}" for year in rfep_years(self.counts)]

    @property
    def this_year(self) -> int:
        return spring_of(self.asking.day)

    def shown_schools(self) -> list[School]:
        listed = [self.school] if self.school else self.schools
        counted = {school for school, _what in self.counts}
        return [one for one in listed if one.pk in counted]

    def columns(self) -> list[str]:
        """The columns of a file for each school."""
        elpac = ["elpac"] if self.elpac_year else []
        return [*STATUSES, "tbd-over", *elpac, *BAND_NAMES, *self.rfep]

    @property
    def hides(self) -> bool:
        shown = {self.whole, *(one.pk for one in self.shown_schools())}
        return any(school in shown for school, _what in self.hidden)


@dataclass(frozen=True, slots=True)
class PlaceNumbers:
    """A school, or all of them (`school` is None), and its numbers by key; None: hidden."""

    school: School | None
    numbers: dict[str, int | None]


def places_of(found: Found) -> Iterator[PlaceNumbers]:
    """All schools together first, unless one was requested."""
    schools: Sequence[School | None] = [*([] if found.school else [None]), *found.shown_schools()]
    for school in schools:
        key = school.pk if school else TOTAL
        yield PlaceNumbers(school, {what: found.value(key, what) for what in found.columns()})


def as_objects(found: Found) -> list[dict[str, object]]:
    """Rows for programs. `numbers`: by the codes used for the list of students; null: hidden."""
    return [
        {
            "lea": place.school.lea.code if place.school else "",
            "school": place.school.code if place.school else "",
            "name": (place.school.name or place.school.code) if place.school else "All schools",
            "hidden": None in place.numbers.values(),
            "numbers": place.numbers,
        }
        for place in places_of(found)
    ]


def about(found: Found) -> dict[str, str | None]:
    """What the numbers are about."""
    return {
        "as_of": found.asking.day.isoformat(),
        "elpac_year": year_label(found.elpac_year) if found.elpac_year else None,
    }
