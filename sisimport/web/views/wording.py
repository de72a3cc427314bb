"""The wording of one run's report: our own or that of the mirrored screen, whatever its district has chosen."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from sisimport.accounts import access
from sisimport.accounts.access import Capability, requires
from sisimport.imports.models import ImportRun
from sisimport.web.queries.issues import words_of
from sisimport.web.views.runs import find_report
from students.models import ReportWords


@requires(Capability.TEST)
@require_POST
def choose_words(request: HttpRequest, pk: int) -> HttpResponse:
    """Report this run in different wording from now on: on its pages, in print and in downloads, for all users."""
    run = find_report(request, pk)
    words = request.POST.get("words", "")
    if words_of(run) is None or words not in ReportWords.values:
        raise Http404
    if not access.may_choose_words(request.user, run):
        raise PermissionDenied
    ImportRun.objects.filter(pk=run.pk).update(report_words=words)
    messages.success(request, "The report now uses the other wording. What was found is the same.")
    return redirect("run", pk=run.pk)
