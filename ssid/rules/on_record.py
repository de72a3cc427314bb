"""Lines that only repeat what is on record, found by one condition at a fraction of the cost of all rules and the plan.

In a file that the state reissues daily, that is nearly every line. Lines not settled here go through every rule, so a
condition that is too narrow costs time, and one that is too wide would swallow messages or changes
(tests/ssid/rules/test_on_record.py checks it against rules and plan).
"""

from typing import Any

from django.db.models import F, Q
from django.db.models.functions import Lower
from django.db.models.lookups import In

from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.engine.accepted_matches import AS_GIVEN
from ssid.rules import english_learner_plan as el_plan
from ssid.rules.english_learner import ENGLISH_CODES, NO_ELAS_GRADES
from students.models import LEA

_ENGLISH = sorted(ENGLISH_CODES | {old for old, code in el_plan.language_codes().items() if code in ENGLISH_CODES})
# TVD is reported, and so are codes without a single meaning.
_PLAIN_CODES = tuple(code for code in el_plan.STATUS_OF if code != "TVD")


def same_person(context: RunContext, *names: str) -> Q:
    """The line leads to its student by the number in the file, with the same names and birth date, at the student's
    school."""
    found = Q(candidates=0, accepted=AS_GIVEN, given_number="") & context.matched
    found &= Q(birth_date=F("student__birth_date"), known_school__id=F("student__school_id"))
    for name in names:
        found &= Q(**{name: F(f"student__match_{name}")})
    return found & Q(lea__in=list(LEA.objects.values_list("code", flat=True)))


def same_ssid() -> Q:
    """The SSID of the line is the student's current one, and no other student's.

    Checking that there is one comes first: comparing with null gives unknown, and PostgreSQL then evaluates the rest
    too.
    """
    same = Q(current__ssid=F("ssid"), holder__student_id=F("student__id"), holder__retired_at__isnull=True)
    return Q(current__id__isnull=False) & same


def same_english_learner_data(chosen: el_plan.Choices) -> Q:
    """Status, date and language match the record, as do the state's own values, and no hint is due."""
    language = Q(language="") | Q(language=F("student__home_language")) & el_plan.KNOWN_LANGUAGE
    nothing = Q(elas="", elas_date__isnull=True, student__el__student_id__isnull=True)
    return language & (nothing | _same_status(chosen))


def _same_status(chosen: el_plan.Choices) -> Q:
    on_record: Any = el_plan.record_date(chosen.rfep_date)
    dated = Q(elas_date=on_record) & Q(elas_date__gte=F("student__birth_date"))
    undated = Q(elas="EO", elas_date__isnull=True)
    unnoted = Q(student__el__state_elas="", student__el__state_elas_date__isnull=True, student__el__state_language="")
    same_language = Q(language="") | Q(student__el__state_language=F("language"))
    noted = Q(student__el__state_elas=F("elas")) & same_language
    dates_noted = Q(student__el__state_elas_date=F("elas_date")) | Q(elas_date__isnull=True)
    english = Q(In(Lower(F("language")), _ENGLISH))
    return (
        Q(student__el__student_id__isnull=False)  # first, as in `same_ssid`
        & Q(elas__in=_PLAIN_CODES, student__el__program_status=el_plan.NEW_STATUS)
        & (dated | undated)
        & ~Q(grade__in=NO_ELAS_GRADES)
        & (unnoted | noted & dates_noted)
        & (Q(elas="EO") | ~english)
    )
