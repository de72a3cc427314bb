"""Search from anywhere. The typed text is sent by POST and kept in the session: it is never in an address."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from sisimport.accounts.access import Capability, requires
from sisimport.web import finding
from sisimport.web.lists import text_key
from sisimport.web.views.students import STUDENTS

_TEXT_KEY = "search-text"


@requires(Capability.READ)
@require_http_methods(["GET", "POST"])
def search(request: HttpRequest) -> HttpResponse:
    """The results by kind; for htmx, while the user types, only the list, and nothing is kept."""
    if request.method == "POST":
        text = request.POST.get("text", "").strip()[: finding.LONGEST]
        if request.htmx:  # type: ignore[attr-defined]
            found = finding.find(request.user, text)
            return render(request, "finding/_found.html", {"text": text, "found": found, "brief": True})
        request.session[_TEXT_KEY] = text
        if "students" in request.POST:  # all of them, on their own list
            request.session[text_key(STUDENTS)] = text
            return redirect("students")
        return redirect("search")
    text = request.session.get(_TEXT_KEY, "")
    return render(request, "finding/search.html", {"text": text, "found": finding.find(request.user, text)})
