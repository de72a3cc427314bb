"""Starting over with the practice district: new invented people, or none at all. A real district beside it stays as it is.

An app whose records belong to no district removes those that removed runs made: `register_cleaner`.
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

AT_ONCE = 5_000  # students: more are removed and made in the background
USUAL_STUDENTS = 2_000
_GOING_ON = "practice-going-on"
_LONGEST = 3600  # seconds
_LOOK_SECONDS = 0.1

Cleaner = Callable[[Collection[int]], None]
_cleaners: list[Cleaner] = []


class PracticeRefusedError(Exception):
    """The practice district cannot be started over; the text says why."""


def register_cleaner(cleaner: Cleaner) -> None:
    """`cleaner(runs)` is called before these runs go, when the students and their records are gone already."""
    _cleaners.append(cleaner)


def practice_leas() -> list[LEA]:
    """The practice district, and those that apps make beside it."""
    return list(LEA.objects.filter(name__endswith=NAME_ENDING).order_by("pk"))


def practice_lea() -> LEA | None:
    return next(iter(practice_leas()), None)


def is_going_on() -> bool:
    """Whether a large district is being started over in the background."""
    return bool(cache.get(_GOING_ON))


def takes_long(lea: LEA) -> bool:
    return Student.objects.filter(lea=lea).order_by()[: AT_ONCE + 1].count() > AT_ONCE


def begin() -> None:
    """Note that it goes on in the background. Raises PracticeRefusedError when it does already."""
    if not cache.add(_GOING_ON, True, _LONGEST):
        raise PracticeRefusedError("It is being started over already: look again in a minute.")


def has_ended_within(seconds: float) -> bool:
    """Wait for what goes on in the background, at most so long. False: it still does."""
    deadline = time.monotonic() + seconds
    while is_going_on():
        if time.monotonic() >= deadline:
            return False
        time.sleep(_LOOK_SECONDS)
    return True


def end() -> None:
    cache.delete(_GOING_ON)


def start_empty(*, user_id: int) -> None:
    """Remove the practice district, its runs and the demo's accounts, but for the one of `user_id`. Other accounts stay.

    Raises PracticeRefusedError when there is none, or while one of its runs is going on.
    """
    with transaction.atomic():
        files = _remove_districts(_checked())
        _remove_demo_accounts(keep=user_id)
    _remove_files(files)


def reset() -> demo.District:
    """Remove the practice district and make it again, as large as it was when it was made. All accounts stay.

    Raises PracticeRefusedError as `start_empty` does.
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
    """Raises PracticeRefusedError while a run waits or goes on."""
    if ImportRun.objects.filter(status__in=ACTIVE).exists():
        raise PracticeRefusedError("A run is waiting or going on: wait until it has ended, or cancel it.")


def _remove_districts(leas: list[LEA]) -> list[int]:
    """Everything of the districts, and the runs about no other. Returns the files that these runs were about."""
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
        except ProtectedError:  # named by records of a real district: without a password it opens nothing
            person.is_active = False
            person.save(update_fields=["is_active"])


def give_schools_again(lea: LEA) -> None:
    """Demo users of one school had one that is gone. By a page: workers give nobody anything."""
    first = lea.schools.order_by("code").first()
    limited = [name for name, *_rest, every in demo.DEMO_USERS if not every]
    for access in StaffAccess.objects.filter(user__username__in=limited, user__email__endswith="@example.org"):
        if first is not None and not access.schools.exists():
            access.schools.add(first)


def _remove_files(files: Collection[int]) -> None:
    """Files of removed runs that nothing else names, and the sample files, which are about people who are gone."""
    for pk in files:
        remove_if_unused(pk)
    folder = demo.samples_folder()
    for sample in demo.all_samples():
        (folder / sample.name).unlink(missing_ok=True)
