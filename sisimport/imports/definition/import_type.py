"""What an import type declares. The engine reads these declarations and does all the work set-based."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import F, Q
from django.db.models.expressions import Combinable, Expression

from sisimport.files.issues import FileError, Severity
from sisimport.imports.kinds import ChangeKind
from sisimport.imports.models import Work

if TYPE_CHECKING:
    from sisimport.imports.engine.context import RunContext

RECORD = "record"  # the part whose errors keep the whole record out

Condition = Q | Expression
Operand = Combinable | str | None


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule over a staged row joined to its student.

    code, severity: as in the reference of issue codes. `number` is the rule's number in the published rules (D-9, W-ELA-1 …).
    when: a Q or conditional expression over the row model. field: the layout field it speaks of.
    found, expected: expressions (or constants) whose text goes into the message; params: further ones for it.
    part: an error of part RECORD keeps the record out; of another part, only that part.
    needs_student: the rule is asked only of rows that found a student this run may see.
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
    # Says that file and record differ about whose record it is: where a person accepted the match, it is only a notice.
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


@dataclass(frozen=True, kw_only=True)
class Choice:
    value: str
    label: str
    hint: str = ""


@dataclass(frozen=True, kw_only=True)
class Option:
    """An option of an import type, on its screen and as `--option NAME=VALUE`. Two choices "" and "1" make a checkbox.

    `picks_schools`: its value is school codes with commas between them; the screen lists the schools of the user.
    """

    name: str
    label: str
    choices: tuple[Choice, ...] = ()
    default: str = ""
    hint: str = ""
    pattern: str = ""  # for free values: a regular expression the whole value must match
    picks_schools: bool = False
    group: str = ""  # the screen puts options that follow each other under one heading

    @property
    def is_checkbox(self) -> bool:
        return tuple(choice.value for choice in self.choices) == ("", "1")

    def clean(self, value: str) -> str:
        """The value if it may be given; raises ValueError with a sentence if not."""
        import re

        if self.choices and value not in {choice.value for choice in self.choices}:
            allowed = ", ".join(choice.value or "(empty)" for choice in self.choices)
            raise ValueError(f"{self.name} takes one of: {allowed}.")
        if self.pattern and value and not re.fullmatch(self.pattern, value):
            raise ValueError(f"{self.name} cannot be {value!r}. {self.hint}")
        if self.picks_schools:  # the same schools in another order are the same choice
            return ",".join(sorted({code.strip() for code in value.split(",") if code.strip()}))
        return value


def checkbox(name: str, label: str, *, hint: str = "", default: str = "") -> Option:
    return Option(
        name=name,
        label=label,
        hint=hint,
        default=default,
        choices=(Choice(value="", label="No"), Choice(value="1", label="Yes")),
    )


class StagedRow(models.Model):
    """Base of row models: one staged line. The table is temporary, made by the engine for each run from the model's fields.

    Columns named in the layout are filled by COPY (text never null, dates null when blank); the others start at their default.
    """

    line = models.IntegerField(primary_key=True)
    lea_id = models.BigIntegerField(null=True)
    state = models.CharField(max_length=2, default="CA")
    refused = models.BooleanField(default=False)  # the reader already refused the record
    candidates = models.SmallIntegerField(default=0)  # students of this local number, where the LEA is unknown
    candidate_text = models.TextField()
    # 0: as the file says. 1: a remembered match, 2: one accepted on this run (`given_number` is the file's own number then);
    # 3: a remembered match that is not used, because the student's record changed since.
    accepted = models.SmallIntegerField(default=0)
    given_number = models.TextField()

    class Meta:
        abstract = True


class ImportType:
    """One entry of an Import Type list. Subclass, declare, and register in the app's import_types.py.

    key: as on the command line. tool: the screen it belongs to (see registry.Tool). layouts: keys of its layout files.
    row_model: the StagedRow subclass; `fields` are the layout fields staged into its columns of the same name.
    part_of_field: which part a reader problem in that field belongs to (default: the whole record).
    """

    key: str
    label: str
    tool: str
    order: int = 0
    listed: bool = True
    works: tuple[Work, ...] = (Work.TEST, Work.UPDATE)
    description: str = ""
    file_hint: str = ".txt, .csv or .zip"
    layouts: tuple[str, ...] = ()
    layout_folder: Path
    row_model: type[StagedRow]
    fields: tuple[str, ...] = ()
    lea_field: str | None = "lea"
    school_field: str | None = "school"
    noted_field: str | None = None  # the reader notes every value of it (`context.noted`): a field of few values
    part_of_field: Mapping[str, str] = {}
    measured_fields: tuple[str, ...] = ()  # columns the planner needs to know of a wide staging table; empty: all
    duplicates: tuple[DuplicateCheck, ...] = ()
    options: tuple[Option, ...] = ()
    lists_absent: bool = False
    # A person may say whose record a line is, and later Tests remember it.
    remembers_matches: bool = False
    # The field that leads to the student. With another than the local number, accepted matches are put into the row
    # model's column `student_pk`, and the type joins by it.
    number_field: str = "local_number"
    # Codes that ask whose record a line is: errors, and warnings about lines that are imported unless somebody says so.
    near_codes: tuple[str, ...] = ("DEMO-NEAR", "DEMO-MISMATCH", "STU-NOTFOUND", "STU-AMBIGUOUS")
    near_warnings: tuple[str, ...] = ()
    # Fields by which lines of one file touch each other; empty: a decision on one line plans the whole file anew.
    related_fields: tuple[str, ...] = ()
    may_create_students: bool = False
    # `plan` needs nothing that checking finds out, so that the pass over the rules can tell in which rows nothing would change.
    marks_idle_rows: bool = False
    converts_workbooks: bool = False  # an Excel workbook is kept, refused by its run, and can be converted from there

    @property
    def writing_work(self) -> str:
        """What its screen calls applying a file: Update, or Import."""
        return str((Work.UPDATE if Work.UPDATE in self.works else Work.IMPORT).label)

    def explain(self, error: FileError, head: bytes) -> FileError:  # noqa: ARG002
        """Why a file that was not recognised cannot be used, where its first bytes tell more than the error does."""
        return error

    def rules(self, context: "RunContext") -> Sequence[Rule]:
        """The rules of this run, given its options."""
        raise NotImplementedError

    def usual(self, context: "RunContext") -> Q | None:  # noqa: ARG002
        """Rows that match so well that no rule speaks of them, as a condition told at less cost than the rules themselves.

        A row that is not usual is asked every rule; None: every row is. Nothing may depend on it but time.
        """
        return None

    def reference_rules(self, context: "RunContext") -> Sequence[Rule]:
        """The rules a run with these options may ask, for the reference page; no file was read. By default `rules`."""
        return self.rules(context)

    def plan(self, context: "RunContext") -> Sequence[PlannedChange]:
        """What Update would write for a row without errors, given the options."""
        raise NotImplementedError

    def computed(self, context: "RunContext") -> Mapping[str, Any]:  # noqa: ARG002
        """Columns of the row model that the database works out of a row's others as it is staged: name -> expression.

        That costs no time of its own: the database waits for the reader then. Expressions may only use functions whose
        result never changes (PostgreSQL: immutable) and columns of the file. None by default.
        """
        return {}

    def prepare(self, context: "RunContext") -> None:
        """Set-based work on the staged rows before the rules are asked. Nothing by default."""

    def makes_places(self, context: "RunContext") -> bool:  # noqa: ARG002
        """Whether the run may create what runs of other districts create as well; asked after `prepare`."""
        return False

    def look_closer(self, context: "RunContext") -> Q | None:  # noqa: ARG002
        """Set-based work on rows of which the rules spoke, where it would be dear for all. Returns rows to be asked again."""
        return None

    def carried(self, context: "RunContext") -> Mapping[str, Any]:  # noqa: ARG002
        """Columns that the pass over the rules, which joins every row, keeps in `checked_line` for `after_plan`: name ->
        expression. None by default: then only rows with findings are kept."""
        return {}

    def after_plan(self, context: "RunContext") -> None:
        """Set-based work on the planned changes. Nothing by default."""

    def rows(self, context: "RunContext") -> models.QuerySet[Any]:  # noqa: ARG002
        """Staged rows with the joins (FilteredRelation …) that rules and plan name."""
        return self.row_model._default_manager.all()
