"""Import type `students`: the district's roster creates and updates students, enrollments, SSIDs and EL records.

A blank value changes nothing: the record stays, unless the option `blank` says to clear it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.db import models
from django.db.models import CharField, F, FilteredRelation, Q, Value

from sisimport.files.detection import Recognition
from sisimport.files.issues import FileError, Severity
from sisimport.imports.definition.english_learner import (
    KEPT,
    OLDER_STATUS,
    OLDER_STATUS_REMEDY,
    OVERWRITTEN,
    RECORD_SINCE,
)
from sisimport.imports.definition.expressions import Differs
from sisimport.imports.definition.import_type import ImportType, RunContext
from sisimport.imports.definition.options import Choice, Option, Question
from sisimport.imports.definition.parts import Matching, Screen
from sisimport.imports.definition.rules import DuplicateCheck, PlannedChange, Rule
from sisimport.imports.definition.ssid_rules import FORMER, cause_params, former_params, held_by_other, other_person
from sisimport.imports.engine import identifiers
from sisimport.imports.engine.days_of_1904 import refuse_days_of_1904
from sisimport.imports.engine.kept_names import POORER_NAMES, POORER_NAMES_REMEDY, keep_better_names
from sisimport.imports.engine.new_ssids import look_at_new_ssids
from sisimport.imports.engine.shifted_ssids import refuse_shifted_ssids
from sisimport.imports.models import ImportRun
from sisimport.roster import (
    birth_dates,
    changed_facts,
    damaged_names,
    dates,
    grade_words,
    grades,
    languages,
    moved_names,
    new_numbers,
    new_places,
    odd_values,
    other_people,
    staging,
    stays,
)
from sisimport.roster.conditions import (
    EL_FIELDS,
    EXTRA_FIELDS,
    FILE_STATUS_SINCE,
    HAS_RECORD,
    HAS_SSID,
    IS_LEGACY,
    IS_OLDER,
    OWN_NUMBER,
    SSID_WORDS,
    TEXT_FIELDS,
    VALID_SSID,
)
from sisimport.roster.mapping import explaining
from sisimport.roster.models import RosterRow
from sisimport.roster.namesakes import Namesakes
from sisimport.roster.plan import Plan
from students.models import Student
from students.models.people import NAME_FIELDS

TOOL = "roster"
DISTRICT_PART = "district"
ERROR, WARNING, NOTICE = Severity.ERROR, Severity.WARNING, Severity.NOTICE

BLANK = Option(
    name="blank",
    label="A blank value",
    default="keep",
    district_default=True,
    choices=(
        Choice(value="keep", label="Keeps what is on record"),
        Choice(value="clear", label="Clear the field", hint="Only for columns that the file has."),
    ),
)

NEW_STUDENTS = Option(
    name="new_students",
    label="Students with the name and birth date of another student on record",
    default="no",
    choices=(
        Choice(value="no", label="Wait until someone decides who they are"),
        Choice(value="yes", label="Are new students", hint="For all lines of this file."),
    ),
)

MAPPING = Option(
    name="mapping",
    label="Columns",
    default="",
    choices=(Choice(value="", label="As the header line shows"),),
    hint="The column mapping that reads the file, if its header line fits several.",
)


class Roster(ImportType):
    """Students (CSV)."""

    key = "students"
    screen = Screen(
        label="Students (CSV)",
        tool=TOOL,
        order=10,
        description=(
            "Creates and updates students, their enrollments, SSIDs and English learner records "
            "from the district's own list."
        ),
        file_hint=".csv or .xlsx with a header line",
    )
    layouts: tuple[str, ...] = ("students",)
    layout_folder = Path(__file__).parent / "layouts"
    converts_workbooks = True
    converts_workbooks_by_default = True
    row_model = RosterRow
    fields: tuple[str, ...] = (
        "lea",
        "school",
        "local_number",
        "ssid",
        *TEXT_FIELDS,
        "birth_date",
        "grade",
        "enrollment_start",
        "enrollment_exit",
        *EXTRA_FIELDS,
        *EL_FIELDS,
    )
    part_of_field: Mapping[str, str] = {"ssid": "ssid"} | dict.fromkeys(EL_FIELDS, "el")
    duplicates = (
        DuplicateCheck(
            name="dup_number",
            key=("lea", "local_number"),
            compared=("ssid", *TEXT_FIELDS, "birth_date", *EL_FIELDS),
        ),
        DuplicateCheck(
            name="dup_line",
            key=("lea", "local_number", "school", "enrollment_start"),
            compared=("grade", "enrollment_exit", *EXTRA_FIELDS),
        ),
        DuplicateCheck(name="dup_ssid", key=("state", "ssid"), compared=("lea", "local_number")),
    )
    options: tuple[Option, ...] = (
        BLANK,
        NEW_STUDENTS,
        OLDER_STATUS,
        POORER_NAMES,
        birth_dates.DATE_ORDER,
        other_people.OTHER_PEOPLE,
        grade_words.GRADE_WORDS,
        MAPPING,
    )
    remedies: Mapping[str, tuple[str, str]] = (
        OLDER_STATUS_REMEDY | POORER_NAMES_REMEDY | birth_dates.REMEDY | other_people.REMEDY
    )
    questions: Mapping[str, Question] = {"FILE-CODE": grade_words.QUESTION}
    may_create_students = True
    columns_page = "map_columns"
    columns_codes = explaining.CODES
    brings_everyone = True
    matching = Matching(
        remembers_matches=True,
        near_codes=(),
        near_warnings=("STU-ALIKE", "NUMBER-NEAR"),
        related_fields=("local_number", "ssid"),
    )

    def explain(self, error: FileError, head: bytes) -> FileError:
        return explaining.explained(error, head)

    def as_chosen(self, recognition: Recognition, options: Mapping[str, str]) -> Recognition:
        return grade_words.with_grades_read(recognition, options)

    def rows(self, context: RunContext) -> models.QuerySet[Any]:  # noqa: ARG002
        return RosterRow.objects.annotate(
            current=FilteredRelation("student__ssids", condition=Q(student__ssids__retired_at__isnull=True))
        )

    def fields_to_read(self, context: RunContext) -> Sequence[str]:
        present = context.recognition.positions if context.recognition is not None else {}
        return [name for name in self.fields if name not in EXTRA_FIELDS or name in present]

    def prepare(self, context: RunContext) -> None:
        staging.allocate(context)
        if Student.objects.exists():
            staging.find_alike(context)
        if Student.objects.filter(lea_id__in=context.lea_ids).exists():
            staging.find_undated()
            stays.find_overlaps()
            other_people.find_other_people(context)
            keep_better_names(context, NAME_FIELDS, student="student_pk")

    def plan_alone(self, run: ImportRun, lines: Collection[int]) -> dict[str, Any] | None:
        """What the Test found about whole columns remains."""
        return new_places.notes_of(run, lines)

    def namesakes(self, run: ImportRun) -> Namesakes:
        return Namesakes(run)

    def rules(self, context: RunContext) -> Sequence[Rule]:
        declared_new = staging.declared_new(context)
        return [
            *_scope_rules(context),
            *_duplicate_rules(),
            *_ssid_rules(),
            *_student_rules(declared_new),
            *_el_rules(keeps=context.option(OLDER_STATUS.name) == "keep"),
            *_place_rules(context),
            *stays.rules(_rule),
            *dates.rules(context, _rule),
            *birth_dates.rules(_rule),
            *changed_facts.rules(_rule),
            *damaged_names.rules(_rule),
            *moved_names.rules(_rule),
            *languages.rules(_rule),
            *other_people.rules(context, _rule),
            *grades.rules(_rule),
            *odd_values.rules(_rule),
        ]

    def reference_rules(self, context: RunContext) -> Sequence[Rule]:
        """With both severities of a new district, whatever is on record where the reference is written."""
        found = self.rules(context)
        new_lea = [rule for rule in found if rule.code == new_places.NEW_LEA]
        return [*found, *(replace(rule, severity=level) for rule in new_lea for level in (WARNING, NOTICE))]

    def plan(self, context: RunContext) -> Sequence[PlannedChange]:
        refuse_days_of_1904(context)
        birth_dates.refuse_wrong_order(context)
        other_people.judge_columns(context)
        refuse_shifted_ssids(context)
        staging.choose_lines(context.run.pk)
        return Plan(context).steps()

    def after_plan(self, context: RunContext) -> None:
        look_at_new_ssids(context, series=True)
        new_numbers.look_at(context)
        if new_places.brought(context) is None:
            staging.create_places(context.run.pk, part=DISTRICT_PART)
        else:
            new_places.place_again(context, part=DISTRICT_PART)


def _scope_rules(context: RunContext) -> list[Rule]:
    """Students of schools that are not among those of the person who runs the import."""
    if context.run.schools is None:
        return []
    schools = list(context.run.schools)
    elsewhere = ~Q(school_pk__in=schools) | (Q(student__id__isnull=False) & ~Q(student__school_id__in=schools))
    return [_rule("roster", "STU-SCOPE", ERROR, "local_number", elsewhere)]


def _duplicate_rules() -> list[Rule]:
    return [
        _rule("roster", "DUP-SAME", WARNING, "local_number", Q(dup_line=1), first=F("dup_line_line")),
        _rule("roster", "DUP-DIFFERS", ERROR, "local_number", Q(dup_number=2), first=F("dup_number_line")),
        _rule(
            "roster",
            "DUP-DIFFERS",
            ERROR,
            "local_number",
            Q(dup_line=2) & ~Q(dup_number=2),
            first=F("dup_line_line"),
        ),
    ]


def _ssid_rules() -> list[Rule]:
    """ID-1, D-7, D-9, ID-5: may the student get the SSID of the line?"""
    valid = HAS_SSID & VALID_SSID & ~OWN_NUMBER
    held = held_by_other("student_pk")
    other = Q(current__ssid__isnull=False) & Q(Differs(F("current__ssid"), F("ssid")))
    return [
        _rule(
            "ID-1",
            "SSID-FORMAT",
            ERROR,
            "ssid",
            HAS_SSID & ~(VALID_SSID & ~OWN_NUMBER),
            part="ssid",
            expected=SSID_WORDS,
        ),
        _rule("D-7", "SSID-TAKEN", ERROR, "ssid", valid & held, part="ssid"),
        _rule(
            "D-9",
            "SSID-CONFLICT",
            ERROR,
            "ssid",
            valid & other & ~held & ~FORMER,
            part="ssid",
            expected=F("current__ssid"),
        ),
        _rule(
            "D-9",
            "SSID-FORMER",
            ERROR,
            "ssid",
            valid & FORMER & ~held,
            part="ssid",
        ),
        _rule("ID-5", "DUP-DIFFERS", ERROR, "ssid", valid & Q(dup_ssid=2), part="ssid", first=F("dup_ssid_line")),
    ]


def _student_rules(declared_new: Q) -> list[Rule]:
    """D-13, ID-9: is the line about a student who is on record under another number?"""
    alike = ~Q(alike="")
    return [
        # A second record of a student is hard to remove: a person has to confirm that these are two people.
        _rule("D-13", "STU-ALIKE", ERROR, "local_number", alike & ~declared_new, expected=F("alike")),
        _rule("D-13", "STU-ALIKE", WARNING, "local_number", alike & declared_new, expected=F("alike")),
        *_number_rules(declared_new),
    ]


def _el_rules(*, keeps: bool) -> list[Rule]:
    """English learner data that is missing or cannot be imported. `keeps`: an older status never replaces one on
    record."""
    has_dates = Q(el_identified_date__isnull=False) | Q(el_tbd_date__isnull=False) | Q(el_exit_date__isnull=False)
    return [
        _rule("roster", "EL-NO-STATUS", WARNING, "el_status", has_dates & Q(el_status="") & ~HAS_RECORD, part="el"),
        _rule("roster", "ELA-LEGACY", WARNING, "el_status", IS_LEGACY, part="el"),
        _rule("roster", "ELA-TVD", NOTICE, "el_status", Q(el_status__iexact="TVD"), part="el"),
        _older_rule(keeps=keeps),
    ]


def _place_rules(context: RunContext) -> list[Rule]:
    """Districts and schools that are new, or in each other's column."""
    new_lea = Q(line__in=staging.lines_that_say_new(context, "lea_id", "students_lea")) & ~odd_values.NO_PLACE
    new_school = Q(line__in=staging.lines_that_say_new(context, "school_pk", "students_school")) & ~odd_values.NO_PLACE
    new_school_rule = _rule("roster", new_places.NEW_SCHOOL, NOTICE, "school", new_school)
    return [
        # District and school are in each other's column.
        _rule("roster", "SCHOOL-LEA", ERROR, "school", Q(school__in=staging.codes_of_districts())),
        _rule(
            "roster",
            new_places.NEW_LEA,
            WARNING if Student.objects.exists() else NOTICE,
            "lea",
            new_lea,
        ),
        replace(new_school_rule, params=new_places.district_params()),
    ]


