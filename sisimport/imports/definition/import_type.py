"""What an import type declares. The engine reads these declarations and does all the work in set-based statements."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from django.db import models
from django.db.models import Q

from sisimport.files.detection import Recognition
from sisimport.files.issues import FileError
from sisimport.files.layouts import Layout
from sisimport.files.together import Together
from sisimport.imports.definition.options import Option, Question
from sisimport.imports.definition.parts import Matching, Screen, Speed
from sisimport.imports.definition.progress import Progress
from sisimport.imports.definition.rules import DuplicateCheck, PlannedChange, Rule
from sisimport.imports.definition.staged_row import StagedRow
from sisimport.imports.models import ImportRun, Work

ALSO_COUNTED = "also_counted"  # key in the notes of `plan_alone`: other lines that part of the plan may move to or from


class LinesMissingError(Exception):
    """Raised while lines are planned alone: what they bring depends on `lines` that are not among them; None: on all."""

    def __init__(self, lines: Collection[int] | None) -> None:
        super().__init__("more lines have to be planned")
        self.lines = lines


class Namesakes(Protocol):
    """Lines of one Test that are related by name and birth date."""

    def students(self, lines: Collection[int]) -> set[int]:
        """Students on record whom these lines may be about by name and birth date."""

    def lines(self, students: Collection[int]) -> set[int] | None:
        """Lines that may be about one of these students; None: cannot be determined, plan the whole file."""


class SpeedHooks:
    """Steps that save work on large files. Each does nothing by default; most types need none."""

    def skips_rules_when(self, context: "RunContext") -> Q | None:  # noqa: ARG002
        """Rows in which no rule can fire, as a condition that costs less than the rules themselves; None: unknown.

        All other rows are checked against every rule.
        """
        return None

    def on_record_when(self, context: "RunContext") -> Q | None:  # noqa: ARG002
        """Rows whose values are all on record already, as a condition that costs less than rules and plan; None: unknown.

        For types that mark idle rows. No step changes anything for such a row, and the only rules that fire are those of
        `speed.codes_on_record`, all of them. All other rows go through every rule and every step.
        """
        return None

    def generated_columns(self, context: "RunContext") -> Mapping[str, Any]:  # noqa: ARG002
        """Columns of the row model that the database computes from a row's others while it is staged: name -> expression.

        This takes no extra time, since the database is waiting for the reader. Expressions may use only functions whose result
        never changes (PostgreSQL: immutable) and columns of the file.
        """
        return {}

    def unnamed_fields(self, context: "RunContext") -> Collection[str]:  # noqa: ARG002
        """Fields of the type that no rule or statement of this run names, because the file's layout has nothing of the kind: the
        staged table does without their columns, whose defaults cost more than the rest of the table."""
        return ()

    def second_pass(self, context: "RunContext", refusing: Collection[int]) -> Q | None:  # noqa: ARG002
        """Set-based work on rows in which a rule fired, when it would be too costly for all rows. Returns rows to check again.

        Called again after that, until none are left. refusing: positions of the rules that keep a whole record out.
        """
        return None

    def plan_alone(self, run: ImportRun, lines: Collection[int]) -> dict[str, Any] | None:  # noqa: ARG002
        """What `prepare` and later stages need (in `context.notes`) to plan these lines of a Test without the others, with the
        same result; called while their old plan exists. None: plan the whole file. For types with `related_fields`."""
        return {}

    def namesakes(self, run: ImportRun) -> Namesakes | None:  # noqa: ARG002
        """How lines are related beyond `related_fields`; None: they are not."""
        return None

    def kept_columns(self, context: "RunContext") -> Mapping[str, Any]:  # noqa: ARG002
        """Columns that the pass over the rules, which joins every row, keeps in `checked_line` for `after_plan`: name ->
        expression. If there are none, only rows with findings are kept."""
        return {}


class ImportType(SpeedHooks):
    """One entry of an Import Type list. Subclass, declare, and register in the app's import_types.py.

    key: as on the command line. layouts: keys of its layout files in `layout_folder`.
    row_model: the StagedRow subclass; `fields` are the layout fields staged into its columns of the same name.
    remedies: code of an issue -> the option and value that resolve it on all lines when the file is tested again.
    questions: the same for a cause that several values of one option resolve, each differently: the report offers all of them.
    part_of_field: which part a reader problem in that field belongs to (default: the whole record).
    """

    key: str
    works: tuple[Work, ...] = (Work.TEST, Work.UPDATE)
    layouts: tuple[str, ...] = ()
    layout_folder: Path
    added_layouts: Mapping[str, Layout] = {}  # layouts that people added, in addition to those in the folder
    row_model: type[StagedRow]
    fields: tuple[str, ...] = ()
    part_of_field: Mapping[str, str] = {}
    duplicates: tuple[DuplicateCheck, ...] = ()
    options: tuple[Option, ...] = ()
    remedies: Mapping[str, tuple[str, str]] = {}
    questions: Mapping[str, Question] = {}
    lists_absent: bool = False  # the report lists students of the file's schools whom no line names
    brings_everyone: bool = False  # each file contains what the last one did, and more: far fewer lines are held
    names_what_it_replaces: bool = False  # a line fits only the SSID that it names: such replacements are not held
    may_create_students: bool = False
    columns_page: str = ""  # URL name of the page where people say which columns of a file hold what; blank: none
    columns_codes: frozenset[str] = frozenset()  # reasons for a refusal that are resolved there
    years_page: str = ""  # URL name of the page where import admins add the layout of a year; blank: none
    years_codes: frozenset[str] = frozenset()  # reasons for a refusal that may be resolved there
    converts_workbooks: bool = False  # an Excel workbook is kept, refused by its run, and can be converted from there
    converts_workbooks_by_default: bool = (
        False  # the command line converts without excel=convert: such files are kept as workbooks
    )
    screen: Screen
    matching: Matching = Matching()
    speed: Speed = Speed()

    @property
    def repeat_marks(self) -> Sequence[tuple[str, str]]:
        """Pairs of columns of the row model: one is 1 for a line that repeats another, the other holds that line. If that line is
        refused, the next repeat takes its place."""
        return [(check.name, f"{check.name}_line") for check in self.duplicates]

    @property
    def writing_work(self) -> str:
        """The screen's word for applying a file: Update or Import."""
        return str((Work.UPDATE if Work.UPDATE in self.works else Work.IMPORT).label)

    def wanted_layouts(
        self,
        options: Mapping[str, str],  # noqa: ARG002
        schools: Collection[int] | None,  # noqa: ARG002
    ) -> Sequence[str]:
        """Keys of the layouts that a run with these options and schools (None: all) may use to read its file."""
        return self.layouts

    def former_layout(self, key: str) -> Layout | None:  # noqa: ARG002
        """A layout that earlier runs used and new ones do not: the reports of those runs still name its columns."""
        return None

    def explain(self, error: FileError, head: bytes) -> FileError:  # noqa: ARG002
        """Why a file that was not recognized cannot be used, if its first bytes tell more than the error does."""
        return error

    def rules(self, context: "RunContext") -> Sequence[Rule]:
        """The rules of this run, given its options."""
        raise NotImplementedError

    def reference_rules(self, context: "RunContext") -> Sequence[Rule]:
        """The rules a run with these options may evaluate, for the reference page; no file was read. By default `rules`."""
        return self.rules(context)

    gathered_fields: tuple[str, ...] = ()
    gathered_column: str = ""

    def read_together(self, context: "RunContext", fields: Sequence[str]) -> Sequence[Together]:
        """How to read those of `gathered_fields` that the file has."""
        raise NotImplementedError

    def gather(self, columns: Sequence[Sequence[str]]) -> Sequence[str]:
        """One text per line of a block for the staged column `gathered_column`, made of the columns that were read together: one
        column is staged many times faster than its thirteen parts."""
        raise NotImplementedError

    def fields_to_read(self, context: "RunContext") -> Sequence[str]:  # noqa: ARG002
        """The fields that this run reads, all by default; the others stay blank and cost nothing."""
        return self.fields

    def as_chosen(self, recognition: Recognition, options: Mapping[str, str]) -> Recognition:  # noqa: ARG002
        """How the file is read when an option says which of its columns a field is. Unchanged by default."""
        return recognition

    def plan(self, context: "RunContext") -> Sequence[PlannedChange]:
        """What Update would write for a row without errors, given the options."""
        raise NotImplementedError

    @property
    def reference_options(self) -> Sequence[Option]:
        """The options as the reference lists them, without choices that a district's own records add. By default `options`."""
        return self.options

    def reference_plan(self, context: "RunContext") -> Sequence[PlannedChange]:
        """The changes a run with these options may write, for the page about a layout; no file was read. By default `plan`."""
        return self.plan(context)

    def column_notes(self, layout: Layout) -> Mapping[str, str]:  # noqa: ARG002
        """What happens to columns whose values `plan` does not name: field -> words for the page about a layout."""
        return {}

    def make_room(self) -> None:
        """Prepare the tables before a run writes into them, in transactions of its own. Nothing by default; a run never fails
        without it."""

    def prepare(self, context: "RunContext") -> None:
        """Set-based work on the staged rows before the rules are evaluated. Nothing by default."""

    def makes_places(self, context: "RunContext") -> bool:  # noqa: ARG002
        """Whether the run may create objects that runs of other districts also create; called after `prepare`."""
        return False

    def is_partial(self, context: "RunContext") -> bool:  # noqa: ARG002
        """Whether the file names only students with changes: then no one is absent, and it is not held for having few lines.
        Called after `prepare`."""
        return False

    def after_plan(self, context: "RunContext") -> None:
        """Set-based work on the planned changes. Nothing by default."""

    def rows(self, context: "RunContext") -> models.QuerySet[Any]:  # noqa: ARG002
        """Staged rows with the joins (FilteredRelation …) that rules and plan name."""
        return self.row_model._default_manager.all()


