"""Recovery codes, stored as hashes: reading the database or a backup of it gives no usable code.

django-allauth stores a seed from which it derives the codes each time. Ours are made when they are shown, once, and hashed like
passwords (eight digits could be guessed from a fast hash). Stored for a set:

    {"hashes": [one for each code that was not used], "total": how many were shown, "viewed_at": …}
    {}      for a set that was never shown: its codes are made when it is

Sets from releases before 1.3 were hashed by migration 0006, and their written-down codes remain valid.
"""

import secrets
import time
from typing import Any

from allauth.mfa import app_settings
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal import auth, flows
from django.contrib.auth.hashers import check_password, make_password
from django.db import transaction

HIDDEN = "*" * 8
_Base: Any = auth.RecoveryCodes


class HashedRecoveryCodes(_Base):
    """The interface allauth expects of recovery codes. Only the instance that made the codes knows them."""

    instance: Authenticator

    def __init__(self, instance: Authenticator) -> None:
        super().__init__(instance)
        self._shown: list[str] = []

    @classmethod
    def activate(cls, user: Any) -> "HashedRecoveryCodes":
        kind = Authenticator.Type.RECOVERY_CODES
        found, _made = Authenticator.objects.get_or_create(user=user, type=kind, defaults={"data": {}})
        return cls(found)

    def mark_as_viewed(self) -> None:
        """Make the codes: only this instance can show them."""
        if self.did_view:
            return
        digits = app_settings.RECOVERY_CODE_DIGITS
        codes: set[str] = set()
        while len(codes) < app_settings.RECOVERY_CODE_COUNT:
            codes.add(str(secrets.randbelow(10**digits)).zfill(digits))
        self._shown = sorted(codes)
        self.instance.data = hashed(self._shown) | {"viewed_at": time.time()}
        self.instance.save(update_fields=["data"])

    def generate_codes(self) -> list[str]:
        """As many entries as there were codes at first, for code that counts them."""
        return [HIDDEN] * int(self.instance.data.get("total", 0))

    def get_unused_codes(self) -> list[str]:
        """The codes if they were just made; otherwise a placeholder of stars for each."""
        return self._shown or [HIDDEN] * len(self.instance.data.get("hashes", ()))

    @transaction.atomic
    def validate_code(self, code: str) -> bool:
        self.instance = Authenticator.objects.select_for_update().get(pk=self.instance.pk)
        hashes = list(self.instance.data.get("hashes", ()))
        found = next((one for one in hashes if check_password(code.strip(), one)), None)
        if found is None:
            return False
        hashes.remove(found)
        self.instance.data["hashes"] = hashes
        self.instance.save(update_fields=["data"])
        return True


def hashed(codes: list[str]) -> dict[str, Any]:
    """The data stored for these codes."""
    return {"hashes": [make_password(code) for code in codes], "total": len(codes)}


def install() -> None:
    """Make allauth use this class. It names its own in two modules and has no setting for it."""
    for module in (auth, flows):
        setattr(module, "RecoveryCodes", HashedRecoveryCodes)  # noqa: B010 - plain assignment to a type is refused by mypy
