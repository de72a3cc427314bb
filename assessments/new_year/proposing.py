"""What a new layout would be, given the answers so far, and what has to be answered before it can be written."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from assessments.new_year.comparing import CERTAIN, Comparison, Uses, compare
from assessments.new_year.looking import Look
from assessments.new_year.writing import layout_text
from assessments.scores.as_tested import FIELDS as AS_TESTED
from assessments.structure import FAMILIES, LayoutTest, family_of, level_names, other_columns, structure, tests_of
from assessments.structure import school_year as school_year_of
from sisimport.files.layouts import Column, Layout, normalise_header, parse_layout
from students.school_years import year_label

# Without these no line can be read: whose record it is, and of what.
ESSENTIAL = ("record_type", "ssid", "last_name", "first_name", "birth_date", "grade_assessed")
_DATES = ("final_test_completed_date", "test_completed_date", "test_completed_date_1")


@dataclass(frozen=True, slots=True)
class Answers:
    """What somebody said. `columns`: field -> the column it is read from, blank where the file has none. `levels`: test or
    part -> code -> name. `accepts`: suggested columns are taken, and fields without one are not in the file."""

    columns: Mapping[str, str] = field(default_factory=dict)
    levels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    without_ranges: tuple[str, ...] = ()
    accepts: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """Something only a person can say. `field` of the layout, or blank; `suggestion` is the column offered for it."""

    text: str
    field: str = ""
    suggestion: str = ""


@dataclass(frozen=True, slots=True)
class Proposal:
    """`chosen`: field -> column of the file. `layout` is there when nothing is open."""

    key: str
    comparison: Comparison
    chosen: Mapping[str, str]
    questions: tuple[Question, ...]
    text: str
    layout: Layout | None

    @property
    def tests(self) -> tuple[LayoutTest, ...]:
        return tests_of(self.layout) if self.layout else ()

    def summary(self) -> dict[str, Any]:
        """How the file differs from the layout it was compared with."""
        renamed = [
            {"from": one.column.name, "to": one.name, "score": one.score}
            for one in self.comparison.renames
            if one.column.field is None or self.chosen.get(one.column.field) == one.name or self.questions
        ]
        names = {one["to"] for one in renamed}
        others = [one.name for one in self.comparison.renames if one.name not in names]
        read = {column.field: column.name for column in self.comparison.like.columns if column.field}
        renamed += [
            {"from": read[name], "to": column, "score": CERTAIN}
            for name, column in self.chosen.items()
            if column in self.comparison.added
        ]
        given = {one["to"] for one in renamed}
        kept_from = {one["from"] for one in renamed}
        gone = [*self.comparison.missing, *(one.column for one in self.comparison.renames if one.name in others)]
        return {
            "kept": self.comparison.kept,
            "added": [name for name in (*self.comparison.added, *others) if name not in given],
            "missing": [column.name for column in gone if column.name not in kept_from],
            "renamed": renamed,
        }


def layout_key(family: str, school_year: int) -> str:
    return f"{family}-{school_year - 1}-{school_year % 100:02d}"


def uses_of(tests: Iterable[LayoutTest]) -> Uses:
    parts = [part for test in tests for part in test.parts]
    numbers = {name for part in parts for name in (part.scale, part.raw, part.error) if name}
    return Uses(frozenset(numbers), frozenset(part.result for part in parts if part.result))


def propose(*, look: Look, like: Layout, family: Iterable[Layout], key: str, name: str, answers: Answers) -> Proposal:
    """Compare, take over the answers, and write the layout if nothing is open. `key`: of the layout to be."""
    uses = uses_of(tests_of(like))
    found = compare(like, look, family, uses)
    school_year = school_year_of(key)
    chosen, questions = _chosen(found, answers)
    questions += _unfit(found, chosen, answers, uses)
    questions += _of_another_year(found, chosen, school_year)
    if questions:
        return Proposal(key, found, chosen, tuple(questions), "", None)
    title = f"{FAMILIES[family_of(like.key)]} {year_label(school_year)}{other_columns(key)}"
    text = layout_text(
        like, look.header, chosen, title=title, source=f"Header line of {name}", delimiter=look.delimiter,
        answers={"levels": _levels_given(answers, school_year), "without_ranges": sorted(answers.without_ranges)},
    )  # fmt: skip
    layout = parse_layout(key, text)
    open_questions = tuple(_without_scores(layout))
    return Proposal(
        key, found, chosen, open_questions, "" if open_questions else text, None if open_questions else layout
    )


def _levels_given(answers: Answers, school_year: int) -> dict[str, dict[str, str]]:
    """Names that differ from those known here; the others stay with the product."""
    return {
        code: dict(names)
        for code, names in answers.levels.items()
        if names and dict(names) != dict(level_names(code, school_year))
    }


def _chosen(found: Comparison, answers: Answers) -> tuple[dict[str, str], list[Question]]:
    """Field -> column of the file, and what is not clear about it."""
    header = found.look.header
    own = {normalise_header(name): name for name in header}
    named = {normalise_header(name) for name in answers.columns.values()}
    chosen: dict[str, str] = {}
    questions: list[Question] = []
    for name, column in found.like.fields.items():
        suggested = found.rename_of(column)
        if name in answers.columns:
            given = answers.columns[name]
            chosen[name] = own.get(normalise_header(given), "")
            questions += _wrong_answer(column, given, chosen[name])
        elif column.position in found.places:
            chosen[name] = header[found.places[column.position]]
        elif name in AS_TESTED and (suggested is None or suggested.score < CERTAIN) and not answers.accepts:
            continue  # results by student group do without it: nothing that anybody has to be asked for
        elif suggested is None or normalise_header(suggested.name) in named:  # or somebody has said what that column is
            if not answers.accepts or name in ESSENTIAL:
                questions.append(
                    Question(f"Column {_said(column)} is not in the file: which column holds it, if any?", name)
                )
        elif answers.accepts or suggested.score == CERTAIN:
            chosen[name] = suggested.name
        else:
            offer = f"is it “{suggested.name}” now (alike by {suggested.score} of 100)?"
            questions.append(Question(f"Column {_said(column)} is not in the file: {offer}", name, suggested.name))
    chosen = {name: column for name, column in chosen.items() if column}
    return chosen, questions + _read_twice(found, chosen)


def _wrong_answer(column: Column, given: str, found: str) -> list[Question]:
    if given and not found:
        return [Question(f"The file has no column {given} (given for {column.label}).", column.field or "")]
    if not given and column.field in ESSENTIAL:
        text = f"No line can be read without {column.label}: say which column holds it."
        return [Question(text, column.field or "")]
    return []


def _said(column: Column) -> str:
    label = column.label if column.label != column.name else (column.field or "").replace("_", " ")
    return f"{column.name} ({label})"


def _read_twice(found: Comparison, chosen: Mapping[str, str]) -> list[Question]:
    seen: dict[str, str] = {}
    questions = []
    for name, column in chosen.items():
        if column in seen:
            one, other = (found.like.fields[key].label for key in (seen[column], name))
            questions.append(Question(f"“{column}” cannot be {one} and {other}: choose one of them.", name))
        seen[column] = name
    return questions


def _unfit(found: Comparison, chosen: Mapping[str, str], answers: Answers, uses: Uses) -> list[Question]:
    """Columns whose first values are of another kind than before, unless somebody has named the column."""
    at = {name: place for place, name in enumerate(found.look.header)}
    questions = []
    for name, column in chosen.items():
        old, counts = found.like.fields[name], found.look.facts[at[column]]
        if name not in answers.columns and not uses.fits(old, counts):
            needed, filled = uses.needed(old), counts.filled
            text = f"“{column}” ({old.label}): the first {filled} records with a value mostly hold no {needed}. Is it the column?"
            questions.append(Question(text, name, column))
    return questions


def _of_another_year(found: Comparison, chosen: Mapping[str, str], school_year: int) -> list[Question]:
    """Test dates of the first records that mostly lie in another school year: the year given is not that of the file."""
    at = {name: place for place, name in enumerate(found.look.header)}
    for name in _DATES:
        years = found.look.facts[at[chosen[name]]].years if name in chosen else None
        if years:
            most = int(max(years, key=lambda year: years[year]))
            if most != school_year:
                text = f"The test dates of the first records mostly lie in {year_label(most)}, not in {year_label(school_year)}."
                return [Question(f"{text} Give the school year of the file.")]
            return []
    return []


def _without_scores(layout: Layout) -> list[Question]:
    if tests_of(layout):
        return []
    names = ", ".join(test["name"] for test in structure()["tests"].values() if test["family"] == family_of(layout.key))
    return [Question(f"No column of scores was found: nothing of {names} could be imported.")]
