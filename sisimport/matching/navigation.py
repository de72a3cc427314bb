"""What other pages show about the match desk: its menu entry with a number, the card on the page of a Test."""

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest

from sisimport.imports.models import ImportRun, RunStatus, Work
from sisimport.imports.runs.decisions import why_closed
from sisimport.imports.runs.scope import matching_types
from sisimport.matching import desk
from sisimport.web.deciding import DecisionQueue, lines_waiting, queues, register_queue, scope_of
from sisimport.web.navigation import MOST_COUNTED, RECORDS, Entry, register_source
from sisimport.web.panels import RUN, Panel, register_panel
from students.access import User


def waiting(user: User) -> int:
    """Lines and requests that need a decision."""
    return lines_waiting(user, most=MOST_COUNTED + 1)


def decisions_of_run(request: HttpRequest, run: ImportRun) -> dict[str, Any] | None:
    """On a Test's page: what waits for a decision, with links."""
    if run.work != Work.TEST or run.status != RunStatus.COMPLETED or run.import_type not in matching_types():
        return None
    scope = scope_of(request, run)
    waits = [(queue, count) for queue in queues() if (count := queue.open_count(run, scope))]
    return {"run_id": run.pk, "queues": waits, "closed": bool(why_closed(run))} if waits else None


def _entry() -> Iterable[Entry]:
    """Built when the menu is, since every queue is registered by then."""
    names = [name for queue in queues() for name in (queue.url_name, *queue.url_names)]
    yield Entry(
        label="Match desk",
        url_name="match_desk",
        url_names=tuple(names),
        section=RECORDS,
        order=40,
        count=waiting,
    )


register_queue(
    DecisionQueue(
        heading="Tests with lines to decide on",
        label="Near matches",
        noun="line",
        url_name="run_matches",
        url_names=("run_match_line", "run_matches_accept"),
        takes_near_lines=True,
        waiting=desk.waiting_tests,
        open_count=desk.open_count,
        open_lines=desk.open_lines,
        open_by_run=desk.open_by_run,
        order=10,
    )
)
register_source(_entry)
register_panel(Panel(place=RUN, template="matching/_run_card.html", context=decisions_of_run))
