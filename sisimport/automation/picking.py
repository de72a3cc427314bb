"""pick up: each file in a place is taken once, tested, applied if requested and nothing prevents it, and moved.

    seen -> unchanged for two looks, or marked .done -> taken: kept, Test started -> Test without errors -> Update, if asked for
         -> moved to done/ or failed/, with a report next to it: counts and a link, no student data

Every look holds the place's lock, so two looks never take one file twice. A file is identified by name and content: a
repeat is moved away without a run; the same name with different content is a new file. If a worker dies in between, the
next look does the rest. The times of a place are compared only with each other, so a clock that is set back costs at
most one interval.
"""

import datetime as dt
import fnmatch
import json
import logging
import posixpath
import tempfile
from dataclasses import dataclass, field
from typing import IO, Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from sisimport.accounts.access import Capability, can, capabilities, may_correct, may_update
from sisimport.accounts.addresses import site_address
from sisimport.automation.models import Delivery, PickedFile, PickUpPlace
from sisimport.automation.places import Found, HostKeyError, Place, PlaceError, opened
from sisimport.automation.telling import Subject, address_of, people_with, send_soon, wishes_of
from sisimport.files.issues import FileError
from sisimport.imports.definition.recognition import UnrecognisedFileError, recognise_type
from sisimport.imports.definition.registry import UnknownImportTypeError, get_type, look_again
from sisimport.imports.models import UNDECIDED, ImportFile, ImportRun, RunStatus, Work
from sisimport.imports.runs import returned_lines, services, uploads
from sisimport.imports.runs.report import run_facts
from sisimport.imports.storage.files import StoredFileError, hash_of
from sisimport.runtime.session_locks import session_lock
from students.access import sees_schools_of, visible_school_ids

logger = logging.getLogger(__name__)

DONE, FAILED = "done", "failed"  # folders next to the files
MARK = ".done"
PLACE_LOCK = 0x5349_0031  # class of our advisory locks on places; a constant not used elsewhere
MOST_FILES = 200  # per look


