"""The two kinds of files for which a year can be added, students' scores and the state's public results, and how they
differ."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from assessments.new_year.comparing import Uses
from assessments.research import added as research
from assessments.research.change_kinds import NUMBERS
from assessments.research.files import TOOL as RESEARCH_TOOL
from assessments.research.headings import COUNTS
from assessments.scores.as_tested import FIELDS as AS_TESTED
from assessments.scores.import_type import TOOL as SCORES_TOOL
from assessments.structure import FAMILIES, LayoutTest, family_of, import_types, other_columns, school_year, tests_of
from sisimport.files.layouts import Layout
from students.school_years import year_label

TOOLS = (SCORES_TOOL, RESEARCH_TOOL)
_PERCENTS = frozenset(name for name in NUMBERS if name.startswith("level_") or name == "met")


@dataclass(frozen=True, slots=True)
class Kind:
    """Everything that depends on the key of a layout, which begins with that of its family.

    `essential`: fields without which no line can be read. `scores`: those that the score of the main test is made from;
    if a file has none, the user has to confirm it. `unasked`: fields that a file may lack without a question. `years`:
    fields that tell the file's school year; the first one present is used. `tests`: those that a layout imports; None
    if a file is not about students' tests.
    """

    family: Callable[[str], str]
    family_name: Callable[[str], str]
    school_year: Callable[[str], int]
    title: Callable[[str], str]
    import_type: Callable[[str], str]
    essential: Callable[[Layout], frozenset[str]]
    scores: Callable[[Layout], frozenset[str]]
    uses: Callable[[Layout], Uses]
    years: tuple[str, ...]
    years_said: str
    unasked: frozenset[str] = frozenset()
    tests: Callable[[Layout], tuple[LayoutTest, ...]] | None = None

    def tests_of(self, layout: Layout) -> tuple[LayoutTest, ...]:
        return self.tests(layout) if self.tests else ()


def uses_of(tests: Iterable[LayoutTest]) -> Uses:
    parts = [part for test in tests for part in test.parts]
    numbers = {name for part in parts for name in (part.scale, part.raw, part.error) if name}
    return Uses(frozenset(numbers), frozenset(part.result for part in parts if part.result))


def _of_the_main_test(like: Layout) -> frozenset[str]:
    """Number and level of a family's main test; files of some years have no others."""
    return frozenset(name for test in tests_of(like)[:1] for name in (test.parent.scale, test.parent.result) if name)


def _score_title(key: str) -> str:
    return f"{FAMILIES[family_of(key)]} {year_label(school_year(key))}{other_columns(key)}"


def _score_type(key: str) -> str:
    (type_facts,) = import_types([key])
    return type_facts.key


_SCORE = Kind(
    family=family_of,
    family_name=lambda key: FAMILIES[family_of(key)],
    school_year=school_year,
    title=_score_title,
    import_type=_score_type,
    essential=lambda _like: frozenset(
        {"record_type", "ssid", "last_name", "first_name", "birth_date", "grade_assessed"}
    ),
    scores=_of_the_main_test,
    uses=lambda like: uses_of(tests_of(like)),
    years=("final_test_completed_date", "test_completed_date", "test_completed_date_1"),
    years_said="test dates",
    unasked=frozenset(AS_TESTED),
    tests=tests_of,
)
_RESEARCH = Kind(
    family=research.family_of,
    family_name=research.family_name,
    school_year=research.school_year,
    title=research.title,
    import_type=research.import_type_of,
    essential=lambda like: frozenset(name for name, column in like.fields.items() if column.required),
    scores=lambda _like: frozenset(),
    uses=lambda _like: Uses(frozenset(), frozenset(), percents=_PERCENTS),
    years=("test_year",),
    years_said="test years",
    unasked=frozenset(COUNTS),
)


def kind_of(key: str) -> Kind:
    """The kind of the files that a layout of this key reads."""
    return _RESEARCH if research.is_research(key) else _SCORE
