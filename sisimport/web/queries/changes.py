"""Changes as pages show them: what, which field, before and after, in words; SSIDs masked."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef
from django.utils import timezone

from sisimport.imports.definition.change_kinds import ChangeKind, get_kind
from sisimport.imports.models import ImportChange, ImportRun, RunStatus, SetAside, SetAsideReason
from sisimport.imports.runs.report import Labels, flat_change, local_numbers
from sisimport.web.moments import local_day
from sisimport.web.queries.report import Reader, students_by_id
from sisimport.web.ssid_masking import MASKED, Masking
from students.code_words import word_for
from students.models import LEA, School, Student


@dataclass(frozen=True, slots=True)
class FieldChange:
    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class ShownChange:
    """One change of a plan. `student`: set if the reader may open the page; `aside`: why it was not written."""

    line: int
    what: str
    operation: str
    local_number: str
    student: Student | None
    name: str  # of the student, including one that the plan makes
    fields: tuple[FieldChange, ...]
    aside: str
    put_back: bool  # undone by a later Revert


def shown_changes(run: ImportRun, reader: Reader, changes: list[ImportChange], masking: Masking) -> list[ShownChange]:
    """Changes ready for a template, with a bounded number of queries."""
    if not changes:
        return []
    names = Names.of(changes)
    students = students_by_id(reader, [change.student_id for change in changes])
    numbers = local_numbers(changes)
    people = _planned_names(changes) | {pk: student.full_name for pk, student in students.items()}
    aside = _set_aside(run, changes)
    undone = _put_back(run, changes)
    labels = Labels([run.plan_run_id])
    return [
        ShownChange(
            line=change.line,
            what=get_kind(change.kind).label,
            operation=operation_of(change),
            local_number=numbers.get(change.student_id or 0, ""),
            student=students.get(change.student_id or 0),
            name=people.get(change.student_id or 0, ""),
            fields=tuple(field_changes(change, names, labels, masking)),
            aside=aside.get((change.line, change.seq), ""),
            put_back=(change.line, change.seq) in undone,
        )
        for change in changes
    ]


def _planned_names(changes: list[ImportChange]) -> dict[int, str]:
    """Names of students that the plan makes, in the form of those on record."""
    ids = {change.student_id for change in changes if change.student_id}
    made = ImportChange.objects.filter(
        run_id=changes[0].run_id, kind="student", student_id__in=ids, before__isnull=True
    )
    return {change.student_id or 0: _name_in(change.after or {}) for change in made}


def _name_in(values: dict[str, Any]) -> str:
    first = " ".join(filter(None, [values.get("first_name"), values.get("middle_name")]))
    return ", ".join(filter(None, [values.get("last_name"), first]))


def operation_of(change: ImportChange) -> str:
    if change.before is None:
        return "new"
    return "removed" if change.after is None else "changed"


def _put_back(run: ImportRun, changes: list[ImportChange]) -> set[tuple[int, int]]:
    """Keys of the changes that Reverts of the run undid."""
    if not run.reverted:
        return set()
    kept = SetAside.objects.filter(run_id=OuterRef("run_id"), line=OuterRef("line"), seq=OuterRef("seq"))
    inverse = ImportChange.objects.filter(
        ~Exists(kept.exclude(reason=SetAsideReason.DONE)),
        run_id__in=run.reverted_by.filter(status=RunStatus.COMPLETED).values("pk"),
        line__in={change.line for change in changes},
    )
    return set(inverse.values_list("line", "seq"))


def _set_aside(run: ImportRun, changes: list[ImportChange]) -> dict[tuple[int, int], str]:
    if not run.writes:
        return {}
    lines = {change.line for change in changes}
    rows = SetAside.objects.filter(run=run, line__gte=min(lines), line__lte=max(lines))
    return {(row.line, row.seq): SetAsideReason(row.reason).label for row in rows}


@dataclass(frozen=True, slots=True)
class Names:
    """Names of the schools, LEAs and parents that changes point to."""

    schools: dict[int, str]
    leas: dict[int, str]
    parents: dict[int, str]

    @classmethod
    def of(cls, changes: Iterable[ImportChange]) -> "Names":
        held = [values for change in changes for values in (change.before, change.after) if isinstance(values, dict)]
        schools = {values["school_id"] for values in held if values.get("school_id")}
        leas = {values["lea_id"] for values in held if values.get("lea_id")}
        return cls(
            {s.pk: s.name or s.code for s in School.objects.filter(pk__in=schools)} if schools else {},
            {lea.pk: lea.name or lea.code for lea in LEA.objects.filter(pk__in=leas)} if leas else {},
            _parents(changes),
        )


def _parents(changes: Iterable[ImportChange]) -> dict[int, str]:
    """Names of records that have parts, including records that the same plan makes."""
    found: dict[int, str] = {}
    wanted: dict[str, dict[int, int]] = {}  # kind -> parent -> run whose plan may make it
    for change in changes:
        parent = (change.after or change.before or {}).get("parent_id")
        if parent:
            wanted.setdefault(change.kind, {})[parent] = change.run_id
    for key, parents in wanted.items():
        kind = get_kind(key)
        planned = ImportChange.objects.filter(run_id__in=set(parents.values()), kind=key, object_id__in=parents)
        if kind.of_file:
            planned = planned.filter(line=0)
        names = {change.object_id: (change.after or change.before or {}).get("name") for change in planned}
        there = kind.model._default_manager.in_bulk(list(parents))
        for parent in parents:
            found[parent] = str(getattr(there.get(parent), "name", None) or names.get(parent) or parent)
    return found


def field_changes(
    change: ImportChange, names: Names | None = None, labels: Labels | None = None, masking: Masking = MASKED
) -> list[FieldChange]:
    """The fields of one change in words."""
    kind = get_kind(change.kind)
    names = names or Names.of([change])
    return [
        FieldChange(
            label=field_label(kind, row["field"]),
            before=_text(row["field"], row["before"], names, masking),
            after=_text(row["field"], row["after"], names, masking),
        )
        for row in flat_change(change, "", labels)
    ]


def field_label(kind: ChangeKind, field: str) -> str:
    """The model's own name of a field: `Identified date`; SSID and LEA keep their capitals. A writer's field names its object
    first: `SBELA: scale score`."""
    about, _, field = field.rpartition(" ") if kind.writer is not None else ("", "", field)
    name = kind.name_of(field)
    return f"{about}: {name}" if about else name[:1].upper() + name[1:]


def _item(value: Any) -> str:
    """One item of a list: `4 Standard Exceeded (passing)`."""
    if not isinstance(value, dict):
        return str(value)
    words = dict.fromkeys(str(held) for held in value.values() if not isinstance(held, bool))
    flags = [name for name, held in value.items() if held is True]
    return " ".join(words) + (f" ({', '.join(flags)})" if flags else "")


def _text(field: str, value: Any, names: Names, masking: Masking) -> str:
    if value in (None, ""):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(_item(one) for one in value)
    names_of_keys = {"school_id": names.schools, "lea_id": names.leas, "parent_id": names.parents}.get(field)
    if names_of_keys is not None:
        return names_of_keys.get(int(value), str(value))
    if field == "retired_at":
        return _local_day(str(value)) if str(value)[:4].isdecimal() else "now"
    return _with_word(field, str(masking.value(field, str(value))))


_WORDS = {
    "home_language": "language",
    "state_language": "language",
    "ethnicity": "ethnicity",
    "birth_country": "country",
    "birth_state": "state",
    "state_elas": "elas",
}


def _with_word(field: str, code: str) -> str:
    """`Panjabi (pan)`: the word for the reader, the code to compare with the file."""
    word = word_for(_WORDS[field], code) if field in _WORDS else code
    return word if word == code else f"{word} ({code})"


def _local_day(moment: str) -> str:
    """The local day of a timestamp in the district, as ISO: in the evening UTC is a day ahead."""
    parsed = dt.datetime.fromisoformat(moment)
    return local_day(parsed if timezone.is_aware(parsed) else timezone.make_aware(parsed, dt.UTC)).isoformat()
