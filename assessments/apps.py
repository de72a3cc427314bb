"""Django configuration of the assessments: CAASPP and ELPAC imports, test set-ups, scores."""

from django.apps import AppConfig


class AssessmentsConfig(AppConfig):
    name = "assessments"
    verbose_name = "Assessments"

    def ready(self) -> None:
        from assessments import issue_codes, queries  # noqa: F401 - they register what they offer
