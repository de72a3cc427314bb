"""Django configuration of the shared import journey."""

from django.apps import AppConfig


class ImportsConfig(AppConfig):
    name = "sisimport.imports"
    verbose_name = "Imports"

    def ready(self) -> None:
        from sisimport.imports import checks  # noqa: F401 - they register what they declare
        from sisimport.imports.definition import other_people_issue_codes, registry, student_issue_codes  # noqa: F401 - they register what they declare
        from sisimport.imports.storage import retention

        registry.discover()
        retention.register()
