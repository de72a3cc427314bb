"""Conditions and values of a roster line that rules and plan share, and the names of its columns."""

from django.db.models import Case, CharField, DateField, F, Q, Value, When
from django.db.models.functions import Coalesce

from sisimport.imports.definition.english_learner import RECORD_SINCE, IsEarlier
from sisimport.imports.definition.expressions import Differs
from students.models import ProgramStatus
from students.models.people import CODE_FIELDS, NAME_FIELDS
from students.patterns import well_formed
from students.profiles import PROFILES

TEXT_FIELDS = (*NAME_FIELDS, *CODE_FIELDS)
EXTRA_FIELDS = ("enrollment_exit_reason",)  # read only where the file has them
EL_FIELDS = ("el_status", "el_identified_date", "el_tbd_date", "el_exit_date")
# Program Status as stored, and the state's codes for it.
EL_STATUS = {
    **{value.lower(): value for value, _label in ProgramStatus.choices},
    "ifep": "Not EL",
    "rfep": "Exited EL",
    "tbd": "Pending",
    "tvd": "Pending",
    "not lep": "Not EL",
    "exited lep": "Exited EL",
}

HAS_SSID = ~Q(ssid="")
IS_LEGACY = Q(el_status__in=["FEP", "LEP"])
HAS_RECORD = Q(student__el__student_id__isnull=False)
VALID_SSID = well_formed()
SSID_WORDS = Case(
    *(When(state=state, then=Value(profile.ssid_words)) for state, profile in PROFILES.items()),
    output_field=CharField(),
)
OWN_NUMBER = Q(ssid=F("local_number"), state="CA")
FILE_STATUS = Case(
    *(When(el_status__iexact=code, then=Value(status)) for code, status in EL_STATUS.items()),
    default=Value(""),
    output_field=CharField(),
)
# A status that differs from the one on record and began before it.
FILE_STATUS_SINCE = Case(
    When(el_status__in=["Pending", "TBD", "TVD"], then=F("el_tbd_date")),
    When(
        el_status__in=["Exited EL", "RFEP", "Exited LEP"],
        then=Coalesce(F("el_exit_date"), F("el_identified_date")),
    ),
    default=F("el_identified_date"),
    output_field=DateField(),
)
IS_OLDER = (
    ~Q(el_status="")
    & ~IS_LEGACY
    & HAS_RECORD
    & Q(IsEarlier(FILE_STATUS_SINCE, RECORD_SINCE))
    & Q(Differs(F("student__el__program_status"), FILE_STATUS))
)
