"""What runs of research files write."""

from assessments.models import PublicPlace, PublicResult
from sisimport.imports.definition.change_kinds import ChangeKind, register_kind

NUMBERS = ("enrolled", "tested", "scored", "mean", "level_1", "level_2", "level_3", "level_4", "met")

PUBLIC_RESULT_KIND = register_kind(
    ChangeKind(
        key="public_result",
        label="State result",
        model=PublicResult,
        rank=110,
        fields=("key", "place", "test", "school_year", "student_group", "grade", *NUMBERS),
        defaults=dict.fromkeys(NUMBERS, ""),
        student_column=None,
        same_as="t.key = c.after->>'key'",
        of_all=True,
    )
)
PUBLIC_PLACE_KIND = register_kind(
    ChangeKind(
        key="public_place",
        label="Name of a place",
        model=PublicPlace,
        rank=105,
        fields=("place", "name", "school_year"),
        student_column=None,
        same_as="t.place = c.after->>'place'",
        of_all=True,
    )
)
