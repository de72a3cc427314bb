"""Pages of the match desk: lines of a Test that nearly match a student."""

import re
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from sisimport.accounts.access import (
    Capability,
    can,
    may_accept_many,
    may_decide,
    requires,
)
from sisimport.imports.models import ImportRun, RememberedMatch
from sisimport.imports.runs.decisions import (
    ACCEPT,
    MATCH,
    REFUSE,
    Decision,
    DecisionRefusedError,
    Seen,
    decide,
    take_back,
    why_closed,
)
from sisimport.imports.runs.scope import Scope, matching_types
from sisimport.matching import desk, lists
from sisimport.matching.desk import LineState
from sisimport.web.deciding import counted, open_run, queues, save, scope_of, seen_of, tests_waiting
from sisimport.web.lists import Listing
from students.access import visible_school_ids, visible_schools, visible_students
from students.matching.scores import DEFAULT_THRESHOLD

SHOWN_IN_PREVIEW = 200
_CHOICE = re.compile(r"line-(\d{1,9})")
_OTHER = re.compile(r"other-(\d{1,9})")


@requires(Capability.READ)
@require_http_methods(["GET", "POST"])
def index(request: HttpRequest) -> HttpResponseBase:
    """Tests with lines to decide on, and the matches remembered for later files."""
    listing = Listing(request, lists.REMEMBERED)
    if answer := listing.answer():
        return answer
    students = visible_students(request.user)
    remembered = lists.remembered(students, listing, all_schools=visible_school_ids(request.user) is None)
    if listing.exports:
        return listing.export(lists.remembered_rows(remembered, students))
    page = listing.page(remembered)
    by_id = students.select_related("school").in_bulk([match.student_id for match in page])
    return render(
        request,
        "matching/desk.html",
        {
            "queues": [(queue, tests_waiting(request.user, queue)) for queue in queues()],
            "listing": listing,
            "schools": visible_schools(request.user),
            "remembered": [(match, desk.number_shown(match), by_id.get(match.student_id)) for match in page],
            "page": page,
            "may_end": [match.pk for match in page if _may_end(request, match)],
        },
    )


@requires(Capability.READ)
@require_http_methods(["GET", "POST"])
def lines(request: HttpRequest, run_id: int) -> HttpResponseBase:
    """The lines of one Test side by side with their candidates; POST saves what was marked on the page, or filters them."""
    run = open_run(request, run_id, matching_types())
    listing = Listing(request, lists.LINES, about=run.pk)
    if request.method == "POST" and not listing.is_sent:
        return _save(request, run, listing)
    if answer := listing.answer():
        return answer
    scope = scope_of(request, run)
    state = _state(listing.chosen)
    rows = lists.waiting_lines(run, state, scope)
    chosen = lists.chosen_lines(run, rows, listing, state, scope)
    numbers = chosen.lines
    if listing.exports:
        return listing.export(lists.line_rows(run, numbers, state, scope), lists.LINES_HEAD)
    page = listing.page(numbers)
    return render(
        request,
        "matching/desk_lines.html",
        {
            **_frame(request, run, scope, state),
            **lists.choices(rows),
            "listing": listing,
            "capped": chosen.capped,
            "unranked": chosen.unranked,
            "ranked": lists.MOST_RANKED,
            "page": page,
            "lines": desk.desk_lines(run, list(page.object_list), state, scope),
            "threshold": DEFAULT_THRESHOLD,
        },
    )


@requires(Capability.READ)
@require_http_methods(["GET", "POST"])
def one_line(request: HttpRequest, run_id: int, line: int) -> HttpResponse:
    """One line with a search for another student. The search is sent by POST: names are never in an address."""
    run = open_run(request, run_id, matching_types())
    scope = scope_of(request, run)
    state = next((s for s in LineState if line in desk.line_numbers(run, s, scope)), None)
    shown = desk.desk_lines(run, [line], state, scope) if state else []
    if not shown or state is None:
        raise Http404
    words = request.POST.get("words", "")[:100]
    found = desk.search_students(words, shown[0].given, schools=scope.limit(run)) if words.strip() else []
    while_typing: bool = request.htmx  # type: ignore[attr-defined]
    return render(
        request,
        "matching/_desk_found.html" if while_typing else "matching/desk_line.html",
        {
            **_frame(request, run, scope, state),
            "entry": shown[0],
            "words": words,
            "found": found,
            "searched": bool(words),
        },
    )


@requires(Capability.APPROVE)
@require_POST
def accept_many(request: HttpRequest, run_id: int) -> HttpResponse:
    """Preview, then accept, all open lines with a candidate at or above the threshold that the user set."""
    run = open_run(request, run_id, matching_types())
    scope = scope_of(request, run)
    try:
        threshold = float(request.POST.get("threshold", ""))
    except ValueError:
        threshold = 0.0
    if not 50 <= threshold <= 100:
        messages.error(request, "Set a threshold from 50 to 100.")
        return _back(run, LineState.OPEN)
    proposals = desk.propose(run, threshold, scope)
    shown_digest = request.POST.get("digest")
    if shown_digest == proposals.digest and proposals.found:
        try:
            desk.accept_all(run, proposals, user=request.user, scope=scope)
        except DecisionRefusedError as error:
            messages.error(request, str(error))
        else:
            messages.success(request, f"Accepted {counted(len(proposals.found), 'match', 'matches')}.")
        return _back(run, LineState.OPEN)
    if shown_digest:
        messages.warning(request, "Records changed since the preview. This is how it looks now.")
    shown = proposals.found[:SHOWN_IN_PREVIEW]
    given = desk.identities(run, [p.line for p in shown])
    students = visible_students(request.user).in_bulk([p.student_id for p in shown])
    return render(
        request,
        "matching/desk_preview.html",
        {
            **_frame(request, run, scope, LineState.OPEN),
            "proposals": proposals,
            "rows": [(p, given.get(p.line), students.get(p.student_id)) for p in shown],
            "more": len(proposals.found) - len(shown),
        },
    )


