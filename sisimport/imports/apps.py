"""Django configuration of the shared import journey."""

from django.apps import AppConfig


class ImportsConfig(AppConfig):
    name = "sisimport.imports"
    verbose_name = "Imports"

    def ready(self) -> None:
        from sisimport.imports import record_codes, registry  # noqa: F401 - record_codes registers its codes

        registry.discover()
