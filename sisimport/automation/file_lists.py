"""The lists of picked-up, delivered or sent files: newest first, filtered by state and by name, and exported."""

from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render

from sisimport.automation.models import DeliveredExport, Delivery, PickedFile
from sisimport.web.lists import Column, List, Listing
from sisimport.web.moments import moment_text

PICKED = List(
    key="picked-files",
    columns=(
        Column(name="file", label="File", order=("name",)),
        Column(name="taken", label="Picked up", order=("taken_at",)),
        Column(name="state", label="State", order=("state",)),
        Column(name="runs", label="Runs", order=("test_id",), number=True),
        Column(name="why", label="Why"),
    ),
    start="-taken",
    filters=("state",),
    file_name="files-taken",
)
DELIVERED = List(
    key="delivered-files",
    columns=(
        Column(name="file", label="File", order=("file_name",)),
        Column(name="due", label="Due", order=("due_at",)),
        Column(name="state", label="State", order=("state",)),
        Column(name="rows", label="Rows", order=("rows",), number=True),
        Column(name="students", label="Students", order=("students",), number=True),
        Column(name="why", label="Why"),
    ),
    start="-due",
    filters=("state",),
    file_name="files-delivered",
)
SENT = List(
    key="webhook-deliveries",
    columns=(
        Column(name="when", label="When", order=("pk",)),
        Column(name="event", label="Event", order=("subject",)),
        Column(name="run", label="Run", order=("run_id",), number=True),
        Column(name="state", label="State", order=("state",)),
        Column(name="tries", label="Tries", order=("tries",), number=True),
        Column(name="answer", label="Answer"),
    ),
    start="-when",
    filters=("state",),
    file_name="webhook-deliveries",
)
_NAMES = {PickedFile: "name", DeliveredExport: "file_name", Delivery: "subject"}


def answer(
    request: HttpRequest, wanted: List, found: QuerySet[Any], template: str, context: dict[str, Any]
) -> HttpResponseBase:
    """The page with the list of these files, or the response to a form of the list."""
    listing = Listing(request, wanted)
    if sent := listing.answer():
        return sent
    states = found.model.State.choices
    if listing.chosen.get("state") in dict(states):
        found = found.filter(state=listing.chosen["state"])
    if listing.text:
        found = found.filter(**{f"{_NAMES[found.model]}__icontains": listing.text})
    found = listing.order(found)
    if listing.exports:
        return listing.export(_rows(found))
    return render(request, template, {**context, "listing": listing, "states": states, "page": listing.page(found)})


def _rows(found: QuerySet[Any]) -> Iterator[tuple[Any, ...]]:
    for one in found.iterator(chunk_size=500):
        state = one.get_state_display()
        match one:
            case PickedFile():
                yield one.name, moment_text(one.taken_at), state, one.update_id or one.test_id, one.message
            case DeliveredExport():
                yield one.file_name, moment_text(one.due_at), state, one.rows, one.students, one.message
            case Delivery():
                yield moment_text(one.created_at), one.subject, one.run_id, state, one.tries, one.answer


__all__ = ["DELIVERED", "PICKED", "SENT", "answer"]
