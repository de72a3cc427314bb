"""The mail that tells a family that its account ends soon."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.formats import date_format

from sisimport.accounts.outbox import send_now
from students import family_access
from students.models import FamilyMember


@dataclass(slots=True)
class Notices:
    """How many notices were sent, kept because they could not be sent, and how many accounts have no address."""

    sent: int = 0
    kept: int = 0
    without: int = 0


def notify_families(*, site: str = "") -> Notices:
    """Mail each account whose access ends soon, once for each end. `site`: scheme and host, for the link."""
    today, notices = timezone.localdate(), Notices()
    due: dict[Any, list[FamilyMember]] = defaultdict(list)
    members = list(FamilyMember.objects.filter(user__is_active=True).select_related("user", "student"))
    ends = family_access.ends(members)
    for member in members:
        end = ends[member.pk]
        if family_access.ends_soon(end, today) and member.told_end != end:
            due[member.user, end].append(member)
    for (user, end), of_account in due.items():
        if not user.email:
            notices.without += 1
            continue
        if send_now(_notice(user.email, end, site)):
            notices.sent += 1
        else:
            notices.kept += 1
        FamilyMember.objects.filter(pk__in=[member.pk for member in of_account]).update(told_end=end)
    return notices


def _notice(address: str, end: Any, site: str) -> EmailMessage:
    """In both languages: nobody knows which one the reader has chosen. No student is named."""
    texts = []
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            context = {"day": date_format(end, "DATE_FORMAT"), "link": f"{site}{reverse('family')}" if site else ""}
            texts.append(render_to_string("ssid/family_notice.txt", context).strip())
    with translation.override("en"):
        subject = f"Your account ends on {date_format(end, 'DATE_FORMAT')}"
    return EmailMessage(subject, "\n\n---\n\n".join(texts), to=[address])
