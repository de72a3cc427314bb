"""Whether an SSID may be given to a student (D-6 to D-10), and what giving it changes."""

from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Now

from sisimport.files.issues import Severity
from sisimport.imports.definition.change_kinds import SSID_KIND
from sisimport.imports.definition.expressions import Differs, NextId
from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.definition.options import checkbox
from sisimport.imports.definition.rules import PlannedChange, PlannedCreate, PlannedUpdate, Rule
from sisimport.imports.definition.ssid_rules import FORMER, cause_params, former_params, held_by_other, other_person
from sisimport.imports.engine.days_of_1904 import refuse_days_of_1904
from sisimport.imports.engine.shifted_ssids import refuse_shifted_ssids
from students.models import SSID, SSIDReplacement

ERROR, WARNING, NOTICE = Severity.ERROR, Severity.WARNING, Severity.NOTICE

SSID_PART = "ssid"

REPLACE_RETIRED = checkbox(
    "replace_retired",
    "Replace retired SSIDs",
    hint="A student whose current SSID the state has merged into the one in the file gets the new one; the old one is kept.",
    district_default=True,
)

REPLACE_REMEDY = {"SSID-RETIRED": (REPLACE_RETIRED.name, "1")}  # the option that settles lines with this issue

VALID_SSID = Q(ssid_ok=True)  # a column of row models: see ssid.models.staged.ten_digits
OWN_NUMBER = Q(ssid=F("local_number"))


def ssid_rules(context: RunContext) -> list[Rule]:
    """D-6 to D-10: may this SSID be given to this student?"""
    valid = VALID_SSID & ~OWN_NUMBER
    has_other = Q(current__ssid__isnull=False) & Q(Differs(F("current__ssid"), F("ssid")))
    by_other = held_by_other()
    merged = Exists(
        SSIDReplacement.objects.filter(
            state=OuterRef("state"), retired_ssid=OuterRef("current__ssid"), replacement_ssid=OuterRef("ssid")
        )
    )
    replaceable = valid & has_other & ~by_other & ~FORMER & Q(merged)
    return [
        Rule(
            number="D-6",
            code="SSID-FORMAT",
            severity=ERROR,
            field="ssid",
            part=SSID_PART,
            when=~VALID_SSID | OWN_NUMBER,
            found=F("ssid"),
            expected="ten digits",
            params=cause_params(),
        ),
        Rule(
            number="D-7",
            code="SSID-TAKEN",
            severity=ERROR,
            field="ssid",
            part=SSID_PART,
            when=valid & by_other,
            found=F("ssid"),
            params=other_person(),
        ),
        Rule(
            number="D-8",
            code="SSID-PRESENT",
            severity=NOTICE,
            field="ssid",
            part=SSID_PART,
            when=Q(current__ssid=F("ssid")),
            found=F("ssid"),
        ),
        Rule(
            number="D-9",
            code="SSID-CONFLICT",
            severity=ERROR,
            field="ssid",
            part=SSID_PART,
            when=valid & has_other & ~by_other & ~FORMER & ~Q(merged),
            found=F("ssid"),
            expected=F("current__ssid"),
        ),
        Rule(
            number="D-9",
            code="SSID-FORMER",
            severity=ERROR,
            field="ssid",
            part=SSID_PART,
            when=valid & FORMER & ~by_other,
            found=F("ssid"),
            params=former_params(),
        ),
        _retired_rule(replaceable, confirmed=context.option(REPLACE_RETIRED.name) == "1"),
    ]


def _retired_rule(when: Q, *, confirmed: bool) -> Rule:
    """D-10: the state has merged the student's SSID into the one in the file."""
    return Rule(
        number="D-10",
        code="SSID-REPLACED" if confirmed else "SSID-RETIRED",
        severity=WARNING if confirmed else ERROR,
        field="ssid",
        part=SSID_PART,
        when=when,
        found=F("ssid"),
        expected=F("current__ssid"),
    )


def ssid_plan(context: RunContext) -> list[PlannedChange]:
    """Give the SSID to a student without one; with the option, retire a merged one first. Raises FileError (SSID-SHIFTED)."""
    refuse_days_of_1904(context)
    refuse_shifted_ssids(context)
    changes: list[PlannedChange] = []
    when = Q(current__ssid__isnull=True)
    if context.option("replace_retired") == "1":
        other = Q(current__ssid__isnull=False) & Q(Differs(F("current__ssid"), F("ssid")))
        changes.append(
            PlannedUpdate(
                kind=SSID_KIND,
                part=SSID_PART,
                when=other,
                object_id=F("current__id"),
                fields={"retired_at": (F("current__retired_at"), Now())},
            )
        )
        when |= other
    # An import never makes a former number of the same student current again.
    not_held = Q(holder__student_id__isnull=True)
    changes.append(
        PlannedCreate(
            kind=SSID_KIND,
            part=SSID_PART,
            when=when & not_held,
            object_id=NextId(SSID),
            values={"ssid": F("ssid")},
        )
    )
    return changes
