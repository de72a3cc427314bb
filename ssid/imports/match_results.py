"""Import type Request File: the state's match results, candidate by candidate. Rules R-1 to R-15 of the SSID rules.

Sources: CALPADS SSID Import (vendor help page, 2022); CDE Flash 231 and 296; CALPADS match request record layout (vendor, 2022).
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.db import models
from django.db.models import Case, CharField, F, FilteredRelation, Q, Value, When

from sisimport.files.issues import Severity
from sisimport.imports.definition.english_learner import OLDER_STATUS_REMEDY
from sisimport.imports.definition.expressions import Differs
from sisimport.imports.definition.import_type import ImportType, RunContext
from sisimport.imports.definition.options import Option
from sisimport.imports.definition.parts import Matching, Screen
from sisimport.imports.definition.rules import PlannedChange, Rule
from sisimport.imports.engine.new_ssids import look_at_new_ssids
from sisimport.imports.engine.shifted_ssids import warn_of_missing_ssids
from ssid.imports import candidate_facts, match_results_staging
from ssid.imports.match_results_staging import NO, YES
from ssid.imports.ssid_download import TOOL
from ssid.models.request_rows import TAKEN, Pick, SSIDRequestRow
from ssid.rules import english_learner, english_learner_plan
from ssid.rules.identity import birth_date_rule, find_student_rules, gender_rule, name_rules
from ssid.rules.lines import enrollment_rules
from ssid.rules.ssids import OWN_NUMBER, REPLACE_REMEDY, REPLACE_RETIRED, SSID_PART, VALID_SSID, ssid_plan, ssid_rules
from ssid.rules.whole_columns import warn_of_dates_filled_down

ERROR, WARNING, NOTICE = Severity.ERROR, Severity.WARNING, Severity.NOTICE

SINGLE_MATCH_SCORE = Option(
    name="single_match_score",
    label="Import a Single Match without selection at this score or higher",
    default="100",
    district_default=True,
    pattern=r"100|[1-9]?[0-9]",
    hint="A whole number from 0 to 100; a Single Match with a lower score waits for you to choose.",
)

UNSURE = ~Q(selection="") & ~Q(selection__iregex=YES) & ~Q(selection__iregex=NO)
_TAKEN_SQL = f"pick IN ({', '.join(repr(pick.value) for pick in TAKEN)})"
IS_TAKEN = Q(pick__in=[pick.value for pick in TAKEN])
# Which student the record belongs to decides what is imported and what may still be chosen.
IS_ASKED = IS_TAKEN | Q(pick__in=[Pick.OPEN.value, Pick.MANY.value])


def selection_rules() -> list[Rule]:
    """R-3 to R-6 and R-15: how the state answered the request, and what was chosen."""

    def rule(number: str, code: str, severity: Severity, when: Q, **more: Any) -> Rule:
        return Rule(
            number=number, code=code, severity=severity, field="selection", when=when, needs_student=False, **more
        )

    choice = {"choices": F("choice_text"), "score": F("score")}
    return [
        rule("R-3", "MATCH-NONE", NOTICE, Q(pick=Pick.NONE), found=F("local_number")),
        rule("R-4", "SEL-SCORE", NOTICE, Q(pick=Pick.SCORE), found=F("score")),
        rule(
            "R-4",
            "SEL-NONE",
            ERROR,
            Q(pick=Pick.OPEN, candidate_count=1, category__iexact="Single Match"),
            found=F("local_number"),
            params={**choice, "what": Value("the one candidate scores below the limit; choose it or refuse it")},
        ),
        rule(
            "R-5",
            "SEL-NONE",
            ERROR,
            Q(pick=Pick.OPEN) & ~Q(candidate_count=1, category__iexact="Single Match"),
            found=F("local_number"),
            params={**choice, "what": Value("choose one of the candidates")},
        ),
        rule("R-5", "SEL-MARK", ERROR, UNSURE, found=F("selection")),
        rule("R-3", "SEL-NOMATCH", WARNING, IS_TAKEN & Q(category__iexact="No Match"), found=F("local_number")),
        rule("R-6", "SEL-MANY", ERROR, Q(pick=Pick.MANY), found=F("local_number"), params=choice),
        rule("R-5", "SEL-OTHER", NOTICE, Q(pick=Pick.OTHER), found=F("local_number"), expected=F("chosen_line")),
        rule("R-4", "SEL-REFUSED", NOTICE, Q(pick=Pick.REFUSED), found=F("local_number")),
        rule(
            "R-15",
            "SEL-TWICE",
            ERROR,
            IS_TAKEN & ~Q(shared_with="") & VALID_SSID & ~OWN_NUMBER,
            found=F("ssid"),
            expected=F("local_number"),
            params={"other_number": F("shared_with")},
        ),
        rule(
            "R-15",
            "DUP-SAME",
            WARNING,
            IS_TAKEN & Q(repeats=1),
            found=F("local_number"),
            params={"first_line": F("chosen_line")},
        ),
        rule(
            "R-15",
            "DUP-DIFFERS",
            ERROR,
            IS_TAKEN & Q(repeats=2),
            found=F("local_number"),
            params={"first_line": F("chosen_line")},
        ),
    ]


def submitted_rules() -> list[Rule]:
    """R-9 to R-11: the submitted values compared with the student's current record."""
    last = Q(Differs(F("last_name"), F("student__match_last_name")))
    first = Q(Differs(F("first_name"), F("student__match_first_name")))
    names = [("last_name", "student__match_last_name"), ("first_name", "student__match_first_name")]
    rules: list[Rule] = []
    for field, record in names:
        rules += [
            _numbered(rule, "R-10", last & first & _when(rule)) for rule in name_rules(field, record, severity=ERROR)
        ]
        rules += [
            _numbered(rule, "R-10", ~(last & first) & _when(rule))
            for rule in name_rules(field, record, severity=WARNING)
        ]
    middle = name_rules("middle_name", "student__match_middle_name", severity=WARNING)
    rules += [_numbered(rule, "R-11", _when(rule)) for rule in middle]
    rules.append(gender_rule(severity=WARNING, number="R-11"))
    born = birth_date_rule(number="R-9")
    hint = Value(" The request was made with different data.", output_field=CharField())
    rules.append(replace(born, params={**born.params, "hint_text": hint}))
    return [_only_where(IS_ASKED, rule) for rule in rules]


