"""The four groups and their permissions in the admin. What groups may do on the product's own pages is in access.py."""

from fnmatch import fnmatch
from typing import Any

from django.apps import AppConfig

from sisimport.accounts.access import GROUPS, IMPORT_ADMIN, SSID_STAFF

# `app.action_model` patterns. Read for those who review; writes for those whose work it is.
ADMIN_PERMISSIONS: dict[str, tuple[str, ...]] = {
    IMPORT_ADMIN: (
        "*.view_*",
        "students.*_lea",
        "students.*_districtsettings",
        "students.*_school",
        "students.*_staffaccess",
        "assessments.*_assessment*",
        "ssid.*_utahduedate",
    ),
    SSID_STAFF: (
        "students.view_*",
        "students.add_student",
        "students.change_student",
        "students.add_ssid",
        "students.change_ssid",
        "students.*_elrecord",
        "students.*_enrollment",
        "students.*_guardian",
        "students.add_ssidreplacement",
    ),
}
APPS = ("students", "imports", "roster", "ssid", "assessments")


def grant_permissions(sender: AppConfig, using: str = "default", **_kwargs: Any) -> None:
    """After each migrate: the groups exist and hold the permissions on this app's models. Never takes one away."""
    if sender.label not in APPS:
        return
    from django.contrib.auth.models import Group, Permission

    permissions = list(Permission.objects.using(using).filter(content_type__app_label=sender.label))
    for name in GROUPS:
        group, _made = Group.objects.using(using).get_or_create(name=name)
        patterns = ADMIN_PERMISSIONS.get(name, ())
        wanted = [p for p in permissions if any(fnmatch(f"{sender.label}.{p.codename}", pat) for pat in patterns)]
        group.permissions.add(*wanted)
