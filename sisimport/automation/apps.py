"""Django configuration of unattended work."""

import datetime as dt
from typing import TYPE_CHECKING

from django.apps import AppConfig
from django.conf import settings

if TYPE_CHECKING:
    from sisimport.runtime.erasing import Asked


class AutomationConfig(AppConfig):
    name = "sisimport.automation"
    verbose_name = "Automation"

    def ready(self) -> None:
        from sisimport.automation import delivering, telling
        from sisimport.imports.runs.events import run_event
        from sisimport.runtime.chores import Chore, register_chore
        from sisimport.runtime.erasing import Eraser, register_eraser
        from sisimport.runtime.retention import Kept, register_kept

        run_event.connect(telling.on_run_event, dispatch_uid="automation")
        register_chore(Chore("deliveries", 5.0, delivering.deliver_due))
        register_chore(Chore("pick-up", 10.0, _pick_up))
        register_chore(Chore("export deliveries", 10.0, _deliver_exports))
        register_chore(Chore("tokens that expire soon", 3600.0, telling.notify_of_ending_tokens))
        sent, laid = "mails and webhook requests that were sent", "lines on exports that were delivered"
        register_kept(
            Kept("deliveries", sent, days=lambda: settings.KEEP_DELIVERIES_DAYS, remove=delivering.remove_old)
        )
        register_kept(
            Kept(
                "delivered_exports", laid, days=lambda: settings.KEEP_DELIVERED_EXPORTS_DAYS, remove=_remove_old_exports
            )
        )
        register_eraser(Eraser("files in folders of deliveries and pick-up", _erase_from_folders))


def _erase_from_folders(request: "Asked") -> tuple[int, list[str]]:
    from sisimport.automation.erasing import remove_files

    return remove_files(request)


def _pick_up() -> None:
    """Code that reaches other machines is loaded only by the workers that use it, not by every command."""
    from sisimport.automation.picking import look_at_due

    look_at_due()


def _deliver_exports() -> None:
    from sisimport.automation.export_deliveries import deliver_due

    deliver_due()


def _remove_old_exports(before: dt.datetime, dry_run: bool) -> int:
    from sisimport.automation.export_deliveries import remove_old

    return remove_old(before, dry_run)
