"""The wide form of scores: one row per student and school year, four columns for each test and part.

Rows are pivoted here, not in the database: with a condition for each of some hundred columns it would check each score
as many times, and it allows no more than 1,664 columns. Set-ups of several years share the columns of their code.
"""

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter

from sisimport.web.exports.writers import Row

KEYS = ("school_year", "lea_code", "school_code", "local_number", "ssid")
VALUES = ("test_date", "scale_score", "level", "level_name")
COLUMNS = (*KEYS, "student_id", "assessment_id", *VALUES)
# Of two set-ups with the same code in one year the later test is kept: it comes last.
ORDER = ("lea_code", "local_number", "student_id", "school_year", "test_date", "assessment_id")
_OF_ROW = itemgetter(COLUMNS.index("student_id"), COLUMNS.index("school_year"))
_TEST = COLUMNS.index("assessment_id")


def columns(tests: Sequence[tuple[int, str]]) -> tuple[str, ...]:
    """The keys, then the columns of each test. `tests`: internal number, and the prefix of its columns' names."""
    return (*KEYS, *(f"{name}_{value}" for name in dict.fromkeys(name for _, name in tests) for value in VALUES))


def types(tests: Sequence[tuple[int, str]], of_view: Mapping[str, str]) -> tuple[str, ...]:
    """Types of the columns. `of_view`: those of the view's columns, by their names."""
    repeats = (len(columns(tests)) - len(KEYS)) // len(VALUES)
    return (*(of_view[name] for name in KEYS), *([of_view[name] for name in VALUES] * repeats))


def rows(scores: Iterable[Row], tests: Sequence[tuple[int, str]], noted: "array[int] | None" = None) -> Iterator[Row]:
    """Scores, with COLUMNS in the order of ORDER, pivoted. `noted`: receives the internal numbers of the students."""
    names = list(dict.fromkeys(name for _, name in tests))
    places = {test: len(KEYS) + len(VALUES) * names.index(name) for test, name in tests}
    blank = [""] * (len(VALUES) * len(names))
    for (student, _year), group in groupby(scores, key=_OF_ROW):
        if noted is not None and (not noted or noted[-1] != student):
            noted.append(student)
        row: list[object] = []
        for score in group:
            if not row:
                row = [*score[: len(KEYS)], *blank]
            place = places[score[_TEST]]
            row[place : place + len(VALUES)] = score[_TEST + 1 :]
        yield row
