"""Django configuration of the reporting schema and the exports."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate


class ReportingConfig(AppConfig):
    name = "sisimport.reporting"
    verbose_name = "Reporting"

    def ready(self) -> None:
        from sisimport.reporting.schema import before_migrations, make_current

        pre_migrate.connect(before_migrations, sender=self, dispatch_uid="reporting-before")
        post_migrate.connect(make_current, sender=self, dispatch_uid="reporting-after")
