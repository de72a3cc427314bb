"""Our settings of allauth's accounts: no self-registration, sign-in attempts are counted by us, mail goes through the outbox."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context as current
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from sisimport.accounts import limits, recording
from sisimport.accounts.addresses import UNKNOWN, client_address
from sisimport.accounts.outbox import outbox
from sisimport.accounts.passwords import may_use_password

NO_ADDRESS = "::"
ALLAUTHS_STAGE, OWN_STAGE = "allauth.mfa.stages.AuthenticateStage", "sisimport.accounts.second_factor.AskForFactor"


class AccountAdapter(DefaultAccountAdapter):
    """Accounts are made by administrators (and, for families, by invitation)."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """A client address, which the list of sessions requires, even if there is none (a socket)."""
        address = client_address(request)
        return NO_ADDRESS if address == UNKNOWN else address

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Replaces allauth's limit, which counts a name from all addresses together, so that a stranger could lock anyone out."""
        name = credentials.get("username") or credentials.get("email") or ""
        self.tried = limits.begin_try(name, client_address(request))
        if self.tried is None:
            recording.refuse(request, name, "too many tries")
            raise self.validation_error("too_many_login_attempts")

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Any:
        user = super().authenticate(request, **credentials)
        if user is not None and not (user.is_active and may_use_password(user)):
            return None  # as if it were wrong, so as not to reveal which accounts exist
        if user is not None and self.tried is not None:
            limits.right_password(self.tried)
        return user

    def get_login_stages(self) -> list[str]:
        """Leave out allauth's stage: our own asks for the second factor."""
        return [OWN_STAGE if stage == ALLAUTHS_STAGE else stage for stage in super().get_login_stages()]

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """Ways to prove one's identity again: without passwords that may not be used, with the provider the user came from."""
        found: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        if user.is_authenticated and not may_use_password(user):
            found = [one for one in found if one["id"] != "reauthenticate"]
        keys = set(SocialAccount.objects.filter(user_id=user.pk).values_list("provider", flat=True))
        for setup in settings.SSO_PROVIDERS:
            if setup.key in keys:
                name = _("Sign in with %(name)s") % {"name": setup.name}
                found.append(
                    {"id": f"sso:{setup.key}", "description": name, "url": reverse("sso_again", args=[setup.key])}
                )
        return found

    def post_login(self, request: HttpRequest, user: Any, **details: Any) -> Any:
        answer = super().post_login(request, user, **details)
        if login := (details.get("signal_kwargs") or {}).get("sociallogin"):
            request.session["sso"] = {
                "provider": login.account.provider,
                "id_token": login.state.get("id_token", ""),  # sent to the provider when signing out there
                "second_factor": bool(login.state.get("second_factor")),
            }
        return answer

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send allauth's mail outside the request: no page fails because a mail server does."""
        defaults = {"request": current.request, "email": email, "site_name": settings.SITE_NAME}
        outbox.post(self.render_mail(template_prefix, email, defaults | context))