@dataclass(slots=True)
class RunContext:
    """One run on its way through the stages."""

    run: ImportRun
    import_type: ImportType
    progress: Progress
    layout: Layout | None = None
    recognition: Recognition | None = None
    fields: tuple[str, ...] = ()  # fields of the type that the file's layout has
    record_count: int = 0
    school_codes: set[str] = field(default_factory=set)
    collected: set[str] = field(default_factory=set)  # values of the field `speed.collect_values_of`
    lea_ids: set[int] = field(default_factory=set)
    lines: Collection[int] | None = None  # only these lines are planned again; None: the whole file
    accepted_rows: int = 0  # rows whose match a person accepted (see engine/accepted_matches.py)
    read_numbers: bool = False  # a local number was read as another one (see engine/identifiers.py)
    idle_rows: int = 0  # rows in which checking found that nothing would change
    report_facts: dict[str, object] = field(default_factory=dict)  # facts that the run's report shows besides its lines
    notes: dict[str, Any] = field(default_factory=dict)  # data that the type passes on to its later stages

    def option(self, name: str) -> str:
        """The value given for an option of the type, or its default.

        A run stores all of them when it starts. Defaults are those of any installation: the type's own list may query the
        database each time.
        """
        if name in self.run.options:
            return str(self.run.options[name])
        return next((option.default for option in self.import_type.reference_options if option.name == name), "")

    @property
    def matched(self) -> Q:
        """Rows matched to a student whom this run may touch."""
        found = Q(student__id__isnull=False)
        if self.run.schools is None:
            return found
        return found & Q(student__school_id__in=list(self.run.schools))