@dataclass(slots=True)
class Look:
    """What one look found: names of files, runs started, what waits and why, and errors."""

    found: list[str] = field(default_factory=list)
    runs: list[int] = field(default_factory=list)
    waiting: list[tuple[str, str]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def look_at_due() -> int:
    """Look at every place that is due; returns how many there were."""
    now = timezone.now()
    due = [place for place in PickUpPlace.objects.filter(active=True) if _is_due(place, now)]
    for place in due:
        look_at(place)
    return len(due)


def _is_due(place: PickUpPlace, now: dt.datetime) -> bool:
    """Whether it is due; also true if the clock was set back since the next look was planned."""
    pause = dt.timedelta(minutes=place.every_minutes)
    return place.next_look_at is None or now >= place.next_look_at or place.next_look_at - now > pause


def look_at(place: PickUpPlace) -> Look:
    """One look now. Never raises for errors of the place or a file; reports them in the look, on its page, and by
    mail."""
    look = Look()
    with session_lock(PLACE_LOCK, place.pk) as mine:
        if not mine:
            look.errors.append("Another look at this place is in progress.")
            return look
        look_again()
        place.refresh_from_db()
        before = place.error
        try:
            with opened(place) as there:
                _take_what_is_new(place, there, look)
                _clear_what_ended(place, there, look)
        except HostKeyError as error:
            place.active = False
            look.errors.append(str(error))
        except PlaceError as error:
            look.errors.append(str(error))
        except uploads.NoRoomError as error:
            look.errors.append(str(error))
        place.error = " ".join(look.errors)[:500]
        place.last_look_at = timezone.now()
        place.next_look_at = place.last_look_at + dt.timedelta(minutes=place.every_minutes)
        place.save(update_fields=["seen", "active", "error", "last_look_at", "next_look_at"])
        if place.error and place.error != before:
            _notify(place)
    return look


# ---- taking ----


def _take_what_is_new(place: PickUpPlace, there: Place, look: Look) -> None:
    files = there.files()
    names = {one.name for one in files}
    seen, place.seen = place.seen, {}
    wanted = [one for one in files if fnmatch.fnmatchcase(one.name, place.pattern) and not one.name.endswith(MARK)]
    for one in wanted[:MOST_FILES]:
        look.found.append(one.name)
        if place.needs_mark:
            ready, reason = one.name + MARK in names, f"Its mark {one.name}{MARK} is not there yet."
        else:
            place.seen[one.name] = [one.size, one.modified]
            ready, reason = (
                seen.get(one.name) == [one.size, one.modified],
                "It is picked up if it has not changed by the next check.",
            )
        if not ready:
            look.waiting.append((one.name, reason))
        elif not _is_in_progress(place, one):
            _take(place, there, one, look)
    if len(wanted) > MOST_FILES:
        look.waiting.append(("", f"{len(wanted) - MOST_FILES:,} more files wait for the next check."))


def _is_in_progress(place: PickUpPlace, one: Found) -> bool:
    """Whether it was already taken and its run continues: an unchanged file is then not read again."""
    going_on = PickedFile.objects.filter(place=place, name=one.name, state=PickedFile.State.TAKEN)
    return going_on.filter(size=one.size, modified=one.modified).exists()


def _take(place: PickUpPlace, there: Place, one: Found, look: Look) -> None:
    with tempfile.TemporaryFile() as copy:
        there.read(one.name, copy, most=settings.IMPORT_MAX_BYTES)
        sha256 = hash_of(copy)
        content = {"sha256": sha256, "size": one.size, "modified": one.modified}
        earlier = PickedFile.objects.filter(place=place, name=one.name, sha256=sha256).first()
        if earlier is not None:
            if earlier.state != PickedFile.State.TAKEN:
                PickedFile.objects.filter(pk=earlier.pk).update(cleared=False)  # put there again: moved away again
            return
        try:
            with transaction.atomic():
                picked = PickedFile.objects.create(place=place, name=one.name, **content)
                picked.test = _start_test(place, copy, one.name)
                picked.save(update_fields=["test"])
        except IntegrityError:
            return
        except uploads.NoRoomError:
            raise
        except (
            FileError,
            StoredFileError,
            UnrecognisedFileError,
            UnknownImportTypeError,
            uploads.RunRefusedError,
        ) as error:
            message = _reason(error)
            PickedFile.objects.create(
                place=place, name=one.name, state=PickedFile.State.FAILED, message=message[:500], **content
            )
            look.errors.append(f"{one.name} was not picked up: {message}")
            return
        look.runs.append(picked.test.pk)


def _reason(error: Exception) -> str:
    """Why a file was not taken, and what to do, in the wording of the other ways to upload."""
    if isinstance(error, UnknownImportTypeError):
        return "This import type no longer exists."
    return f"{error} {error.fix}".strip() if isinstance(error, FileError) else str(error)


def _start_test(place: PickUpPlace, copy: IO[bytes], name: str) -> ImportRun:
    """Start the Test with the rights of the place's user. Raises the errors that the upload pages show as a refusal."""
    user = place.user
    if not user.is_active or not can(user, Capability.TEST):
        raise uploads.RunRefusedError(
            "The user of this place may no longer test files. Choose another one for this place."
        )
    with uploads.unpacked(copy) as inner:
        lines = returned_lines.take_in(inner.stream, user=user, may_correct=lambda run: may_correct(user, run))
        if lines is None:
            kind = recognise_type(inner.stream) if place.import_type == "auto" else get_type(place.import_type)
            inner.stream.seek(0)
            kept = uploads.keep_file(
                stream=inner.stream, name=name, user=user, member=inner.member, notices=inner.notices
            )
    if (
        lines is not None and lines.lines_of is not None
    ):  # corrected lines coming back: with the type and options of their run
        own = lines.lines_of.import_type if place.import_type == "auto" else place.import_type
        return _test(lines, own, {}, user)
    return _test(kept, kind.key, place.options if place.import_type != "auto" else {}, user)


def _test(file: ImportFile, import_type: str, options: dict[str, str], user: User) -> ImportRun:
    return services.start_run(
        file=file,
        import_type=import_type,
        work=Work.TEST,
        options=options,
        user=user,
        schools=visible_school_ids(user),
    )


# ---- results ----


def _clear_what_ended(place: PickUpPlace, there: Place, look: Look) -> None:
    for picked in PickedFile.objects.filter(place=place, state=PickedFile.State.TAKEN).select_related("test", "update"):
        _next_step(place, picked, look)
    names = {one.name for one in there.files()}
    for picked in PickedFile.objects.filter(place=place, cleared=False).exclude(state=PickedFile.State.TAKEN):
        folder = DONE if picked.state == PickedFile.State.DONE else FAILED
        if picked.name in names:
            # The file is moved last: if interrupted before, the next look does everything again under the same name.
            kept_as = _free_name(picked.name, there.names_in(folder))
            there.write(folder, f"{kept_as}.report.json", _report(picked))
            if picked.name + MARK in names:
                there.move(picked.name + MARK, folder, kept_as + MARK)
            there.move(picked.name, folder, kept_as)
        PickedFile.objects.filter(pk=picked.pk).update(cleared=True)


def _next_step(place: PickUpPlace, picked: PickedFile, look: Look) -> None:
    """The next step for a file whose run ended; does nothing while the run continues."""
    run = picked.update or picked.test
    if run is None:
        _end(picked, PickedFile.State.FAILED, "Its run was removed.")
    elif run.status in UNDECIDED:
        why = (
            "It is held until a second person approves it."
            if run.status == RunStatus.HELD
            else "Its run is still in progress."
        )
        look.waiting.append((picked.name, why))
    elif run.status != RunStatus.COMPLETED:
        _end(picked, PickedFile.State.FAILED, run.message or run.get_status_display())
        look.errors.append(f"{picked.name}: {run.message or run.get_status_display()}")
    elif picked.update is not None or place.work == PickUpPlace.Work.TEST:
        _end(picked, PickedFile.State.DONE, "")
    elif run.error_count:
        _end(
            picked,
            PickedFile.State.FAILED,
            f"Tested, and not applied: {run.error_count:,} errors. Check run {run.pk}.",
        )
        look.errors.append(f"{picked.name}: {picked.message}")
    elif not run.planned_count:
        _end(picked, PickedFile.State.DONE, "Nothing to import: the records already match.")
    else:
        _apply(picked, run, look)


def _apply(picked: PickedFile, test: ImportRun, look: Look) -> None:
    user = picked.place.user
    try:
        if Capability.UPDATE not in capabilities(user) or not may_update(user, test):
            raise uploads.RunRefusedError(
                "The user of this place may not apply this Test. Ask someone who may, or choose another one for this place."
            )
        picked.update = services.start_writing(test_run=test, user=user)
    except uploads.RunRefusedError as error:
        _end(picked, PickedFile.State.FAILED, str(error))
        look.errors.append(f"{picked.name}: {error}")
        return
    picked.save(update_fields=["update"])
    look.runs.append(picked.update.pk)


def _end(picked: PickedFile, state: PickedFile.State, message: str) -> None:
    picked.state, picked.message = state, message[:500]
    picked.save(update_fields=["state", "message"])


def _free_name(name: str, used: set[str]) -> str:
    stem, ending = posixpath.splitext(name)
    names = (name if number == 1 else f"{stem}-{number}{ending}" for number in range(1, len(used) + 2))
    return next(one for one in names if one not in used)


def _report(picked: PickedFile) -> bytes:
    run = picked.update or picked.test
    report: dict[str, Any] = {"file": picked.name, "state": picked.state, "message": picked.message}
    if run is not None:
        report |= {"run": run_facts(run), "url": address_of(run)}
    return (json.dumps(report, indent=2, ensure_ascii=False, default=str) + "\n").encode()


def _notify(place: PickUpPlace) -> None:
    """Mail the people who manage settings and may open the place that it needs attention; without file names."""
    logger.warning("pick-up place %s needs attention", place.pk)
    payload = {
        "place": place.pk,
        "name": place.name,
        "message": "Its last check failed.",
        "url": site_address() + reverse("pick_up_place", args=[place.pk]),
    }
    send_soon(
        Delivery(user=user, subject=Subject.PICK_UP, payload=payload)
        for user in people_with(Capability.SETTINGS)
        if Subject.PICK_UP in wishes_of(user) and sees_schools_of(user, place.user)
    )
