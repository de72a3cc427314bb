"""Django configuration of this app."""

from django.apps import AppConfig


class StudentsConfig(AppConfig):
    name = "students"
    verbose_name = "Student records"
