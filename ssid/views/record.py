"""Record Information: the page of the student editor on which the SSID comes first (rule M-6)."""

from typing import Any

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_safe

from sisimport.imports.access import Capability, requires
from ssid.collection_forms import TOLD, SSIDForm
from students import collection, services
from students.access import log_view, visible_students
from students.models import SSID, Origin, ReportedSSID, Student, StudentView

FOUND_AT_MOST = 50
_ORDER = ("last_name", "first_name", "pk")


@requires(Capability.EDIT_STUDENTS)
@require_http_methods(["GET", "HEAD", "POST"])
def find(request: HttpRequest) -> HttpResponse:
    """Search for a student by name or local number. Sent by POST: a name does not belong in an address."""
    text = request.POST.get("text", "").strip()
    found: list[Student] = []
    if text:
        students = visible_students(request.user).select_related("school")
        for word in text.replace(",", " ").split()[:5]:
            students = students.filter(
                Q(last_name__istartswith=word) | Q(first_name__istartswith=word) | Q(local_number__iexact=word)
            )
        found = list(students.order_by(*_ORDER)[: FOUND_AT_MOST + 1])
    context = {"text": text, "found": found[:FOUND_AT_MOST], "more": len(found) > FOUND_AT_MOST}
    return render(request, "ssid/find.html", context)


@requires(Capability.EDIT_STUDENTS)
@require_safe
def next_missing(request: HttpRequest) -> HttpResponse:
    """The first student without SSID of a school and grade: the beginning of going through the list."""
    student = _missing(request).first()
    if student is None:
        messages.success(request, "Nobody is left without SSID here.")
        return redirect("collection")
    return redirect(_address(request, student))


def _missing(request: HttpRequest) -> QuerySet[Student]:
    """Students without SSID of the list that the address names, in its order."""
    students = visible_students(request.user)
    school, grade = request.GET.get("school", ""), request.GET.get("grade")
    if school.isdigit():
        students = students.filter(school_id=int(school))
    if grade is not None:
        students = students.filter(grade=grade)
    return collection.without_ssid(collection.enrolled_now(students)).order_by(*_ORDER)


def _address(request: HttpRequest, student: Student) -> str:
    kept = {name: request.GET[name] for name in ("school", "grade") if name in request.GET}
    address = reverse("record", args=[student.pk])
    return f"{address}?{urlencode(kept)}" if kept else address


@requires(Capability.EDIT_STUDENTS)
@require_http_methods(["GET", "HEAD", "POST"])
def record(request: HttpRequest, pk: int) -> HttpResponse:
    """Type the SSID, press Enter: it is saved and the next student without SSID comes up."""
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
        log_view(user=request.user, kind=StudentView.Kind.PAGE, student=student, subject="Record Information")
    context: dict[str, Any] = {
        "student": student,
        "form": form,
        "current": current,
        "retired": SSID.objects.filter(student=student, retired_at__isnull=False).order_by("-retired_at"),
        "reported": ReportedSSID.objects.filter(student=student).first(),
        "left": _missing(request).count(),
        "in_list": "school" in request.GET or "grade" in request.GET,
        "skip": _skip(request, student),
    }
    return render(request, "ssid/record.html", context)


def _take_step(request: HttpRequest, student: Student, form: SSIDForm) -> bool:
    """Do what the button says. False when the page is to be shown again."""
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
                replace=bool(form.cleaned_data.get("replace")),
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
    """Going through a list: the next of it. Otherwise the same page again, with what is on record now."""
    if "school" not in request.GET and "grade" not in request.GET:
        return reverse("record", args=[student.pk])
    return _skip(request, student) or reverse("collection")


def _skip(request: HttpRequest, student: Student) -> str:
    """The next student of the list after this one, beginning again at its end; blank when there is no other."""
    others = _missing(request).exclude(pk=student.pk)
    key = (student.last_name, student.first_name, student.pk)
    after = others.filter(
        Q(last_name__gt=key[0])
        | Q(last_name=key[0], first_name__gt=key[1])
        | Q(last_name=key[0], first_name=key[1], pk__gt=key[2])
    ).first()
    following = after or others.first()
    return "" if following is None else _address(request, following)
