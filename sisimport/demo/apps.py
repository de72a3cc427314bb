"""Django configuration of the demo district: not part of the product, but of every first start and benchmark."""

from django.apps import AppConfig


class DemoConfig(AppConfig):
    name = "sisimport.demo"
    verbose_name = "Demo district"
