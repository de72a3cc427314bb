"""History of runs."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from sisimport.accounts import access
from sisimport.accounts.access import Capability, requires
from sisimport.imports.runs import queueing
from sisimport.web import states
from sisimport.web.filters import RunFilter
from sisimport.web.queries import disks

PER_PAGE = 25


@requires(Capability.READ)
@require_GET
def runs(request: HttpRequest) -> HttpResponse:
    """Runs the user may open, newest first."""
    wanted = RunFilter(
        request.GET,
        queryset=states.with_applications(
            access.visible_runs(request.user).select_related("file", "created_by").order_by("-id")
        ),
        request=request,
    )
    page = Paginator(wanted.qs, PER_PAGE).get_page(request.GET.get("page"))
    queueing.tell_places(page.object_list)
    filtered = any(request.GET.get(name) for name in wanted.filters)
    return render(
        request,
        "imports/runs.html",
        {"filter": wanted, "page": page, "filtered": filtered, "disks": disks.shown_to(request.user)},
    )
