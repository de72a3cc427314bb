"""Import type `students`: the district's roster creates and updates students, enrollments, SSIDs and EL records.

A blank value says nothing: what is on record stays, unless the option `blank` asks to clear it.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.db import models
from django.db.models import Case, CharField, DateField, Exists, F, FilteredRelation, OuterRef, Q, Value, When

from sisimport.imports.base import (
    Choice,
    DuplicateCheck,
    ImportType,
    Option,
    PlannedChange,
    PlannedCreate,
    PlannedUpdate,
    Rule,
)
from sisimport.imports.engine.context import RunContext
from sisimport.imports.engine.sql import execute, fetch_all
from sisimport.imports.expressions import Differs, NextId
from sisimport.imports.issues import Severity
from sisimport.imports.kinds import EL_KIND, ENROLLMENT_KIND, SSID_KIND, STUDENT_KIND
from sisimport.imports.roster_rows import RosterRow
from students.models import SSID, Enrollment, ProgramStatus
from students.profiles import PROFILES

TOOL = "roster"
DISTRICT_PART = "district"
ERROR, WARNING, NOTICE = Severity.ERROR, Severity.WARNING, Severity.NOTICE

TEXT_FIELDS = (
    "last_name",
    "first_name",
    "middle_name",
    "suffix",
    "legal_last_name",
    "legal_first_name",
    "legal_middle_name",
    "alias_last_name",
    "alias_first_name",
    "gender",
    "legal_gender",
    "birth_country",
    "birth_state",
    "home_language",
    "ethnicity",
)
# Program Status as stored, and the state's codes for it.
EL_STATUS = {
    **{value.lower(): value for value, _label in ProgramStatus.choices},
    "ifep": "Not EL",
    "rfep": "Exited EL",
    "tbd": "Pending",
    "lep": "EL",
    "not lep": "Not EL",
    "exited lep": "Exited EL",
}
BLANK = Option(
    name="blank",
    label="A blank value",
    default="keep",
    choices=(
        Choice(value="keep", label="Keeps what is on record"),
        Choice(value="clear", label="Clears it", hint="For columns that stand in the file."),
    ),
)

HAS_SSID = ~Q(ssid="")
VALID_SSID = Q(state="CA", ssid__regex=r"^[0-9]{10}$") | (~Q(state="CA") & Q(ssid__regex=r"^[0-9]{1,10}$"))
SSID_WORDS = Case(
    *(When(state=state, then=Value(profile.ssid_words)) for state, profile in PROFILES.items()),
    output_field=CharField(),
)
OWN_NUMBER = Q(ssid=F("local_number"), state="CA")
_el_status = Case(
    *(When(el_status__iexact=code, then=Value(status)) for code, status in EL_STATUS.items()),
    default=Value(""),
    output_field=CharField(),
)


class Roster(ImportType):
    """Students (CSV)."""

    key = "students"
    label = "Students (CSV)"
    tool = TOOL
    order = 10
    description = "Creates and updates students, their enrollments, SSIDs and English learner records from the district's own list."
    file_hint = ".csv with a header line"
    layouts = ("students",)
    layout_folder = Path(__file__).parent / "layouts_data"
    row_model = RosterRow
    fields = (
        "lea",
        "school",
        "local_number",
        "ssid",
        *TEXT_FIELDS,
        "birth_date",
        "grade",
        "enrollment_start",
        "enrollment_exit",
        "el_status",
        "el_identified_date",
        "el_tbd_date",
        "el_exit_date",
    )
    part_of_field = {
        "ssid": "ssid",
        "el_status": "el",
        "el_identified_date": "el",
        "el_tbd_date": "el",
        "el_exit_date": "el",
    }
    duplicates = (
        DuplicateCheck(name="dup_number", key=("lea", "local_number"), compared=("ssid", *TEXT_FIELDS, "birth_date")),
        DuplicateCheck(
            name="dup_line",
            key=("lea", "local_number", "school", "enrollment_start"),
            compared=("grade", "enrollment_exit"),
        ),
        DuplicateCheck(name="dup_ssid", key=("state", "ssid"), compared=("lea", "local_number")),
    )
    options = (BLANK,)
    may_create_students = True

    def rows(self, context: RunContext) -> models.QuerySet[Any]:  # noqa: ARG002
        return RosterRow.objects.annotate(
            current=FilteredRelation("student__ssids", condition=Q(student__ssids__retired_at__isnull=True))
        )

    def prepare(self, context: RunContext) -> None:
        """Find or allocate the keys of district, school and student, so that a plan can name what it will create."""
        fresh = "nextval(pg_get_serial_sequence('{table}', 'id'))"
        execute(
            f"""
            WITH new AS (SELECT lea, {fresh.format(table="students_lea")} AS id FROM (
              SELECT DISTINCT lea FROM staged_roster WHERE lea_id IS NULL AND lea <> '' AND NOT refused) AS l)
            UPDATE staged_roster r SET lea_id = new.id FROM new WHERE new.lea = r.lea
            """
        )
        execute(
            f"""
            WITH named AS (SELECT DISTINCT lea_id, school FROM staged_roster WHERE school <> '' AND lea_id IS NOT NULL),
            known AS (
              SELECT n.lea_id, n.school, coalesce(s.id, {fresh.format(table="students_school")}) AS id
              FROM named n LEFT JOIN students_school s ON s.lea_id = n.lea_id AND s.code = n.school)
            UPDATE staged_roster r SET school_pk = k.id, home_school_pk = k.id, home_grade = r.grade
            FROM known k WHERE k.lea_id = r.lea_id AND k.school = r.school
            """
        )
        execute(
            f"""
            WITH keys AS (SELECT DISTINCT lea_id, local_number FROM staged_roster WHERE lea_id IS NOT NULL),
            known AS (
              SELECT k.lea_id, k.local_number, s.id IS NULL AS is_new,
                coalesce(s.id, {fresh.format(table="students_student")}) AS id
              FROM keys k LEFT JOIN students_student s ON s.lea_id = k.lea_id AND s.local_number = k.local_number)
            UPDATE staged_roster r SET student_pk = k.id, is_new = k.is_new
            FROM known k WHERE k.lea_id = r.lea_id AND k.local_number = r.local_number
            """
        )
        # A student with several lines lives at the school of the line that is open and starts last.
        execute(
            """
            WITH best AS (
              SELECT DISTINCT ON (student_pk) student_pk, school_pk, grade FROM staged_roster
              WHERE student_pk IN (SELECT student_pk FROM staged_roster WHERE dup_number > 0)
              ORDER BY student_pk, enrollment_exit DESC NULLS FIRST, enrollment_start DESC NULLS LAST, line)
            UPDATE staged_roster r SET home_school_pk = b.school_pk, home_grade = b.grade
            FROM best b WHERE b.student_pk = r.student_pk
            """
        )
        context.lea_ids = {
            pk for (pk,) in fetch_all("SELECT DISTINCT lea_id FROM staged_roster WHERE lea_id IS NOT NULL")
        }

    def rules(self, context: RunContext) -> Sequence[Rule]:
        valid = HAS_SSID & VALID_SSID & ~OWN_NUMBER
        held = Q(holder__student_id__isnull=False) & Q(Differs(F("holder__student_id"), F("student_pk")))
        other = Q(current__ssid__isnull=False) & Q(Differs(F("current__ssid"), F("ssid")))
        rules = [
            _rule("roster", "DUP-SAME", WARNING, "local_number", Q(dup_line=1), first=F("dup_line_line")),
            _rule("roster", "DUP-DIFFERS", ERROR, "local_number", Q(dup_number=2), first=F("dup_number_line")),
            _rule("roster", "DUP-DIFFERS", ERROR, "school", Q(dup_line=2) & ~Q(dup_number=2), first=F("dup_line_line")),
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
                "D-9", "SSID-CONFLICT", ERROR, "ssid", valid & other & ~held, part="ssid", expected=F("current__ssid")
            ),
            _rule("ID-5", "DUP-DIFFERS", ERROR, "ssid", Q(dup_ssid=2), part="ssid", first=F("dup_ssid_line")),
            _rule("roster", "ELA-CODE", ERROR, "el_status", ~Q(el_status="") & Q(_is_blank(_el_status)), part="el"),
            _rule(
                "roster",
                "ENR-DATES",
                ERROR,
                "enrollment_exit",
                Q(enrollment_exit__lt=F("enrollment_start")),
                expected=F("enrollment_start"),
            ),
        ]
        if context.run.schools is not None:
            mine = list(context.run.schools)
            elsewhere = ~Q(school_pk__in=mine) | (Q(student__id__isnull=False) & ~Q(student__school_id__in=mine))
            rules.insert(0, _rule("roster", "STU-SCOPE", ERROR, "local_number", elsewhere))
        return rules

    def plan(self, context: RunContext) -> Sequence[PlannedChange]:
        clear = context.option("blank") == "clear"
        present = set(context.recognition.positions) if context.recognition is not None else set()

        def new(name: str, old: str) -> Any:
            if clear and name in present:
                return F(name)
            return Case(When(**{name: ""}, then=F(old)), default=F(name), output_field=CharField())

        first = Q(dup_number__in=[0])
        known = Q(student__id__isnull=False)
        student = {name: (F(f"student__{name}"), new(name, f"student__{name}")) for name in TEXT_FIELDS}
        student["birth_date"] = (F("student__birth_date"), F("birth_date"))
        student["grade"] = (
            F("student__grade"),
            Case(When(home_grade="", then=F("student__grade")), default=F("home_grade"), output_field=CharField()),
        )
        student["school_id"] = (F("student__school_id"), F("home_school_pk"))
        steps: list[PlannedChange] = [
            PlannedCreate(
                kind=STUDENT_KIND,
                part="record",
                when=first & ~known,
                object_id=F("student_pk"),
                student_id=F("student_pk"),
                values={
                    "lea_id": F("lea_id"),
                    "school_id": F("home_school_pk"),
                    "local_number": F("local_number"),
                    "birth_date": F("birth_date"),
                    "grade": F("home_grade"),
                    **{name: F(name) for name in TEXT_FIELDS},
                },
            ),
            PlannedUpdate(
                kind=STUDENT_KIND, part="record", when=first & known, object_id=F("student__id"), fields=student
            ),
            *self._enrollment(),
            *self._ssid(first),
            *self._el(first),
        ]
        return steps

    def _enrollment(self) -> list[PlannedChange]:
        once = Q(dup_line=0) & Q(school_pk__isnull=False)
        undated = Exists(Enrollment.objects.filter(student_id=OuterRef("student_pk"), school_id=OuterRef("school_pk")))
        missing = Q(enrollment__id__isnull=True) & (Q(enrollment_start__isnull=False) | ~Q(undated))
        return [
            PlannedCreate(
                kind=ENROLLMENT_KIND,
                part="record",
                when=once & missing,
                object_id=NextId(Enrollment),
                student_id=F("student_pk"),
                values={
                    "school_id": F("school_pk"),
                    "grade": F("grade"),
                    "start_date": F("enrollment_start"),
                    "exit_date": F("enrollment_exit"),
                },
            ),
            PlannedUpdate(
                kind=ENROLLMENT_KIND,
                part="record",
                when=once & Q(enrollment__id__isnull=False),
                object_id=F("enrollment__id"),
                fields={
                    "grade": (
                        F("enrollment__grade"),
                        Case(When(grade="", then=F("enrollment__grade")), default=F("grade"), output_field=CharField()),
                    ),
                    "exit_date": (
                        F("enrollment__exit_date"),
                        Case(
                            When(enrollment_exit__isnull=True, then=F("enrollment__exit_date")),
                            default=F("enrollment_exit"),
                            output_field=DateField(),
                        ),
                    ),
                },
            ),
        ]

    def _ssid(self, first: Q) -> list[PlannedChange]:
        return [
            PlannedCreate(
                kind=SSID_KIND,
                part="ssid",
                when=first & HAS_SSID & Q(current__ssid__isnull=True) & Q(holder__student_id__isnull=True),
                object_id=NextId(SSID),
                student_id=F("student_pk"),
                values={"ssid": F("ssid"), "state": F("state"), "origin": "roster", "verified": False},
            )
        ]

    def _el(self, first: Q) -> list[PlannedChange]:
        has_status = ~Q(el_status="") & first
        has_record = Q(student__el__student_id__isnull=False)

        def dated(name: str) -> tuple[Any, Any]:
            old = F(f"student__el__{name}")
            new = Case(
                When(**{f"el_{name}__isnull": True}, then=old), default=F(f"el_{name}"), output_field=DateField()
            )
            return old, new

        return [
            PlannedCreate(
                kind=EL_KIND,
                part="el",
                when=has_status & ~has_record,
                object_id=F("student_pk"),
                student_id=F("student_pk"),
                values={
                    "program_status": _el_status,
                    "identified_date": F("el_identified_date"),
                    "tbd_date": F("el_tbd_date"),
                    "exit_date": F("el_exit_date"),
                },
            ),
            PlannedUpdate(
                kind=EL_KIND,
                part="el",
                when=has_status & has_record,
                object_id=F("student__id"),
                fields={
                    "program_status": (F("student__el__program_status"), _el_status),
                    "identified_date": dated("identified_date"),
                    "tbd_date": dated("tbd_date"),
                    "exit_date": dated("exit_date"),
                },
            ),
        ]

    def after_plan(self, context: RunContext) -> None:
        """Districts and schools that planned lines need and that are not known yet are created with the first such line."""
        for seq, kind, table, pk, values in (
            (-2, "lea", "students_lea", "lea_id", "jsonb_build_object('code', r.lea)"),
            (-1, "school", "students_school", "school_pk", "jsonb_build_object('lea_id', r.lea_id, 'code', r.school)"),
        ):
            execute(
                f"""
                INSERT INTO imports_importchange (run_id, line, seq, part, kind, object_id, student_id, guard, before, after)
                SELECT DISTINCT ON (r.{pk}) %s, r.line, {seq}, %s, '{kind}', r.{pk}, NULL, NULL, NULL, {values}
                FROM staged_roster r
                WHERE r.{pk} IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {table} t WHERE t.id = r.{pk})
                  AND EXISTS (SELECT 1 FROM imports_importchange c WHERE c.run_id = %s AND c.line = r.line)
                ORDER BY r.{pk}, r.line
                """,
                [context.run.pk, DISTRICT_PART, context.run.pk],
            )


class _IsBlank(models.Func):
    template = "(%(expressions)s = '')"
    output_field = models.BooleanField()
    conditional = True


def _is_blank(expression: Any) -> models.Func:
    return _IsBlank(expression)


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
        params = {"cause_text": Value("", output_field=CharField())}
    if code == "SSID-TAKEN":
        params = {"other": F("holder__student__local_number"), "other_school": F("holder__student__school_id")}
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
