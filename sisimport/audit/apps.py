"""Django configuration of the record of access."""

from django.apps import AppConfig
from django.conf import settings


class AuditConfig(AppConfig):
    name = "sisimport.audit"
    label = "audit"
    verbose_name = "Record of access"

    def ready(self) -> None:
        from sisimport.audit import purging, sealing
        from sisimport.runtime.chores import Chore, register_chore
        from sisimport.runtime.retention import Kept, register_kept

        register_chore(Chore("seals of the record of access", sealing.EVERY_SECONDS, sealing.seal))
        kept = "entries of the record of access"
        register_kept(Kept("views", kept, days=lambda: settings.KEEP_VIEWS_DAYS, remove=purging.remove_old))