def _somebody_else() -> Rule:
    """A candidate taken by the score, without a mark, who has another birth date and other names: lines or columns moved."""
    other = Q(result_birth_date__isnull=False) & ~Q(result_birth_date=F("student__birth_date"))
    for name in ("last_name", "first_name"):
        other &= ~Q(**{f"result_{name}": ""}) & Q(Differs(F(f"result_{name}"), F(f"student__match_{name}")))
    return Rule(
        number="R-12",
        code="CAND-OTHER",
        severity=ERROR,
        field="selection",
        when=Q(pick=Pick.SCORE.value) & other,
        found=F("score"),
    )


def candidate_rules() -> list[Rule]:
    """R-12: the state's candidate compared with the student; shown side by side on the choosing page."""

    def differs(field: str, record: Any, given: Q) -> Rule:
        return Rule(
            number="R-12",
            code="CAND-DIFFERS",
            severity=WARNING,
            field=field,
            when=IS_TAKEN & given & Q(Differs(F(field), record)),
            found=F(field),
            expected=record,
        )

    gender = Case(
        When(~Q(student__legal_gender=""), then=F("student__legal_gender")),
        default=F("student__gender"),
        output_field=CharField(),
    )
    names = [
        differs(f"result_{name}", F(f"student__match_{name}"), ~Q(**{f"result_{name}": ""}))
        for name in ("last_name", "first_name", "middle_name")
    ]
    return [
        *names,
        _somebody_else(),
        differs("result_birth_date", F("student__birth_date"), Q(result_birth_date__isnull=False)),
        differs("result_gender", gender, ~Q(result_gender="") & ~Q(result_gender="X", student__gender="X")),
    ]


def _when(rule: Rule) -> Q:
    return rule.when if isinstance(rule.when, Q) else Q(rule.when)


def _numbered(rule: Rule, number: str, when: Q) -> Rule:
    return replace(rule, number=number, when=when)


