"""Import type SSID list: reads back the list of students without SSID that a school filled in (rule M-5).

    who    local student number, else last name, first name and birth date (what schools match on), within the school
    what   ten digits; not the local number, not another student's, not twice in the list (M-1, M-8, ID-3 to ID-5)

Source: MESA Collection of the CASSID (memo).
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.db import models
from django.db.models import Case, CharField, F, FilteredRelation, Q, Value, When
from django.db.models.functions import Cast, Concat, Length

from sisimport.files.issues import Severity
from sisimport.files.reader import FileError
from sisimport.imports.definition.change_kinds import SSID_KIND
from sisimport.imports.definition.expressions import Differs, NextId
from sisimport.imports.definition.import_type import ImportType, RunContext
from sisimport.imports.definition.names import loosely
from sisimport.imports.definition.options import checkbox
from sisimport.imports.definition.parts import Screen
from sisimport.imports.definition.rules import DuplicateCheck, PlannedChange, PlannedCreate, PlannedUpdate, Rule
from sisimport.imports.definition.ssid_rules import FORMER, former_params, held_by_other, other_person, ssid_cause
from sisimport.imports.definition.student_issue_codes import SSID_CAUSES
from sisimport.imports.engine.days_of_1904 import refuse_days_of_1904
from sisimport.imports.engine.identifiers import near_text
from sisimport.imports.engine.new_ssids import look_at_new_ssids
from sisimport.imports.engine.shifted_ssids import refuse_shifted_ssids
from sisimport.imports.engine.sql import execute, fetch_all
from sisimport.imports.engine.staging import mark_duplicates
from ssid.models.staged_list import SSIDListRow
from ssid.rules.identity import birth_date_rule, name_rules
from students.models import SSID, Origin
from students.patterns import NAME_SUFFIX, well_formed
from students.profiles import PROFILES

TOOL = "ssid-collection"
ERROR, WARNING, NOTICE = Severity.ERROR, Severity.WARNING, Severity.NOTICE

VERIFIED = checkbox(
    "verified",
    "The school took the numbers from its records",
    default="1",
    hint="They are marked verified. Clear this for numbers that students wrote down themselves.",
)
FILLED_IN = ~Q(ssid="")
OWN_NUMBER = Q(ssid=F("own_number"))
VALID = well_formed()
BY_NAME = Q(local_number="") & ~Q(last_name="") & ~Q(first_name="") & Q(birth_date__isnull=False)
ANONYMOUS = Q(local_number="") & (Q(last_name="") | Q(first_name="") | Q(birth_date__isnull=True))


class SSIDList(ImportType):
    """SSID List of a School."""

    key = "ssid-list"
    screen = Screen(
        label="Filled-in list of missing SSIDs",
        tool=TOOL,
        order=10,
        description=(
            "Reads back the list of students without SSID that a school has filled in. Students are found by local student "
            "number, or else by name and birth date; no SSID on record is ever overwritten."
        ),
        file_hint=".csv or .xlsx as saved from the list",
    )
    layouts = ("ssid-list",)
    layout_folder = Path(__file__).parents[1] / "layouts"
    row_model = SSIDListRow
    converts_workbooks = True
    converts_workbooks_by_default = True
    fields = (
        "lea",
        "school",
        "local_number",
        "last_name",
        "first_name",
        "middle_name",
        "birth_date",
        "grade",
        "ssid",
    )
    options = (VERIFIED,)

    @property
    def repeat_marks(self) -> Sequence[tuple[str, str]]:
        return [(check.name, f"{check.name}_line") for check in _DUPLICATES]

    def rows(self, context: RunContext) -> models.QuerySet[Any]:  # noqa: ARG002
        return SSIDListRow.objects.annotate(
            current=FilteredRelation("student__ssids", condition=Q(student__ssids__retired_at__isnull=True))
        ).alias(
            known_last_name=_known_as("last_name", Concat("student__last_name", Value(" "), "student__suffix")),
            known_first_name=_known_as("first_name", F("student__first_name")),
        )

    def prepare(self, context: RunContext) -> None:
        """Find the students, mark lines that share a student or an SSID."""
        present = set(context.recognition.positions) if context.recognition is not None else set()
        _refuse_without_columns(present)
        schools = None if context.run.schools is None else list(context.run.schools)
        execute(_FIND_BY_NUMBER)
        execute(_FIND_BY_NAME, [schools, schools])
        execute(_NOTE_STUDENT)
        execute("ANALYZE staged_ssid_list")
        for check in _DUPLICATES:
            mark_duplicates(SSIDListRow, check)
        # Lines without LEA found their students by name: Update locks those students' districts too.
        found = fetch_all(
            "SELECT DISTINCT s.lea_id FROM staged_ssid_list r JOIN students_student s ON s.id = r.student_pk"
        )
        context.lea_ids |= {pk for (pk,) in found}

    def rules(self, context: RunContext) -> Sequence[Rule]:
        # A blank line of the list is not checked further.
        return [
            _rule("M-5", "LIST-BLANK", NOTICE, "ssid", ~FILLED_IN),
            *(_filled_in(rule) for rule in (*_who_rules(context), *_number_rules(), *_student_rules())),
        ]

    def plan(self, context: RunContext) -> Sequence[PlannedChange]:
        refuse_days_of_1904(context)
        refuse_shifted_ssids(context)
        verified = context.option("verified") == "1"
        first = FILLED_IN & Q(dup_student=0)
        steps: list[PlannedChange] = [
            PlannedCreate(
                kind=SSID_KIND,
                part="record",
                when=first & Q(current__ssid__isnull=True) & Q(holder__student_id__isnull=True),
                object_id=NextId(SSID),
                values={
                    "ssid": F("ssid"),
                    "state": F("state"),
                    "origin": Origin.SCHOOL_LIST.value,
                    "verified": verified,
                },
            )
        ]
        if verified:
            steps.append(
                PlannedUpdate(
                    kind=SSID_KIND,
                    part="record",
                    when=first & Q(current__ssid=F("ssid")),
                    object_id=F("current__id"),
                    fields={"verified": (F("current__verified"), Value(True))},
                )
            )
        return steps

    def after_plan(self, context: RunContext) -> None:
        look_at_new_ssids(context, series=True)


_WHO = {"last_name": "Last Name", "first_name": "First Name", "birth_date": "Birth Date"}


def _refuse_without_columns(present: Collection[str]) -> None:
    """Raises FileError for a list that lacks the SSIDs, or the columns that say whose they are."""
    lacking = [name for field, name in _WHO.items() if field not in present]
    missing = [] if "ssid" in present else ["SSID"]
    if "local_number" not in present and lacking:
        missing.append(f"Local Student Number (or, instead of it, {' and '.join(lacking)})")
    if missing:
        expected = "the column SSID, and the local student number or last name, first name and birth date"
        raise FileError("FILE-COLUMN-MISSING", found=" and ".join(missing), expected=expected)


def _known_as(field: str, listed: Any) -> Case:
    """The student's name that the line means: the legal one, the everyday one, or the everyday one as in our list."""
    everyday = f"student__{field}"

    def same(one: Any, other: Any) -> Q:
        return ~Q(Differs(one, other))

    return Case(
        When(same(F(field), F(f"student__match_{field}")), then=F(f"student__match_{field}")),
        When(same(F(field), listed), then=listed),
        When(same(loosely(F(field)), loosely(F(everyday))), then=F(everyday)),
        default=F(f"student__match_{field}"),
        output_field=CharField(),
    )


