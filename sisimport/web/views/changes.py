"""What a run changes, before and after; and undoing one manual edit, in addition to undoing lines (`start_revert`)."""

from collections.abc import Sequence
from typing import Any, cast

from django.contrib import messages
from django.core.paginator import Page
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from sisimport.accounts import access
from sisimport.accounts.access import Capability, requires
from sisimport.imports.definition.change_kinds import get_kind
from sisimport.imports.models import ImportRun, Work
from sisimport.web.exports.rows import NAMED_CHANGE_HEAD, named_change_rows
from sisimport.web.lists import Column, List, Listing
from sisimport.web.queries.change_report import OUTCOMES, ChangeFilter, ChangeReport, kind_summary
from sisimport.web.queries.changes import shown_changes
from sisimport.web.queries.report import Reader
from sisimport.web.ssid_masking import Masking
from sisimport.web.views.runs import PER_PAGE, find_report, run_frame
from sisimport.web.views.students import find_student
from students.access import visible_schools
from students.grades import GRADES
from students.models import RecordEdit
from students.undoing import UndoRefusedError, undo_edit

CHANGES = List(
    key="changes",
    columns=(
        Column(name="line", label="Line", order=("line",), number=True, css="w-s"),
        Column(name="student", label="Student", order=("last_key", "first_key"), css="w-l"),
        Column(name="what", label="What", order=("kind",), then=("last_key", "first_key"), css="w-m"),
        Column(name="change", label="Before → after"),
    ),
    start="line",
    filters=("kind", "outcome", "school", "grade", "line"),
    per_page=PER_PAGE,
    file_name="changes",
)


@requires(Capability.READ)
@require_http_methods(["GET", "POST"])
def run_changes(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Before and after, line by line: a list like every other. Names are sent by POST, as in all lists."""
    run = find_report(request, pk)
    listing = Listing(request, CHANGES, about=run.pk)
    if answer := listing.answer():
        return answer
    if listing.exports:
        reader = Reader.of(request.user, run)
        return listing.export(named_change_rows(run, reader, _report(run, reader, listing)), NAMED_CHANGE_HEAD)
    return changes_part(request, run)


def _report(run: ImportRun, reader: Reader, listing: Listing) -> ChangeReport:
    wanted = ChangeFilter.of(listing.chosen, listing.text)
    return ChangeReport(run, reader, wanted, order=listing.order_by())


def changes_part(request: HttpRequest, run: ImportRun, *, shown: bool = False) -> HttpResponse:
    """What a run changes. `shown`: with whole SSIDs."""
    masking, reader = Masking.of(run, shown=shown), Reader.of(request.user, run)
    listing = Listing(request, CHANGES, about=run.pk)
    changes = _report(run, reader, listing)
    wanted, listing.sortable = changes.wanted, changes.may_sort
    page: Page[Any] = listing.page(cast(Sequence[Any], changes))
    frame = run_frame(request, run, reader)
    context = frame | {
        "part": "changes",
        "masking": masking,
        "listing": listing,
        "changes": shown_changes(run, reader, list(page.object_list), masking),
        "page": page,
        "report": changes,
        "kinds": [{**row, "label": get_kind(row["kind"]).label} for row in changes.kinds],
        "summary": kind_summary(run, reader, changes),
        "wanted": wanted,
        "schools": visible_schools(request.user),
        "grades": GRADES,
        "outcomes": [(key, label) for key, label in OUTCOMES.items() if key != "aside" or run.writes],
        "may_undo": frame["may_revert"] and run.work != Work.REVERT,
    }
    return render(request, "imports/run_changes.html", context)


@requires(Capability.REVERT_OWN)
@require_POST
def undo_student_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Undo one manual edit from the student's time line: the entries that make it up (`edit`, repeated)."""
    student = find_student(request, pk)
    edits = [int(edit) for edit in request.POST.getlist("edit") if edit.isdecimal() and len(edit) < 19]
    editors = set(RecordEdit.objects.filter(student=student, pk__in=edits).values_list("user", flat=True))
    if not editors:
        raise Http404
    back = redirect(reverse("student", args=[student.pk]) + "#timeline")
    if not all(access.may_undo_edit(request.user, editor) for editor in editors):
        messages.error(request, "Someone else made this edit: an import admin can undo it.")
        return back
    try:
        undo_edit(student=student, edits=edits, user=request.user)
    except UndoRefusedError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "The edit was undone. The time line shows this as a separate edit.")
    return back
