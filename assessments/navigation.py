"""What this app adds to shared pages: scores on the student page, distributions on a run's page."""

from typing import Any

from django.http import HttpRequest

from assessments.pages.family_card import family_card
from assessments.pages.queries import distributions, student_tests
from sisimport.accounts.access import Capability
from sisimport.imports.models import ImportRun, RunStatus, Work
from sisimport.web.navigation import IMPORT, Entry, register
from sisimport.web.panels import FAMILY, RUN, STUDENT, Panel, register_panel
from sisimport.web.queries.report import Reader
from students.models import Student


def _scores(_request: HttpRequest, student: Student) -> dict[str, Any] | None:
    tests = student_tests(student)
    return {"tests": tests} if tests else None


def _run_scores(request: HttpRequest, run: ImportRun) -> dict[str, Any] | None:
    if run.status != RunStatus.COMPLETED or run.work == Work.REVERT or "score_counts" not in run.facts:
        return None
    if not Reader.of(request.user, run).whole:
        return None  # the spread of a grade would tell of other schools' students
    return {
        "counts": run.facts["score_counts"],
        "distributions": distributions(run.facts),
        "planned": run.work == Work.TEST,
        "set_aside": run.set_aside_count,
    }


register_panel(Panel(place=FAMILY, template="assessments/_family_scores.html", context=family_card, order=20))
register_panel(Panel(place=STUDENT, template="assessments/_scores.html", context=_scores, order=20, wide=True))
register_panel(Panel(place=RUN, template="assessments/_run_scores.html", context=_run_scores, order=20, wide=True))
register(
    Entry(
        label="Add a school year",
        url_name="added_layouts",
        url_names=("added_layout",),
        section=IMPORT,
        order=90,
        capability=Capability.SETTINGS,
    )
)
