"""A mapping in progress: what is suggested for a file, what a user answered, what is still wrong, and the first lines
as they would be read. Shared by the page, the command and the API."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import IO, Final

from sisimport.files.dates import parse_date
from sisimport.files.issues import FileError, Problem
from sisimport.files.layouts import DATE_FORMATS, ColumnKind, normalise_header
from sisimport.files.reader import Reader
from sisimport.roster.mapping import translating
from sisimport.roster.mapping.content import CODE_FIELDS, TRANSLATED_FIELDS, Content, Flaw, flaws
from sisimport.roster.mapping.layouts import layout_of, roster_layout
from sisimport.roster.mapping.looking import (
    MOST_DIFFERENT,
    MOST_SCHOOLS,
    Look,
    different_values,
    numbers_by,
    recognised,
)
from sisimport.roster.mapping.ready_mappings import Ready, column_in, ready_for
from sisimport.roster.mapping.suggesting import Score, suggest
from sisimport.roster.mapping.translating import Unread
from students.models import LEA, School, Student

PREVIEW_RECORDS: Final = 5


@dataclass(frozen=True, slots=True)
class Answers:
    """A user's answers. `columns`: field -> position of its column (from 0); `values`: field -> value of the file ->
    value of the roster, blank for one that means nothing, missing for one that stays as it is. `twice`: fields chosen
    for several columns."""

    name: str
    lea: str
    columns: Mapping[str, int]
    constants: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    twice: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Records:
    """The records that the user may see, from which suggestions are made."""

    schools: Sequence[School]
    leas: Sequence[LEA]

    def students_with(self, numbers: Collection[str]) -> int:
        """How many of these local numbers are on record."""
        ids = [school.pk for school in self.schools]
        return Student.objects.filter(local_number__in=list(numbers), school_id__in=ids).count() if ids else 0


@dataclass(frozen=True, slots=True)
class PreviewLine:
    """A record as it would be read: its line, a value for each field in the order of `Proposal.fields`, and what is wrong."""

    line: int
    values: tuple[str, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Proposal:
    """`scores`: position of a column -> how sure its field is, if it was suggested. `unread`: field -> values that the
    roster does not know; `unasked`: the fields whose values no one has seen yet. `refused`: why the first lines cannot
    be shown as they would be read."""

    look: Look
    content: Content
    places: Mapping[str, int]
    scores: Mapping[int, Score]
    unread: Mapping[str, list[Unread]]
    flaws: list[Flaw]
    fields: tuple[str, ...]
    preview: list[PreviewLine]
    refused: str = ""
    unasked: tuple[str, ...] = ()
    ready: Ready | None = None


def propose(
    stream: IO[bytes],
    look: Look,
    records: Records,
    *,
    answers: Answers | None = None,
    base: Content | None = None,
    name: str = "",
) -> Proposal:
    """`base`: a mapping to start from. `name`: its name unless the answers or a ready mapping give one."""
    suggested = _suggested(look, records, base)
    places = dict(answers.columns) if answers else dict(suggested.places)
    constants = dict(answers.constants) if answers else _constants(places, records, base)
    given = answers.values if answers else base.values if base else {}
    unread, nothing_read = _unread(stream, look, places, records, suggested.ready)
    values = _values(unread, given, places, answered=answers is not None)
    lea = answers.lea if answers else base.lea if base else ""
    content = Content(
        name=answers.name if answers else base.name if base else suggested.ready.title if suggested.ready else name,
        lea=(lea or constants.get("lea", "") or (records.leas[0].code if len(records.leas) == 1 else "")).strip(),
        delimiter=look.delimiter,
        header=look.header,
        columns={key: look.header[place] for key, place in places.items()},
        constants={key: value.strip() for key, value in constants.items() if value.strip()},
        values=values,
        dates=_date_forms(look, places),
    )
    wrong = [*_chosen_twice(answers), *flaws(content, roster_layout()), *_code_flaws(content, unread, nothing_read)]
    fields, preview, refused = _preview(stream, content, wrong)
    scores = {place: suggested.scores[key, place] for key, place in places.items() if (key, place) in suggested.scores}
    unasked = tuple(key for key in unread if answers is not None and key not in answers.values)
    return Proposal(look, content, places, scores, unread, wrong, fields, preview, refused, unasked, suggested.ready)


# ---- what is suggested ----


@dataclass(frozen=True, slots=True)
class _Suggested:
    places: Mapping[str, int]
    scores: Mapping[tuple[str, int], Score]
    ready: Ready | None


def _suggested(look: Look, records: Records, base: Content | None) -> _Suggested:
    ready = ready_for(look.header)
    certain = base.columns if base is not None else ready.columns if ready is not None else {}
    certain_places = {
        key: look.header.index(column)
        for key, name in certain.items()
        if (column := column_in(look.header, name)) is not None and column not in look.twice
    }
    twice = {normalise_header(name) for name in look.twice}
    header = ["" if normalise_header(name) in twice else name for name in look.header]
    found = suggest(header, look.values, roster_layout(), on_record=records.students_with, certain=certain_places)
    if base is not None:
        found = [one for one in found if one.field in certain_places or not _is_answered(base, one.field)]
    return _Suggested(
        {one.field: one.place for one in found}, {(one.field, one.place): one.score for one in found}, ready
    )


def _is_answered(base: Content, key: str) -> bool:
    """Has a user seen the field and left it out, or given its value?"""
    return key in base.constants or key not in base.columns


def _constants(places: Mapping[str, int], records: Records, base: Content | None) -> dict[str, str]:
    found = {key: value for key, value in (base.constants if base else {}).items() if key not in places}
    if "lea" not in places and len(records.leas) == 1:
        found.setdefault("lea", records.leas[0].code)
    if "school" not in places and len(records.schools) == 1:
        found.setdefault("school", records.schools[0].code)
    return found


def _date_forms(look: Look, places: Mapping[str, int]) -> tuple[str, ...]:
    """The date formats that fit most of the first values in the file's date columns."""
    roster, forms = roster_layout(), []
    for key, place in places.items():
        if key in roster.fields and roster.fields[key].kind is ColumnKind.DATE:
            read = [one.form for text in look.values(place) if (one := parse_date(text)) is not None]
            forms += [form for form in dict.fromkeys(read) if read.count(form) * 2 > len(read)]
    usual = roster.date_formats
    return tuple(
        form for form in dict.fromkeys(forms) if form in DATE_FORMATS and form not in usual and "D/M" not in form
    )


