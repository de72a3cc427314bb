"""What the sign-in page offers."""

from django import template
from django.conf import settings

from sisimport.accounts.sso.configuration import Provider

register = template.Library()


@register.simple_tag
def single_sign_on() -> tuple[Provider, ...]:
    """The providers of single sign-on, in the order of their buttons."""
    providers: tuple[Provider, ...] = settings.SSO_PROVIDERS
    return providers


@register.simple_tag
def staff_passwords() -> bool:
    """Whether staff sign in with a password too (STAFF_PASSWORDS)."""
    return bool(settings.STAFF_PASSWORDS)
