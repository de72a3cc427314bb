"""Import type `oneroster`: students from the CSV files of OneRoster 1.1 and 1.2, whole (bulk) or what changed (delta).

The zip was joined to a line for each student and school when it was accepted (`files.oneroster`); such a line may do
what a line of the district's own roster may do. A row marked as deleted ends an enrollment and never removes a student.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from django.db.models import CharField, F, Q, Value
from django.db.models.functions import Coalesce

from sisimport.files.detection import Recognition
from sisimport.files.issues import FileError, Severity
from sisimport.files.oneroster.joining import LOST, NO_ROLE, ROLE, SCHOOL, STATUS, TWICE, TWO_PRIMARY
from sisimport.files.oneroster.places import DELETED
from sisimport.imports.definition.change_kinds import STUDENT_KIND
from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.definition.options import Choice, Option
from sisimport.imports.definition.parts import Matching, Screen
from sisimport.imports.definition.rules import DuplicateCheck, PlannedChange, PlannedCreate, PlannedUpdate, Rule
from sisimport.imports.engine.kept_names import POORER_NAMES, POORER_NAMES_REMEDY
from sisimport.imports.engine.sql import execute, fetch_all
from sisimport.roster import birth_dates, other_people
from sisimport.roster.import_type import NEW_STUDENTS, TOOL, Roster
from students.models.people import NAME_FIELDS

ERROR, WARNING, NOTICE = Severity.ERROR, Severity.WARNING, Severity.NOTICE
_FEWEST_GONE: Final = 5  # lines; fewer may have left
ENDED: Final = "ended"  # `marked` of a row whose stay had already ended

NUMBER = Option(
    name="number",
    label="The local student number is",
    default="identifier",
    district_default=True,
    choices=(
        Choice(value="identifier", label="The identifier of users.csv"),
        Choice(
            value="sourcedId", label="The sourcedId of users.csv", hint="For systems that leave the identifier blank."
        ),
    ),
)
_NAMES: Final = tuple(
    name for name in NAME_FIELDS if name.startswith(("last", "first", "middle", "alias"))
)  # the standard has no suffix and no legal names
_TOLD: Final = ("problem", "detail", "marked", "mode", "is_primary")
_WHAT_IS_WRONG: Final = (
    (LOST, "ONE-LOST"),
    (TWICE, "ONE-TWICE"),
    (SCHOOL, "ONE-SCHOOL"),
    (ROLE, "ONE-ROLE"),
    (STATUS, "ONE-STATUS"),
)


class OneRoster(Roster):
    """Students of a OneRoster zip."""

    key = "oneroster"
    screen = Screen(
        label="OneRoster (zip)",
        tool=TOOL,
        order=20,
        description=(
            "Creates and updates students, their enrollments and SSIDs from a OneRoster 1.1 or 1.2 zip as other systems export"
            " it, complete or with changes only."
        ),
        file_hint=".zip with manifest.csv, as it was exported",
    )
    layouts = ("oneroster",)
    layout_folder = Path(__file__).parent / "layouts"
    converts_workbooks = False
    converts_workbooks_by_default = False
    columns_page = ""
    columns_codes = frozenset()
    fields = (
        "lea",
        "school",
        "local_number",
        "ssid",
        *_NAMES,
        "birth_date",
        "gender",
        "birth_country",
        "birth_state",
        "grade",
        "enrollment_start",
        "enrollment_exit",
        *_TOLD,
    )
    part_of_field: Mapping[str, str] = {"ssid": "ssid"}
    duplicates = (
        DuplicateCheck(
            name="dup_number",
            key=("lea_id", "local_number"),
            compared=("ssid", *_NAMES, "birth_date", "gender", "birth_country", "birth_state"),
        ),
        DuplicateCheck(
            name="dup_line",
            key=("lea_id", "local_number", "school", "enrollment_start"),
            compared=("grade", "enrollment_exit", "marked"),
        ),
        DuplicateCheck(name="dup_ssid", key=("state", "ssid"), compared=("lea_id", "local_number")),
    )
    options = (NUMBER, NEW_STUDENTS, POORER_NAMES, birth_dates.DATE_ORDER, other_people.OTHER_PEOPLE)
    remedies: Mapping[str, tuple[str, str]] = {
        "ONE-NUMBER": (NUMBER.name, "sourcedId"),
        **POORER_NAMES_REMEDY,
        **birth_dates.REMEDY,
        **other_people.REMEDY,
        "ONE-ALL-GONE": (other_people.OTHER_PEOPLE.name, "write"),
    }
    lists_absent = True
    matching = Matching(
        blank_lea=True,
        remembers_matches=True,
        near_codes=(),
        near_warnings=("STU-ALIKE", "NUMBER-NEAR"),
        related_fields=("local_number", "ssid"),
    )

    def explain(self, error: FileError, head: bytes) -> FileError:  # noqa: ARG002 - no mapping leads to a zip
        return error

    def as_chosen(self, recognition: Recognition, options: Mapping[str, str]) -> Recognition:
        if options.get(NUMBER.name) != "sourcedId" or "user_id" not in recognition.positions:
            return recognition
        at = recognition.positions["user_id"]
        return replace(recognition, positions={**recognition.positions, "local_number": at})

    def fields_to_read(self, context: RunContext) -> Sequence[str]:  # noqa: ARG002
        return self.fields

    def prepare(self, context: RunContext) -> None:
        super().prepare(context)
        if fetch_all("SELECT 1 FROM staged_roster WHERE school = '' OR marked <> '' LIMIT 1"):
            _stay_at_own_school()
            _end_once()

    def is_partial(self, context: RunContext) -> bool:  # noqa: ARG002
        return bool(fetch_all("SELECT 1 FROM (SELECT mode FROM staged_roster LIMIT 1) AS m WHERE mode = 'delta'"))

    def rules(self, context: RunContext) -> Sequence[Rule]:
        return [*_own_rules(context), *(rule for rule in super().rules(context) if rule.part != "el")]

    def plan(self, context: RunContext) -> Sequence[PlannedChange]:
        if context.option(other_people.OTHER_PEOPLE.name) != "write":
            _refuse_if_most_are_gone(context)
        return [step for step in map(_as_oneroster, super().plan(context)) if step.part != "el"]


def _refuse_if_most_are_gone(context: RunContext) -> None:
    """A whole file names everyone who is enrolled. Raises FileError if most of its lines end enrollments that are open.

    Skipped for lines planned again: their whole file was checked before.
    """
    if context.lines is not None:
        return
    gone, of = fetch_all(
        """
        SELECT count(*) FILTER (WHERE marked = %s AND enrollment_exit IS NOT NULL AND undated_pk > 0), count(*)
        FROM staged_roster WHERE NOT refused AND NOT is_new AND mode = 'bulk'
        """,
        [DELETED],
    )[0]
    if gone >= _FEWEST_GONE and gone * 2 > of:
        raise FileError("ONE-ALL-GONE", field="enrollment_exit", params={"count": f"{gone:,}", "of": f"{of:,}"})


def _as_oneroster(step: PlannedChange) -> PlannedChange:
    """The roster's step, adapted to lines without birth date and lines marked as deleted."""
    if isinstance(step, PlannedUpdate) and step.kind is STUDENT_KIND:
        return replace(step, fields={**step.fields, "birth_date": _kept_birth_date(step)})
    if isinstance(step, PlannedCreate):
        return replace(step, when=Q(step.when) & Q(marked=""))
    return step


