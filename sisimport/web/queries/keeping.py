"""How long the parts of a run are kept, and how much room they take."""

import datetime as dt
from dataclasses import dataclass

from sisimport.accounts.access import Capability, can
from sisimport.imports.models import ImportRun
from sisimport.imports.storage import retention
from sisimport.imports.storage.run_room import RunRoom, room_of
from students.access import User


@dataclass(frozen=True, slots=True)
class KeptUntil:
    """Times; None: kept permanently, or already gone. `room`: its size in the database, for the people who manage the
    disk."""

    file: dt.datetime | None
    plan: dt.datetime | None
    absent: dt.datetime | None
    room: RunRoom | None


def kept_until(run: ImportRun, user: User) -> KeptUntil | None:
    """None for a run that has not ended."""
    if run.finished_at is None:
        return None
    return KeptUntil(
        file=retention.file_kept_until(run),
        plan=retention.plan_kept_until(run),
        absent=retention.absent_kept_until(run),
        room=room_of([run])[0] if can(user, Capability.SETTINGS) and run.plan_removed_at is None else None,
    )