@requires(Capability.UPDATE)
@require_POST
def forget(request: HttpRequest, match_id: int) -> HttpResponse:
    """End one remembered match: later files will need a decision again. Runs that used it stay as they are."""
    remembered = RememberedMatch.objects.filter(ended_at__isnull=True)
    if visible_school_ids(request.user) is not None:  # in the match's query: a missing one takes as long
        remembered = remembered.filter(student_id__in=visible_students(request.user).values("pk"))
    match = get_object_or_404(remembered, pk=match_id)
    if not _may_end(request, match):
        raise Http404
    RememberedMatch.objects.filter(pk=match.pk, ended_at__isnull=True).update(
        ended_at=timezone.now(),
        ended_by=request.user,
    )
    messages.success(request, "The match is no longer remembered.")
    return redirect("match_desk")


def _may_end(request: HttpRequest, match: RememberedMatch) -> bool:
    """A user may end their own matches, a reviewer all."""
    own = match.made_by_id == request.user.pk and can(request.user, Capability.UPDATE)
    return own or can(request.user, Capability.APPROVE)


# -- helpers -----------------------------------------------------------------------------------------------------------


def _state(query: Mapping[str, Any]) -> LineState:
    value = str(query.get("state", ""))
    return LineState(value) if value in set(LineState) else LineState.OPEN


def _back(run: ImportRun, state: LineState) -> HttpResponse:
    return redirect(f"{reverse('run_matches', args=[run.pk])}?state={state.value}")


def _frame(request: HttpRequest, run: ImportRun, scope: Scope, state: LineState) -> dict[str, Any]:
    """Context that all pages of one Test share."""
    closed = why_closed(run)
    tallies = desk.counts(run, scope)
    return {
        "run": run,
        "state": state.value,
        "tabs": [
            (LineState.OPEN.value, "To decide", tallies["open"]),
            (LineState.ACCEPTED.value, "Accepted", tallies["accepted"]),
            (LineState.REFUSED.value, "Refused", tallies["refused"]),
        ],
        "closed": closed,
        "may_decide": not closed and may_decide(request.user, run),
        "may_accept_many": not closed and may_accept_many(request.user),
    }


def _save(request: HttpRequest, run: ImportRun, listing: Listing) -> HttpResponse:
    """The marks of one page: `line-12` = `s345` (this student), `refuse` or `open` (undo); missing: leave it."""
    state = _state(request.POST)
    if not may_decide(request.user, run):
        raise Http404
    scope = scope_of(request, run)
    mine = {n for s in LineState for n in desk.line_numbers(run, s, scope)}
    sent = _with_others(request.POST)
    if sent is None:
        messages.error(request, "Two students were marked for one line, so nothing was saved. Mark one of them.")
        return _back(run, state)
    decisions, taken_back = _marks(sent, mine)

    def take(some: Sequence[Decision]) -> None:
        decide(run_id=run.pk, decisions=some, user=request.user, schools=scope.limit(run))  # type: ignore[arg-type]

    def undo(some: Sequence[Seen]) -> None:
        lines = [line for several, _seen in some for line in several]
        take_back(run_id=run.pk, lines=lines, subject=MATCH, user=request.user, seen=some)  # type: ignore[arg-type]

    save(request, [(decisions, lambda d: (d.line,), take), (taken_back, itemgetter(0), undo)], "decision")
    listing.chosen["state"] = state.value
    return redirect(f"{reverse('run_matches', args=[run.pk])}?{listing.query}")


def _with_others(post: QueryDict) -> QueryDict | None:
    """The marks, with a student found by the search (`other-12`) replacing the line's own; None if a line has both."""
    sent = post.copy()
    for name in post:
        value, found = str(post.get(name, "")), _OTHER.fullmatch(name)
        if found and value:
            own = f"line-{found[1]}"
            if sent.get(own):
                return None
            sent[own] = value
    return sent


def _marks(post: QueryDict, mine: set[int]) -> tuple[list[Decision], list[Seen]]:
    decisions: list[Decision] = []
    taken_back: list[Seen] = []
    for name, value in post.items():
        found = _CHOICE.fullmatch(name)
        if not found or int(found[1]) not in mine:
            continue
        line, answer = int(found[1]), str(value)
        reason, seen = post.get(f"reason-{line}", ""), seen_of(post, line)
        if answer == "open":
            taken_back.append(((line,), seen))
        elif answer == "refuse":
            decisions.append(Decision(line=line, subject=MATCH, answer=REFUSE, reason=reason, seen=seen))
        elif re.fullmatch(r"s\d{1,18}", answer):
            decisions.append(
                Decision(line=line, subject=MATCH, answer=ACCEPT, student_id=int(answer[1:]), reason=reason, seen=seen)
            )
    return decisions, taken_back
