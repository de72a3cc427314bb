"""Menu entry and cards of the SSID Process, for users with schools in Utah."""

from typing import Any

from django.http import HttpRequest

from sisimport.web.navigation import IMPORT, Entry, register
from sisimport.web.panels import HOME, STUDENT, Panel, register_panel
from ssid.utah import response
from ssid.utah.queries import board, changes_of
from students.access import visible_schools
from students.models import StateProfile, Student


def due_card(request: HttpRequest, _subject: Any) -> dict[str, Any] | None:
    """What is due or waits for an answer, over all schools; no card if no school is in Utah."""
    schools = visible_schools(request.user).filter(lea__state=StateProfile.UTAH)
    if not schools.exists():
        return None
    cells = [cell for row in board(schools) for cell in row.cells]
    due = sorted({(cell.due.date, cell.due.name, cell.due.overdue) for cell in cells if cell.due})
    waiting = {cell.request.pk for cell in cells if cell.request and cell.request.state in ("open", "answered")}
    return {"due": due, "waiting": len(waiting)}


def changed_card(_request: HttpRequest, subject: Any) -> dict[str, Any] | None:
    """What changed about a student since the state last confirmed it."""
    assert isinstance(subject, Student)  # noqa: S101 - the place says so
    changes = changes_of([subject.pk]).get(subject.pk)
    return {"changes": changes} if changes else None


register(
    Entry(
        label="SSID Process",
        url_name="utah_board",
        url_names=("utah_create", "utah_requests", "utah_request", "utah_changed"),
        tool=response.TOOL,
        section=IMPORT,
        order=30,
        state=StateProfile.UTAH,
    )
)
register_panel(Panel(place=HOME, template="ssid/_utah_due.html", context=due_card, order=40))
register_panel(Panel(place=STUDENT, template="ssid/_utah_changed_card.html", context=changed_card, order=30))
