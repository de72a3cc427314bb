"""The list of requests to choose candidates for, as lists everywhere are (sisimport.web.lists)."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import Q, QuerySet

from sisimport.imports.models import ImportRun
from sisimport.imports.runs.scope import Scope
from sisimport.web.lists import Column, List, Listing
from sisimport.web.queries.data_lines import lines_with_text
from ssid.models import MatchRequest
from ssid.requests import candidates as choosing
from ssid.requests.candidates import RequestCard
from students.models import School

_BLOCK = 250
REQUESTS = List(
    key="candidate-requests",
    columns=(
        Column(name="line", label="Line", order=("line",)),
        Column(name="number", label="Local number", order=("local_number",), then=("line",)),
        Column(name="category", label="What the state found", order=("category",), then=("line",)),
        Column(name="score", label="Best score", order=("best_score",), then=("line",), number=True),
    ),
    start="line",
    filters=("state", "category", "school"),
    per_page=10,
    file_name="candidates",
)
HEAD = (
    "Line", "Local number", "Last name", "First name", "Middle name", "Birth date", "What the state found", "Candidates",
    "Best score", "Choice", "SSID chosen",
)  # fmt: skip


def chosen_requests(run: ImportRun, state: str, scope: Scope, listing: Listing) -> tuple[QuerySet[MatchRequest], bool]:
    """Requests, filtered and sorted like the list; and whether a text was found on more lines than are searched."""
    found, capped = choosing.requests_of(run, state, scope), False
    if category := _category(run, listing):
        found = found.filter(category=category)
    school = listing.chosen.get("school", "")
    if school.isdecimal():
        found = found.filter(school_id=int(school))
    if text := listing.text:
        lines, capped = lines_with_text(run, text)
        found = found.filter(Q(lines__overlap=lines) | Q(local_number__iexact=text))
    # One run's requests are sorted by line, their number within the run.
    order = listing.order_by()
    return found.order_by(*order) if order else found.order_by("line"), capped


def choices(run: ImportRun, state: str, scope: Scope) -> dict[str, list[tuple[str, str]]]:
    """What the list can be filtered by: the categories and schools in it."""
    found = choosing.requests_of(run, state, scope).order_by()
    schools = School.objects.filter(pk__in=found.values("school_id")).order_by("name", "code")
    return {
        "categories": [(_word(category), category) for category in _categories(found)],
        "schools": [(str(school.pk), school.name or school.code) for school in schools],
    }


def _categories(requests: QuerySet[MatchRequest]) -> list[str]:
    return sorted(filter(None, requests.values_list("category", flat=True).distinct()))


def _word(category: str) -> str:
    """A category as written in an address: `Single-Match`."""
    return category.replace(" ", "-")


def _category(run: ImportRun, listing: Listing) -> str:
    """The chosen category, as written in the file; empty if none was chosen."""
    word = listing.chosen.get("category", "")
    if not word:
        return ""
    return next((c for c in _categories(MatchRequest.objects.filter(run=run).order_by()) if _word(c) == word), word)


def rows(run: ImportRun, requests: Iterable[MatchRequest], scope: Scope) -> Iterator[tuple[Any, ...]]:
    """Rows of the export: what was requested, and what was chosen. SSIDs masked, as on the page."""
    held = list(requests)
    for start in range(0, len(held), _BLOCK):
        yield from map(_row, choosing.cards(run, held[start : start + _BLOCK], scope))


def _row(card: RequestCard) -> tuple[Any, ...]:
    request, sent = card.request, card.submitted
    chosen_ssid = next((c.masked for c in card.candidates if c.line == request.chosen_line), "")
    return (
        request.line,
        request.local_number,
        sent.get("last_name", ""),
        sent.get("first_name", ""),
        sent.get("middle_name", ""),
        sent.get("birth_date", ""),
        request.category,
        len(card.candidates),
        request.best_score,
        request.get_state_display(),
        chosen_ssid,
    )


__all__ = ["HEAD", "REQUESTS", "choices", "chosen_requests", "rows"]
