"""State profiles: what an LEA's SSID system requires. A setting per LEA, so both states can share one installation."""

import re
from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet

from sisimport.runtime.row_scope import across_schools
from students.locks import lock_leas
from students.models import LEA, SSID, StateProfile
from students.patterns import TEN_DIGITS, UP_TO_TEN_DIGITS


@dataclass(frozen=True, slots=True)
class Profile:
    """Facts of one state. `ssid_pattern` is a regular expression for the whole number, for Python and PostgreSQL alike."""

    state: StateProfile
    ssid_pattern: str
    ssid_words: str
    system: str

    def is_ssid(self, text: str) -> bool:
        return re.fullmatch(self.ssid_pattern.strip("^$"), text, re.ASCII) is not None


PROFILES = {
    # Rule ID-1; rule ID-8: ten characters wide, seven digits common in practice.
    StateProfile.CALIFORNIA: Profile(StateProfile.CALIFORNIA, TEN_DIGITS, "ten digits", "CALPADS"),
    StateProfile.UTAH: Profile(StateProfile.UTAH, UP_TO_TEN_DIGITS, "one to ten digits", "the Utah SSID system"),
}


class StateChangeError(Exception):
    """The state of an LEA cannot be changed; the text is for the user."""


def profile_of(state: str) -> Profile:
    """The profile of a state code; raises ValueError for an unknown one."""
    return PROFILES[StateProfile(state)]


@transaction.atomic
def set_lea_state(*, code: str, state: StateProfile, name: str = "") -> tuple[LEA, bool]:
    """Set the state an LEA answers to, adding the LEA if it is not known yet. Returns it and whether it is new.

    SSIDs of its students move along, since they were the district's own entries. Raises StateChangeError if one of them
    does not have the other state's form or belongs to another student there.
    """
    if not re.fullmatch(r"[0-9]{2,7}", code, re.ASCII):
        raise StateChangeError(f"{code!r} is not an LEA code: two to seven digits are expected.")
    lea, created = LEA.objects.get_or_create(code=code, defaults={"state": state, "name": name})
    if name and lea.name != name:
        lea.name = name
    if not created and lea.state != state:
        move_ssids(lea, state)
        lea.state = state
    lea.save()
    return lea, created


@across_schools()  # all students of the district
@transaction.atomic
def move_ssids(lea: LEA, state: StateProfile) -> None:
    """Make the SSIDs of the LEA's students SSIDs of that state. Raises StateChangeError if that is not possible."""
    lock_leas([lea.pk])
    problem = state_problem(lea, state)
    if problem:
        raise StateChangeError(problem)
    _foreign_ssids(lea, state).update(state=state)


@across_schools()  # a number belongs to one student of the state
def state_problem(lea: LEA, state: StateProfile) -> str:
    """Why the LEA's SSIDs cannot move to that state; empty if they can."""
    numbers = _foreign_ssids(lea, state)
    wrong = numbers.exclude(ssid__regex=PROFILES[state].ssid_pattern).count()
    if wrong:
        return f"{wrong} SSIDs of this LEA do not have {PROFILES[state].ssid_words}; correct or remove them first."
    if SSID.objects.filter(state=state, ssid__in=numbers.values("ssid")).exists():
        return "Some SSIDs of this LEA belong to other students in that state."
    return ""


def _foreign_ssids(lea: LEA, state: StateProfile) -> QuerySet[SSID]:
    """SSIDs of the LEA's students that are not of that state."""
    return SSID.objects.filter(student__lea=lea).exclude(state=state)
