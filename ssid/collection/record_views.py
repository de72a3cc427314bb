"""Record Information: the page of the student editor that begins with the SSID (rule M-6)."""

from typing import Any

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_safe

from sisimport.accounts.access import Capability, requires
from sisimport.audit.models import AuditEntry
from ssid.collection.forms import KEEP, TOLD, SSIDForm
from students import services
from students.access import log_view, visible_school_ids, visible_students
from students.missing import missing_today
from students.models import SSID, Origin, ReportedSSID, Student, WithoutSSID
from students.search import BY_NAME, find_students

FOUND_AT_MOST = 50
MOST_LEFT = 1000


@requires(Capability.EDIT_STUDENTS)
@require_http_methods(["GET", "HEAD", "POST"])
def find(request: HttpRequest) -> HttpResponse:
    """Search for a student by name, local number or SSID. Sent by POST: names and SSIDs do not belong in an address."""
    text = request.POST.get("text", "").strip()
    found: list[Student] = []
    more = False
    if text:
        meant = find_students(visible_school_ids(request.user), text, limit=FOUND_AT_MOST)
        found, more = list(meant[:FOUND_AT_MOST]), meant.is_cut
    context = {"text": text, "found": found, "more": more}
    return render(request, "ssid/find.html", context)


@requires(Capability.EDIT_STUDENTS)
@require_safe
def next_missing(request: HttpRequest) -> HttpResponse:
    """The first student without SSID of a school and grade: the start of working through the list."""
    first = _missing(request).first()
    if first is None:
        messages.success(request, "No one here is left without an SSID.")
        return redirect("collection")
    return redirect(_address(request, first.pk))


def _missing(request: HttpRequest) -> QuerySet[WithoutSSID]:
    """Students without SSID of the list that the address names, in its order."""
    students = missing_today(visible_school_ids(request.user))
    school, grade = request.GET.get("school", ""), request.GET.get("grade")
    if school.isdigit():
        students = students.filter(school_id=int(school))
    if grade is not None:
        students = students.filter(grade=grade)
    return students.order_by(*BY_NAME)


def _address(request: HttpRequest, student_id: int) -> str:
    kept = {name: request.GET[name] for name in ("school", "grade") if name in request.GET}
    address = reverse("record", args=[student_id])
    return f"{address}?{urlencode(kept)}" if kept else address


@requires(Capability.EDIT_STUDENTS)
@require_http_methods(["GET", "HEAD", "POST"])
def record(request: HttpRequest, pk: int) -> HttpResponse:
    """Type the SSID and press Enter: it is saved, and the next student without SSID appears."""
    student = get_object_or_404(visible_students(request.user).select_related("school", "lea"), pk=pk)
    current = SSID.objects.filter(student=student, retired_at__isnull=True).first()
    form = SSIDForm(
        request.POST if request.method == "POST" and "save" in request.POST else None,
        student=student,
        has_ssid=current is not None,
    )
    if request.method == "POST":
        step = _take_step(request, student, form)
        if step:
            return redirect(_next(request, student))
        current = SSID.objects.filter(student=student, retired_at__isnull=True).first()
    else:
        log_view(user=request.user, kind=AuditEntry.Kind.PAGE, student=student, subject="Record Information")
    in_list = "school" in request.GET or "grade" in request.GET
    context: dict[str, Any] = {
        "student": student,
        "form": form,
        "current": current,
        "retired": SSID.objects.filter(student=student, retired_at__isnull=False).order_by("-retired_at"),
        "reported": ReportedSSID.objects.filter(student=student).first(),
        "left": _missing(request).order_by()[: MOST_LEFT + 1].count() if in_list else 0,
        "most_left": MOST_LEFT,
        "in_list": in_list,
        "skip": _skip(request, student) if in_list else "",
    }
    return render(request, "ssid/record.html", context)


def _take_step(request: HttpRequest, student: Student, form: SSIDForm) -> bool:
    """Do what the button says. Returns False if the page is to be shown again."""
    try:
        if "verify" in request.POST:
            services.verify_reported(student=student, user=request.user, replace="replace" in request.POST)
            messages.success(request, "The number is verified and is the student's SSID now.")
        elif "dismiss" in request.POST:
            services.dismiss_reported(student=student)
            messages.success(request, "The reported number is removed.")
        elif not form.is_valid():
            return False
        elif form.cleaned_data["source"] == TOLD:
            services.report_ssid(student=student, ssid=form.cleaned_data["ssid"], user=request.user)
            messages.success(request, f"The number of {student.full_name} is kept, unverified.")
        else:
            services.assign_ssid(
                student=student,
                ssid=form.cleaned_data["ssid"],
                user=request.user,
                origin=Origin.STAFF,
                verified=True,
                reason=form.cleaned_data["reason"],
                replace="old_number" in form.cleaned_data,
                keep_former=form.cleaned_data.get("old_number") == KEEP,
            )
            messages.success(request, f"The SSID of {student.full_name} is saved.")
    except services.SSIDRefusedError as refused:
        if form.is_bound:
            form.add_error("ssid", str(refused))
        else:
            messages.error(request, str(refused))
        return False
    return True


def _next(request: HttpRequest, student: Student) -> str:
    """When working through a list, its next student. Otherwise the same page again, with the current record."""
    if "school" not in request.GET and "grade" not in request.GET:
        return reverse("record", args=[student.pk])
    return _skip(request, student) or reverse("collection")


def _skip(request: HttpRequest, student: Student) -> str:
    """The next student of the list after this one, starting over at its end; blank if there is no other."""
    others = _missing(request).exclude(pk=student.pk)
    last, first = student.last_key, student.first_key
    after = (
        others.filter(last_key__gte=last)  # tells where to start in the index
        .filter(
            Q(last_key__gt=last)
            | Q(last_key=last, first_key__gt=first)
            | Q(last_key=last, first_key=first, pk__gt=student.pk)
        )
        .first()
    )
    following = after or others.first()
    return "" if following is None else _address(request, following.pk)
