"""Template tags about mail for the sign-in pages."""

from django import template
from django.conf import settings

register = template.Library()


@register.simple_tag
def mail_is_sent() -> bool:
    """Whether this installation sends mail (EMAIL_URL); otherwise it keeps mail for an administrator."""
    return bool(settings.EMAIL_URL)


@register.simple_tag
def help_contact() -> str:
    """Contact for people who cannot sign in (HELP_CONTACT); empty if not set."""
    contact: str = settings.HELP_CONTACT
    return contact
