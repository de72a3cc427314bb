"""Django configuration of the match desk."""

from django.apps import AppConfig


class MatchingConfig(AppConfig):
    name = "sisimport.matching"
    verbose_name = "Match desk"
