"""Accounts of families, for staff: who has one for a student, and invitations."""

import datetime as dt

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from sisimport.accounts.access import Capability, requires
from sisimport.audit.models import AuditEntry
from ssid.collection.family_letters import link_of, qr_code
from ssid.collection.forms import InviteForm
from students import families, family_access
from students.access import log_view, visible_students
from students.models import FamilyInvitation, FamilyMember, Student


@requires(Capability.EDIT_STUDENTS)
@require_http_methods(["GET", "HEAD", "POST"])
def family_accounts(request: HttpRequest, pk: int) -> HttpResponse:
    """Accounts that see a student. An invitation's code is shown once, here, to hand to the family."""
    student = get_object_or_404(visible_students(request.user).select_related("school"), pk=pk)
    form = InviteForm(request.POST if "invite" in request.POST else None)
    letter = None
    if request.method == "POST":
        if "invite" in request.POST:
            letter = _invite(request, student, form)
        else:
            _withdraw(request, student)
            return redirect("family_accounts", student.pk)
    else:
        log_view(user=request.user, kind=AuditEntry.Kind.PAGE, student=student, subject="Family accounts")
    context = {
        "student": student,
        "form": form,
        "letter": letter,
        "members": _members(student),
        "invitations": FamilyInvitation.objects.filter(
            students=student, used_at__isnull=True, withdrawn_at__isnull=True, expires_at__gt=timezone.now()
        ),
    }
    return render(request, "ssid/family_accounts.html", context)


def _members(student: Student) -> list[tuple[FamilyMember, dt.date | None, bool]]:
    """Each with the day its account ends, and whether it has."""
    members = list(FamilyMember.objects.filter(student=student).select_related("user", "student"))
    ends, today = family_access.ends(members), timezone.localdate()
    return [(one, end, end is not None and end <= today) for one in members for end in [ends[one.pk]]]


def _invite(request: HttpRequest, student: Student, form: InviteForm) -> dict[str, object] | None:
    if not form.is_valid():
        return None
    numbers = {number.strip() for number in form.cleaned_data["others"].split(",") if number.strip()}
    others = list(visible_students(request.user).filter(lea=student.lea_id, local_number__in=numbers))
    if len(others) < len(numbers):
        form.add_error("others", "Not every number belongs to one of your students. Check the numbers.")
        return None
    students = [student, *(other for other in others if other.pk != student.pk)]
    invitation, code = families.invite_family(students=students, user=request.user)  # type: ignore[arg-type]
    language = form.cleaned_data["language"]
    address = request.build_absolute_uri(reverse("family_join"))
    return {
        "address": address,
        "link": link_of(address, language, code),
        "qr": qr_code(link_of(address, language, code)),
        "code": code,
        "language": language,
        "expires_at": invitation.expires_at,
        "students": students,
    }


def _withdraw(request: HttpRequest, student: Student) -> None:
    """Withdraw an invitation or remove an account from the student. Raises Http404 for those of other students."""
    number = request.POST.get("withdraw") or request.POST.get("remove") or ""
    if not number.isdigit():
        raise Http404
    if "withdraw" in request.POST:
        invitation = get_object_or_404(FamilyInvitation, pk=int(number), students=student)
        families.withdraw_invitation(invitation=invitation)
        messages.success(request, "The invitation is withdrawn.")
    else:
        get_object_or_404(FamilyMember, pk=int(number), student=student).delete()
        messages.success(request, "The account can no longer see this student.")
