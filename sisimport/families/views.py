"""Pages of students and parents: only their own records, in English and Spanish."""

import datetime as dt
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.i18n import set_language

from sisimport.accounts.access import family, public
from sisimport.audit.models import AuditEntry
from sisimport.families.forms import CodeForm, JoinForm, NumberForm
from sisimport.families.words import EL_STATUS
from sisimport.web import panels
from students import collection, families, family_access, services
from students.access import log_view
from students.models import SSID, AnnualEnrollment, ELRecord, ReportedSSID, Student
from students.school_years import current_school_year

_KEPT_AS = "family_invitation"
BACKEND = "django.contrib.auth.backends.ModelBackend"


@public
@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Change the language of the pages; goes back to where the reader was."""
    response: HttpResponse = set_language(request)
    return response


# ---- joining ----


@public
@sensitive_post_parameters("password", "code")
@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest) -> HttpResponse:
    """Open an account, or add the students to the one that is signed in.

    First the page asks for an invitation code, which is only sent in a form; then the session identifies the
    invitation.
    """
    chosen = request.GET.get("language", "")
    if chosen:
        return _speaking(chosen)
    if "code" in request.POST:
        return _take_code(request)
    invitation = families.open_invitation(request.session.get(_KEPT_AS))
    if invitation is None:
        return _ask_for_code(request, refused=_KEPT_AS in request.session)
    signed_in = families.is_family(request.user)
    form = JoinForm(request.POST if request.method == "POST" and not signed_in else None)
    if request.method == "POST" and (signed_in or form.is_valid()):
        try:
            if signed_in:
                families.accept_invitation(invitation=invitation, user=request.user)  # type: ignore[arg-type]
            else:
                user: Any = families.accept_invitation(invitation=invitation, **form.cleaned_data)
                login(request, user, backend=BACKEND)
        except families.InvitationRefusedError:
            return _ask_for_code(request, refused=True)
        request.session.pop(_KEPT_AS, None)
        return redirect("family")
    return render(request, "families/join.html", {"form": form, "signed_in": signed_in})


def _speaking(chosen: str) -> HttpResponse:
    """The language of the letter becomes the reader's. The browser keeps the part of the address after the #."""
    answer = redirect("family_join")
    if chosen in dict(settings.LANGUAGES):
        answer.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            chosen,
            max_age=settings.LANGUAGE_COOKIE_AGE,
            secure=settings.LANGUAGE_COOKIE_SECURE,
            httponly=settings.LANGUAGE_COOKIE_HTTPONLY,
            samesite="Lax",
        )
    return answer


def _take_code(request: HttpRequest) -> HttpResponse:
    form = CodeForm(request.POST)
    invitation = families.find_invitation(form.cleaned_data["code"]) if form.is_valid() else None
    if invitation is None:
        request.session.pop(_KEPT_AS, None)
        return _ask_for_code(request, refused=True)
    request.session[_KEPT_AS] = invitation.pk
    return redirect("family_join")


def _ask_for_code(request: HttpRequest, *, refused: bool) -> HttpResponse:
    """The first step. Unknown, used, withdrawn and expired codes get the same answer, and are never shown again."""
    request.session.pop(_KEPT_AS, None)
    form = CodeForm({"code": ""} if refused else None)
    if refused:
        form.errors["code"] = form.error_class(
            [_("This code does not work. It works once, within two weeks: check it, or ask your school for a new one.")]
        )
    return render(request, "families/code.html", {"form": form}, status=410 if refused else 200)


# ---- the account's own students ----


