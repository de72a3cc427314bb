"""Django configuration of the student roster."""

from django.apps import AppConfig


class RosterConfig(AppConfig):
    name = "sisimport.roster"
    verbose_name = "Student roster"

    def ready(self) -> None:
        from sisimport.accounts.access import IMPORT_ADMIN
        from sisimport.accounts.groups import register_permissions
        from sisimport.roster import issue_codes  # noqa: F401 - the words of its findings

        register_permissions(self.label, {IMPORT_ADMIN: ("view_*",)})