# ---- values ----


def _unread(
    stream: IO[bytes], look: Look, places: Mapping[str, int], records: Records, ready: Ready | None
) -> tuple[dict[str, list[Unread]], set[str]]:
    """Values by field that the roster does not know, and the fields for which it knows none of the file's values."""
    roster = roster_layout()
    system = ready.key if ready else ""
    coded = {key: place for key, place in places.items() if key in TRANSLATED_FIELDS}
    most = {place: MOST_SCHOOLS if key == "school" else MOST_DIFFERENT for key, place in coded.items()}
    counts = different_values(stream, look, most) if coded else {}
    found, nothing_read = {}, set()
    for key, place in coded.items():
        unread = translating.unread_values(key, counts.get(place, {}), roster, system=system)
        if not unread:
            continue
        if len(unread) == len(counts.get(place, {})):
            nothing_read.add(key)
        numbers = numbers_by(stream, look, place, places["local_number"]) if _needs(key, places) else {}
        found[key] = translating.suggested(
            key, unread, roster, schools=records.schools, leas=records.leas, pupils=numbers, system=system
        )
    return found, nothing_read


def _needs(key: str, places: Mapping[str, int]) -> bool:
    return key == "school" and "local_number" in places


def _values(
    unread: Mapping[str, list[Unread]],
    given: Mapping[str, Mapping[str, str]],
    places: Mapping[str, int],
    *,
    answered: bool,
) -> dict[str, dict[str, str]]:
    """The answers as given and, for values no one was asked about, the suggestions."""
    found: dict[str, dict[str, str]] = {key: dict(texts) for key, texts in given.items() if key in places}
    for key, values in unread.items():
        texts = found.setdefault(key, {})
        answered_texts = {text.casefold() for text in texts}
        is_answered = answered and key in given
        for one in values:
            if one.becomes and not is_answered and one.text.casefold() not in answered_texts:
                texts[one.text] = one.becomes
    return {key: texts for key, texts in found.items() if texts}


def _code_flaws(content: Content, unread: Mapping[str, list[Unread]], nothing_read: Collection[str]) -> list[Flaw]:
    """Flaws for districts or schools if no one has identified any of them: then no line could be read."""
    found = []
    for key in CODE_FIELDS:
        if key in nothing_read and not content.values.get(key):
            label = roster_layout().fields[key].label
            first = ", ".join(one.text[:30] for one in unread[key][:5])
            found.append(Flaw(key, f"Enter the seven-digit code of the {label} that each of these is: {first}."))
    return found


def _chosen_twice(answers: Answers | None) -> list[Flaw]:
    label = {key: column.label for key, column in roster_layout().fields.items()}
    some = answers.twice if answers else ()
    return [Flaw(key, f"{label[key]} is chosen for two columns. Choose the one that has it.") for key in some]


# ---- as they would be read ----


def _preview(
    stream: IO[bytes], content: Content, wrong: Sequence[Flaw]
) -> tuple[tuple[str, ...], list[PreviewLine], str]:
    """The first records, read through the layout that runs would use; whatever is still missing is left out."""
    roster = roster_layout()
    bad = {flaw.about for flaw in wrong}
    # A school or district that no one has identified yet still has its column.
    shown_fields = [key for key in roster.fields if key not in bad or (key in CODE_FIELDS and key in content.columns)]
    usable = replace(
        content,
        columns={key: name for key, name in content.columns.items() if key in shown_fields},
        constants={key: value for key, value in content.constants.items() if key in shown_fields},
        values={key: texts for key, texts in content.values.items() if key in shown_fields},
    )
    if not usable.columns:
        return (), [], ""
    layout = layout_of(usable, 0)
    fields = tuple(key for key in roster.fields if key in layout.fields)
    # Fields without a column yet do not keep the others from being shown.
    shown = replace(layout, fields={key: layout.fields[key] for key in fields})
    try:
        reader = Reader(stream, recognised(stream, shown), fields)
        block = next(reader.blocks(), None)
    except FileError as error:
        return fields, [], f"{error} {error.fix}".strip()
    lines = []
    for number, row, problems in islice(block or [], PREVIEW_RECORDS):
        lines.append(PreviewLine(number, tuple(value or "" for value in row), problems))
    return fields, lines, ""
