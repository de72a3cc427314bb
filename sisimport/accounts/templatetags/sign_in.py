"""Template tags for the sign-in page."""

from django import template
from django.conf import settings
from django.http import HttpRequest

from sisimport.accounts.sessions import why_ended
from sisimport.accounts.sso.configuration import Provider

register = template.Library()


@register.simple_tag
def single_sign_on() -> tuple[Provider, ...]:
    """The providers of single sign-on, in the order of their buttons."""
    providers: tuple[Provider, ...] = settings.SSO_PROVIDERS
    return providers


@register.simple_tag
def why_signed_out(request: HttpRequest) -> str:
    """`idle` or `age` when the session ended automatically; reported once."""
    return why_ended(request)


@register.simple_tag
def staff_passwords() -> bool:
    """Whether staff may also sign in with a password (STAFF_PASSWORDS)."""
    return bool(settings.STAFF_PASSWORDS)
