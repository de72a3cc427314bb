"""Making, finding, counting and revoking tokens."""

import hashlib
import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.text import slugify

from sisimport.accounts.access import REGISTRAR, capabilities
from sisimport.accounts.scopes import SCOPES, Scope, restrict
from sisimport.api.models import ApiToken
from sisimport.api.problems import ProblemError
from students.access import visible_school_ids
from students.granting import has_as_much_as
from students.models import School, StaffAccess

PREFIX = "sis_"
USUAL_DAYS = 365
SERVICE = "service-"  # prefix of the user names of services, which have no password
_SHOWN = 8

_USE = """
UPDATE api_apitoken SET last_used_at = now.moment, last_address = %(address)s, counted_from = now.minute,
       counted = %(weight)s + CASE WHEN counted_from = now.minute THEN counted ELSE 0 END
FROM (SELECT clock_timestamp() AS moment, date_trunc('minute', clock_timestamp()) AS minute) AS now
WHERE digest = %(digest)s AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now.moment)
RETURNING id, counted, ceil(60 - extract(second FROM now.moment))::int
"""


class TokenError(Exception):
    """A token that cannot be made; the text is for the user."""


@dataclass(frozen=True, slots=True)
class Made:
    """A new token with its secret, which is only known now."""

    token: ApiToken
    secret: str


def digest_of(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def make_token(
    *,
    name: str,
    scopes: Iterable[str],
    schools: Collection[School] | None,
    days: int = USUAL_DAYS,
    user: Any = None,
    created_by: Any = None,
) -> Made:
    """A token for a user or, without one, for the service of this name, whose user is made if it does not exist.

    `schools`: None for all that the user sees. Raises TokenError for an invalid name, scope or number of days.
    """
    name, requested = name.strip(), set(scopes)
    wanted = [scope for scope in SCOPES if scope in requested] if requested <= set(SCOPES) else []
    if not slugify(name) or len(name) > 80:
        raise TokenError("Give the token a name of letters and digits, 80 characters at most.")
    if not wanted:
        raise TokenError(f"Choose at least one scope of: {', '.join(SCOPES)}.")
    if user is None and Scope.APPROVE in wanted:
        raise TokenError("A service cannot approve held runs: that takes a person.")
    if not 0 < days <= 3650:
        raise TokenError("A token is valid for 1 to 3650 days.")
    secret = PREFIX + secrets.token_urlsafe(32)
    with transaction.atomic():
        token = ApiToken.objects.create(
            name=name,
            user=user or service_user(name, schools),
            scopes=[str(scope) for scope in wanted],
            schools=None if schools is None else sorted(school.pk for school in schools),
            digest=digest_of(secret),
            begins=secret[: len(PREFIX) + _SHOWN],
            created_by=created_by,
            expires_at=timezone.now() + timedelta(days=days),
        )
    return Made(token, secret)


def service_user(name: str, schools: Collection[School] | None) -> Any:
    """The user of a service: a registrar without a password, who sees the schools of all its tokens."""
    username = f"{SERVICE}{slugify(name)}"[:150]
    user, made = get_user_model().objects.get_or_create(username=username)
    if made:
        user.set_unusable_password()
        user.save()
        user.groups.add(Group.objects.get_or_create(name=REGISTRAR)[0])
    elif not is_service(user):
        raise TokenError(f"{username} is someone's user name: give the service another name.")
    access, _made = StaffAccess.objects.get_or_create(user=user)
    if schools is None and not access.all_schools:
        access.all_schools = True
        access.save()
    access.schools.add(*(schools or ()))
    return user


def new_service_user(name: str, schools: Collection[School] | None) -> Any:
    """A new service user, never shared with another token, place or delivery: it sees only these schools."""
    users = get_user_model().objects
    begun = slugify(name)[:120]
    number = 1
    while users.filter(username=f"{SERVICE}{begun}{'' if number == 1 else f'-{number}'}").exists():
        number += 1
    return service_user(begun if number == 1 else f"{begun}-{number}", schools)


def is_service(user: Any) -> bool:
    return bool(user.get_username().startswith(SERVICE) and not user.has_usable_password())


def revoke(token: ApiToken, *, by: Any) -> None:
    """The token is refused from the next request on."""
    ApiToken.objects.filter(pk=token.pk, revoked_at__isnull=True).update(revoked_at=timezone.now(), revoked_by=by)


# ---- who may manage which tokens ----


def person_for_token(admin: Any, username: str) -> Any:
    """The person with this user name, if this import admin may make tokens for them (for oneself, and for people with
    no more access); else None."""
    user = get_user_model().objects.filter(username=username, is_active=True).first()
    if user is None or is_service(user):
        return None
    return user if user.pk == admin.pk or _has_no_more_than(admin, user) else None


def _has_no_more_than(admin: Any, user: Any) -> bool:
    return capabilities(user) <= capabilities(admin) and (has_as_much_as(admin, user) or _within(admin, user))


def _within(admin: Any, user: Any) -> bool:
    """Whether the user sees no school that the admin does not see, and cannot open the admin's pages."""
    mine, theirs = visible_school_ids(admin), visible_school_ids(user)
    return not user.is_staff and not user.is_superuser and (mine is None or (theirs is not None and theirs <= mine))


def tokens_of(admin: Any) -> QuerySet[ApiToken]:
    """Tokens that this import admin may see and revoke: only those with no more access than the admin."""
    tokens = ApiToken.objects.select_related("user", "created_by", "revoked_by")
    seen = visible_school_ids(admin)
    if seen is None:
        return tokens
    return tokens.filter(Q(user=admin) | Q(created_by=admin) | Q(schools__contained_by=sorted(seen)))


# ---- a request ----


def use(secret: str, *, address: str, weight: int) -> ApiToken:
    """The token of a request, counted `weight` times, with its user restricted to what it allows.

    Raises ProblemError: TOKEN-INVALID, or RATE after too many requests in this minute.
    """
    with connection.cursor() as cursor:
        cursor.execute(_USE, {"digest": digest_of(secret), "address": address, "weight": weight})
        row = cursor.fetchone()
    if row is None:
        raise ProblemError("TOKEN-INVALID", _why_not(secret))
    pk, counted, seconds = row
    if counted > settings.API_REQUESTS_PER_MINUTE:
        raise ProblemError(
            "RATE",
            f"This token may make {settings.API_REQUESTS_PER_MINUTE} requests a minute. Try again in {max(seconds, 1)} seconds.",
            headers={"Retry-After": str(max(seconds, 1))},
        )
    token = ApiToken.objects.select_related("user").get(pk=pk)
    if not token.user.is_active:
        raise ProblemError("TOKEN-INVALID", "The user of this token may no longer sign in.")
    restrict(token.user, token.scopes, token.schools)
    return token


def _why_not(secret: str) -> str:
    token = ApiToken.objects.filter(digest=digest_of(secret)).first()
    if token is None:
        return "This token is not known."
    if token.revoked_at:
        return "This token was revoked."
    return "This token has expired."
