"""Annual enrollment forms for staff: draft, submitted, approved (rule M-3)."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from sisimport.accounts.access import Capability, requires
from sisimport.audit.models import AuditEntry
from sisimport.web.lists import Column, List, Listing
from sisimport.web.moments import day_text
from ssid.collection.forms import SSIDForm
from students import collection, services
from students.access import log_view, visible_students
from students.models import SSID, AnnualEnrollment, ReportedSSID, Student
from students.school_years import current_school_year

Status = AnnualEnrollment.Status


FORMS = List(
    key="enrollments",
    columns=(
        Column(name="student", label="Student", order=("student__last_name", "student__first_name", "student_id")),
        Column(name="school", label="School", order=("student__school__name",), then=("student__last_name",)),
        Column(name="grade", label="Grade", order=("student__grade",), then=("student__last_name",)),
        Column(name="status", label="Status", order=("status",), then=("student__last_name",)),
        Column(name="submitted", label="Submitted", order=("submitted_at",)),
    ),
    start="-status",  # those that wait for approval first
    filters=("status",),
    per_page=50,
    file_name="enrollment-forms",
)
HEAD = ("Last name", "First name", "Local number", "School", "Grade", "Status", "Submitted", "By the family")


@requires(Capability.EDIT_STUDENTS)
@require_http_methods(["GET", "HEAD", "POST"])
def enrollments(request: HttpRequest) -> HttpResponseBase:
    """Enrollment forms of this school year; those that wait for approval first."""
    listing = Listing(request, FORMS)
    if answer := listing.answer():
        return answer
    year = current_school_year()
    forms = AnnualEnrollment.objects.filter(school_year=year, student__in=visible_students(request.user))
    status = listing.chosen.get("status", "")
    if status in Status.values:
        forms = forms.filter(status=status)
    listed = listing.order(forms.select_related("student", "student__school"))
    if listing.exports:
        return listing.export(map(_row, listed.iterator(chunk_size=1000)), HEAD)
    context = {"listing": listing, "page": listing.page(listed), "year": year, "statuses": Status.choices}
    return render(request, "ssid/enrollments.html", context)


def _row(form: AnnualEnrollment) -> tuple[Any, ...]:
    student = form.student
    return (
        student.last_name,
        student.first_name,
        student.local_number,
        (student.school.name or student.school.code) if student.school else "",
        student.grade,
        form.get_status_display(),
        day_text(form.submitted_at) if form.submitted_at else "",
        "yes" if form.online else "no",
    )


@requires(Capability.EDIT_STUDENTS)
@require_http_methods(["GET", "HEAD", "POST"])
def enrollment(request: HttpRequest, pk: int) -> HttpResponse:
    """One student's form of this year. Approving asks for a missing SSID, which is required from the policy's day
    on."""
    student = get_object_or_404(visible_students(request.user).select_related("school", "lea"), pk=pk)
    year = current_school_year()
    ssid_form = None
    if request.method == "POST":
        ssid_form = _take_step(request, student, year)
        if ssid_form is None:
            return redirect("enrollment", student.pk)
    else:
        log_view(user=request.user, kind=AuditEntry.Kind.PAGE, student=student, subject="Enrollment form")
    form = AnnualEnrollment.objects.filter(student=student, school_year=year).first()
    current = SSID.objects.filter(student=student, retired_at__isnull=True).first()
    policy = collection.get_policy()
    context: dict[str, Any] = {
        "student": student,
        "year": year,
        "enrollment": form,
        "current": current,
        "reported": ReportedSSID.objects.filter(student=student).first(),
        "required": policy.is_required_on(timezone.localdate()),
        "form": ssid_form or (SSIDForm(student=student, has_ssid=False) if current is None else None),
    }
    return render(request, "ssid/enrollment.html", context)


def _take_step(request: HttpRequest, student: Student, year: str) -> SSIDForm | None:
    """Do what the button says; returns the SSID form if the number in it cannot be used."""
    user: Any = request.user
    form = AnnualEnrollment.objects.filter(student=student, school_year=year).first()
    try:
        if "submit" in request.POST:
            collection.submit_enrollment(student=student, school_year=year, user=user, online=False)
            messages.success(request, "The form is marked as submitted.")
        elif form is None:
            messages.error(request, "There is no form for this year yet.")
        elif "return" in request.POST:
            collection.return_enrollment(form=form)
            messages.success(request, "The form is a draft again.")
        elif "approve" in request.POST:
            typed = SSIDForm(request.POST, student=student, has_ssid=False)
            if request.POST.get("ssid", "").strip() and not collection.has_ssid(student):
                if not typed.is_valid():
                    return typed
                try:
                    services.assign_ssid(
                        student=student,
                        ssid=typed.cleaned_data["ssid"],
                        user=user,
                        reason="At approval of the enrollment",
                    )
                except services.SSIDRefusedError as refused:
                    typed.add_error("ssid", str(refused))
                    return typed
            collection.approve_enrollment(form=form, user=user, skip_ssid="skip_ssid" in request.POST)
            messages.success(request, "The form is approved.")
    except collection.EnrollmentRefusedError as refused:
        messages.error(request, str(refused))
    return None
