"""Who may see which students: decided only here.

Access is by school (StaffAccess). A user without an access row sees no students; a superuser sees all.
"""

from collections.abc import Iterable

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Exists, OuterRef, QuerySet

from sisimport.audit.models import AuditEntry
from sisimport.audit.writing import label
from students.models import LEA, School, StaffAccess, Student

User = AbstractBaseUser | AnonymousUser
_KEPT, _KEPT_LEAS = "_visible_school_ids", "_visible_lea_ids"


def visible_school_ids(user: User) -> frozenset[int] | None:
    """Ids of the schools whose students the user may see; None for all. Queried once per request and kept on the
    user."""
    if not hasattr(user, _KEPT):
        setattr(user, _KEPT, _read_school_ids(user))
    kept: frozenset[int] | None = getattr(user, _KEPT)
    return kept


def narrow_schools(user: User, ids: Iterable[int]) -> None:
    """From here on this user object sees only these of its schools (used for a token's schools, sisimport.api)."""
    seen = visible_school_ids(user)
    setattr(user, _KEPT, frozenset(ids) if seen is None else seen & frozenset(ids))
    if hasattr(user, _KEPT_LEAS):
        delattr(user, _KEPT_LEAS)


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


def visible_lea_ids(user: User) -> frozenset[int] | None:
    """Ids of the districts that the user works for (those of the schools the user sees); None for all.

    Data of a district rather than a school (its runs, its settings) is open to these users. Data of no district, such
    as which results families see, is open only to users who work for all districts.
    """
    ids = visible_school_ids(user)
    if ids is None:
        return None
    if not hasattr(user, _KEPT_LEAS):
        own = LEA.objects.annotate(own=Exists(School.objects.filter(lea=OuterRef("pk"), pk__in=sorted(ids))))
        leas = dict(own.order_by().values_list("pk", "own"))
        found = frozenset(pk for pk, is_own in leas.items() if is_own)
        setattr(user, _KEPT_LEAS, None if found and len(found) == len(leas) else found)
    kept: frozenset[int] | None = getattr(user, _KEPT_LEAS)
    return kept


def visible_leas(user: User) -> QuerySet[LEA]:
    """The districts that the user works for."""
    ids = visible_lea_ids(user)
    return LEA.objects.all() if ids is None else LEA.objects.filter(pk__in=ids)


def whole_leas(user: User) -> QuerySet[LEA]:
    """The districts of which the user sees every school, and so may decide for the whole district."""
    ids = visible_school_ids(user)
    if ids is None:
        return LEA.objects.all()
    others = School.objects.filter(lea=OuterRef("pk")).exclude(pk__in=sorted(ids))
    return visible_leas(user).filter(Exists(School.objects.filter(lea=OuterRef("pk"))), ~Exists(others))


def sees_schools_of(user: User, other: User) -> bool:
    """Does the user see every school that the other one sees?"""
    ids, theirs = visible_school_ids(user), visible_school_ids(other)
    return ids is None or (theirs is not None and theirs <= ids)


def visible_schools(user: User) -> QuerySet[School]:
    """Schools whose students the user may see."""
    ids = visible_school_ids(user)
    return School.objects.all() if ids is None else School.objects.filter(pk__in=ids)


def visible_students(user: User) -> QuerySet[Student]:
    """Students the user may see; students of other schools are treated as if they did not exist."""
    ids = visible_school_ids(user)
    return Student.objects.all() if ids is None else Student.objects.filter(school_id__in=ids)


def log_views(*, user: User, kind: AuditEntry.Kind, students: Iterable[int], subject: str) -> None:
    """Log that many students are shown at once: part of the request's entry. `students`: ids."""
    label(kind, user, students=students, subject=subject)


def log_view(*, user: User, kind: AuditEntry.Kind, student: Student | None = None, subject: str = "") -> None:
    """Log what is shown (rule ID-6): part of the request's entry in the record of access or, outside a request, its own
    entry.

    `subject` names what was exported; never a student's data.
    """
    label(kind, user, students=() if student is None else (student.pk,), subject=subject)
