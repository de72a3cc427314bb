"""Pages for choosing the candidates of a match results file, after its Test."""

import re
from collections.abc import Sequence
from operator import itemgetter
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from sisimport.accounts.access import Capability, may_update, requires
from sisimport.imports.models import ImportRun
from sisimport.imports.runs.decisions import CANDIDATE, DecisionRefusedError, Seen, take_back, why_closed
from sisimport.imports.runs.scope import Scope
from sisimport.web.deciding import counted, open_run, save, scope_of, seen_of
from sisimport.web.lists import Listing
from ssid.imports.match_results import SSIDRequest
from ssid.models.request_rows import Pick
from ssid.requests import candidate_lists
from ssid.requests import candidates as choosing
from ssid.requests.candidates import Choice

PER_PAGE = 10
_CHOICE = re.compile(r"request-(\d{1,9})")
LABELS = {"open": "To choose", "chosen": "Chosen", "refused": "Refused", "none": "No candidate"}


@requires(Capability.READ)
@require_http_methods(["GET", "POST"])
def candidates(request: HttpRequest, run_id: int) -> HttpResponseBase:
    """Requests side by side with their candidates; POST saves the choices of the page, or filters the list."""
    run = open_run(request, run_id, [SSIDRequest.key])
    scope = scope_of(request, run)
    listing = Listing(request, candidate_lists.REQUESTS, about=run.pk)
    if request.method == "POST" and not listing.is_sent:
        return _save(request, run, scope, listing)
    if answer := listing.answer():
        return answer
    state = _state(listing.chosen.get("state", ""))
    found, capped = candidate_lists.chosen_requests(run, state, scope, listing)
    if listing.exports:
        return listing.export(candidate_lists.rows(run, found, scope), candidate_lists.HEAD)
    page = listing.page(found)
    return render(
        request,
        "ssid/candidates.html",
        {
            **_frame(request, run, scope, state),
            **candidate_lists.choices(run, state, scope),
            "listing": listing,
            "capped": capped,
            "page": page,
            "cards": choosing.cards(run, list(page.object_list), scope),
        },
    )


@requires(Capability.UPDATE)
@require_POST
def choose_many(request: HttpRequest, run_id: int) -> HttpResponse:
    """Preview, then choose, the best candidate of all waiting requests at or above a score."""
    run = open_run(request, run_id, [SSIDRequest.key])
    scope = scope_of(request, run)
    if not may_update(request.user, run):
        raise Http404
    score = request.POST.get("score", "")
    if not re.fullmatch(r"100|[1-9]?\d", score):
        messages.error(request, "Set a score from 0 to 100.")
        return _back(run, "open")
    picks = choosing.propose(run, int(score), scope)
    digest = request.POST.get("digest")
    if digest == picks.digest and picks.found:
        try:
            choosing.choose_all(run, picks, user=request.user, scope=scope)
        except DecisionRefusedError as error:
            messages.error(request, str(error))
        else:
            messages.success(request, f"Chose {counted(len(picks.found), 'candidate')}.")
        return _back(run, "open")
    if digest:
        messages.warning(request, "Choices were made after the preview. This is the current state.")
    shown = list(picks.found[: PER_PAGE * 5])
    return render(
        request,
        "ssid/candidates_preview.html",
        {
            **_frame(request, run, scope, "open"),
            "picks": picks,
            "cards": choosing.cards(run, shown, scope),
            "more": len(picks.found) - len(shown),
        },
    )


def _state(value: str) -> str:
    return value if value in choosing.STATES else "open"


def _back(run: ImportRun, state: str) -> HttpResponse:
    return redirect(f"{reverse('run_candidates', args=[run.pk])}?state={state}")


def _frame(request: HttpRequest, run: ImportRun, scope: Scope, state: str) -> dict[str, Any]:
    closed = why_closed(run)
    tallies = choosing.counts(run, scope)
    return {
        "run": run,
        "state": state,
        "tabs": [(name, LABELS[name], tallies[name]) for name in choosing.STATES],
        "closed": closed,
        "may_decide": not closed and may_update(request.user, run),
        "limit": run.options.get("single_match_score", "100"),
    }


def _save(request: HttpRequest, run: ImportRun, scope: Scope, listing: Listing) -> HttpResponse:
    """The choices of one page: `request-12` = line of the candidate, `refuse`, or `open` (undo); missing: leave it."""
    if not may_update(request.user, run):
        raise Http404
    choices, taken_back = _marks(request, run, scope)

    def take(some: Sequence[Choice]) -> None:
        choosing.choose(run, some, user=request.user, scope=scope)

    def undo(some: Sequence[Seen]) -> None:
        lines = [line for several, _seen in some for line in several]
        take_back(run_id=run.pk, lines=lines, subject=CANDIDATE, user=request.user, seen=some)  # type: ignore[arg-type]

    try:
        save(request, [(choices, lambda c: (c.request_line,), take), (taken_back, itemgetter(0), undo)], "choice")
    except KeyError:
        raise Http404 from None
    listing.chosen["state"] = _state(request.POST.get("state", ""))
    return redirect(f"{reverse('run_candidates', args=[run.pk])}?{listing.query}")


def _marks(request: HttpRequest, run: ImportRun, scope: Scope) -> tuple[list[Choice], list[Seen]]:
    """Choices of the page that change something. A line that is not a request of the reader's is not found."""
    given = {int(found[1]): str(value) for name, value in request.POST.items() if (found := _CHOICE.fullmatch(name))}
    requests = {r.line: r for r in choosing.requests_in(run, list(given), scope)}
    choices: list[Choice] = []
    taken_back: list[Seen] = []
    for line, answer in given.items():
        if line not in requests:
            raise Http404
        reason, seen = request.POST.get(f"reason-{line}", ""), seen_of(request.POST, line)
        if answer == "open":
            taken_back.append((tuple(requests[line].lines), seen))
        elif answer == "refuse" and requests[line].state != Pick.REFUSED:
            choices.append(Choice(line, None, reason, seen))
        elif re.fullmatch(r"\d{1,9}", answer) and int(answer) != requests[line].chosen_line:
            choices.append(Choice(line, int(answer), reason, seen))
    return choices, taken_back