def _kept_birth_date(step: PlannedUpdate) -> tuple[Any, Any]:
    old, new = step.fields["birth_date"]
    return old, Coalesce(new, old)


def _stay_at_own_school() -> None:
    """Lines without a school are about the student's own school; lines marked as deleted never move a student to
    another one."""
    execute(
        """
        UPDATE staged_roster r SET home_school_pk = s.school_id, home_exit = r.enrollment_exit,
          home_grade = CASE WHEN r.marked <> '' OR r.grade = '' THEN coalesce(s.grade, r.grade) ELSE r.grade END,
          school_pk = CASE WHEN r.school = '' THEN s.school_id ELSE r.school_pk END
        FROM staged_roster k LEFT JOIN students_student s ON s.id = k.student_pk
        WHERE k.line = r.line AND (k.school = '' OR k.marked <> '')
        """
    )


def _end_once() -> None:
    """Which stay a line marked as deleted ends; a stay that has already ended keeps its date."""
    execute(
        """
        WITH stays AS (
          SELECT r.line, CASE WHEN count(*) FILTER (WHERE e.exit_date IS NULL) = 1
              THEN min(e.id) FILTER (WHERE e.exit_date IS NULL) ELSE 0 END AS id,
            count(*) FILTER (WHERE e.exit_date IS NULL) AS open
          FROM staged_roster r LEFT JOIN students_enrollment e ON e.student_id = r.student_pk AND e.school_id = r.school_pk
          WHERE r.marked <> '' AND NOT r.is_new GROUP BY r.line
        )
        UPDATE staged_roster r SET undated_pk = CASE WHEN s.open > 0 THEN s.id END,
          marked = CASE WHEN s.open = 0 THEN %s ELSE r.marked END,
          enrollment_exit = CASE WHEN s.open > 0 THEN r.enrollment_exit END
        FROM stays s WHERE s.line = r.line
        """,
        [ENDED],
    )


