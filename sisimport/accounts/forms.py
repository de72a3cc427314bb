"""Forms for signing in."""

from functools import partial
from typing import Any

from allauth.account.forms import ResetPasswordForm, default_token_generator
from allauth.account.internal.flows.password_reset import request_password_reset
from allauth.account.internal.userkit import filter_users_by_email
from allauth.core import context
from django.http import HttpRequest
from django.utils import translation

from sisimport.accounts.outbox import outbox
from sisimport.accounts.passwords import may_use_password


class AskForPasswordForm(ResetPasswordForm):
    """Gives the same answer in the same time whether an address is known or not: it is looked up afterwards."""

    def clean_email(self) -> str:
        address: str = self.cleaned_data["email"]
        return address.strip()

    def save(self, request: HttpRequest, **_options: Any) -> str:
        address: str = self.cleaned_data["email"]
        outbox.later(partial(_answer, request, address, translation.get_language()))
        return address


def _answer(request: HttpRequest, address: str, language: str | None) -> None:
    """Send the link if an account has this address; otherwise send nothing."""
    users = filter_users_by_email(address.lower(), is_active=True, prefer_verified=True, for_login=True)
    users = [user for user in users if may_use_password(user)]
    with context.request_context(request), translation.override(language):
        request_password_reset(request, address, users, default_token_generator)
