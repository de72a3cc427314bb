"""The mails about runs: counts and a link only, as text and as HTML."""

import smtplib

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from sisimport.accounts.kept_mail import keep
from sisimport.automation.models import Delivery
from sisimport.automation.telling import Subject, wishes_of
from sisimport.imports.definition.registry import UnknownImportTypeError, get_type

_TITLES = {
    Subject.ENDED: "Run {run} has ended",
    Subject.HELD: "Run {run} is held: please decide",
    Subject.DECIDE: "Run {run}: lines to decide on",
    Subject.ENDING: "The API token {name} expires soon",
    Subject.PICK_UP: "Pick-up {name} needs attention",
    Subject.DELIVERY: "Delivery {name} needs attention",
}


class NotSentError(Exception):
    """The mail server did not accept it; the text is only the kind of error."""


def send(delivery: Delivery) -> str:
    """Send one. Without a mail server it is kept for an administrator (see KeptMail). Raises NotSentError."""
    user = delivery.user
    if user is None or not user.is_active or not user.email or delivery.subject not in wishes_of(user):
        return "no longer wanted"
    try:
        mail_of(delivery).send()
    except (OSError, smtplib.SMTPException) as error:
        raise NotSentError(type(error).__name__) from error
    return "sent" if settings.EMAIL_URL else "kept"


def keep_unsent(delivery: Delivery) -> None:
    """Keep a mail that no mail server accepted for an administrator."""
    keep(mail_of(delivery).message().as_bytes())


def mail_of(delivery: Delivery) -> EmailMultiAlternatives:
    assert delivery.user is not None  # noqa: S101 - a database constraint says so
    subject = Subject(delivery.subject)
    context = {
        "site_name": settings.SITE_NAME,
        "person": delivery.user,
        "subject": str(subject),
        "about": delivery.payload,
        "type_name": _type_name(delivery.payload.get("type", "")),
    }
    title = _TITLES[subject].format(**{"run": "", "name": ""} | delivery.payload)
    text = render_to_string("automation/mail.txt", context).strip() + "\n"
    mail = EmailMultiAlternatives(f"{settings.SITE_NAME}: {title}", text, to=[delivery.user.email])
    mail.attach_alternative(render_to_string("automation/mail.html", context | {"title": title}), "text/html")
    return mail


def _type_name(key: str) -> str:
    try:
        return get_type(key).screen.label
    except UnknownImportTypeError:
        return key
