"""The invitation mail. Its link has the code after the #: browsers never send that part, so it appears in no log."""

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string

from sisimport.accounts.outbox import outbox
from sisimport.accounts.people import Invited


def link_of(invited: Invited, address: str) -> str:
    """The link. `address`: URL of the page that accepts the code, with scheme and host."""
    return f"{address}#{invited.code}"


def send_invitation(invited: Invited, address: str) -> None:
    """Mail it soon; without a mail server it is kept for an administrator. Never raises."""
    outbox.post(invitation_mail(invited, address))


def invitation_mail(invited: Invited, address: str) -> EmailMessage:
    person = invited.invitation.user
    context = {
        "site_name": settings.SITE_NAME,
        "person": person,
        "by_password": settings.STAFF_PASSWORDS,
        "address": address,
        "link": link_of(invited, address),
        "code": invited.code,
        "expires_at": invited.invitation.expires_at,
    }
    text = render_to_string("people/invitation.txt", context)
    return EmailMessage(f"Your account for {settings.SITE_NAME}", text, to=[person.email])
