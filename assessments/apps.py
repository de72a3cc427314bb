"""Django configuration of the assessments: CAASPP and ELPAC imports, test set-ups, scores."""

from django.apps import AppConfig
from django.conf import settings


class AssessmentsConfig(AppConfig):
    name = "assessments"
    verbose_name = "Assessments"

    def ready(self) -> None:
        from assessments.pages import queries  # noqa: F401 - they register what they offer
        from assessments.research import issue_codes as research_codes  # noqa: F401 - they register what they offer
        from assessments.scores import (
            column_issue_codes,  # noqa: F401 - they register what they offer
            issue_codes,  # noqa: F401 - as above
            year_tables,
        )
        from assessments.scores.erasing import COUNTED_RESULTS
        from sisimport.accounts.access import IMPORT_ADMIN
        from sisimport.accounts.groups import register_permissions
        from sisimport.runtime.chores import Chore, register_chore
        from sisimport.runtime.erasing import register_eraser
        from sisimport.runtime.retention import Kept, register_kept

        register_eraser(COUNTED_RESULTS)
        register_chore(Chore("school years of scores", 3600.0, year_tables.make_room))
        register_kept(
            Kept("scores", "school years of scores", lambda: settings.KEEP_SCORES_DAYS, year_tables.remove_old)
        )
        register_permissions(self.label, {IMPORT_ADMIN: ("view_*", "*_assessment*")})
