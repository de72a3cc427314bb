"""System checks of single sign-on: everything named in its settings must exist."""

from typing import Any

from django.conf import settings
from django.core import checks

from sisimport.accounts.access import GROUPS
from sisimport.accounts.sso.configuration import SUPERUSER


@checks.register()
def check_single_sign_on(**_kwargs: Any) -> list[checks.CheckMessage]:
    """accounts.E001: SSO_GROUPS gives an unknown role. accounts.E002: no staff member could sign in at all."""
    found: list[checks.CheckMessage] = []
    named = frozenset().union(*(one.roles for one in settings.SSO_GROUPS.values()))
    if unknown := sorted(named - {*GROUPS, SUPERUSER}):
        found.append(
            checks.Error(
                f"SSO_GROUPS gives roles that do not exist: {', '.join(unknown)}.",
                hint=f"Roles are {', '.join([*GROUPS, SUPERUSER])}.",
                id="accounts.E001",
            )
        )
    if not settings.STAFF_PASSWORDS and not settings.SSO_PROVIDERS:
        found.append(
            checks.Error(
                "STAFF_PASSWORDS is off and no single sign-on is set up: no one could sign in.",
                hint="Set up a provider (docs/how-to/single-sign-on.md), or remove the setting.",
                id="accounts.E002",
            )
        )
    return found
