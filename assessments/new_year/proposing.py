"""The proposed new layout, given the answers so far, and the questions to answer before it can be written."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from assessments.new_year.checking import problems
from assessments.new_year.comparing import CERTAIN, Comparison, Uses, compare
from assessments.new_year.kinds import Kind, kind_of
from assessments.new_year.looking import Look
from assessments.new_year.writing import layout_text
from assessments.structure import LayoutTest, family_of, level_names, structure
from sisimport.files.layouts import Column, Layout, normalise_header, parse_layout
from students.school_years import year_label


@dataclass(frozen=True, slots=True)
class Answers:
    """A user's answers. `columns`: field -> the column it is read from, blank if the file has none. `levels`: test or
    part -> code -> name. `accepts`: suggested columns are accepted, and fields without one are not in the file, except
    those that a score is made from."""

    columns: Mapping[str, str] = field(default_factory=dict)
    levels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    without_ranges: tuple[str, ...] = ()
    accepts: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """A question only a person can answer. `field` of the layout, or blank; `suggestion` is the column offered for it.
    `named`: answered by names of levels, or about score ranges."""

    text: str
    field: str = ""
    suggestion: str = ""
    named: bool = False


@dataclass(frozen=True, slots=True)
class Proposal:
    """`chosen`: field -> column of the file. `layout` is set if no question is open."""

    key: str
    comparison: Comparison
    chosen: Mapping[str, str]
    questions: tuple[Question, ...]
    text: str
    layout: Layout | None

    @property
    def tests(self) -> tuple[LayoutTest, ...]:
        return kind_of(self.key).tests_of(self.layout) if self.layout else ()

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


def propose(*, look: Look, like: Layout, family: Iterable[Layout], key: str, name: str, answers: Answers) -> Proposal:
    """Compare, apply the answers, and write the layout if nothing is open. `key`: of the new layout."""
    kind = kind_of(key)
    uses = kind.uses(like)
    found = compare(like, look, family, uses)
    school_year = kind.school_year(key)
    chosen, questions = _chosen(found, answers, kind)
    questions += _unfit(found, chosen, answers, uses)
    questions += _of_another_year(found, chosen, kind, school_year)
    if questions:
        return Proposal(key, found, chosen, tuple(questions), "", None)
    text = layout_text(
        like, look.header, chosen, title=kind.title(key), source=f"Header line of {name}", delimiter=look.delimiter,
        answers={"levels": _levels_given(answers, school_year), "without_ranges": sorted(answers.without_ranges)},
    )  # fmt: skip
    layout = parse_layout(key, text)
    open_questions = (
        *_without_scores(layout, kind),
        *(
            Question(text, named=True)
            for text in problems(
                look, chosen, layout, kind, levels=answers.levels, without_ranges=answers.without_ranges
            )
        ),
    )
    return Proposal(
        key, found, chosen, open_questions, "" if open_questions else text, None if open_questions else layout
    )


def _levels_given(answers: Answers, school_year: int) -> dict[str, dict[str, str]]:
    """Names that differ from those known here; all others are the product's."""
    return {
        code: dict(names)
        for code, names in answers.levels.items()
        if names and dict(names) != dict(level_names(code, school_year))
    }


def _chosen(found: Comparison, answers: Answers, kind: Kind) -> tuple[dict[str, str], list[Question]]:
    """Field -> column of the file, and the open questions about it."""
    header, essential = found.look.header, kind.essential(found.like)
    names = essential | kind.scores(found.like)
    own = {normalise_header(name): name for name in header}
    named = {normalise_header(name) for name in answers.columns.values()}
    chosen: dict[str, str] = {}
    questions: list[Question] = []
    for name, column in found.like.fields.items():
        suggested = found.rename_of(column)
        if name in answers.columns:
            given = answers.columns[name]
            chosen[name] = own.get(normalise_header(given), "")
            questions += _wrong_answer(column, given, chosen[name], is_essential=name in essential)
        elif column.position in found.places:
            chosen[name] = header[found.places[column.position]]
        elif name in kind.unasked and (suggested is None or suggested.score < CERTAIN) and not answers.accepts:
            continue  # only for results by student group, which can do without it: no question
        elif suggested is None or normalise_header(suggested.name) in named:  # or the user has said what that column is
            if not answers.accepts or name in names:
                questions.append(
                    Question(f"Column {_column_text(column)} is not in the file: which column has it, if any?", name)
                )
        elif answers.accepts or suggested.score == CERTAIN:
            chosen[name] = suggested.name
        else:
            offer = f"is it “{suggested.name}” now (similarity {suggested.score} of 100)?"
            questions.append(
                Question(f"Column {_column_text(column)} is not in the file: {offer}", name, suggested.name)
            )
    chosen = {name: column for name, column in chosen.items() if column}
    return chosen, questions + _read_twice(found, chosen)


def _wrong_answer(column: Column, given: str, found: str, *, is_essential: bool) -> list[Question]:
    if given and not found:
        return [Question(f"The file has no column {given} (given for {column.label}).", column.field or "")]
    if not given and is_essential:
        text = f"No line can be read without {column.label}: choose the column that has it."
        return [Question(text, column.field or "")]
    return []


def _column_text(column: Column) -> str:
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
    """Columns whose first values are of a different kind than before. Where the user has named the column too: no line could be
    read by it. Levels may have new names, which are compared when they are given (checking.py)."""
    at = {name: place for place, name in enumerate(found.look.header)}
    questions = []
    for name, column in chosen.items():
        old, counts = found.like.fields[name], found.look.facts[at[column]]
        if uses.fits(old, counts) or (name in answers.columns and name in uses.levels):
            continue
        text = f"“{column}” ({old.label}): most of the first {counts.filled} records with a value do not have {uses.needed(old)}."
        if name in answers.columns:
            questions.append(Question(f"{text} Choose another column, or answer that the file has none.", name))
        else:
            questions.append(Question(f"{text} Is it the right column?", name, column))
    return questions


def _of_another_year(found: Comparison, chosen: Mapping[str, str], kind: Kind, school_year: int) -> list[Question]:
    """A question if the first records are mostly of another school year: the given year is not that of the file."""
    at = {name: place for place, name in enumerate(found.look.header)}
    for name in kind.years:
        years = found.look.facts[at[chosen[name]]].years if name in chosen else None
        if years:
            most = int(max(years, key=lambda year: years[year]))
            if most != school_year:
                text = (
                    f"The {kind.years_said} of the first records are mostly in {year_label(most)},"
                    f" not in {year_label(school_year)}."
                )
                return [Question(f"{text} Give the school year of the file.")]
            return []
    return []


def _without_scores(layout: Layout, kind: Kind) -> list[Question]:
    if kind.tests is None or kind.tests(layout):
        return []
    names = ", ".join(test["name"] for test in structure()["tests"].values() if test["family"] == family_of(layout.key))
    return [Question(f"No column of scores was found: no scores of {names} could be imported.")]
