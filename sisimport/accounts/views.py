"""Signing out, emergency sign-in, and data kept by the directory."""

import logging
from typing import Any

from allauth.account import views as allauth_views
from allauth.account.internal.flows.login import record_authentication
from allauth.account.utils import perform_login
from allauth.account.views import LogoutView
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods

from sisimport.accounts import emergency
from sisimport.accounts.access import public, signed_in
from sisimport.accounts.passwords import may_use_password
from sisimport.accounts.sso import views as sso
from students.families import is_family

logger = logging.getLogger(__name__)


class SignOut(LogoutView):
    """Signs out here and, after single sign-on, also at the provider."""

    def post(self, *_args: Any, **_kwargs: Any) -> HttpResponse:
        address, end = self.get_redirect_url(), sso.end_address(self.request)
        self.logout()
        if end is None:
            answer: HttpResponse = redirect(address)
        else:
            provider, there = end
            answer = sso.leave(self.request, there, provider, signed_out=True)
        # Not "cookies": that would end sessions of all other sites under the district's domain. Ours has already been removed.
        answer["Clear-Site-Data"] = '"cache", "storage"'
        return answer


sign_out = public(SignOut.as_view())


@public
@never_cache
@sensitive_post_parameters("code")
@require_http_methods(["GET", "POST"])
def emergency_sign_in(request: HttpRequest) -> HttpResponseBase:
    """Accepts the code that a command made on the server; a second factor is requested as always."""
    person = emergency.person_of(request.POST.get("code", "")) if request.method == "POST" else None
    if person is not None:
        logger.warning("emergency sign-in: the link of user %s was opened", person.pk)
        record_authentication(request, person, "emergency")
        answer: HttpResponseBase = perform_login(request, person, redirect_url=reverse("home"))
        return answer
    context = {"refused": request.method == "POST", "minutes": emergency.MINUTES}
    return render(request, "account/emergency.html", context, status=422 if context["refused"] else 200)


@signed_in
@require_GET
def stay_signed_in(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """Called from the warning before a session ends: the request itself keeps the session alive."""
    return HttpResponse(status=204)


@signed_in
def own_address(request: HttpRequest) -> HttpResponseBase:
    """The e-mail address. With single sign-on, the directory assigns it: staff cannot change it."""
    if settings.SSO_PROVIDERS and not is_family(request.user):
        why = "Your district's directory identifies you by this address. The person who manages the directory can change it."
        return render(request, "account/kept_by_directory.html", {"what": "E-mail address", "why": why}, status=403)
    answer: HttpResponseBase = allauth_views.email(request)
    return answer


@signed_in
@sensitive_post_parameters()
def own_password(request: HttpRequest) -> HttpResponseBase:
    """The password, for users who sign in with one."""
    if not may_use_password(request.user):
        why = "Staff sign in through the district's directory here, without a password of this site."
        return render(request, "account/kept_by_directory.html", {"what": "Password", "why": why}, status=403)
    if request.resolver_match and request.resolver_match.url_name == "account_set_password":
        answer: HttpResponseBase = allauth_views.password_set(request)
    else:
        answer = allauth_views.password_change(request)
    return answer
