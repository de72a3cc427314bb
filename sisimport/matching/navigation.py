"""What other pages show of the match desk: its entry in the menu with a number, the card on the page of a Test."""

from typing import Any

from django.http import HttpRequest

from sisimport.accounts.access import sees_whole_run, visible_runs
from sisimport.imports.models import ImportRun, RunStatus, Work
from sisimport.imports.runs.decisions import why_closed
from sisimport.web.navigation import RECORDS, Entry, register
from sisimport.web.panels import RUN, Panel, register_panel
from ssid.matching import candidates, desk
from students.access import User, visible_school_ids


def waiting(user: User) -> int:
    """Tests in which somebody has to decide."""
    runs = visible_runs(user)
    return len({run.pk for run, _n in [*desk.waiting_tests(runs), *candidates.waiting_tests(runs)]})


def decisions_of_run(request: HttpRequest, run: ImportRun) -> dict[str, Any] | None:
    """On a Test's page: what waits for a decision, with the way there."""
    if run.work != Work.TEST or run.status != RunStatus.COMPLETED or run.import_type not in desk.desk_types():
        return None
    scope = desk.Scope(visible_school_ids(request.user), sees_whole_run(request.user, run))
    near = desk.open_count(run, scope)
    requests = candidates.requests_of(run, "open", scope).count()
    if not near and not requests:
        return None
    return {"run_id": run.pk, "near": near, "requests": requests, "closed": bool(why_closed(run))}


register(
    Entry(
        label="Match desk",
        url_name="match_desk",
        url_names=("run_matches", "run_match_line", "run_matches_accept", "run_candidates", "run_candidates_choose"),
        section=RECORDS,
        order=40,
        count=waiting,
    )
)
register_panel(Panel(place=RUN, template="ssid/_run_card.html", context=decisions_of_run))
