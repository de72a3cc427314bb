"""How many wrong passwords are too many. Counted in PostgreSQL, for all processes and machines, and across restarts.

    one name from one address        5 in 5 minutes     then this name is refused from there, even with the right password
    one name from all addresses     50 in an hour       then allowed only from where it signed in before
    one address, all names         100 in 10 minutes    then allowed only for names that signed in from there before

So no one can lock out another user: neither by trying their name from elsewhere, nor by trying other names from a shared address
(a school's, or that of a proxy not configured here).
"""

import unicodedata
from typing import Any

from django.db import connection, transaction
from django.utils.crypto import salted_hmac

from sisimport.accounts.models import KnownPlace, SignInTry

PAIR_TRIES, PAIR_SECONDS = 5, 5 * 60
NAME_TRIES, NAME_SECONDS = 50, 60 * 60
ADDRESS_TRIES, ADDRESS_SECONDS = 100, 10 * 60
TRIES_KEPT_SECONDS = 24 * 60 * 60
PLACES_KEPT_SECONDS = 180 * 24 * 60 * 60

# Classes of our advisory locks, used only here. Always taken in this order.
_ADDRESS_LOCK, _NAME_LOCK = 0x5349_0011, 0x5349_0012

_COUNT = """
SELECT count(*) FILTER (WHERE name = %(name)s AND address = %(address)s AND at > moment - %(pair)s * interval '1 second'),
       count(*) FILTER (WHERE name = %(name)s AND at > moment - %(names)s * interval '1 second'),
       count(*) FILTER (WHERE address = %(address)s AND at > moment - %(addresses)s * interval '1 second')
FROM entrance_signintry, clock_timestamp() AS moment WHERE name = %(name)s OR address = %(address)s
"""


def hashed(name: str) -> str:
    """The key under which a typed name is counted, ignoring case and variants of letters."""
    plain = unicodedata.normalize("NFKC", name).casefold().strip()
    return salted_hmac("sisimport.accounts.limits", plain, algorithm="sha256").hexdigest()


def begin_try(name: str, address: str) -> SignInTry | None:
    """Count a try before its password is checked; None if there were too many, in which case it is not counted."""
    key = hashed(name)
    values: dict[str, int | str] = {
        "pair": PAIR_SECONDS,
        "names": NAME_SECONDS,
        "addresses": ADDRESS_SECONDS,
        "name": key,
        "address": address,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        # Concurrent tries of the same name or from the same address wait here, so that each counts the others.
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_ADDRESS_LOCK, address])
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_NAME_LOCK, key])
        cursor.execute(_COUNT, values)
        of_pair, of_name, of_address = cursor.fetchone()
        too_many = of_pair >= PAIR_TRIES
        if not too_many and (of_name >= NAME_TRIES or of_address >= ADDRESS_TRIES):
            too_many = not KnownPlace.objects.filter(name=key, address=address).exists()
        return None if too_many else SignInTry.objects.create(name=key, address=address)


def right_password(tried: SignInTry) -> None:
    """The password was right: forget this try and earlier ones, and remember the place."""
    with transaction.atomic(), connection.cursor() as cursor:
        SignInTry.objects.filter(name=tried.name, address=tried.address).delete()
        cursor.execute(
            "INSERT INTO entrance_knownplace (name, address) VALUES (%s, %s)"
            " ON CONFLICT (name, address) DO UPDATE SET last_at = clock_timestamp()",
            [tried.name, tried.address],
        )
        for table, column, seconds in (
            ("entrance_signintry", "at", TRIES_KEPT_SECONDS),
            ("entrance_knownplace", "last_at", PLACES_KEPT_SECONDS),
        ):
            cursor.execute(
                f"DELETE FROM {table} WHERE {column} < clock_timestamp() - %s * interval '1 second'", [seconds]
            )


def forget_tries_of(user: Any, **_signal: Any) -> None:
    """The user set a new password by mail: earlier tries no longer count."""
    names = {hashed(name) for name in (user.get_username(), user.email) if name}
    SignInTry.objects.filter(name__in=names).delete()