def _only_where(condition: Q, rule: Rule) -> Rule:
    return replace(rule, when=condition & _when(rule))


class SSIDRequest(ImportType):
    """SSID Import - Request File."""

    key = "ssid-request"
    screen = Screen(
        label="SSID Import - Request File",
        tool=TOOL,
        order=20,
        description=(
            "Reads the state's answer to a request for SSIDs. Mark the right candidate in the selection column, or choose on "
            "the page that follows the Test; the chosen SSID and its English learner data are saved for the student."
        ),
        file_hint=".csv, .txt or .xlsx as the state's match tool returns it",
    )
    layouts = ("calpads-ssid-request-results",)
    layout_folder = Path(__file__).parents[1] / "layouts"
    converts_workbooks = True
    converts_workbooks_by_default = True
    row_model = SSIDRequestRow
    fields = (
        "lea",
        "school",
        "selection",
        "local_number",
        "last_name",
        "first_name",
        "middle_name",
        "ssid",
        "category",
        "score",
        "gender",
        "birth_date",
        "result_last_name",
        "result_first_name",
        "result_middle_name",
        "result_gender",
        "result_birth_date",
        "grade",
        "elas",
        "elas_date",
        "language",
        *candidate_facts.GUARDIAN_FIELDS,
        *candidate_facts.ENROLLMENT_FIELDS,
    )
    part_of_field = {
        "ssid": SSID_PART,
        **english_learner_plan.PART_OF_FIELD,
        **candidate_facts.PART_OF_FIELD,
    }
    options = (
        SINGLE_MATCH_SCORE,
        REPLACE_RETIRED,
        *english_learner_plan.EL_OPTIONS,
        candidate_facts.GUARDIANS,
        candidate_facts.LAST_ENROLLMENT,
    )
    remedies = REPLACE_REMEDY | OLDER_STATUS_REMEDY
    matching = Matching(
        remembers_matches=True,
        related_fields=("local_number", "ssid"),
    )

    @property
    def repeat_marks(self) -> Sequence[tuple[str, str]]:
        return [("repeats", "chosen_line")]

    def rows(self, context: RunContext) -> models.QuerySet[Any]:  # noqa: ARG002
        return SSIDRequestRow.objects.annotate(
            current=FilteredRelation("student__ssids", condition=Q(student__ssids__retired_at__isnull=True))
        )

    def fields_to_read(self, context: RunContext) -> Sequence[str]:
        unread = candidate_facts.unread(context)
        return [name for name in self.fields if name not in unread]

    def prepare(self, context: RunContext) -> None:
        match_results_staging.pick_candidates(context)

    def rules(self, context: RunContext) -> Sequence[Rule]:
        # Without the columns there is nothing to compare: a missing column is not a statement by the state.
        positions = context.recognition.positions if context.recognition else {}
        el_rules = english_learner.rules(context) if {"elas", "language"} & set(positions) else []
        if "elas" not in positions:
            el_rules = [rule for rule in el_rules if rule.code != "ELA-MISSING"]
        return [
            *(_numbered(rule, "R-8", IS_ASKED & _when(rule)) for rule in find_student_rules(context)),
            *selection_rules(),
            *submitted_rules(),
            *candidate_rules(),
            *(_only_where(IS_TAKEN, rule) for rule in self._taken_rules(context, el_rules)),
        ]

    def _taken_rules(self, context: RunContext, el_rules: list[Rule]) -> list[Rule]:
        return [*enrollment_rules(), *ssid_rules(context), *el_rules, *candidate_facts.rules(context)]

    def plan(self, context: RunContext) -> Sequence[PlannedChange]:
        steps = [
            *ssid_plan(context),
            *english_learner_plan.plan(english_learner_plan.Choices.of(context)),
            *candidate_facts.plan(context),
        ]
        first = IS_TAKEN & ~Q(repeats=1)
        return [replace(step, when=first & (step.when if isinstance(step.when, Q) else Q(step.when))) for step in steps]

    def after_plan(self, context: RunContext) -> None:
        look_at_new_ssids(context, series=False)
        warn_of_missing_ssids(context, where=_TAKEN_SQL)
        warn_of_dates_filled_down(context)
        match_results_staging.keep_requests(context)
