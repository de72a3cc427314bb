"""Show SSIDs on one page of a run: whole numbers in messages, data lines, changes and lists, for that page only, and
logged."""

from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from sisimport.accounts.access import Capability, requires
from sisimport.accounts.step_up import ask
from sisimport.audit.models import AuditEntry
from sisimport.web.views.absent import absent_part
from sisimport.web.views.changes import changes_part
from sisimport.web.views.runs import find_report, issues_part
from students.access import log_view

_PARTS: dict[str, tuple[str, Callable[..., Any]]] = {
    "issues": ("run", issues_part),
    "changes": ("run_changes", changes_part),
    "absent": ("run_absent", absent_part),
}


@requires(Capability.SHOW_SSID)
@require_http_methods(["GET", "POST"])
def show_run_ssids(request: HttpRequest, pk: int, part: str) -> HttpResponse:
    """The requested page, with whole SSIDs. Its links, and reloading it, lead to the masked page."""
    run = find_report(request, pk)
    if part not in _PARTS:
        raise Http404
    url_name, page = _PARTS[part]
    if request.method != "POST":
        query = request.GET.urlencode()
        return redirect(reverse(url_name, args=[run.pk]) + (f"?{query}" if query else ""))
    ask(request)
    log_view(user=request.user, kind=AuditEntry.Kind.SSID, subject=f"run {run.pk}: {part}, page {page_number(request)}")
    shown: HttpResponse = page(request, run, shown=True)
    return shown


def page_number(request: HttpRequest) -> int:
    """Which page of the list was viewed, for the log."""
    text = request.GET.get("page", "")
    return int(text) if text.isdecimal() and len(text) < 7 else 1
