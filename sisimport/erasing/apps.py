"""Django configuration of erasing."""

from django.apps import AppConfig


class ErasingConfig(AppConfig):
    name = "sisimport.erasing"
    label = "erasing"
    verbose_name = "Erasing"
