"""What a reader has to know about numbers shown side by side: different tests, levels, standards or set-ups."""

from collections.abc import Collection
from itertools import pairwise

from assessments.results.held import Held
from assessments.results.shapes import Choice, grade_label
from students.school_years import year_label


def notes_of(choice: Choice, held: Held, years: Collection[int], more_years: Collection[int]) -> list[str]:
    code, found = choice.test, []
    found += [text for year in sorted(years) if (text := _other_setups(code, year, held))]
    compared = sorted({*more_years, *years})
    for before, year in pairwise(compared):
        if year != before + 1:
            continue
        if not held.comparable(code, year, before):
            since = f"The test changed in {year_label(year)}"
            found.append(f"{since}: its results are not compared with those of {year_label(before)}.")
            continue
        if (names := _level_names(held, code, year)) != (earlier := _level_names(held, code, before)):
            found.append(
                f"Levels have had other names since {year_label(year)}: {', '.join(names)} (before: {', '.join(earlier)})."
            )
        now, was = held.standards(code, year), held.standards(code, before)
        moved = [grade for grade in now if grade in was and now[grade] != was[grade]]
        if moved:
            moves = ", ".join(f"{grade_label(grade).lower()} {was[grade]} to {now[grade]}" for grade in moved)
            found.append(f"The score that meets the standard changed in {year_label(year)}: {moves}.")
    return found


def _level_names(held: Held, code: str, year: int) -> list[str]:
    return [level.name for level in held.levels(code, year)]


def _other_setups(code: str, year: int, held: Held) -> str:
    others = held.others.get((code, year), [])
    if not others:
        return ""
    names = ", ".join(held.assessments[pk].name for pk in others)
    shown = held.assessment(code, year).name
    return f"Scores of {year_label(year)} are in several set-ups. {shown} is shown, not {names}, so that no student counts twice."
