"""What keeps a run from being done through no fault of its own: no room on the disk, a database that went away, no file here, a
server short of memory or open files or missing its folder for temporary files.

    hindered -> queued again, with what it waits for and since when -> tried again after growing pauses

Such a try is not an attempt: attempts are for runs that take their worker down, and those fail after a few. A shortage on the
server may be caused by the run itself, as when a worker is killed for its memory use: such a try counts.
"""

import datetime as dt
import errno
import logging
import time
from typing import Any

import psycopg
from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction
from django.db.models import F
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from sisimport.imports.models import ACTIVE, ImportRun, RunStatus, WaitsFor
from sisimport.imports.runs import crashes
from sisimport.imports.storage import room
from sisimport.imports.storage.files import MissingFileError, is_here
from sisimport.imports.storage.stores import StoreAwayError
from sisimport.runtime import disk

logger = logging.getLogger(__name__)

FIRST_PAUSE = {WaitsFor.DISK: 5.0, WaitsFor.DATABASE: 1.0, WaitsFor.FILE: 5.0, WaitsFor.MACHINE: 5.0}
# No more open files, for this process or the machine; no new process; no memory; file too large.
SHORT_OF = frozenset({errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM, errno.EFBIG})
PROBE_BYTES = 16 << 20  # what a process that works can get; without it, a library fails in words of its own
LONGEST_PAUSE = 60.0  # seconds; how long a run may still wait after what it needs is available
NO_ROOM_PAUSE = 10.0
NOTE_SECONDS = 60.0  # how long to try to record a hindrance while the database is away
REPORTED_AFTER = dt.timedelta(minutes=1)  # a file that is a moment late is not reported


class RunTakenError(Exception):
    """At its end the run was no longer ours: it had ended, or another session had taken it. Our work is undone."""


def hindrance_of(error: BaseException) -> WaitsFor | None:
    """What was missing when the run ended with this error; None: the error is about the run or our code.

    COPY raises the driver's own errors, other statements Django's. If PostgreSQL stopped on a full disk, only the cut connection
    is seen here, so the disk is also checked.
    """
    if isinstance(error, MissingFileError | StoreAwayError):
        return WaitsFor.FILE
    if disk.says_full(error):
        return WaitsFor.DISK
    lost = (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError, RunTakenError)
    session = connection.connection
    if isinstance(error, lost) or session is None or session.closed:
        return WaitsFor.DISK if room.is_full() else WaitsFor.DATABASE
    if any(_met_new_partition(one) for one in disk.causes(error)):
        return WaitsFor.DATABASE
    return WaitsFor.MACHINE if any(_says_short(one) for one in disk.causes(error)) or _is_out_of_memory() else None


def _met_new_partition(error: BaseException) -> bool:
    """Whether a statement chose the default partition while another session made the right one: the next try finds that. A broken
    rule of a table has a name, the bounds of a partition have none.
    """
    return isinstance(error, psycopg.errors.CheckViolation) and not error.diag.constraint_name


def _is_out_of_memory() -> bool:
    try:
        bytearray(PROBE_BYTES)
    except MemoryError:
        return True
    return False


def _says_short(error: BaseException) -> bool:
    if isinstance(error, FileNotFoundError):
        # A person who cleared the data directory while we were running deleted its folder; the next try creates it again.
        return str(error.filename).startswith(f"{settings.SCRATCH_DIR}/")
    return isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno in SHORT_OF)


def hold(run_id: int, attempt: int, what: WaitsFor, crash: dict[str, Any] | None = None) -> None:
    """Queue the run again, to start after a pause. The attempt is not counted unless the server was short of something; then it
    is, with what broke it (`crash`: values of the run's fields). Another attempt that has begun since continues.

    Waits for a database that is away; gives up after a minute, and the attempt stays counted.
    """
    deadline = time.monotonic() + NOTE_SECONDS
    while True:
        try:
            _note(run_id, attempt, what, crash or {})
        except (DatabaseError, InterfaceError) as error:
            connection.close()
            if time.monotonic() > deadline:
                logger.warning("run %s: the interruption could not be recorded (%s)", run_id, type(error).__name__)
                return
            time.sleep(1)
        else:
            return


