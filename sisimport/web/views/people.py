"""People who sign in, for import admins: invite, change, block. Invited people choose their password here."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import get_user_model, login
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.formats import date_format
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from sisimport.accounts import people, staff_ends
from sisimport.accounts.access import GROUPS, Capability, public, requires
from sisimport.accounts.giving import may_manage
from sisimport.accounts.invitation_mail import link_of, send_invitation
from sisimport.accounts.kept_mail import may_read_mail
from sisimport.accounts.people import Invited, PeopleError
from sisimport.accounts.step_up import ask
from sisimport.web.lists import Column, List, Listing
from sisimport.web.moments import moment_text
from sisimport.web.people_forms import LETTER, AccessForm, CodeForm, InviteForm, PasswordForm
from students.granting import MORE_THAN_YOURS, OWN

_KEPT_AS = "staff_invitation"
BACKEND = "django.contrib.auth.backends.ModelBackend"
HEAD = ("Name", "User name", "Roles", "Schools", "Last sign-in", "State")
PEOPLE = List(
    key="people",
    columns=(
        Column(name="person", label="Person", order=("username",)),
        Column(name="roles", label="Roles and schools"),
        Column(name="seen", label="Last sign-in", order=("last_login",)),
    ),
    start="person",
    filters=("role",),
    file_name="people",
)


@requires(Capability.SETTINGS)
@require_http_methods(["GET", "POST"])
def people_list(request: HttpRequest) -> HttpResponseBase:
    """Everyone whose account covers the viewer's schools, and the form to invite another person."""
    listing = Listing(request, PEOPLE)
    if request.method == "POST" and "renew" in request.POST:
        return _renew_all(request)
    inviting = request.method == "POST" and "invite" in request.POST
    if not inviting and (answer := listing.answer()):
        return answer
    if inviting:
        ask(request)
    form = InviteForm(request.user, request.POST if inviting else None)
    made = _invite(request, form) if inviting and form.is_valid() else None
    if isinstance(made, HttpResponse):
        return made
    found = listing.order(_found(request, listing))
    if listing.exports:
        return listing.export(map(_row, found), HEAD)
    page = listing.page(found)
    for person in page.object_list:
        _describe(person)
    context = {"listing": listing, "page": page, "form": form, "roles": _role_choices(), "made": made}
    context["to_renew"] = len(staff_ends.to_renew(request.user))
    return render(request, "people/people.html", context, status=422 if inviting and not made else 200)


def _renew_all(request: HttpRequest) -> HttpResponse:
    """Renew the accounts that end soon, or ended this year, among those the viewer manages."""
    ask(request)
    renewed = staff_ends.renew(staff_ends.to_renew(request.user))
    messages.success(request, f"Renewed: {renewed} {'account' if renewed == 1 else 'accounts'}.")
    return redirect("people")


def _found(request: HttpRequest, listing: Listing) -> QuerySet[Any]:
    found = people.people_seen_by(request.user).select_related("access", "directory_access")
    found = found.prefetch_related("groups", "access__schools", "invitations", "socialaccount_set")
    if listing.text:
        words = listing.text
        found = found.filter(
            Q(username__icontains=words) | Q(first_name__icontains=words) | Q(last_name__icontains=words)
        )
    if role := listing.chosen.get("role"):
        # The role as written in the address: with an underscore for its space.
        group = get_user_model().groups.through.objects.filter(
            user_id=OuterRef("pk"), group__name=role.replace("_", " ")
        )
        found = found.filter(Exists(group))
    return found


def _role_choices() -> list[dict[str, str]]:
    """The filter's choices: fixed words that may be in an address."""
    return [{"key": role.replace(" ", "_"), "label": role} for role in GROUPS]


def _row(person: Any) -> tuple[Any, ...]:
    """A line of the export."""
    _describe(person)
    schools = "all schools" if person.all_schools else ", ".join(person.schools)
    seen = moment_text(person.last_login) if person.last_login else "never"
    return person.get_full_name(), person.get_username(), ", ".join(person.roles), schools, seen, person.state[1]


def _describe(person: Any) -> None:
    """Roles, schools and state of an account whose groups, schools and invitations are loaded, in words."""
    person.roles = [group.name for group in person.groups.all() if group.name in GROUPS]
    if person.is_superuser:
        person.roles = ["superuser"]
    access = getattr(person, "access", None)
    person.all_schools = person.is_superuser or bool(access and access.all_schools)
    person.schools = [] if access is None else [school.name or school.code for school in access.schools.all()]
    newest = next(iter(person.invitations.all()), None)
    person.newest = newest
    if person.is_active:
        signs_in = person.has_usable_password() or person.socialaccount_set.all()
        person.state = ("ok", "may sign in") if signs_in else ("", "a program")
    elif newest and newest.is_open:
        person.state = ("info", "invited")
    elif newest and newest.used_at is None and newest.withdrawn_at is None:
        person.state = ("warn", "invitation expired")
    elif access is not None and access.ended_on:
        person.state = ("warn", f"ended on {date_format(access.ended_on)}")
    else:
        person.state = ("", "deactivated")


def _invite(request: HttpRequest, form: InviteForm) -> HttpResponse | dict[str, Any] | None:
    """A redirect, or what to show once, or None if it could not be done."""
    sent, given = form.cleaned_data, form.given()
    try:
        invited = people.invite(email=sent["email"], name=sent["name"], giver=request.user, **given)
    except PeopleError as error:
        form.add_error(error.field if error.field in form.fields else None, str(error))
        return None
    return _hand_over(request, invited, by_mail=sent["send"] == LETTER) or redirect("people")