_FIND_BY_NUMBER = """
    UPDATE staged_ssid_list r SET student_pk = s.id FROM students_student s
    WHERE r.local_number <> '' AND r.ssid <> '' AND s.lea_id = r.lea_id AND s.local_number = r.local_number
"""
_FIND_BY_NAME = f"""
    WITH named AS (
      SELECT r.line, count(s.id) AS n, min(s.id) AS id
      FROM staged_ssid_list r
      JOIN students_student s ON s.birth_date = r.birth_date
        AND sis_loose(regexp_replace(r.last_name, '{NAME_SUFFIX}', '', 'i'))
          IN (sis_loose(s.match_last_name), sis_loose(s.last_name))
        AND sis_loose(r.first_name) IN (sis_loose(s.match_first_name), sis_loose(s.first_name))
        AND (r.lea_id IS NULL OR s.lea_id = r.lea_id)
        AND (%s::bigint[] IS NULL OR s.school_id = ANY(%s::bigint[]))
      LEFT JOIN students_school k ON k.id = s.school_id
      WHERE r.local_number = '' AND r.ssid <> '' AND (r.school = '' OR k.code = r.school)
      GROUP BY r.line
    )
    UPDATE staged_ssid_list r SET alike = n, student_pk = CASE WHEN n = 1 THEN named.id END FROM named WHERE named.line = r.line
"""
# A local number padded with zeros to ten digits is still a local number.
_NOTE_STUDENT = """
    UPDATE staged_ssid_list r SET lea_id = s.lea_id, state = l.state, own_number = CASE
        WHEN s.local_number ~ '^[0-9]{4,}$' AND r.ssid ~ '^[0-9]+$' AND ltrim(s.local_number, '0') = ltrim(r.ssid, '0')
        THEN r.ssid ELSE s.local_number END
    FROM students_student s JOIN students_lea l ON l.id = s.lea_id WHERE s.id = r.student_pk
"""
_DUPLICATES = (
    DuplicateCheck(name="dup_student", key=("student_pk",), compared=("ssid",)),
    DuplicateCheck(name="dup_ssid", key=("state", "ssid"), compared=("student_pk",)),
)


def _rule(number: str, code: str, severity: Severity, field: str, when: Any, **more: Any) -> Rule:
    values: dict[str, Any] = {"found": F(field), "needs_student": False} | more
    return Rule(number=number, code=code, severity=severity, field=field, when=when, **values)


