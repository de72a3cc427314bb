"""The mail that notifies a family that its account ends soon."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.formats import date_format

from sisimport.accounts.addresses import site_address
from sisimport.accounts.outbox import send_now
from students import family_access
from students.models import FamilyMember

_MARK_SECONDS = 2 * 86_400


@dataclass(slots=True)
class Notices:
    """How many notices were sent, how many were kept because they could not be sent, and how many accounts have no
    address."""

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
        # Recorded first: two processes doing this at the same time notify a family once. A mail that cannot be sent is
        # kept, not lost.
        mine = FamilyMember.objects.filter(pk__in=[member.pk for member in of_account]).exclude(told_end=end)
        if not mine.update(told_end=end):
            continue
        if send_now(_notice(user.email, end, site)):
            notices.sent += 1
        else:
            notices.kept += 1
    return notices


def notify_once_a_day() -> Notices | None:
    """A daily job of the workers: the first one on a day notifies all families; None for the others.

    An interrupted job continues the next time: each notified account is recorded.
    """
    mark = f"family-notices-{timezone.localdate():%Y-%m-%d}"
    if not cache.add(mark, True, _MARK_SECONDS):
        return None
    try:
        return notify_families(site=site_address())
    except BaseException:
        cache.delete(mark)
        raise


def _notice(address: str, end: Any, site: str) -> EmailMultiAlternatives:
    """In both languages, since the reader's choice is not known. No student is named."""
    texts, subjects = [], []
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            day = date_format(end, "DATE_FORMAT")
            context = {"day": day, "link": f"{site}{reverse('family')}" if site else ""}
            text = render_to_string("ssid/family_notice.txt", context).strip()
            texts.append({"language": language, "text": text})
            subjects.append(translation.gettext("Your account ends on %(day)s") % {"day": day})
    subject = " / ".join(subjects)
    mail = EmailMultiAlternatives(subject, "\n\n---\n\n".join(one["text"] for one in texts), to=[address])
    page = render_to_string("ssid/family_notice.html", {"subject": subject, "texts": texts})
    mail.attach_alternative(page, "text/html")
    return mail
