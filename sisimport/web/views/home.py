"""The home page, and the page of the user's own account."""

from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from sisimport.accounts.access import Capability, capabilities, signed_in
from sisimport.imports.models import ImportRun
from sisimport.imports.runs import queueing
from sisimport.web import panels
from sisimport.web.queries import disks
from sisimport.web.queries import home as queries
from students.access import visible_school_ids, visible_schools
from students.families import is_family

SHOWN = 5
MOST_COUNTED = 99
LAST_RUNS = 8
SCHOOLS_SHOWN = 12


@signed_in
def home(request: HttpRequest) -> HttpResponse:
    """What waits for the user. The page says so if a user has no group or school."""
    if Capability.READ not in capabilities(request.user):
        if is_family(request.user):
            return redirect("family")
        return render(request, "imports/no_access.html")
    return render(request, "imports/home.html", _home_context(request))


def _home_context(request: HttpRequest) -> dict[str, Any]:
    user = request.user
    waiting, waiting_count = _first(queries.tests_to_update(user))
    troubled, troubled_count = _first(queries.troubled_runs(user))
    held, held_count = _first(queries.held_runs(user))
    missing = queries.missing_ssids_by_school(user)
    active, last = list(queries.active_runs(user)[:SHOWN]), queries.last_runs(user, limit=LAST_RUNS)
    queueing.set_places([*active, *last])
    return {
        "waiting": waiting,
        "waiting_count": _counted(waiting_count),
        "more_waiting": waiting_count > SHOWN,
        "troubled": troubled,
        "troubled_count": _counted(troubled_count),
        "more_troubled": troubled_count > SHOWN,
        "held": held,
        "held_count": _counted(held_count),
        "more_held": held_count > SHOWN,
        "active": active,
        "max_bytes": settings.IMPORT_MAX_BYTES,
        "disks": disks.shown_to(user),
        "missing": queries.with_students(missing[:SCHOOLS_SHOWN]),
        "missing_more": len(missing) - SCHOOLS_SHOWN,
        "missing_total": sum(row.missing for row in missing),
        "last_runs": last,
        "cards": panels.cards(panels.HOME, request),
        "no_school": visible_school_ids(user) == frozenset(),
    }


def _first(runs: QuerySet[ImportRun]) -> tuple[list[ImportRun], int]:
    """The runs that are shown, and how many there are, counted only as far as displayed, without reading the full rows
    just to count."""
    found = list(runs[: SHOWN + 1])
    return found[:SHOWN], len(found) if len(found) <= SHOWN else runs[: MOST_COUNTED + 1].count()


def _counted(number: int) -> str:
    return f"{MOST_COUNTED}+" if number > MOST_COUNTED else str(number)


@signed_in
def account(request: HttpRequest) -> HttpResponse:
    """The user's own account; for families in their frame and language."""
    if Capability.READ not in capabilities(request.user) and is_family(request.user):
        return render(request, "families/account.html")
    return render(
        request,
        "account/overview.html",
        {
            "groups": list(request.user.groups.values_list("name", flat=True)),
            "all_schools": visible_school_ids(request.user) is None,
            "schools": [school.name or school.code for school in visible_schools(request.user)[:50]],
        },
    )
