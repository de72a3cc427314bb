"""Django configuration of the SSID work: CALPADS SSID Import, SSID Process, SSID collection."""

from django.apps import AppConfig


class SSIDConfig(AppConfig):
    name = "ssid"
    verbose_name = "SSID"

    def ready(self) -> None:
        from ssid import collection_codes, issue_codes, kinds, request_codes, utah_codes  # noqa: F401 - they register what they declare
