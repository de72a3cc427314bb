"""Records of the SSID work that import runs may write."""

from sisimport.imports.kinds import ChangeKind, register_kind
from ssid.models import SENRLine
from students.models import ChangedRecord

# The answer to a request; a revert puts the line out again.
SENR_LINE_KIND = register_kind(
    ChangeKind(
        key="senr_line",
        label="SENR request",
        model=SENRLine,
        rank=70,
        fields=("status", "answer", "answered_at"),
        defaults={"answer": ""},
    )
)

# A change that the state confirmed; a revert flags the student again.
CHANGED_KIND = register_kind(
    ChangeKind(
        key="changed",
        label="Changed mark",
        model=ChangedRecord,
        rank=75,
        fields=("cleared_by",),
    )
)