def _hand_over(request: HttpRequest, invited: Invited, *, by_mail: bool) -> dict[str, Any] | None:
    """Mail the invitation, or return what the page shows of it, once."""
    address, person = request.build_absolute_uri(reverse("staff_join")), invited.invitation.user
    if not by_mail:
        return {"invited": invited, "link": link_of(invited, address), "person": person}
    send_invitation(invited, address)
    if settings.EMAIL_URL:
        messages.success(request, f"The invitation is on its way to {person.email}.")
    else:
        where = "under Mail" if may_read_mail(request.user) else "for an import admin of all schools, under Mail"
        messages.warning(
            request,
            f"There is no mail server: the invitation of {person.email} is kept {where}. Hand it over from there.",
        )
    return None


@requires(Capability.SETTINGS)
@require_http_methods(["GET", "POST"])
def person(request: HttpRequest, pk: int) -> HttpResponseBase:
    """One account: roles and schools, and what can be done with it."""
    seen = (
        people.people_seen_by(request.user)
        .select_related("directory_access")
        .prefetch_related("groups", "access__schools", "invitations", "socialaccount_set")
    )
    found: Any = get_object_or_404(seen, pk=pk)
    if request.method == "POST":
        ask(request)
    _describe(found)
    changes = request.method == "POST" and "save" in request.POST
    form = AccessForm(request.user, request.POST if changes else None, initial=_access_of(found))
    made = None
    if request.method == "POST":
        try:
            if not changes:
                made = _act(request, found)
            elif form.is_valid():
                people.change_person(person=found, giver=request.user, **form.given())
                messages.success(request, "Saved. A person whose roles or schools changed must sign in again.")
        except PeopleError as error:
            if not changes:
                messages.error(request, str(error))
            else:
                form.add_error(error.field if error.field in form.fields else None, str(error))
        if not form.errors and made is None:
            return redirect("person", pk)
    context = {
        "person": found,
        "form": form,
        "made": made,
        "manages": may_manage(request.user, found),
        "why_not": OWN if found.pk == request.user.pk else MORE_THAN_YOURS,
        "directory": getattr(found, "directory_access", None),
        "tied": list(found.socialaccount_set.all()),
        "waits": people.waits_for_invitation(found),
        "ends": staff_ends.end_of(found) if found.is_active else None,
    }
    return render(request, "people/person.html", context, status=422 if form.errors else 200)


def _access_of(found: Any) -> dict[str, Any]:
    access = getattr(found, "access", None)
    schools = [str(school.pk) for school in access.schools.all()] if access else []
    return {"roles": found.roles, "schools": schools, "all_schools": bool(access and access.all_schools)}


def _act(request: HttpRequest, found: Any) -> dict[str, Any] | None:
    """Do what a button says. Returns what is to be shown once, if anything. Raises PeopleError, Http404."""
    if "sign_out" in request.POST:
        ended = people.sign_out_everywhere(person=found, giver=request.user)
        messages.success(request, f"Signed out everywhere: {ended} {'session' if ended == 1 else 'sessions'} ended.")
    elif "deactivate" in request.POST:
        people.deactivate(person=found, giver=request.user)
        messages.success(request, "This person can no longer sign in. What they did stays on record.")
    elif "activate" in request.POST:
        invited = people.reactivate(person=found, giver=request.user)
        if invited:
            return _hand_over(request, invited, by_mail=True)
        messages.success(request, "This person can sign in again, with the same password.")
    elif "renew" in request.POST:
        staff_ends.renew_one(person=found, giver=request.user)
        messages.success(request, "Renewed.")
    elif "untie" in request.POST:
        people.untie(person=found, giver=request.user)
        messages.success(request, "Unlinked. The next person with this address in the directory gets this account.")
    elif "resend" in request.POST or "link" in request.POST:
        invited = people.invite_again(person=found, giver=request.user)
        return _hand_over(request, invited, by_mail="resend" in request.POST)
    else:
        raise Http404
    return None


# ---- for invited people ----


@public
@sensitive_post_parameters("password", "code")
@require_http_methods(["GET", "HEAD", "POST"])
def staff_join(request: HttpRequest) -> HttpResponseBase:
    """First the code, which is only sent in a form; then the session identifies the invitation, and the password is
    set."""
    if not settings.STAFF_PASSWORDS:
        messages.info(request, "Your account is ready: sign in through your district.")
        return redirect("account_login")
    if "code" in request.POST:
        return _take_code(request)
    invitation = people.open_invitation(request.session.get(_KEPT_AS))
    if invitation is None:
        return _ask_for_code(request, refused=_KEPT_AS in request.session)
    form = PasswordForm(invitation.user, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            user = people.accept(invitation=invitation, password=form.cleaned_data["password"])
        except people.InvitationRefusedError:
            return _ask_for_code(request, refused=True)
        request.session.pop(_KEPT_AS, None)
        login(request, user, backend=BACKEND)
        return redirect("home")
    context = {"form": form, "invited": invitation.user}
    return render(request, "people/join.html", context, status=422 if form.errors else 200)


def _take_code(request: HttpRequest) -> HttpResponseBase:
    form = CodeForm(request.POST)
    invitation = people.find_invitation(form.cleaned_data["code"]) if form.is_valid() else None
    if invitation is None:
        return _ask_for_code(request, refused=True)
    request.session[_KEPT_AS] = invitation.pk
    return redirect("staff_join")


def _ask_for_code(request: HttpRequest, *, refused: bool) -> HttpResponseBase:
    """Unknown, used, withdrawn and expired codes get the same answer, and are never shown again."""
    request.session.pop(_KEPT_AS, None)
    form = CodeForm({"code": ""} if refused else None)
    if refused:
        form.errors["code"] = form.error_class(
            ["This code does not work. It works once, within a few days: ask the person who invited you for a new one."]
        )
    return render(request, "people/code.html", {"form": form}, status=410 if refused else 200)
