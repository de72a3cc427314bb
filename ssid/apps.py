"""Django configuration of the SSID work: CALPADS SSID Import, SSID Process, SSID collection."""

from django.apps import AppConfig


class SSIDConfig(AppConfig):
    name = "ssid"
    verbose_name = "SSID"

    def ready(self) -> None:
        from sisimport.accounts.access import IMPORT_ADMIN
        from sisimport.accounts.groups import register_permissions
        from sisimport.runtime.chores import Chore, register_chore
        from ssid.imports import match_results_issue_codes, ssid_list_issue_codes  # noqa: F401 - they register what they declare
        from ssid.rules import change_kinds, issue_codes  # noqa: F401 - they register what they declare
        from ssid.utah import issue_codes as utah_codes  # noqa: F401 - they register what they declare

        register_chore(Chore("notices of family accounts that end", 1800.0, _notify_families))
        register_permissions(self.label, {IMPORT_ADMIN: ("view_*", "*_utahduedate")})


def _notify_families() -> None:
    """Loaded only by the workers that do it, not by every command."""
    from ssid.collection.family_notices import notify_once_a_day

    notify_once_a_day()
