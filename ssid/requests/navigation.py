"""Menu entries and cards of requests for SSIDs and of EL differences."""

from typing import Any

from django.http import HttpRequest

from sisimport.imports.models import ImportRun, RunStatus, Work
from sisimport.web.deciding import DecisionQueue, register_queue
from sisimport.web.navigation import RECORDS, Entry, register
from sisimport.web.panels import HOME, RUN, Panel, register_panel
from ssid.imports.match_results import SSIDRequest
from ssid.requests import candidates
from ssid.requests.services import requests_answered_by, requests_out
from students.access import User, visible_school_ids

register(
    Entry(
        label="SSID requests",
        url_name="senr_requests",
        url_names=("senr_check", "senr_make", "senr_request", "senr_file", "senr_changes", "senr_changes_file"),
        section=RECORDS,
        order=40,
        said="SENR ask the state new enrollment exits file",
        state="CA",
    ),
    Entry(
        label="EL differences",
        url_name="el_differences",
        section=RECORDS,
        order=50,
        state="CA",
        said="ELAS English learner state local compare",
    ),
)

_SHOWN = 5


def _requests_out(request: HttpRequest, _subject: Any) -> dict[str, Any] | None:
    """What the state has not answered yet; no card if everything is answered."""
    user: User = request.user
    out = requests_out(visible_school_ids(user))
    return {"requests": out[:_SHOWN], "more": len(out) > _SHOWN} if out else None


def _requests_answered(request: HttpRequest, run: ImportRun) -> dict[str, Any] | None:
    """On the page of match results: which of our requests the file answers, if any."""
    if run.import_type != SSIDRequest.key or run.work == Work.REVERT or run.status != RunStatus.COMPLETED:
        return None
    answered = requests_answered_by(run, visible_school_ids(request.user))
    return {"requests": answered, "applied": run.applied} if answered else None


register_panel(Panel(place=RUN, template="ssid/_run_requests.html", context=_requests_answered, order=45))
register_panel(Panel(place=HOME, template="ssid/_home_requests.html", context=_requests_out, order=40))
register_queue(
    DecisionQueue(
        heading="Requests with candidates to choose",
        label="Choose candidates",
        noun="request",
        url_name="run_candidates",
        url_names=("run_candidates_choose",),
        waiting=candidates.waiting_tests,
        open_count=lambda run, scope: candidates.requests_of(run, "open", scope).count(),
        open_lines=candidates.open_requests,
        open_by_run=candidates.open_by_run,
        order=20,
    )
)
