"""What each role may do, in words, from the groups and capabilities that every page checks."""

from collections.abc import Mapping
from dataclasses import dataclass

from sisimport.accounts.access import GROUPS, Capability

C = Capability
WORDS: Mapping[Capability, tuple[str, str]] = {
    C.READ: ("See students, runs and reports", "Of their own schools only. Each student page they open is on record."),
    C.SHOW_SSID: ("Show an SSID in full", "Each time is on record. Without it, numbers stay masked."),
    C.EXPORT: ("Download, print and take data out", "Lists, reports, request files, Data out. Each download is on record."),
    C.UPLOAD: ("Choose files to import", "The import screens, and requests for SSIDs."),
    C.TEST: ("Test a file", "A Test compares every line with the records and changes nothing."),
    C.UPDATE: ("Update", "Write what a Test showed, if all its lines are about their own schools."),
    C.REVERT_OWN: ("Revert their own runs", "Undo what their own Update wrote."),
    C.REVERT_ANY: ("Revert and cancel others' runs", "If they see all schools of the run."),
    C.REVIEW_RUNS: ("See everyone's runs", "In their own districts. Lines about students of other schools stay hidden."),
    C.APPROVE: ("Approve", "Held runs of others, many matches at a time, and lines of others' Tests."),
    C.EDIT_STUDENTS: ("Edit student records", "SSIDs, names, EL data, enrollment forms and family accounts, each with a reason."),
    C.AUDIT: ("See who viewed a record", "Who saw a student's record; the whole record of access if they see all schools."),
    C.SETTINGS: ("Settings", "API tokens and district settings; if they work for all districts, the SSID policy and layouts."),
}  # fmt: skip
ABOUT: Mapping[str, str] = {
    "registrar": "Brings the state's files in.",
    "import admin": "Looks after everyone's imports, and the settings.",
    "SSID staff": "Looks after student records and missing SSIDs.",
    "viewer": "Views only.",
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
