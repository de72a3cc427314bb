"""Import type ELA Import: English learner status, date and home language from the download file or a SELA file.

Rules E-1 to E-6 and section 8; sources: CALPADS SSID Import (vendor help page, 2022), CALPADS File Specifications (SELA) and
error pages.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.db import models
from django.db.models import Exists, F, FilteredRelation, OuterRef, Q

from sisimport.files.issues import Severity
from sisimport.imports.definition.expressions import Differs
from sisimport.imports.definition.import_type import ImportType, RunContext
from sisimport.imports.definition.options import Choice, Option
from sisimport.imports.definition.parts import Matching, Screen, Speed
from sisimport.imports.definition.rules import DuplicateCheck, PlannedChange, Rule
from sisimport.imports.definition.ssid_rules import HELD, held_by_other, other_person
from sisimport.imports.engine.days_of_1904 import refuse_days_of_1904
from sisimport.imports.engine.sql import execute, fetch_all
from ssid.imports.ssid_download import TOOL
from ssid.models.staged_ela import ELARow
from ssid.rules import english_learner, english_learner_plan, on_record
from ssid.rules.identity import birth_date_rule, find_student_rules, name_rules
from ssid.rules.lines import enrollment_rules
from ssid.rules.whole_columns import warn_of_dates_filled_down
from students.models import SSIDReplacement

ERROR, WARNING, NOTICE = Severity.ERROR, Severity.WARNING, Severity.NOTICE

ELA_MODE = Option(
    name="ela_mode",
    label="English learner records",
    default="overwrite",
    district_default=True,
    choices=(
        Choice(
            value="overwrite", label="Overwrite", hint="The file's status, date and language replace those on record."
        ),
        Choice(
            value="fill",
            label="Fill only",
            hint="Only for students without an EL record or with a pending one, and never RFEP; home language only where none is"
            " on record.",
        ),
    ),
)
# Rows of one student in a SELA file are distinguished by status: the state keeps one record per status (SELA0283).
FIRST, REPEAT, CONTRADICTION, EARLIER = 0, 1, 2, 3
DELETION = Q(transaction_type="D")
# Since then the state gets EL and IFEP from the ELPAC vendor.
ELPAC_VENDOR_SINCE = dt.date(2020, 7, 1)


class ELAImport(ImportType):
    """ELA Import."""

    key = "ela"
    screen = Screen(
        label="ELA Import",
        tool=TOOL,
        order=30,
        description=(
            "Brings English learner status, start date and home language up to date, from the SSID download file or a SELA "
            "file. SSIDs are compared and never written. Local number and birth date must match the student record."
        ),
    )
    layouts = ("calpads-ela-import", "calpads-sela")
    layout_folder = Path(__file__).parents[1] / "layouts"
    row_model = ELARow
    fields = (
        "lea",
        "school",
        "ssid",
        "local_number",
        "last_name",
        "first_name",
        "birth_date",
        "grade",
        "elas",
        "elas_date",
        "language",
        "record_type",
        "transaction_type",
        "correction_reason",
    )
    part_of_field = english_learner_plan.PART_OF_FIELD
    duplicates = (
        DuplicateCheck(
            name="dup_number",
            key=("lea_id", "local_number"),
            compared=("ssid", "birth_date", "elas", "elas_date", "language", "transaction_type"),
        ),
    )
    options = (ELA_MODE, *english_learner_plan.EL_OPTIONS)
    matching = Matching(
        remembers_matches=True,
        related_fields=("local_number", "ssid"),
    )
    speed = Speed(
        marks_idle_rows=True,
    )

    def rows(self, context: RunContext) -> models.QuerySet[Any]:  # noqa: ARG002
        return ELARow.objects.annotate(
            current=FilteredRelation("student__ssids", condition=Q(student__ssids__retired_at__isnull=True))
        )

    def prepare(self, context: RunContext) -> None:
        """Several lines of one student in a SELA file may be a history: then the latest status counts."""
        if context.layout is not None and "record_type" in context.layout.fields:
            _settle_histories()

    def rules(self, context: RunContext) -> Sequence[Rule]:
        needed = [
            *find_student_rules(context),
            *_warned(name_rules("last_name", "student__match_last_name")),
            *_warned(name_rules("first_name", "student__match_first_name")),
            birth_date_rule(number="E-5"),
            *_ssid_rules(),
            *_repeat_rules(),
            *enrollment_rules(),
            *english_learner.rules(context),
            _vendor_hint(),
        ]
        # A skipped line says nothing further about the status.
        return [
            replace(rule, when=Q(rule.when) & _counts()) if rule.part == english_learner_plan.EL else rule
            for rule in needed
        ]

    def on_record_when(self, context: RunContext) -> Q:
        return (
            on_record.same_english_learner_data(english_learner_plan.Choices.of(context))  # new lines fail it first
            & on_record.same_ssid()
            & on_record.same_person(context, "last_name", "first_name")
            & Q(dup_number=FIRST)
            & ~DELETION
            & ~Q(record_type="SELA")  # lines that a district sends may be given a hint
        )

    def plan(self, context: RunContext) -> Sequence[PlannedChange]:
        refuse_days_of_1904(context)
        steps = english_learner_plan.plan(english_learner_plan.Choices.of(context))
        first = Q(dup_number=FIRST) & ~DELETION
        return [replace(step, when=Q(step.when) & first) for step in steps]

    def after_plan(self, context: RunContext) -> None:
        warn_of_dates_filled_down(context)


def _counts() -> Q:
    return ~Q(dup_number=EARLIER) & ~DELETION


def _warned(rules: list[Rule]) -> list[Rule]:
    """E-5: a name that differs or is missing is a warning here."""
    return [replace(rule, severity=WARNING, number="E-5") for rule in rules]


def _ssid_rules() -> list[Rule]:
    """E-4 and E-5: an SSID of another student keeps the record out, one that is missing or differs is a warning."""
    differs = Q(Differs(F("current__ssid"), F("ssid"))) & ~Q(ssid="", current__ssid__isnull=True)
    by_other = held_by_other()
    merged = Exists(
        SSIDReplacement.objects.filter(
            state=OuterRef("state"), retired_ssid=OuterRef("ssid"), replacement_ssid=OuterRef("current__ssid")
        )
    )
    retired = ~Q(ssid="") & Q(current__ssid__isnull=False) & differs & (HELD & ~by_other | Q(merged))
    return [
        Rule(
            number="E-4",
            code="SSID-TAKEN",
            severity=ERROR,
            field="ssid",
            when=by_other,
            found=F("ssid"),
            params=other_person(),
        ),
        Rule(
            number="X-3",
            code="SSID-OLD",
            severity=NOTICE,
            field="ssid",
            when=retired,
            found=F("ssid"),
            expected=F("current__ssid"),
        ),
        Rule(
            number="E-5",
            code="SSID-OTHER",
            severity=WARNING,
            field="ssid",
            when=differs & ~by_other & ~retired,
            found=F("ssid"),
            expected=F("current__ssid"),
        ),
    ]


def _repeat_rules() -> list[Rule]:
    """D-11 for this type, and lines of a SELA file without a status to import."""
    first_line = {"first_line": F("dup_number_line")}
    return [
        Rule(
            number="D-11",
            code="DUP-SAME",
            severity=WARNING,
            field="local_number",
            when=Q(dup_number=REPEAT),
            found=F("local_number"),
            params=first_line,
            needs_student=False,
        ),
        Rule(
            number="D-11",
            code="DUP-DIFFERS",
            severity=ERROR,
            field="local_number",
            when=Q(dup_number=CONTRADICTION),
            found=F("local_number"),
            params=first_line,
            needs_student=False,
        ),
        Rule(
            number="E-3",
            code="ELA-EARLIER",
            severity=NOTICE,
            field="elas",
            when=Q(dup_number=EARLIER),
            found=F("elas"),
            params={"latest_line": F("dup_number_line")},
            needs_student=False,
        ),
        Rule(
            number="E-3",
            code="ELA-DELETE",
            severity=NOTICE,
            field="transaction_type",
            when=DELETION,
            found=F("transaction_type"),
            needs_student=False,
        ),
    ]


def _vendor_hint() -> Rule:
    """SELA0520 is about files a district sends: it does not apply to the state's extract (SELA-R) or to corrections
    with a reason."""
    sent_by_us = Q(record_type="SELA", correction_reason="")
    return english_learner.hint(
        "SELA0520",
        sent_by_us & english_learner_plan.has_code("EL", "IFEP") & Q(elas_date__gte=ELPAC_VENDOR_SINCE),
        "elas_date",
    )


def _settle_histories() -> None:
    """For students with several different lines, each status once: the status with the latest date counts; blank dates
    sort last."""
    if not fetch_all(
        "SELECT 1 FROM staged_ela WHERE dup_number <> 0 AND transaction_type = 'D' LIMIT 1"
    ) and not fetch_all("SELECT 1 FROM staged_ela WHERE dup_number = 2 LIMIT 1"):
        return
    execute(
        """
        WITH asked AS (
          SELECT lea_id, local_number FROM staged_ela WHERE dup_number = 2 AND transaction_type <> 'D'
          GROUP BY lea_id, local_number
          HAVING count(DISTINCT elas) = count(DISTINCT (elas, elas_date, language))
            AND count(DISTINCT (ssid, birth_date)) = 1
        ),
        ranked AS (
          SELECT line, elas, elas_date, lea_id, local_number,
            first_value(line) OVER w AS top, first_value(elas) OVER w AS top_elas, first_value(elas_date) OVER w AS top_date
          FROM staged_ela JOIN asked USING (lea_id, local_number) WHERE transaction_type <> 'D'
          WINDOW w AS (PARTITION BY lea_id, local_number ORDER BY elas_date DESC NULLS LAST, line)
        ),
        clear AS (
          SELECT lea_id, local_number FROM ranked GROUP BY lea_id, local_number
          HAVING count(*) FILTER (WHERE elas <> top_elas AND elas_date IS NOT DISTINCT FROM top_date) = 0
        )
        UPDATE staged_ela r
        SET dup_number = CASE WHEN r.line = q.top THEN 0 WHEN r.elas = q.top_elas THEN 1 ELSE 3 END, dup_number_line = q.top
        FROM ranked q JOIN clear USING (lea_id, local_number) WHERE q.line = r.line
        """
    )
    execute("UPDATE staged_ela SET dup_number = 0 WHERE transaction_type = 'D' AND dup_number <> 0")


__all__ = ["ELA_MODE", "ELAImport"]