def _own_rules(context: RunContext) -> list[Rule]:
    """Rules on what the files of a OneRoster zip lack or repeat."""
    lost, named = Q(problem=LOST), ~Q(problem=LOST)
    new = Q(is_new=True) & named & ~Q(local_number="")
    living = Q(marked="")
    whole = Q(problem__in=["", TWO_PRIMARY])
    column = "sourcedId" if context.option(NUMBER.name) == "sourcedId" else "identifier"
    rules = [_rule(code, ERROR, "", Q(problem=word), found=F("detail")) for word, code in _WHAT_IS_WRONG]
    no_lea = Q(lea_id__isnull=True, lea="") & named & ~Q(problem__in=[SCHOOL, ROLE, STATUS, TWICE])
    return [
        *rules,
        _rule("ONE-SCHOOL", ERROR, "lea", no_lea, found=_text("no district whose identifier is the state's code")),
        _rule("ONE-NUMBER", ERROR, "local_number", Q(local_number="") & ~lost, found=_text(column)),
        *(
            _rule(
                "FILE-REQUIRED", ERROR, name, new & living & Q(**{name: ""}), found=_text(""), expected=_text("a value")
            )
            for name in ("last_name", "first_name")
        ),
        _rule("ONE-GONE", NOTICE, "local_number", new & ~living, found=F("local_number")),
        _rule(
            "ONE-NEW",
            ERROR,
            "birth_date",
            new & living & Q(birth_date__isnull=True),
            found=F("local_number"),
            expected=_text("birth date"),
        ),
        _rule(
            "ONE-NEW",
            ERROR,
            "local_number",
            new & living & Q(problem=NO_ROLE),
            found=F("local_number"),
            expected=_text("role"),
        ),
        _rule("ONE-NO-SCHOOL", WARNING, "school", new & living & Q(school="") & whole, found=F("local_number")),
        _rule("ONE-PRIMARY", WARNING, "school", Q(problem=TWO_PRIMARY, dup_number=0), found=F("detail")),
        _rule(
            "ONE-ENDS",
            NOTICE,
            "enrollment_exit",
            Q(marked=DELETED, is_new=False, enrollment_exit__isnull=False, undated_pk__gt=0),
            found=F("enrollment_exit"),
        ),
        _rule(
            "ONE-ENDS-WHEN",
            WARNING,
            "enrollment_exit",
            Q(marked=DELETED, is_new=False, enrollment_exit__isnull=True, undated_pk__isnull=False),
            found=_text("the value"),
        ),
    ]


def _text(value: str) -> Value:
    return Value(value, output_field=CharField())


def _rule(code: str, severity: Severity, field: str, when: Q, *, found: Any, expected: Any = None) -> Rule:
    return Rule(
        number="oneroster",
        code=code,
        severity=severity,
        field=field,
        when=when,
        found=found,
        expected=expected,
        needs_student=False,
    )
