"""The four groups and their permissions in the admin. Their rights on the product's own pages are in access.py."""

from collections.abc import Mapping
from fnmatch import fnmatch
from typing import Any

from django.apps import AppConfig

from sisimport.accounts.access import GROUPS, IMPORT_ADMIN, SSID_STAFF

# App label -> group -> patterns of `action_model`. Reading for reviewers; writing for those whose work it is. Those of
# lower-level apps are listed here; every other app registers its own in `ready`.
_permissions: dict[str, Mapping[str, tuple[str, ...]]] = {
    "students": {
        IMPORT_ADMIN: ("view_*", "*_lea", "*_districtsettings", "*_school", "*_staffaccess"),
        SSID_STAFF: (
            "view_*",
            "add_student",
            "change_student",
            "add_ssid",
            "change_ssid",
            "*_elrecord",
            "*_enrollment",
            "*_guardian",
            "add_ssidreplacement",
        ),
    },
    "imports": {IMPORT_ADMIN: ("view_*",)},
}


def register_permissions(app: str, permissions: Mapping[str, tuple[str, ...]]) -> None:
    """Register the groups' permissions on an app's models in the admin. Raises ValueError for an app that has already done so."""
    if app in _permissions:
        raise ValueError(f"admin permissions of the app {app!r} are registered twice")
    _permissions[app] = permissions


def grant_permissions(sender: AppConfig, using: str = "default", **_kwargs: Any) -> None:
    """After each migrate: make sure that the groups exist and hold the permissions on this app's models. Never removes any."""
    offered = _permissions.get(sender.label)
    if offered is None:
        return
    from django.contrib.auth.models import Group, Permission

    permissions = list(Permission.objects.using(using).filter(content_type__app_label=sender.label))
    for name in GROUPS:
        group, _made = Group.objects.using(using).get_or_create(name=name)
        patterns = offered.get(name, ())
        wanted = [p for p in permissions if any(fnmatch(p.codename, pattern) for pattern in patterns)]
        group.permissions.add(*wanted)
