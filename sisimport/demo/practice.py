"""Starting over with the practice district: new invented people, or none at all. A real district stays as it is.

An app whose records belong to no district removes the ones made by removed runs: `register_cleaner`.
"""

import time
from collections.abc import Callable, Collection
from typing import Any

from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.db import transaction
from django.db.models import ProtectedError, Q

from sisimport.demo import district as demo
from sisimport.demo import people
from sisimport.imports.models import ACTIVE, ImportFile, ImportRun
from sisimport.imports.runs.districts import runs_of
from sisimport.imports.storage.unused import remove_if_unused
from students.locks import lock_leas
from students.models import LEA, SSID, SSIDReplacement, StaffAccess, Student
from students.practice import NAME_ENDING
from students.removing import remove

AT_ONCE = 5_000  # students: larger districts are removed and made in the background
_GOING_ON = "practice-going-on"
_LONGEST = 3600  # seconds
_LOOK_SECONDS = 0.1

Cleaner = Callable[[Collection[int]], None]
_cleaners: list[Cleaner] = []


class PracticeRefusedError(Exception):
    """The practice district cannot be started over; the text says why."""


def register_cleaner(cleaner: Cleaner) -> None:
    """`cleaner(runs)` is called before these runs are removed, after the students and their records."""
    _cleaners.append(cleaner)


def practice_leas() -> list[LEA]:
    """The practice district, and those that apps make with it."""
    return list(LEA.objects.filter(name__endswith=NAME_ENDING).order_by("pk"))


def practice_lea() -> LEA | None:
    return next(iter(practice_leas()), None)


def is_going_on() -> bool:
    """Whether a large district is being started over in the background."""
    return bool(cache.get(_GOING_ON))


def takes_long(lea: LEA) -> bool:
    return Student.objects.filter(lea=lea).order_by()[: AT_ONCE + 1].count() > AT_ONCE


def begin() -> None:
    """Note that starting over runs in the background. Raises PracticeRefusedError if it already does."""
    if not cache.add(_GOING_ON, True, _LONGEST):
        raise PracticeRefusedError("It is being started over already: check again in a minute.")


def has_ended_within(seconds: float) -> bool:
    """Wait for the background work, at most this long. False: it is still running."""
    deadline = time.monotonic() + seconds
    while is_going_on():
        if time.monotonic() >= deadline:
            return False
        time.sleep(_LOOK_SECONDS)
    return True


def end() -> None:
    cache.delete(_GOING_ON)


def start_empty(*, user_id: int) -> None:
    """Remove the practice district, its runs and the demo's accounts, except the one of `user_id`. Other accounts stay.

    Raises PracticeRefusedError if there is none, or while one of its runs is active.
    """
    with transaction.atomic():
        files = _remove_districts(_checked())
        _remove_demo_accounts(keep=user_id)
    _remove_files(files)


def reset() -> demo.District:
    """Remove the practice district and make it again, in its original size. All accounts stay.

    Raises PracticeRefusedError like `start_empty`.
    """
    with transaction.atomic():
        lea, *companions = leas = _checked()
        students = max(Student.objects.filter(lea=lea, local_number__regex=r"^1\d{5,}$").count(), 1)
        files = _remove_districts(leas)
        made = demo.make_district(students=min(students, people.MAX_STUDENTS), seed=1)
        if companions:
            demo.make_companions()
    _remove_files(files)
    return made


def _checked() -> list[LEA]:
    """The practice districts, locked against runs and edits until the transaction ends."""
    demo.all_samples()  # loads the demo modules of all apps, and with them their cleaners
    leas = practice_leas()
    if not leas:
        raise PracticeRefusedError("There is no practice district.")
    lock_leas([lea.pk for lea in leas])
    require_quiet()
    return leas


def require_quiet() -> None:
    """Raises PracticeRefusedError while a run is waiting or active."""
    if ImportRun.objects.filter(status__in=ACTIVE).exists():
        raise PracticeRefusedError("A run is waiting or in progress: wait until it has ended, or cancel it.")


def _remove_districts(leas: list[LEA]) -> list[int]:
    """Remove all data of the districts, and the runs that are only about them. Returns the files of these runs."""
    runs = runs_of(*leas)
    files = ImportFile.objects.filter(Q(runs__in=runs) | Q(made_by__in=runs))
    file_ids = list(files.order_by().values_list("pk", flat=True).distinct())
    for lea in leas:
        held = SSID.objects.filter(student__lea=lea, state=lea.state).values("ssid")
        named = Q(retired_ssid__in=held) | Q(replacement_ssid__in=held)
        SSIDReplacement.objects.filter(named, state=lea.state).delete()
    remove(Student.objects.filter(lea__in=leas))
    remove(LEA.objects.filter(pk__in=[lea.pk for lea in leas]))
    for cleaner in _cleaners:
        cleaner(runs)
    remove(ImportRun.objects.filter(pk__in=runs))
    return file_ids


def _remove_demo_accounts(*, keep: int) -> None:
    names = [name for name, *_rest in demo.DEMO_USERS]
    people: Any = get_user_model()._default_manager
    for person in people.filter(username__in=names, email__endswith="@example.org").exclude(pk=keep):
        try:
            with transaction.atomic():
                person.delete()
        except ProtectedError:  # records of a real district refer to it: without a password it cannot sign in
            person.is_active = False
            person.save(update_fields=["is_active"])


def give_schools_again(lea: LEA) -> None:
    """Assign a school again to demo users whose school is gone. Done by a page: workers may not grant access."""
    first = lea.schools.order_by("code").first()
    limited = [name for name, *_rest, every in demo.DEMO_USERS if not every]
    for access in StaffAccess.objects.filter(user__username__in=limited, user__email__endswith="@example.org"):
        if first is not None and not access.schools.exists():
            access.schools.add(first)


def _remove_files(files: Collection[int]) -> None:
    """Remove files of removed runs that nothing else refers to, and the sample files, which are about removed
    people."""
    for pk in files:
        remove_if_unused(pk)
    folder = demo.samples_folder()
    for sample in demo.all_samples():
        (folder / sample.name).unlink(missing_ok=True)
