"""Published score ranges of a test, and the lowest score that meets its standard. No Django."""

from assessments.structure import Range, edition_of, kept_ranges, ranges_key, structure


def range_of(code: str, year: int, grade: str) -> Range | None:
    """Published ranges of a test in a year and grade; later years keep the last published limits, until the test
    changes."""
    if code not in structure()["tests"]:
        return None
    kept = kept_ranges(ranges_key(code, year), year, edition_of(code, year).comparable_from)
    return next((one for one in kept if one.grade == grade), None)


def standard_of(code: str, year: int, grade: str) -> int | None:
    """Lowest scale score of level 3 in a test whose standard that level meets; None if none is published."""
    limits = range_of(code, year, grade)
    if limits is None or limits.levels[2] is None or "3" not in structure()["tests"][code].get("passing", ()):
        return None
    return limits.levels[1]


def standards(code: str, year: int) -> dict[str, int]:
    """The standards by grade."""
    found = {grade: standard_of(code, year, grade) for grade in structure()["grades"]}
    return {grade: cut for grade, cut in found.items() if cut is not None}
