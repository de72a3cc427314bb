"""Django configuration of the student roster."""

from django.apps import AppConfig


class RosterConfig(AppConfig):
    name = "sisimport.roster"
    verbose_name = "Student roster"
