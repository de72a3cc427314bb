"""Django configuration of this app."""

from django.apps import AppConfig


class SSIDConfig(AppConfig):
    name = "ssid"
    verbose_name = "SSID"
