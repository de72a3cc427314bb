"""Kinds of change: which records a run may write, and how a change becomes a row in their table.

A kind is declared once per model; planning, applying, reverting and showing a change all work from the declaration.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from django.core.exceptions import FieldDoesNotExist
from django.db import models

from students.models import (
    LEA,
    SSID,
    ELRecord,
    Enrollment,
    Guardian,
    Origin,
    School,
    SSIDReplacement,
    StateEnrollment,
    Student,
)
from students.models.people import CODE_FIELDS, NAME_FIELDS

if TYPE_CHECKING:
    from sisimport.imports.models import ImportChange, ImportRun


class KindWriter(Protocol):
    """Writes changes that are not one row each: one change of a plan may cover many rows of a line.

    `operation` is create, update or remove; every method is a handful of set-based statements.
    """

    def set_aside(self, *, run: "ImportRun", plan_run_id: int, operation: str) -> None:
        """Insert into the set-aside table the changes that no longer hold, with the reason."""

    def write(self, *, run: "ImportRun", plan_run_id: int, operation: str, aside: bool) -> None:
        """Write the changes that are not set aside (`aside`: some are)."""

    def keys_sql(self, side: str, where: str) -> str:
        """SELECT of the keys of the rows in one side (before, after) of the changes `c` that `where` selects."""

    def overlap(self, one: str, other: str) -> str:
        """SQL condition: two sides of changes to one object (`c.before`, `n.after` …) contain values of the same rows."""

    def dependents(self, *, run: "ImportRun") -> str:
        """SQL condition on change `c`: rows of this kind that stay use the object it removes."""

    def link(self, plan_run_id: int, kind: "ChangeKind", linked: Mapping[int, int]) -> None:
        """Put the keys of objects of `kind` that now exist (planned -> actual) into the changes of a plan."""

    def labels(self, run_ids: Collection[int]) -> Mapping[int, Mapping[int, str]]:
        """By run: names of the objects that the changes of its plan are about, read once for many calls of `flatten`."""

    def flatten(self, change: "ImportChange", labels: Mapping[int, str]) -> Iterator[tuple[str, str, str]]:
        """(field, before, after) of everything a change sets."""


@dataclass(frozen=True, kw_only=True)
class ChangeKind:
    """How changes of one model are written.

    `rank` orders kinds: those that others point to come first (and are removed last). `fields` are the columns a change may hold;
    on creation, a column missing from the change gets its `defaults` value. `provenance` columns are filled from the
    run that applies (`run`, `line`, `now`). `student_column` names the column that holds the student, filled from the change.
    `writer`: compares and writes in place of the engine, for changes that are not one row each.
    `holds_student`: a student with such rows is not removed by a revert. `of_file`: its changes come from the file as a whole
    and are on line 0, where they are found without reading those of half a million lines.
    `same_as`: SQL condition that the row `t` is what the planned creation `c` would make; the plan then continues with that row.
    `replaces`: SQL condition that the planned update `c` replaces lasting values on record, as counted for a hold.
    `of_all`: such objects are not of one LEA, so runs that create them take turns.
    `at_once`: all operations of a plan are one statement, so that triggers on statements see only what comes of them.
    """

    key: str
    label: str
    model: type[models.Model]
    rank: int
    fields: tuple[str, ...]
    defaults: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, str] = field(default_factory=dict)
    student_column: str | None = "student_id"
    writer: KindWriter | None = None
    holds_student: bool = True
    of_file: bool = False
    same_as: str = ""
    replaces: str = ""
    of_all: bool = False
    at_once: bool = False

    @property
    def table(self) -> str:
        return self.model._meta.db_table

    @property
    def pk(self) -> str:
        return str(self.model._meta.pk.column)

    def name_of(self, field: str) -> str:
        """The model's own name of a field, in words: `identified date`."""
        try:
            return str(self.model._meta.get_field(field.removesuffix("_id")).verbose_name)  # type: ignore[union-attr]
        except FieldDoesNotExist:
            return field.replace("_", " ")


_kinds: dict[str, ChangeKind] = {}


def register_kind(kind: ChangeKind) -> ChangeKind:
    """Make a kind known. Raises ValueError if its key is taken."""
    if kind.key in _kinds:
        raise ValueError(f"change kind {kind.key!r} is registered twice")
    _kinds[kind.key] = kind
    return kind


def get_kind(key: str) -> ChangeKind:
    return _kinds[key]


def all_kinds() -> list[ChangeKind]:
    return sorted(_kinds.values(), key=lambda kind: kind.rank)


