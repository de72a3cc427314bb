"""Deciding on a run that is held: the second person's approval, or rejection."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from sisimport.accounts import access
from sisimport.accounts.access import Capability, requires, signed_in_user
from sisimport.imports.runs import approvals, holding
from sisimport.imports.runs.uploads import RunRefusedError
from sisimport.web.views.runs import back_to, find_run


@requires(Capability.APPROVE)
@require_POST
def decide_held(request: HttpRequest, pk: int) -> HttpResponse:
    """Approve or reject a held run, with a reason."""
    run, user = find_run(request, pk), signed_in_user(request)
    if not access.may_approve(request.user, run):
        return back_to(
            request,
            run,
            "You started this run: a second person has to decide on it."
            if holding.is_own(run, user)
            else "This run is not held, or it is about students you cannot see.",
        )
    approves = request.POST.get("decision") == "approve"
    try:
        decide = approvals.approve if approves else approvals.reject
        decide(run=run, user=user, why=request.POST.get("why", ""))
    except RunRefusedError as error:
        return back_to(request, run, str(error))
    messages.success(request, "Approved: the run is writing now." if approves else "Rejected: nothing was changed.")
    return redirect("run", pk=run.pk)
