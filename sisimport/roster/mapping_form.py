"""The form fields of the page on which columns are named: reading the submitted ones, and preparing them for the
template.

c<place>               field that the column at this place holds
k-<field>              value that all lines have
o-<field>-<n>, v-…     a value of the file, and what it stands for; "(blank)": it says nothing
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.http import QueryDict

from sisimport.roster.mapping import translating
from sisimport.roster.mapping.content import CONSTANT_FIELDS, TRANSLATED_FIELDS
from sisimport.roster.mapping.layouts import roster_layout
from sisimport.roster.mapping.looking import MOST_SCHOOLS, Look
from sisimport.roster.mapping.proposing import Answers, Proposal, Records
from sisimport.roster.mapping.translating import Unread
from sisimport.web.queries.conversion import masked

PREVIEW: Final = "preview"  # the button that saves nothing
BLANK: Final = "(blank)"
_SAMPLES: Final = 3
_LONGEST: Final = 40
_FEW: Final = 12  # unread columns shown right away
_USUAL_CONSTANTS: Final = ("lea", "school")


def answers_in(sent: QueryDict, look: Look) -> Answers:
    """The user's answers. Anything that is not a field, a position or a value is left out."""
    columns: dict[str, int] = {}
    twice: dict[str, int] = {}
    for place in range(len(look.header)):
        key = sent.get(f"c{place}", "")
        if key in roster_layout().fields:
            (twice if key in columns else columns)[key] = place
    constants = {key: value for key in CONSTANT_FIELDS if (value := _clean(sent.get(f"k-{key}", "")))}
    values: dict[str, dict[str, str]] = {}
    for key in TRANSLATED_FIELDS:
        for number in range(MOST_SCHOOLS):
            text = _clean(sent.get(f"o-{key}-{number}", ""))
            if not text:
                break
            texts = values.setdefault(key, {})
            becomes = _clean(sent.get(f"v-{key}-{number}", ""))
            if becomes:
                texts[text] = "" if becomes.casefold() == BLANK else becomes
    return Answers(
        name=_clean(sent.get("name", "")),
        lea=_clean(sent.get("lea", "")),
        columns=columns,
        constants=constants,
        values=values,
        twice=tuple(twice),
    )


def _clean(text: str) -> str:
    return text.replace("\x00", "").strip()


@dataclass(frozen=True, slots=True)
class ShownColumn:
    """A row of the page. `chosen`: key of its field, or blank. `twice`: its name appears more than once."""

    place: int
    name: str
    samples: list[str]
    chosen: str
    score: str
    twice: bool


@dataclass(frozen=True, slots=True)
class ShownValue:
    number: int
    unread: Unread
    becomes: str


def shown(made: Proposal, records: Records) -> dict[str, Any]:
    """What the template shows."""
    look, roster = made.look, roster_layout()
    field_at = {place: key for key, place in made.places.items()}
    columns = [_column(look, place, field_at.get(place, ""), made) for place, name in enumerate(look.header) if name]
    read = [column for column in columns if column.chosen]
    unread = [column for column in columns if not column.chosen]
    return {
        "read": read,
        "unread": unread,
        "unread_open": len(unread) <= _FEW,
        "targets": [(key, column.label, column.required) for key, column in roster.fields.items()],
        "usual_constants": [_constant(key, made, records) for key in _USUAL_CONSTANTS],
        "other_constants": [_constant(key, made, records) for key in CONSTANT_FIELDS if key not in _USUAL_CONSTANTS],
        "values": [_values(key, unread_values, made, records) for key, unread_values in made.unread.items()],
        "preview_fields": [roster.fields[key].label for key in made.fields],
        "preview": [
            (
                line.line,
                [masked(value)[:_LONGEST] for value in line.values],
                [masked(str(one)) for one in line.problems],
            )
            for line in made.preview
        ],
        "header_lines": range(1, made.look.lines_looked_at + 1),
        "blank": BLANK,
    }


def _column(look: Look, place: int, chosen: str, made: Proposal) -> ShownColumn:
    samples = [masked(text)[:_LONGEST] for text in list(dict.fromkeys(look.values(place)))[:_SAMPLES]]
    score = str(made.scores.get(place, "")) if chosen else ""
    return ShownColumn(place, look.header[place], samples, chosen, score, look.header[place] in look.twice)


def _constant(key: str, made: Proposal, records: Records) -> dict[str, Any]:
    column = roster_layout().fields[key]
    return {
        "key": key,
        "label": column.label,
        "value": made.content.constants.get(key, ""),
        "choices": translating.choices(key, roster_layout(), records.schools, records.leas),
        "has_column": key in made.places,
        "hint": "A date, as 2026-08-12." if key == "enrollment_start" else "",
    }


def _values(key: str, unread: Sequence[Unread], made: Proposal, records: Records) -> dict[str, Any]:
    meanings = {text.casefold(): value for text, value in made.content.values.get(key, {}).items()}
    rows = []
    for number, one in enumerate(unread):
        value = meanings.get(one.text.casefold())
        rows.append(ShownValue(number, one, BLANK if value == "" else value or ""))
    return {
        "key": key,
        "label": roster_layout().fields[key].label,
        "column": made.content.columns.get(key, ""),
        "rows": rows,
        "choices": translating.choices(key, roster_layout(), records.schools, records.leas),
        "unasked": key in made.unasked,
    }
