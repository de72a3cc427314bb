"""Import type SSID Download File: the state's SSID and EL data of students already enrolled.

Rules D-1 to D-13; sources: CALPADS SSID Import (vendor help page, 2022) and CALPADS extract documentation.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.db import models
from django.db.models import F, FilteredRelation, Q

from sisimport.files.issues import Severity
from sisimport.imports.definition.english_learner import OLDER_STATUS_REMEDY
from sisimport.imports.definition.import_type import ImportType, RunContext
from sisimport.imports.definition.parts import Matching, Screen, Speed
from sisimport.imports.definition.rules import DuplicateCheck, PlannedChange, Rule
from sisimport.imports.engine.new_ssids import look_at_new_ssids
from sisimport.imports.engine.shifted_ssids import warn_of_missing_ssids
from ssid.models import SSIDDownloadRow
from ssid.rules import english_learner, english_learner_plan, on_record
from ssid.rules.identity import birth_date_rule, find_student_rules, gender_rule, name_rules
from ssid.rules.lines import duplicate_rules, enrollment_rules
from ssid.rules.ssids import OWN_NUMBER, REPLACE_REMEDY, REPLACE_RETIRED, SSID_PART, VALID_SSID, ssid_plan, ssid_rules
from ssid.rules.whole_columns import warn_of_dates_filled_down

TOOL = "calpads-ssid"
ERROR, WARNING, NOTICE = Severity.ERROR, Severity.WARNING, Severity.NOTICE


class SSIDDownload(ImportType):
    """SSID Import - SSID Download File."""

    key = "ssid-download"
    screen = Screen(
        label="SSID Import - SSID Download File",
        tool=TOOL,
        order=10,
        description=(
            "Gives students the SSID of the state's download file and brings their English learner status, date and home "
            "language up to date. Local number, names, birth date and gender must match the student record."
        ),
    )
    layouts = ("calpads-ssid-download",)
    layout_folder = Path(__file__).parents[1] / "layouts"
    row_model = SSIDDownloadRow
    fields = (
        "lea",
        "school",
        "ssid",
        "local_number",
        "last_name",
        "first_name",
        "middle_name",
        "gender",
        "birth_date",
        "grade",
        "elas",
        "elas_date",
        "language",
    )
    part_of_field = {
        "ssid": SSID_PART,
        **english_learner_plan.PART_OF_FIELD,
    }
    duplicates = (
        DuplicateCheck(
            name="dup_number",
            key=("lea_id", "local_number"),
            # A student enrolled at two schools appears twice: school and grade are not compared.
            compared=(
                "ssid",
                "last_name",
                "first_name",
                "middle_name",
                "gender",
                "birth_date",
                "elas",
                "elas_date",
                "language",
            ),
        ),
        DuplicateCheck(name="dup_ssid", key=("ssid",), compared=("lea_id", "local_number")),
    )
    options = (REPLACE_RETIRED, *english_learner_plan.EL_OPTIONS)
    remedies = REPLACE_REMEDY | OLDER_STATUS_REMEDY
    lists_absent = True
    brings_everyone = True
    speed = Speed(
        marks_idle_rows=True,
        codes_on_record=("SSID-PRESENT",),
    )
    matching = Matching(
        remembers_matches=True,
        related_fields=("local_number", "ssid"),
    )

    def rows(self, context: RunContext) -> models.QuerySet[Any]:  # noqa: ARG002
        return SSIDDownloadRow.objects.annotate(
            current=FilteredRelation("student__ssids", condition=Q(student__ssids__retired_at__isnull=True))
        )

    def rules(self, context: RunContext) -> Sequence[Rule]:
        return [
            *find_student_rules(context),
            *name_rules("last_name", "student__match_last_name"),
            *name_rules("first_name", "student__match_first_name"),
            *name_rules("middle_name", "student__match_middle_name"),
            birth_date_rule(),
            gender_rule(),
            *duplicate_rules(),
            *enrollment_rules(),
            *ssid_rules(context),
            *english_learner.rules(context),
        ]

    def on_record_when(self, context: RunContext) -> Q:
        gender = Q(gender="") | Q(gender=F("student__legal_gender"))
        gender |= Q(gender=F("student__gender"), student__legal_gender="")
        return (
            on_record.same_ssid()  # first, because a new line fails it
            & on_record.same_english_learner_data(english_learner_plan.Choices.of(context))
            & on_record.same_person(context, "last_name", "first_name", "middle_name")
            & gender
            & Q(dup_number=0, dup_ssid=0)
            & VALID_SSID
            & ~OWN_NUMBER
        )

    def plan(self, context: RunContext) -> Sequence[PlannedChange]:
        # A repeat of a line that is already planned has nothing left to do.
        first = Q(dup_number__in=[0])
        steps = [*ssid_plan(context), *english_learner_plan.plan(english_learner_plan.Choices.of(context))]
        return [_only(step, first) for step in steps]

    def after_plan(self, context: RunContext) -> None:
        look_at_new_ssids(context, series=False)
        warn_of_missing_ssids(context)
        warn_of_dates_filled_down(context)


def _only(step: PlannedChange, condition: Q) -> PlannedChange:
    from dataclasses import replace

    own = step.when if isinstance(step.when, Q) else Q(step.when)
    return replace(step, when=own & condition)