def _filled_in(rule: Rule) -> Rule:
    own = rule.when if isinstance(rule.when, Q) else Q(rule.when)
    return replace(rule, when=FILLED_IN & own)


def _who_rules(context: RunContext) -> list[Rule]:
    """M-5: whose line is it? What the school wrote must agree with the record; spelling may differ a little."""
    name = Concat(F("first_name"), Value(" "), F("last_name"), output_field=CharField())
    by_number = ~Q(local_number="")
    near = {"DEMO-NEAR": NOTICE}
    return [
        _rule("M-5", "LIST-WHO", ERROR, "local_number", ANONYMOUS, found=Value("")),
        _rule(
            "M-5",
            "STU-NOTFOUND",
            ERROR,
            "local_number",
            by_number & ~context.matched & Q(candidates__lt=2),
            params={"near_text": near_text()},
        ),
        _rule(
            "M-5",
            "STU-AMBIGUOUS",
            ERROR,
            "local_number",
            by_number & Q(candidates__gte=2),
            params={"candidates": F("candidate_text")},
        ),
        _rule(
            "M-5",
            "LIST-NOTFOUND",
            ERROR,
            "last_name",
            BY_NAME & Q(alike=0),
            found=name,
            expected=Cast(F("birth_date"), models.TextField()),
        ),
        _rule(
            "M-5",
            "LIST-ALIKE",
            ERROR,
            "last_name",
            BY_NAME & Q(alike__gt=1),
            found=name,
            expected=Cast(F("birth_date"), models.TextField()),
        ),
        *(
            _given(rule, field, near.get(rule.code, rule.severity))
            for field in ("last_name", "first_name")
            for rule in name_rules(field, f"known_{field}")
        ),
        birth_date_rule(number="M-5"),
    ]


def _given(rule: Rule, field: str, severity: Severity) -> Rule:
    """The rule, left out where the list lacks the column."""
    own = rule.when if isinstance(rule.when, Q) else Q(rule.when)
    return replace(rule, when=~Q(**{field: ""}) & own, severity=severity, number="M-5")


def _number_rules() -> list[Rule]:
    """M-1 and ID-3 to ID-5: mistyped, short and local numbers, and numbers that belong to another student."""
    first_line = {"first_line": F("dup_ssid_line")}
    return [
        _rule(
            "M-1",
            "SSID-FORMAT",
            ERROR,
            "ssid",
            ~VALID | OWN_NUMBER,
            expected=Case(
                *(When(state=state, then=Value(profile.ssid_words)) for state, profile in PROFILES.items()),
                output_field=CharField(),
            ),
            params={
                "cause": ssid_cause_of_list(),
                "cause_text": ssid_cause_of_list(SSID_CAUSES),
                "length": Length("ssid"),
            },
        ),
        _rule("ID-5", "DUP-DIFFERS", ERROR, "ssid", VALID & Q(dup_ssid=2), params=first_line),
        _rule(
            "ID-5",
            "SSID-TAKEN",
            ERROR,
            "ssid",
            VALID & ~OWN_NUMBER & held_by_other(),
            params=other_person(),
            needs_student=True,
        ),
    ]


def ssid_cause_of_list(words: Any = None) -> Any:
    """Like ssid_cause, but with the local number on record, since the list may leave it out."""
    return Case(
        When(OWN_NUMBER & ~Q(own_number=""), then=Value(words["local"] if words else "local")),
        default=ssid_cause(words),
        output_field=CharField(),
    )


def _student_rules() -> list[Rule]:
    """What the student already has: a school list completes records and never overwrites them (D-8, D-9, M-8)."""
    has_other = Q(current__ssid__isnull=False) & Q(Differs(F("current__ssid"), F("ssid")))
    others = held_by_other()
    same = Q(current__ssid=F("ssid"))
    first_line = {"first_line": F("dup_student_line")}

    def rule(number: str, code: str, severity: Severity, when: Any, **more: Any) -> Rule:
        return _rule(number, code, severity, "ssid", when, needs_student=True, **more)

    return [
        rule("M-5", "DUP-SAME", WARNING, Q(dup_student=1), params=first_line),
        rule("M-5", "DUP-DIFFERS", ERROR, Q(dup_student=2) & ~Q(dup_ssid=2), params=first_line),
        rule("D-8", "SSID-PRESENT", NOTICE, same & Q(current__verified=True)),
        rule("M-8", "LIST-CONFIRMED", NOTICE, same & Q(current__verified=False)),
        rule("D-9", "SSID-CONFLICT", ERROR, VALID & has_other & ~others & ~FORMER, expected=F("current__ssid")),
        rule("D-9", "SSID-FORMER", ERROR, VALID & FORMER & ~others, params=former_params()),
        rule(
            "M-8",
            "LIST-TOLD",
            WARNING,
            VALID & Q(reported__ssid__isnull=False) & Q(Differs(F("reported__ssid"), F("ssid"))),
            expected=F("reported__ssid"),
        ),
    ]
