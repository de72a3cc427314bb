"""Finds lines for which no rule of rules.py can fire, by one condition at a fraction of the cost of all rules.

Nearly every line of a file is like that: it matches its student in every respect, its scores are digits, its levels known, its
scale score lies in the range of its level. What a line shows by itself was decided while it was staged (`plain`, see
columns.py). Lines not settled here go through every rule, so a condition that is too narrow costs time and one that is
too wide would swallow messages (tests/assessments/test_usual_lines.py checks it against the rules).
"""

from collections.abc import Mapping
from typing import Any

from django.db import models
from django.db.models import Case, F, IntegerField, Q, Value, When
from django.db.models.functions import Cast, Coalesce

from assessments.scores import years
from assessments.scores.rules import (
    AtLeast,
    chosen_schools,
    has_parents_range,
    has_widest_range,
    in_widest_range,
    levels_by_number,
    odd_grade,
    ranged_columns,
    words_by_number,
)
from assessments.structure import LayoutTest, Part, school_year, tested_grades, tests_of
from sisimport.files.remembered import Remembered
from sisimport.imports.definition.import_type import RunContext
from students.models import School


def skips_rules_when(context: RunContext) -> Q:
    """The condition, cheapest checks first. Record types of different tests never overlap (see structure.toml)."""
    assert context.layout is not None  # noqa: S101 - a staged file has one
    tests = tests_of(context.layout)
    found = (
        Q(skipped=0, plain=True, repeated=0, replaced_ssid="")
        & context.matched
        & Q(holder__retired_at__isnull=True)
        & Q(birth_date=F("student__birth_date"))
        & Q(last_name=F("student__match_last_name"))
        & Q(first_name=F("student__match_first_name"))
    )
    found &= years.is_usual(context)
    chosen = chosen_schools(context)
    if chosen:
        found &= Q(student__school_id__in=list(School.objects.filter(code__in=chosen).values_list("pk", flat=True)))
    # The reader collected the record types: the tests that the file holds.
    held = tuple(test.code for test in tests if context.collected.intersection(test.record_types))
    return found & _scores_in_range(tests, held, school_year(context.layout.key))


_composed: Remembered[Q] = Remembered(most=64)  # layouts
_Levels = tuple[Mapping[str, list[str]], list[str]]  # how levels are written, by number; and other words for them


def _scores_in_range(tests: tuple[LayoutTest, ...], held: tuple[str, ...], year: int) -> Q:
    """For lines of the tests `held`, by their codes. Made once for the tests of a layout."""
    found = _composed.get((year, held), [tests])
    if found is None:
        levels, words = levels_by_number(tests), [word for group in words_by_number(tests).values() for word in group]
        whens = []
        for test in tests:
            if test.code in held:
                if tested_grades(test.ranges):
                    whens.append(When(odd_grade(test), then=Value(False)))
                if test.parent.scale:
                    inside = _in_range(test, _own_ranged(test, tests), (levels, words), year)
                    whens.append(When(record_type__in=list(test.record_types), then=inside))
        found = Q(Case(*whens, default=Value(True), output_field=models.BooleanField())) if whens else Q()
        _composed.keep((year, held), [tests], found)
    return found


def _own_ranged(test: LayoutTest, tests: tuple[LayoutTest, ...]) -> list[str]:
    own = {part.scale for part in test.parts if part.scale}
    return [name for name in ranged_columns(tests) if name in own]


def _in_range(test: LayoutTest, columns: list[str], levels: _Levels, year: int) -> Any:
    """The scale scores, digits or blank, lie in their range, that of the test in the range of its level. Where the grade has no
    range, they lie in that of all grades."""
    above = F("range__highest") + 1
    inside = Q()
    for name in columns:
        score = Cast(name, IntegerField())
        inside &= Q(**{name: ""}) | Q(AtLeast(score, F("range__lowest"))) & ~Q(AtLeast(score, above))
    others, of_grades = Q(), Q()
    for part in test.parts:
        if has_widest_range(test, part):
            if has_parents_range(test, part):
                of_grades &= _in_widest(test, part, year)
            else:
                others &= _in_widest(test, part, year)
    return Case(
        When(Q(range__lowest__isnull=True) & of_grades & others, then=Value(True)),
        When(Q(range__lowest__isnull=False) & inside & others & _level_fits(above, *levels), then=Value(True)),
        default=Value(False),
        output_field=models.BooleanField(),
    )


def _in_widest(test: LayoutTest, part: Part, year: int) -> Q:
    return Q(**{part.scale: ""}) | in_widest_range(test, part, Cast(part.scale, IntegerField()), year)


def _level_fits(above: Any, levels: Mapping[str, list[str]], words: list[str]) -> Q:
    """The test's scale score is at least its level's lowest and below the next level's. Levels in words go through the rules."""
    score = Cast("scale_score", IntegerField())
    one, two, three, four = (Q(achievement_level__in=levels[f"{n}"]) for n in range(1, 5))
    lowest = Case(
        When(one, then=F("range__lowest")),
        *(When(level, then=F(f"range__level_{n}")) for n, level in ((2, two), (3, three), (4, four))),
    )
    too_high = Case(
        When(one, then=F("range__level_2")),
        When(two, then=Coalesce("range__level_3", "range__level_4", above)),
        When(three, then=Coalesce("range__level_4", above)),
        When(four, then=above),
    )
    every = [written for one_level in levels.values() for written in one_level]
    unnumbered = ~Q(achievement_level__in=every) & ~Q(achievement_level__in=words)
    without = Q(range__level_2__isnull=True) | unnumbered | Q(scale_score="")
    return without | Q(AtLeast(score, lowest)) & ~Q(AtLeast(score, too_high))