_STUDENT_TEXT = ("local_number", "grade", *NAME_FIELDS, *CODE_FIELDS)

LEA_KIND = register_kind(
    ChangeKind(
        key="lea",
        label="LEA",
        model=LEA,
        rank=10,
        fields=("code", "name", "state"),
        defaults={"name": "", "state": "CA"},
        student_column=None,
        same_as="t.code = c.after->>'code'",
        of_all=True,
    )
)
SCHOOL_KIND = register_kind(
    ChangeKind(
        key="school",
        label="School",
        model=School,
        rank=20,
        fields=("lea_id", "code", "name"),
        defaults={"name": ""},
        student_column=None,
        same_as="t.lea_id = (c.after->>'lea_id')::bigint AND t.code = c.after->>'code'",
    )
)
STUDENT_KIND = register_kind(
    ChangeKind(
        key="student",
        label="Student",
        model=Student,
        rank=30,
        fields=("lea_id", "school_id", "birth_date", *_STUDENT_TEXT),
        defaults=dict.fromkeys(_STUDENT_TEXT, ""),
        student_column=None,
        # By now, another student may be on record under the same number: that line is set aside.
        same_as="""t.lea_id = (c.after->>'lea_id')::bigint AND t.local_number = c.after->>'local_number'
          AND t.birth_date = (c.after->>'birth_date')::date
          AND t.match_last_name = coalesce(nullif(c.after->>'legal_last_name', ''), c.after->>'last_name')
          AND t.match_first_name = coalesce(nullif(c.after->>'legal_first_name', ''), c.after->>'first_name')""",
        replaces="""EXISTS (SELECT 1 FROM jsonb_each_text(c.before) AS e
          WHERE e.value <> '' AND e.key NOT IN ('lea_id', 'school_id', 'grade'))""",
    )
)
ENROLLMENT_KIND = register_kind(
    ChangeKind(
        key="enrollment",
        label="Enrollment",
        model=Enrollment,
        rank=40,
        fields=("school_id", "grade", "start_date", "exit_date", "exit_reason"),
        defaults={"grade": "", "exit_reason": ""},
    )
)
SSID_KIND = register_kind(
    ChangeKind(
        key="ssid",
        label="SSID",
        model=SSID,
        rank=50,
        fields=("ssid", "state", "origin", "verified", "retired_at"),
        defaults={"state": "CA", "origin": Origin.STATE_FILE.value, "verified": True},
        provenance={"origin_run": "run", "origin_line": "line", "created_at": "now"},
        replaces="jsonb_exists(c.before, 'ssid') OR c.after->>'retired_at' IS NOT NULL",
        # A student whose SSID is replaced is never without one, and does not enter the list of those who are.
        at_once=True,
    )
)
EL_KIND = register_kind(
    ChangeKind(
        key="el",
        label="EL record",
        model=ELRecord,
        rank=60,
        fields=(
            "program_status",
            "identified_date",
            "tbd_date",
            "exit_date",
            "state_elas",
            "state_elas_date",
            "state_language",
        ),
        defaults={"state_elas": "", "state_language": ""},
        replaces="coalesce(c.before->>'program_status', '') NOT IN ('', 'Pending')",
    )
)
GUARDIAN_KIND = register_kind(
    ChangeKind(
        key="guardian",
        label="Guardian",
        model=Guardian,
        rank=70,
        fields=("last_name", "first_name", "relationship"),
        defaults={"relationship": ""},
        same_as="""t.student_id = c.student_id AND t.last_name = c.after->>'last_name'
          AND t.first_name = c.after->>'first_name'""",
    )
)
_STATE_ENROLLMENT_TEXT = ("lea_code", "school_code", "grade", "status", "exit_reason")
STATE_ENROLLMENT_KIND = register_kind(
    ChangeKind(
        key="state_enrollment",
        label="Enrollment at the state",
        model=StateEnrollment,
        rank=65,
        fields=(*_STATE_ENROLLMENT_TEXT, "start_date", "exit_date"),
        defaults=dict.fromkeys(_STATE_ENROLLMENT_TEXT, ""),
    )
)
REPLACEMENT_KIND = register_kind(
    ChangeKind(
        key="replacement",
        label="SSID replacement",
        model=SSIDReplacement,
        rank=45,
        fields=("state", "retired_ssid", "replacement_ssid"),
        defaults={"state": "CA"},
        provenance={"origin_run": "run", "learned_at": "now"},
        student_column=None,
    )
)
