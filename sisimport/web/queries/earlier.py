"""Whether exactly this file was imported before: reported when it is chosen, not only after testing it again."""

from dataclasses import dataclass

from sisimport.accounts.access import visible_runs
from sisimport.imports.models import ImportRun, Reverted, RunStatus, Work
from students.access import User

_MOST = 3


@dataclass(frozen=True, slots=True)
class Earlier:
    """A run that applied the file. `stands`: nothing was written since, so a Test would find no changes."""

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
    """Whether everything it wrote is unchanged, judging by runs: none has written to its districts since, and nothing
    was set aside or reverted."""
    if run.reverted in Reverted.values or run.set_aside_count:
        return False
    later = ImportRun.objects.filter(
        applied_order__gt=run.applied_order or 0, lea_ids__overlap=run.lea_ids, status=RunStatus.COMPLETED
    )
    return bool(run.applied_order) and not later.exists()
