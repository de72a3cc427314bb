"""Django configuration of the pages of students and parents."""

from django.apps import AppConfig


class FamiliesConfig(AppConfig):
    name = "sisimport.families"
    verbose_name = "Families"
