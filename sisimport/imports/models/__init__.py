"""Records of a file's journey: the file, its runs, their findings, and planned or written changes."""

from sisimport.imports.models.absent import AbsentList
from sisimport.imports.models.corrections import CorrectedLine, LineDraft
from sisimport.imports.models.files import ImportFile, StoredObject
from sisimport.imports.models.findings import ImportChange, ImportIssue, SetAside, SetAsideReason
from sisimport.imports.models.holds import HoldDecision, RunHold
from sisimport.imports.models.matches import MatchDecision, RememberedMatch
from sisimport.imports.models.runs import (
    ACTIVE,
    PAST_RECALL,
    UNDECIDED,
    WRITING,
    Crash,
    ImportRun,
    Reverted,
    RunStatus,
    WaitsFor,
    Work,
)

__all__ = [
    "ACTIVE",
    "PAST_RECALL",
    "UNDECIDED",
    "WRITING",
    "AbsentList",
    "CorrectedLine",
    "Crash",
    "HoldDecision",
    "ImportChange",
    "ImportFile",
    "ImportIssue",
    "ImportRun",
    "LineDraft",
    "MatchDecision",
    "RememberedMatch",
    "Reverted",
    "RunHold",
    "RunStatus",
    "SetAside",
    "SetAsideReason",
    "StoredObject",
    "WaitsFor",
    "Work",
]
