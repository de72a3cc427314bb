"""Records of the SSID work that import runs may write."""

from sisimport.imports.definition.change_kinds import ChangeKind, register_kind
from students.models import ChangedRecord

# A change that the state confirmed; reverting it flags the student again.
CHANGED_KIND = register_kind(
    ChangeKind(
        key="changed",
        label="Changed mark",
        model=ChangedRecord,
        rank=75,
        fields=("cleared_by",),
        holds_student=False,
    )
)
