"""Django configuration of the shared import journey."""

from django.apps import AppConfig


class ImportsConfig(AppConfig):
    name = "sisimport.imports"
    verbose_name = "Imports"

    def ready(self) -> None:
        from sisimport.imports import checks, record_codes, registry  # noqa: F401 - they register what they declare

        registry.discover()
