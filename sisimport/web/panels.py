"""Cards that apps add to shared pages (home, a student's page) without the page depending on them.

An app registers its panels in its navigation.py. A panel without anything to show returns None.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from sisimport.accounts.access import Capability, can

# Places: `subject` is None on the home page, the Student on a student's page and on that student's page for the family,
# the ImportRun on a run's results page.
HOME, STUDENT, FAMILY, RUN = "home", "student", "family", "run"


@dataclass(frozen=True, kw_only=True)
class Panel:
    """`context(request, subject)` gives the template's variables, or None for no card. `wide`: full width."""

    place: str
    template: str
    context: Callable[[HttpRequest, Any], dict[str, Any] | None]
    order: int = 50
    wide: bool = False
    capability: Capability = Capability.READ


@dataclass(frozen=True)
class Card:
    """A panel with its content."""

    template: str
    wide: bool
    data: dict[str, Any]


_panels: list[Panel] = []


def register_panel(panel: Panel) -> None:
    _panels.append(panel)


def cards(place: str, request: HttpRequest, subject: Any = None) -> list[Card]:
    """The cards of a place for this user, in order."""
    found = []
    for panel in sorted(_panels, key=lambda panel: panel.order):
        # Families have no capabilities: their page and its cards are shown only for their own students.
        if panel.place == place and (place == FAMILY or can(request.user, panel.capability)):
            data = panel.context(request, subject)
            if data is not None:
                found.append(Card(panel.template, panel.wide, data))
    return found
