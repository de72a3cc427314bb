"""Rules over a staged row, and the changes planned where they hold."""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any

from django.db.models import F, Q
from django.db.models.expressions import Combinable, Expression

from sisimport.files.issues import Severity
from sisimport.imports.definition.change_kinds import ChangeKind

RECORD = "record"  # the part whose errors keep the whole record out

Condition = Q | Expression
Operand = Combinable | str | None


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule over a staged row joined to its student.

    code, severity: as in the reference for issue codes. `number` is the rule's number in the published rules (D-9, W-ELA-1 …).
    when: a Q or conditional expression over the row model. field: the layout field it is about.
    found, expected: expressions (or constants) whose text goes into the message; params: more of them.
    part: an error of part RECORD keeps the record out; of another part, only that part.
    needs_student: the rule is evaluated only for rows matched to a student this run may see.
    """

    code: str
    severity: Severity
    number: str
    when: Condition
    field: str = ""
    found: Operand = None
    expected: Operand = None
    params: Mapping[str, Operand] = dataclass_field(default_factory=dict)
    part: str = RECORD
    needs_student: bool = True
    hides_student: bool = False
    # Reports that file and record disagree on whose record it is: if a person accepted the match, it is only a notice.
    forgivable: bool = False


@dataclass(frozen=True, kw_only=True)
class PlannedCreate:
    """Create one object per row where `when` holds. `object_id`: NextId(Model), or the student for one-to-one records."""

    kind: ChangeKind
    part: str
    when: Condition
    object_id: Combinable
    values: Mapping[str, Any]
    student_id: Combinable = dataclass_field(default_factory=lambda: F("student__id"))


@dataclass(frozen=True, kw_only=True)
class PlannedUpdate:
    """Change fields of an existing object where `when` holds and something differs. fields: name -> (old, new)."""

    kind: ChangeKind
    part: str
    when: Condition
    object_id: Combinable
    fields: Mapping[str, tuple[Any, Any]]


PlannedChange = PlannedCreate | PlannedUpdate


@dataclass(frozen=True, kw_only=True)
class DuplicateCheck:
    """Lines of one file that share a key (rule D-11).

    The row model holds `<name>` (0 no, 1 a repeat with equal values, 2 values differ) and `<name>_line` (first line of the key).
    """

    name: str
    key: tuple[str, ...]
    compared: tuple[str, ...]