def _older_rule(*, keeps: bool) -> Rule:
    """A status that began before the one on record: written anyway, unless the option says never."""
    when = IS_OLDER & ~dates.EL_IMPOSSIBLE
    base = _rule("roster", "ELA-OLDER", WARNING, "el_status", when, part="el", expected=RECORD_SINCE)
    text = Value(KEPT if keeps else OVERWRITTEN, output_field=CharField())
    params: dict[str, Any] = {
        "status": F("el_status"),
        "record_status": F("student__el__program_status"),
        "effect_text": text,
    }
    return replace(base, found=FILE_STATUS_SINCE, params=params)


_ODD_NUMBER = r"[^A-Za-z0-9._:/-]|^0+$|^[-+.]|^\d+\.\d{1,2}$|^(TRUE|FALSE|True|False|true|false)$"


# What a spreadsheet makes of 5-1: the month no longer tells which number it was.
_DAY_OF_A_YEAR = r"^(\d{1,4}-)?(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)(-\d{1,4})?$"


def _number_rules(declared_new: Q) -> list[Rule]:
    """New students whose number differs from one on record only by marks or leading zeros."""
    new = Q(is_new=True)
    odd = new & Q(local_number__regex=_ODD_NUMBER)
    lost = identifiers.ROUNDED | Q(local_number__iregex=_DAY_OF_A_YEAR) | Q(local_number__startswith="=")
    marks, zeros = Q(candidates=identifiers.NEAR_MARKS), Q(candidates=identifiers.NEAR_ZEROS) & Q(alike="")

    def near(severity: Severity, when: Q, difference: str) -> Rule:
        rule = _rule("ID-9", "NUMBER-NEAR", severity, "local_number", new & when, expected=F("candidate_text"))
        return replace(rule, params={"difference": Value(difference, output_field=CharField())})

    return [
        # A mark is never part of a number, for any student.
        near(ERROR, marks, "the same number without the marks, with another name or birth date"),
        near(ERROR, zeros & ~declared_new, "the same number except for leading zeros"),
        near(WARNING, zeros & declared_new, "the same number except for leading zeros"),
        _rule("ID-9", "NUMBER-LOST", ERROR, "local_number", new & lost & ~marks),
        _rule("ID-9", "NUMBER-ODD", WARNING, "local_number", odd & ~marks & ~lost),
    ]


def _rule(
    number: str,
    code: str,
    severity: Severity,
    field: str,
    when: Q,
    *,
    part: str = "record",
    expected: Any = None,
    first: Any = None,
) -> Rule:
    params: dict[str, Any] = {} if first is None else {"first_line": first}
    if code == "SSID-FORMAT":
        params = cause_params()
    if code == "SSID-TAKEN":
        params = other_person()
    if code == "SSID-FORMER":
        params = former_params()
    return Rule(
        number=number,
        code=code,
        severity=severity,
        field=field,
        part=part,
        when=when,
        found=F(field),
        expected=expected,
        params=params,
        needs_student=False,
    )
