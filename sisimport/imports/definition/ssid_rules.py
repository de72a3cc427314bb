"""Whose SSID a line names: rules shared by the import types of all domains. The rows have the join `holder`: the SSID record of
the line's SSID (definition/joins.py)."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Case, CharField, F, Q, Value, When
from django.db.models.functions import Concat, Length

from sisimport.imports.definition.expressions import Differs
from sisimport.imports.definition.student_issue_codes import SSID_CAUSES

HELD = Q(holder__student_id__isnull=False)  # a student has or had this SSID


def held_by_other(student: str = "student__id") -> Q:
    """A student other than the line's has or had this SSID (rules D-7, E-4, ID-5)."""
    return HELD & Q(Differs(F("holder__student_id"), F(student)))


# The SSID is a former one of this student; its holder is not another person.
FORMER = HELD & Q(holder__retired_at__isnull=False)


def former_params() -> dict[str, Any]:
    """Parameters of SSID-FORMER: the SSID the student has today, if any. The rows have the join `current`."""
    now = Concat(Value(" The current one is "), F("current__ssid"), Value("."), output_field=CharField())
    none = Value(" The student has no current SSID.")
    return {"current_text": Case(When(current__ssid__isnull=False, then=now), default=none, output_field=CharField())}


def other_person(student: str = "holder__student") -> dict[str, Any]:
    """Parameters of SSID-TAKEN: who has it, and the school that determines which users may see it."""
    return {"other": F(f"{student}__local_number"), "other_school": F(f"{student}__school_id")}


def ssid_cause(words: Mapping[str, str] | None = None, *, field: str = "ssid") -> Case:
    """Why a value is not a valid SSID, as far as can be determined (rules ID-3 and ID-4): a key of SSID_CAUSES, or its words."""

    def said(cause: str) -> Value:
        return Value(words[cause] if words else cause)

    return Case(
        When(**{field: ""}, then=said("blank")),
        When(**{field: F("local_number")}, then=said("local")),
        When(**{f"{field}__iregex": r"^[0-9](\.[0-9]*)?E\+?[0-9]+$"}, then=said("spreadsheet")),
        When(**{f"{field}__regex": r"^[0-9]{1,9}$"}, then=said("short")),
        When(**{f"{field}__regex": r"^[0-9]{11,}$"}, then=said("long")),
        default=said("characters"),
        output_field=CharField(),
    )


def cause_params() -> dict[str, Any]:
    """Parameters of SSID-FORMAT: why the value is not an SSID, for the message and for pages that summarize many such lines."""
    return {"cause": ssid_cause(), "cause_text": ssid_cause(SSID_CAUSES), "length": Length("ssid")}
