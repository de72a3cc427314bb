"""SSID Collection for staff: what is missing, lists for schools, the policy (rules M-1 to M-8)."""

import tempfile
from itertools import groupby
from pathlib import Path
from typing import Any

from django.contrib import messages
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from sisimport.accounts.access import Capability, requires
from ssid.collection.charts import share_chart
from ssid.collection.forms import USUAL_COLUMNS, ListForm, PolicyForm
from ssid.collection.school_lists import students_without_ssid, write_list
from students import collection
from students.access import log_view, visible_school_ids, visible_schools
from students.models import MissingSnapshot, School, StudentView

SPREADSHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@requires(Capability.READ)
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """How many SSIDs are missing, by school and grade, and how that changed."""
    ids = visible_school_ids(request.user)
    counts = collection.count_missing(ids)
    if not MissingSnapshot.objects.filter(day=timezone.localdate()).exists():
        collection.record_missing()
    schools = [_school_row(list(rows)) for _school, rows in groupby(counts, key=lambda row: row.school_id)]
    shares = collection.share_over_time(ids)
    students, missing = sum(c.students for c in counts), sum(c.missing for c in counts)
    context = {
        "schools": schools,
        "students": students,
        "missing": missing,
        "reported": sum(c.reported for c in counts),
        "percent": 100 if not students else (students - missing) * 100 // students,
        "shares": shares[::-1],
        "chart": share_chart(shares),
        "policy": collection.get_policy(),
        "required": collection.get_policy().is_required_on(timezone.localdate()),
    }
    return render(request, "ssid/collection.html", context)


def _school_row(rows: list[collection.MissingCount]) -> dict[str, Any]:
    students, missing = sum(r.students for r in rows), sum(r.missing for r in rows)
    return {
        "id": rows[0].school_id,
        "name": rows[0].school or "No school",
        "students": students,
        "missing": missing,
        "complete": students - missing,
        "reported": sum(r.reported for r in rows),
        "percent": 100 if not students else (students - missing) * 100 // students,
        "grades": rows,
    }


@requires(Capability.EXPORT)
@require_http_methods(["GET", "HEAD", "POST"])
def school_list(request: HttpRequest, pk: int) -> HttpResponse:
    """The list for one school to fill in: choose columns, then download or print. Each list made is logged."""
    school = get_object_or_404(visible_schools(request.user).select_related("lea"), pk=pk)
    form = ListForm(request.POST or None, initial={"columns": USUAL_COLUMNS})
    if request.method == "POST" and form.is_valid():
        columns = [*form.cleaned_data["columns"], "SSID"]
        kind = "print" if "print" in request.POST else "csv" if "csv" in request.POST else "xlsx"
        log_view(
            user=request.user, kind=StudentView.Kind.EXPORT, subject=f"Missing SSIDs of school {school.code}, {kind}"
        )
        if kind == "print":
            rows = list(students_without_ssid(school, columns))
            return render(request, "ssid/school_list_print.html", {"school": school, "columns": columns, "rows": rows})
        return _download(school, columns, kind)
    missing = sum(row.missing for row in collection.count_missing([school.pk]))
    return render(request, "ssid/school_list.html", {"school": school, "form": form, "missing": missing})


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
@require_http_methods(["GET", "HEAD", "POST"])
def policy(request: HttpRequest) -> HttpResponse:
    """Recommended, or required from a day on; what families may do themselves."""
    form = PolicyForm(request.POST or None, instance=collection.get_policy())
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "The policy is saved.")
        return redirect(reverse("collection"))
    return render(request, "ssid/policy.html", {"form": form})