def _note(run_id: int, attempt: int, what: WaitsFor, crash: dict[str, Any]) -> None:
    runs = ImportRun.objects.filter(pk=run_id, status__in=ACTIVE)
    found = runs.filter(attempts=attempt).values_list("interruptions", flat=True).first()
    if found is not None:
        counts = what == WaitsFor.MACHINE
        tries = attempt - 1 if counts else found
        pause = min(FIRST_PAUSE[what] * 2 ** min(tries, 10), LONGEST_PAUSE)
        free = crash if counts else {"interruptions": F("interruptions") + 1}
        held = _held(what, pause) | free | {"status": RunStatus.QUEUED, "phase": ""}
        if runs.filter(attempts=attempt).update(**held, progress_done=0, progress_total=0):
            return
    with transaction.atomic():  # both or neither: `hold` tries again
        runs.update(interruptions=F("interruptions") + 1)
        crashes.forget(run_id, attempt)


def lacks_something(run: ImportRun) -> bool:
    """Before an attempt begins: whether the run must wait for something missing, which is recorded. Costs no attempt."""
    if run.held_until and ImportRun.objects.filter(pk=run.pk, held_until__gt=Now()).exists():
        return True
    if run.file is None:
        return False
    if reads_file(run) and not is_here(run.file):
        # No pause: another machine may have the file, and can take the run immediately.
        _wait(run, WaitsFor.FILE, 0.0)
        return True
    if room.lack_for_run(run.file.size):
        _wait(run, WaitsFor.DISK, NO_ROOM_PAUSE)
        return True
    return False


def reads_file(run: ImportRun) -> bool:
    """Tests read the file, as do Imports without a Test. Everything else applies a plan stored in PostgreSQL."""
    return run.test_run_id is None and run.reverts_id is None


def _wait(run: ImportRun, what: WaitsFor, pause: float) -> None:
    if run.waits_for == what and not pause:
        return
    ImportRun.objects.filter(pk=run.pk, status__in=ACTIVE, attempts=run.attempts).update(
        status=RunStatus.QUEUED, phase="", **_held(what, pause)
    )


def _held(what: WaitsFor, pause: float) -> dict[str, object]:
    # The database's clock is used: a worker whose own clock is wrong must not hold a run for days.
    return {
        "waits_for": what,
        "waits_since": Coalesce("waits_since", Now()),
        "held_until": Now() + dt.timedelta(seconds=pause) if pause else None,
    }


NO_LONGER = {"waits_for": "", "waits_since": None, "held_until": None}


def sentence(run: ImportRun) -> str:
    """What a waiting run lacks, and what to do about it; blank if it waits only for a worker."""
    since = run.waits_since or timezone.now()
    if run.status != RunStatus.QUEUED or not run.waits_for:
        return ""
    if run.waits_for == WaitsFor.DISK:
        lack = room.lack_for_run(run.file.size if run.file else 0)
        why = lack or "The server's disk was full. There is room again."
        return f"{why} The run continues automatically as soon as there is room; nothing has been changed so far."
    if run.waits_for == WaitsFor.DATABASE:
        return "The database was unavailable for a moment. The run continues automatically; nothing has been changed so far."
    if run.waits_for == WaitsFor.MACHINE:
        return (
            "The server ran short of memory, open files or scratch space for this run. It is tried again automatically "
            "in a moment; nothing has been changed so far."
        )
    if timezone.now() - since < REPORTED_AFTER:
        return ""
    return (
        "No worker has the uploaded file: it is missing in the upload folder, or a worker on another machine does not "
        "see that folder. The run continues automatically once the file is there. Tell your administrator, or cancel this run "
        "and upload the file again."
    )
