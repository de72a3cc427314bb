"""Whether this very file was brought in before: said when it is chosen, not after it was tested again."""

from dataclasses import dataclass

from sisimport.accounts.access import visible_runs
from sisimport.imports.models import ImportRun, Reverted, RunStatus, Work
from students.access import User

_MOST = 3


@dataclass(frozen=True, slots=True)
class Earlier:
    """A run that applied the file. `stands`: nothing was written since, so a Test would find nothing to change."""

    run: ImportRun
    stands: bool


def earlier_updates(user: User, sha256: str) -> list[Earlier]:
    """Runs of the user's that applied a file of this hash, newest first."""
    runs = (
        visible_runs(user)
        .filter(file__sha256=sha256, work__in=[Work.UPDATE, Work.IMPORT], status=RunStatus.COMPLETED)
        .select_related("file", "created_by")
        .order_by("-pk")[:_MOST]
    )
    return [Earlier(run, _stands(run)) for run in runs]


def _stands(run: ImportRun) -> bool:
    """Whether all that it wrote is as it wrote it, as far as runs tell: none of its districts wrote since, and nothing was set
    aside or put back."""
    if run.reverted in Reverted.values or run.set_aside_count:
        return False
    later = ImportRun.objects.filter(
        applied_order__gt=run.applied_order or 0, lea_ids__overlap=run.lea_ids, status=RunStatus.COMPLETED
    )
    return bool(run.applied_order) and not later.exists()
