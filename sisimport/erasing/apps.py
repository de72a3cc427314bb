"""Django configuration of erasing."""

from django.apps import AppConfig


class ErasingConfig(AppConfig):
    name = "sisimport.erasing"
    label = "erasing"
    verbose_name = "Erasing"

    def ready(self) -> None:
        from sisimport.erasing import asking
        from sisimport.runtime.chores import Chore, register_chore

        register_chore(Chore("erasures", asking.EVERY_SECONDS, asking.do_waiting))
