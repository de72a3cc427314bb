"""Missing SSIDs, for staff: what is missing, lists for schools, the policy (rules M-1 to M-8)."""

import tempfile
from collections import defaultdict
from collections.abc import Collection
from pathlib import Path
from typing import Any

from django.contrib import messages
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from sisimport.accounts.access import Capability, can, for_all_districts, requires, works_for_all_districts
from sisimport.accounts.step_up import ask_if_many
from sisimport.audit.models import AuditEntry
from sisimport.web.lists import Column, List, Listing
from ssid.collection.charts import share_charts
from ssid.collection.forms import USUAL_COLUMNS, ListForm, PolicyForm
from ssid.collection.school_lists import students_without_ssid, write_list
from students import collection
from students.access import log_view, visible_school_ids, visible_schools
from students.models import School

SPREADSHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


SCHOOLS = List(
    key="missing-ssids",
    columns=(
        Column(name="school", label="School", order=("school", "school_code")),
        Column(name="missing", label="Without SSID", order=("missing",), then=("school",), number=True, css="w-m"),
        Column(name="students", label="Students", order=("students",), then=("school",), number=True, css="w-m"),
        Column(name="percent", label="Complete", order=("percent",), then=("school",), number=True, css="w-m"),
        Column(name="grades", label="By grade"),
        Column(name="todo", label="What to do"),
    ),
    start="-missing",
    filters=("show",),
    file_name="missing-ssids-by-school",
)
EXPORT_HEAD = ("School code", "School", "Without SSID", "Students", "Complete %", "Told us a number")


@requires(Capability.READ)
@require_http_methods(["GET", "HEAD", "POST"])
def overview(request: HttpRequest) -> HttpResponseBase:
    """How many SSIDs are missing, by school and grade, and how that changed. Most missing first."""
    listing = Listing(request, SCHOOLS)
    if answer := listing.answer():
        return answer
    ids = visible_school_ids(request.user)
    counts = collection.count_missing(ids)  # counts all students: once per page
    schools = collection.by_school(counts)
    found = listing.sorted(_wanted(schools, listing))
    if listing.exports:
        rows = ((s.school_code, s.school, s.missing, s.students, s.percent, s.reported) for s in found)
        return listing.export(rows, EXPORT_HEAD)
    days, today = collection.days_kept(), timezone.localdate()
    if today not in days:
        collection.record_missing()
        days.append(today)
    shares = collection.share_over_time(ids, days)
    students, missing = sum(s.students for s in schools), sum(s.missing for s in schools)
    page = listing.page(found)
    context = {
        "listing": listing,
        "page": page,
        "grades": _grades(counts, {school.school_id for school in page}),
        "students": students,
        "missing": missing,
        "complete": sum(not school.missing for school in schools),
        "reported": sum(s.reported for s in schools),
        "percent": 100 if not students else (students - missing) * 100 // students,
        "shares": shares[::-1],
        "charts": share_charts(shares),
        "policy": collection.get_policy(),
        "changes_policy": can(request.user, Capability.SETTINGS) and works_for_all_districts(request.user),
        "required": collection.get_policy().is_required_on(timezone.localdate()),
    }
    return render(request, "ssid/collection.html", context)


def _wanted(schools: list[collection.SchoolMissing], listing: Listing) -> list[collection.SchoolMissing]:
    """The schools that match: by part of the name or code, and only those with missing SSIDs if that was chosen."""
    text, only = listing.text.casefold(), listing.chosen.get("show") == "missing"
    return [s for s in schools if text in f"{s.school} {s.school_code}".casefold() and (s.missing or not only)]


def _grades(
    counts: list[collection.MissingCount], schools: Collection[int]
) -> dict[int | None, list[collection.MissingCount]]:
    """The counts by grade of the schools on the page."""
    found: dict[int | None, list[collection.MissingCount]] = defaultdict(list)
    for one in counts:
        if one.school_id in schools:
            found[one.school_id].append(one)
    return dict(found)


@requires(Capability.EXPORT)
@require_http_methods(["GET", "HEAD", "POST"])
def school_list(request: HttpRequest, pk: int) -> HttpResponse:
    """The list for one school to fill in: choose columns, then download or print. Each list made is logged."""
    school = get_object_or_404(visible_schools(request.user).select_related("lea"), pk=pk)
    form = ListForm(request.POST or None, initial={"columns": USUAL_COLUMNS})
    if request.method == "POST" and form.is_valid():
        columns = [*form.cleaned_data["columns"], "SSID"]
        kind = "print" if "print" in request.POST else "csv" if "csv" in request.POST else "xlsx"
        ask_if_many(request, _missing(school))
        log_view(
            user=request.user, kind=AuditEntry.Kind.EXPORT, subject=f"Missing SSIDs of school {school.code}, {kind}"
        )
        if kind == "print":
            rows = list(students_without_ssid(school, columns))
            return render(request, "ssid/school_list_print.html", {"school": school, "columns": columns, "rows": rows})
        return _download(school, columns, kind)
    return render(request, "ssid/school_list.html", {"school": school, "form": form, "missing": _missing(school)})


def _missing(school: School) -> int:
    return sum(row.missing for row in collection.count_missing([school.pk]))


def _download(school: School, columns: list[str], kind: str) -> HttpResponse:
    name = f"missing-ssids-{school.code}.{kind}"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        write_list(school, path, columns)
        stream = path.open("rb")  # outlives its name: the response reads and closes it
    content_type = SPREADSHEET if kind == "xlsx" else "text/csv; charset=utf-8"
    made: Any = FileResponse(stream, as_attachment=True, filename=name, content_type=content_type)
    response: HttpResponse = made
    return response


@requires(Capability.SETTINGS)
@for_all_districts
@require_http_methods(["GET", "HEAD", "POST"])
def policy(request: HttpRequest) -> HttpResponse:
    """The policy: SSID recommended, or required from a day on; what families may do themselves."""
    form = PolicyForm(request.POST or None, instance=collection.get_policy())
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "The policy is saved.")
        return redirect(reverse("collection"))
    return render(request, "ssid/policy.html", {"form": form})