@family
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The students of this account; if there is only one, redirects to that page. Students it no longer sees are
    named."""
    students = list(families.family_students(request.user).order_by("first_name", "last_name", "pk"))
    today, of_account = timezone.localdate(), family_access.of_account(request.user)
    ended = [(member.student, end) for member, end in of_account if end is not None and end <= today]
    if len(students) == 1 and not ended:
        return redirect("family_student", students[0].pk)
    return render(request, "families/home.html", {"students": students, "ended": ended})


def _notice(request: HttpRequest, found: Student) -> dt.date | None:
    """The day the account ends, once it is time to show it."""
    ends = [end for member, end in family_access.of_account(request.user) if member.student_id == found.pk]
    return ends[0] if ends and family_access.ends_soon(ends[0]) else None


def _own(request: HttpRequest, pk: int) -> Student:
    """The student, if it belongs to this account. Raises the same Http404 for other students and for nonexistent
    ones."""
    return get_object_or_404(families.family_students(request.user), pk=pk)


@family
@require_http_methods(["GET", "HEAD", "POST"])
def student(request: HttpRequest, pk: int) -> HttpResponse:
    """Identity, SSID (masked until asked for), EL status, and what other apps show to families (scores)."""
    found = _own(request, pk)
    current = SSID.objects.filter(student=found, retired_at__isnull=True).first()
    shown = request.method == "POST" and "show" in request.POST
    kind = AuditEntry.Kind.SSID if shown else AuditEntry.Kind.PAGE
    log_view(user=request.user, kind=kind, student=found, subject="Family page")
    policy, year = collection.get_policy(), current_school_year()
    el = ELRecord.objects.filter(student=found).first()
    context = {
        "student": found,
        "current": current,
        "shown": shown,
        "reported": ReportedSSID.objects.filter(student=found).first(),
        "may_enter": policy.families_may_enter and (current is None or not current.verified),
        "el": el,
        "el_words": EL_STATUS.get(el.program_status) if el else None,  # type: ignore[call-overload]
        "online": policy.enrolls_online(found.school_id),
        "year": year,
        "enrollment": AnnualEnrollment.objects.filter(student=found, school_year=year).first(),
        "cards": panels.cards(panels.FAMILY, request, found),
        "ends": _notice(request, found),
    }
    return render(request, "families/student.html", context)


@family
@require_http_methods(["GET", "HEAD", "POST"])
def enter_ssid(request: HttpRequest, pk: int) -> HttpResponse:
    """Type the SSID (rule M-7), where the policy allows. It is stored, and the answer does not reveal whether the
    number exists."""
    found = _own(request, pk)
    if not collection.get_policy().families_may_enter:
        messages.error(request, _("Your school enters the SSID itself."))
        return redirect("family_student", found.pk)
    form = NumberForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.report_ssid(student=found, ssid=form.cleaned_data["ssid"], user=request.user)
        except services.SSIDRefusedError:
            form.add_error(
                "ssid", _("That is not a valid SSID: it has ten digits and is not your school's student number.")
            )
        else:
            messages.success(request, _("Thank you. Your school checks the number before using it."))
            return redirect("family_student", found.pk)
    return render(request, "families/enter_ssid.html", {"student": found, "form": form})


@family
@require_http_methods(["GET", "HEAD", "POST"])
def enroll(request: HttpRequest, pk: int) -> HttpResponse:
    """Submit the annual enrollment form. From the policy's day on, the SSID is required as a second check (rule
    M-4)."""
    found = _own(request, pk)
    policy, year = collection.get_policy(), current_school_year()
    form = AnnualEnrollment.objects.filter(student=found, school_year=year).first()
    if not policy.enrolls_online(found.school_id) or (
        form is not None and form.status != AnnualEnrollment.Status.DRAFT
    ):
        return redirect("family_student", found.pk)
    asks = policy.asks_second_check_on(timezone.localdate(), found.school_id)
    number = NumberForm(request.POST if request.method == "POST" and asks else None)
    if request.method == "POST" and (not asks or (number.is_valid() and _passes(request, found, number))):
        collection.submit_enrollment(student=found, school_year=year, user=request.user, online=True)  # type: ignore[arg-type]
        messages.success(request, _("The enrollment form is submitted. Your school will review it next."))
        return redirect("family_student", found.pk)
    return render(request, "families/enroll.html", {"student": found, "year": year, "form": number if asks else None})


def _passes(request: HttpRequest, found: Student, number: NumberForm) -> bool:
    """The same answer for every number that does not match: wrong, unknown, unverified, another student's, or none on
    record."""
    user: Any = request.user
    try:
        if families.pass_second_check(student=found, ssid=number.cleaned_data["ssid"], user=user):
            return True
        number.add_error("ssid", _("We could not confirm this number. Check it, or ask your school."))
    except families.CheckLockedError:
        minutes = int(families.LOCKED_FOR / dt.timedelta(minutes=1))
        number.add_error(
            "ssid", _("Too many tries. Wait %(minutes)s minutes, or ask your school.") % {"minutes": minutes}
        )
    return False
