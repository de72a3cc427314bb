"""Who may see which students: the one place that answers it.

Access is by school (StaffAccess). Without an access row nobody sees a student; a superuser sees all.
"""

from collections.abc import Iterable

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import QuerySet

from sisimport.audit.models import AuditEntry
from sisimport.audit.writing import label
from students.models import School, StaffAccess, Student

User = AbstractBaseUser | AnonymousUser
_KEPT = "_visible_school_ids"


def visible_school_ids(user: User) -> frozenset[int] | None:
    """Ids of the schools whose students the user may see; None for all. Asked once per request: kept on the user."""
    if not hasattr(user, _KEPT):
        setattr(user, _KEPT, _read_school_ids(user))
    kept: frozenset[int] | None = getattr(user, _KEPT)
    return kept


def narrow_schools(user: User, ids: Iterable[int]) -> None:
    """From here on this user object sees no other schools than these, of those it sees (a token's, sisimport.api)."""
    seen = visible_school_ids(user)
    setattr(user, _KEPT, frozenset(ids) if seen is None else seen & frozenset(ids))


def _read_school_ids(user: User) -> frozenset[int] | None:
    if not user.is_authenticated or not user.is_active:
        return frozenset()
    if getattr(user, "is_superuser", False):
        return None
    access = StaffAccess.objects.filter(user_id=user.pk).first()
    if access is None:
        return frozenset()
    if access.all_schools:
        return None
    return frozenset(access.schools.values_list("pk", flat=True))


def visible_schools(user: User) -> QuerySet[School]:
    """Schools whose students the user may see."""
    ids = visible_school_ids(user)
    return School.objects.all() if ids is None else School.objects.filter(pk__in=ids)


def visible_students(user: User) -> QuerySet[Student]:
    """Students the user may see; those of another school answer as if they did not exist."""
    ids = visible_school_ids(user)
    return Student.objects.all() if ids is None else Student.objects.filter(school_id__in=ids)


def log_views(*, user: User, kind: AuditEntry.Kind, students: Iterable[int], subject: str) -> None:
    """Say that many students are shown at once: part of the request's entry. `students`: ids."""
    label(kind, user, students=students, subject=subject)


def log_view(*, user: User, kind: AuditEntry.Kind, student: Student | None = None, subject: str = "") -> None:
    """Say what is shown (rule ID-6): part of the request's entry in the record of access; outside of one, an entry at once.

    `subject` names what was exported; never a student's data.
    """
    label(kind, user, students=() if student is None else (student.pk,), subject=subject)
