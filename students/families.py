"""Accounts of families: invitations, which students an account sees, and the SSID as the second check of an
enrollment."""

import datetime as dt
import hashlib
import secrets
from collections.abc import Iterable, Sequence
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from sisimport.runtime.row_scope import across_schools
from students import family_access
from students.models import SSID, FamilyInvitation, FamilyMember, SecondCheck, Student

INVITATION_DAYS = 14
INVITATION_LIFE = dt.timedelta(days=INVITATION_DAYS)
# Letters and digits that are hard to confuse, by eye or by ear; twenty of them are 98 random bits.
CODE_SIGNS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_GROUPS, GROUP_SIZE = 4, 5
WRONG_NUMBERS = 5  # then the account has to wait
LOCKED_FOR = dt.timedelta(minutes=30)


class InvitationRefusedError(Exception):
    """An invitation that cannot be used. Unknown, used, withdrawn and expired ones are all refused alike."""


class CheckLockedError(Exception):
    """Too many wrong numbers: no number is compared until the pause is over."""


def family_students(user: AbstractBaseUser | AnonymousUser) -> QuerySet[Student]:
    """Students that this account still sees; all others are treated as if they did not exist."""
    if not user.is_authenticated or not user.is_active:
        return Student.objects.none()
    members = FamilyMember.objects.filter(user_id=user.pk)
    open_ones = family_access.still_open(members).values("student_id")
    return Student.objects.filter(pk__in=open_ones).select_related("school", "lea")


