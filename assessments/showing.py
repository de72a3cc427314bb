"""Which results families see: by a switch for a family of tests and a school year, else by the Display Options of the set-up."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Sum

from assessments.models import Assessment, ResultCount, Score, ShownResults
from assessments.structure import FAMILIES, structure

Switches = Mapping[tuple[str, int], bool]


def family_of(assessment: Assessment) -> str:
    """`caaspp`, `elpac-summative`, `elpac-initial`; empty for the district's own test."""
    code = (assessment.parent or assessment).state_code
    return str(structure()["tests"].get(code, {}).get("family", ""))


def switches() -> Switches:
    """(family, school year) -> shown, for those set by a switch."""
    return {(row.family, row.school_year): row.shown for row in ShownResults.objects.all()}


def is_shown(score: Score, switched: Switches) -> bool:
    """The switch decides for all tests of its family and year. Without one, a part is shown only with its whole."""
    test = score.assessment
    switch = switched.get((family_of(test), score.school_year))
    if switch is not None:
        return switch
    return test.shown_to_families and (test.parent is None or test.parent.shown_to_families)


def switch(*, family: str, year: int, shown: bool, user: AbstractBaseUser) -> None:
    """Show the results of a year to families, or hide them; effective immediately, and for later imports too."""
    ShownResults.objects.update_or_create(
        family=family,
        school_year=year,
        defaults={"shown": shown, "switched_by": user},  # type: ignore[misc]
    )


@dataclass(frozen=True, slots=True)
class YearOfTests:
    """A family of tests in a school year. `state`: shown, hidden, or some (by the Display Options of its set-ups)."""

    family: str
    name: str
    year: int
    results: int
    state: str
    switched: ShownResults | None


def years_of_tests() -> list[YearOfTests]:
    """Those with results, newest first. Uses the stored counts: no score is read."""
    tests = {test.pk: test for test in Assessment.objects.filter(parent__isnull=True)}
    counted: dict[tuple[str, int], dict[int, int]] = {}
    rows = ResultCount.objects.filter(student_group="all").values_list("assessment_id", "school_year")
    for pk, year, tested in rows.annotate(n=Sum("tested")).values_list("assessment_id", "school_year", "n"):
        if pk in tests and (family := family_of(tests[pk])):
            counted.setdefault((family, year), {})[pk] = tested
    switched = {(row.family, row.school_year): row for row in ShownResults.objects.select_related("switched_by")}
    found = []
    for (family, year), of_tests in sorted(counted.items(), key=lambda item: (-item[0][1], item[0][0])):
        row = switched.get((family, year))
        flags = {tests[pk].shown_to_families for pk in of_tests}
        by_setups = "some" if len(flags) > 1 else "shown" if True in flags else "hidden"
        state = by_setups if row is None else "shown" if row.shown else "hidden"
        found.append(YearOfTests(family, FAMILIES[family], year, sum(of_tests.values()), state, row))
    return found
