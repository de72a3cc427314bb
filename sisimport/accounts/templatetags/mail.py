"""What pages of the way in say about mail."""

from django import template
from django.conf import settings

register = template.Library()


@register.simple_tag
def mail_is_sent() -> bool:
    """Whether this installation sends mail (EMAIL_URL); without, it keeps it for an administrator."""
    return bool(settings.EMAIL_URL)


@register.simple_tag
def help_contact() -> str:
    """Whom people ask who cannot sign in (HELP_CONTACT); empty when nobody is named."""
    contact: str = settings.HELP_CONTACT
    return contact