def is_family(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Whether the account is a family's. Queried once per request and kept on the user."""
    if not hasattr(user, "_is_family"):
        member = bool(user.is_authenticated and FamilyMember.objects.filter(user_id=user.pk).exists())
        setattr(user, "_is_family", member)  # noqa: B010
    return bool(user._is_family)  # type: ignore[union-attr]


# ---- invitations ----


@transaction.atomic
def invite_family(
    *, students: Iterable[Student], user: AbstractBaseUser | None, days: int = INVITATION_DAYS
) -> tuple[FamilyInvitation, str]:
    """Make an invitation for these students. Returns it and its code, which is not stored and cannot be shown again."""
    code = new_code()
    invitation = FamilyInvitation.objects.create(
        token_hash=code_hash(code),
        created_by=user,  # type: ignore[misc]
        expires_at=timezone.now() + dt.timedelta(days=days),
    )
    invitation.students.set(students)
    return invitation, code


@transaction.atomic
def invite_each(
    *, students: Sequence[Student], user: AbstractBaseUser | None, days: int = INVITATION_DAYS
) -> list[tuple[Student, str]]:
    """Make a separate invitation for each student, with its code, in three statements. Open ones for these students
    alone end."""
    now, through = timezone.now(), FamilyInvitation.students.through
    ids = [student.pk for student in students]
    earlier = FamilyInvitation.objects.filter(students__in=ids, used_at__isnull=True, withdrawn_at__isnull=True)
    alone = earlier.exclude(pk__in=through.objects.exclude(student_id__in=ids).values("familyinvitation_id"))
    FamilyInvitation.objects.filter(pk__in=alone.values("pk")).update(withdrawn_at=now)
    codes = [new_code() for _student in students]
    expires = now + dt.timedelta(days=days)
    made = FamilyInvitation.objects.bulk_create(
        FamilyInvitation(token_hash=code_hash(code), created_by=user, expires_at=expires)  # type: ignore[misc]
        for code in codes
    )
    through.objects.bulk_create(
        through(familyinvitation_id=invitation.pk, student_id=student.pk)
        for invitation, student in zip(made, students, strict=True)
    )
    return list(zip(students, codes, strict=True))


def find_invitation(code: str) -> FamilyInvitation | None:
    """The open invitation with this code, however its groups were written."""
    return _if_open(FamilyInvitation.objects.filter(token_hash=code_hash(code)).first())


def open_invitation(pk: object) -> FamilyInvitation | None:
    """The invitation that a session is about, if it is still open. `pk`: the key stored in the session, or None."""
    return _if_open(FamilyInvitation.objects.filter(pk=pk).first()) if isinstance(pk, int) else None


def _if_open(found: FamilyInvitation | None) -> FamilyInvitation | None:
    return found if found is not None and found.is_open else None


@transaction.atomic
def withdraw_invitation(*, invitation: FamilyInvitation) -> bool:
    """Make an open invitation invalid. Returns False if it was already used or withdrawn."""
    still = FamilyInvitation.objects.filter(pk=invitation.pk, used_at__isnull=True, withdrawn_at__isnull=True)
    return bool(still.update(withdrawn_at=timezone.now()))


@across_schools()  # the holder of the code sees no student yet
@transaction.atomic
def accept_invitation(
    *, invitation: FamilyInvitation, user: AbstractBaseUser | None = None, username: str = "", password: str = ""
) -> AbstractBaseUser:
    """Open an account, or add the students to an existing one, once. Raises InvitationRefusedError."""
    invitation = FamilyInvitation.objects.select_for_update().get(pk=invitation.pk)
    if not invitation.is_open:
        raise InvitationRefusedError
    if user is None:
        user = get_user_model().objects.create_user(username=username, password=password)
    for student_id in invitation.students.values_list("pk", flat=True):
        # An account whose access ended sees the student again.
        FamilyMember.objects.update_or_create(
            user_id=user.pk, student_id=student_id, defaults={"renewed_at": timezone.now()}
        )
    invitation.used_at, invitation.used_by = timezone.now(), user  # type: ignore[assignment]
    invitation.save(update_fields=["used_at", "used_by"])
    return user


def new_code() -> str:
    """The code of an invitation, in groups that can be typed."""
    groups = ("".join(secrets.choice(CODE_SIGNS) for _ in range(GROUP_SIZE)) for _ in range(CODE_GROUPS))
    return "-".join(groups)


def code_hash(code: str) -> str:
    """The stored hash of a code, however its groups were written: hyphens, blanks and lower case make no difference."""
    return _hash("".join(sign for sign in code.upper() if sign.isalnum()))


def _hash(secret: str) -> str:
    """Plain SHA-256: the secret is random and long, so nothing can be guessed from its hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


# ---- second check ----


def check_locked_until(user: AbstractBaseUser) -> dt.datetime | None:
    """The end of the pause after too many wrong numbers, counted over all students of the account; None: no pause."""
    since = timezone.now() - LOCKED_FOR
    recent = SecondCheck.objects.filter(user_id=user.pk, at__gt=since).order_by("-at").values_list("at", "passed")
    wrong = []
    for at, passed in recent[:WRONG_NUMBERS]:
        if passed:
            break
        wrong.append(at)
    return wrong[0] + LOCKED_FOR if len(wrong) == WRONG_NUMBERS else None


def pass_second_check(*, student: Student, ssid: str, user: AbstractBaseUser) -> bool:
    """Compare a typed number with the student's own verified SSID (rule M-4), and count the attempt.

    Neither the answer nor its timing reveals whether the number, or any verified one of the student, exists: the same
    statements run and a number is always compared. A number that is not verified proves nothing (rule M-8). Raises
    CheckLockedError after too many wrong numbers.
    """
    with transaction.atomic():
        _one_at_a_time(user)
        if check_locked_until(user) is not None:
            raise CheckLockedError
        on_record = (
            SSID.objects.filter(student=student, verified=True, retired_at__isnull=True)
            .values_list("ssid", flat=True)
            .first()
        )
        typed = "".join(c for c in ssid if c.isdigit())
        equal = secrets.compare_digest(_hash(typed), _hash(on_record or "no verified number"))
        SecondCheck.objects.create(student=student, user=user, passed=equal)  # type: ignore[misc]
    return equal


def _one_at_a_time(user: AbstractBaseUser) -> None:
    """Attempts of one account wait for each other: a hundred in parallel do not give a hundred guesses."""
    model: Any = get_user_model()
    model.objects.select_for_update().get(pk=user.pk)
