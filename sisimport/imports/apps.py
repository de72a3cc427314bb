"""Django configuration of the shared import journey."""

from django.apps import AppConfig


class ImportsConfig(AppConfig):
    name = "sisimport.imports"
    verbose_name = "Imports"

    def ready(self) -> None:
        from django.db.models.signals import post_migrate

        from sisimport.imports import (  # noqa: F401 - they register what they declare
            checks,
            groups,
            navigation,
            record_codes,
            registry,
        )

        registry.discover()
        navigation.discover()
        post_migrate.connect(groups.grant_permissions, dispatch_uid="grant_permissions")
