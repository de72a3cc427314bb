"""Django configuration of the REST API."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "sisimport.api"
    label = "api"
    verbose_name = "REST API"
