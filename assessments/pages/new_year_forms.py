"""Forms for adding a year: the file, and what only a person can say about it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django import forms

from assessments.new_year import services
from assessments.new_year.kinds import kind_of
from assessments.new_year.proposing import Answers, Proposal, Question
from assessments.structure import LayoutTest
from sisimport.files.layouts import Column, normalise_header
from students.school_years import NotASchoolYearError, read_school_year, year_label

_LONGEST_NAME = 80


class LookForm(forms.Form):
    """A file of the new year, or only its header line."""

    file = forms.FileField(
        label="File",
        help_text="A file of the new year, its zip, a small workbook, or its first line only. No records from it are kept.",
        allow_empty_file=True,
    )
    school_year = forms.CharField(
        label="School year", max_length=9, help_text="Of the scores or results, such as 2025-26."
    )
    like = forms.ChoiceField(
        label="Compare with",
        required=False,
        help_text="The layout that the file is like. If none is chosen, the newest one for the same kind of file.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        layouts = services.known_layouts()
        years = {key: kind_of(key).school_year(key) for key in layouts}
        newest = sorted(layouts.values(), key=lambda layout: (-years[layout.key], layout.title))
        like = self.fields["like"]
        assert isinstance(like, forms.ChoiceField)  # noqa: S101 - as declared above
        like.choices = [("", "The newest that fits"), *((layout.key, layout.title) for layout in newest)]
        released = [key for key in layouts if key not in services.added_keys()]
        self.fields["school_year"].initial = year_label(max(years[key] for key in released) + 1)
        self.fields["school_year"].widget.attrs |= {"autocomplete": "off", "size": 9}

    def clean_school_year(self) -> int:
        try:
            return read_school_year(self.cleaned_data["school_year"])
        except NotASchoolYearError as error:
            raise forms.ValidationError(str(error)) from error


@dataclass(frozen=True, slots=True)
class LevelSet:
    """Levels that one or more parts of a test share: `codes` of test or parts, and names by code, best first."""

    key: str
    title: str
    codes: tuple[str, ...]
    names: dict[str, str]
    whole: bool

    @property
    def said(self) -> str:
        return ", ".join(name for _code, name in _asked(self.names))


def level_sets(tests: tuple[LayoutTest, ...]) -> list[LevelSet]:
    """The levels of each test, and those of its parts if they differ; values that mean "no score" are left out."""
    found = []
    for test in tests:
        groups: dict[tuple[tuple[str, str], ...], list[str]] = {}
        for part in test.children:
            if part.results:
                groups.setdefault(tuple(part.results.items()), []).append(part.code)
        if test.parent.results:
            found.append(LevelSet(test.code, test.edition.label, (test.code,), dict(test.parent.results), whole=True))
        for number, (names, codes) in enumerate(groups.items(), 1):
            title = ", ".join(part.name for part in test.children if part.code in codes)
            found.append(LevelSet(f"{test.code}-parts{number}", title, tuple(codes), dict(names), whole=False))
    return found


def _asked(names: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Codes and names of levels, except values that mean "no score" and names that files spell out."""
    return ((code, name) for code, name in names.items() if code.isdigit() and name not in {"No score", "Exempt"})


class AnswerForm(forms.Form):
    """The open questions of the comparison, with the suggested answers filled in, and level names with those of last
    year."""

    def __init__(self, *args: Any, proposal: Proposal, tests: tuple[LayoutTest, ...], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.questions = [question for question in proposal.questions if question.field]
        self.sets = level_sets(tests)
        self.ranged = [test for test in tests if test.ranges]
        header = proposal.comparison.look.header
        for question in self.questions:
            column = proposal.comparison.like.fields[question.field]
            needed = question.field in kind_of(proposal.key).essential(proposal.comparison.like)
            self.fields[f"column-{question.field}"] = _column_field(column, question, header, needed=needed)
        for one in self.sets:
            for code, name in _asked(one.names):
                label = f"Level {code}" if one.whole else f"Level {code} of parts"
                self.fields[f"level-{one.key}-{code}"] = forms.CharField(
                    label=label, initial=name, max_length=_LONGEST_NAME, required=False
                )
        for test in self.ranged:
            self.fields[f"ranges-{test.code}"] = forms.BooleanField(
                label="The score ranges published so far still apply", required=False, initial=True
            )

    def columns(self) -> list[forms.BoundField]:
        return [self[f"column-{question.field}"] for question in self.questions]

    def tests(self) -> list[tuple[LevelSet, list[forms.BoundField], forms.BoundField | None]]:
        """Levels to be named, set by set; for a test itself, also whether its ranges still apply."""
        ranged = {test.code for test in self.ranged}
        return [
            (
                one,
                [self[f"level-{one.key}-{code}"] for code, _name in _asked(one.names)],
                self[f"ranges-{one.key}"] if one.key in ranged else None,
            )
            for one in self.sets
            if any(_asked(one.names))
        ]

    def answers(self) -> Answers:
        data = self.cleaned_data
        levels: dict[str, dict[str, str]] = {}
        for one in self.sets:
            given = {code: data[f"level-{one.key}-{code}"].strip() or name for code, name in _asked(one.names)}
            if one.names | given != one.names:
                levels |= dict.fromkeys(one.codes, one.names | given)
        return Answers(
            columns={question.field: data[f"column-{question.field}"] for question in self.questions},
            levels=levels,
            without_ranges=tuple(test.code for test in self.ranged if not data[f"ranges-{test.code}"]),
        )


def _column_field(column: Column, question: Question, header: tuple[str, ...], *, needed: bool) -> forms.ChoiceField:
    names = [(name, name) for name in header if normalise_header(name) not in {"", "blank"}]
    nothing = "Choose a column" if needed else "Not in this file"
    return forms.ChoiceField(
        label=column.label if column.label != column.name else str(column.field).replace("_", " ").capitalize(),
        choices=[("", nothing), *names],
        initial=question.suggestion,
        required=needed,
        help_text=question.text,
    )
