"""What the stages of one run share."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q

from sisimport.files.detection import Recognition
from sisimport.files.layouts import Layout
from sisimport.imports.base import ImportType
from sisimport.imports.engine.progress import Progress
from sisimport.imports.models import ImportRun


@dataclass(slots=True)
class RunContext:
    """One run on its way through the stages."""

    run: ImportRun
    import_type: ImportType
    progress: Progress
    layout: Layout | None = None
    recognition: Recognition | None = None
    fields: tuple[str, ...] = ()  # those of the type that the file's layout has
    record_count: int = 0
    school_codes: set[str] = field(default_factory=set)
    noted: set[str] = field(default_factory=set)  # values of the type's `noted_field`
    lea_ids: set[int] = field(default_factory=set)
    lines: Collection[int] | None = None  # only these lines are planned anew; None: the whole file
    accepted_rows: int = 0  # rows whose match a person accepted (see remembering)
    idle_rows: int = 0  # rows in which checking found that nothing would change
    facts: dict[str, object] = field(default_factory=dict)
    kept: dict[str, Any] = field(default_factory=dict)  # what the type keeps for its later stages

    def option(self, name: str) -> str:
        """The value given for an option of the type, or its default."""
        default = next((o.default for o in self.import_type.options if o.name == name), "")
        return str(self.run.options.get(name, default))

    @property
    def matched(self) -> Q:
        """Rows that found a student whom this run may touch."""
        found = Q(student__id__isnull=False)
        if self.run.schools is None:
            return found
        return found & Q(student__school_id__in=list(self.run.schools))
