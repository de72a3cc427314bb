"""What each role may do, in words, from the groups and capabilities that every page checks."""

from collections.abc import Mapping
from dataclasses import dataclass

from sisimport.accounts.access import GROUPS, Capability

C = Capability
WORDS: Mapping[Capability, tuple[str, str]] = {
    C.READ: ("See students, runs and reports", "Of one's own schools only. Every student's page that is opened is on record."),
    C.SHOW_SSID: ("Show an SSID in full", "Each time is on record. Without it, numbers stay masked."),
    C.EXPORT: ("Download, print and take data out", "Lists, reports, request files, Data out. Each download is on record."),
    C.UPLOAD: ("Choose files to import", "The import screens, and requests for SSIDs."),
    C.TEST: ("Test a file", "A Test compares every line with the records and changes nothing."),
    C.UPDATE: ("Update", "Write what a Test showed, where every line of it is about one's own schools."),
    C.REVERT_OWN: ("Revert one's own runs", "Put back what one's own Update wrote."),
    C.REVERT_ANY: ("Revert and cancel runs of others", "Where one sees all schools of the run."),
    C.REVIEW_RUNS: ("See runs of everybody", "In one's own districts. Lines about students of other schools stay hidden."),
    C.APPROVE: ("Approve", "Held runs of others, many matches at a threshold, and lines of others' Tests."),
    C.EDIT_STUDENTS: ("Edit student records", "SSIDs, names, EL data, enrollment forms and family accounts, each with a reason."),
    C.AUDIT: ("See who looked", "Who saw a student's record; the whole record of access where one sees all schools."),
    C.SETTINGS: ("Settings", "API tokens, the district's settings; for all districts together the SSID policy and layouts."),
}  # fmt: skip
ABOUT: Mapping[str, str] = {
    "registrar": "Brings the state's files in.",
    "import admin": "Looks after the imports of everybody, and the settings.",
    "SSID staff": "Looks after student records and missing SSIDs.",
    "viewer": "Reads.",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One action, with a yes or no for each role, in the order of `roles()`."""

    title: str
    about: str
    allowed: list[bool]


def roles() -> list[str]:
    return list(GROUPS)


def lines() -> list[Line]:
    return [Line(*WORDS[capability], [capability in GROUPS[role] for role in GROUPS]) for capability in Capability]
