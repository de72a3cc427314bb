"""Mail that was not sent, for import admins: recipients, subjects, and the text of each."""

import logging
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_http_methods

from sisimport.accounts.access import Capability, requires
from sisimport.accounts.kept_mail import Kept, kept_for, may_read_mail
from sisimport.web.lists import Column, List, Listing
from sisimport.web.moments import day_text, local_day, moment_text

logger = logging.getLogger(__name__)
MAILS = List(
    key="kept-mails",
    columns=(
        Column(name="to", label="To", order=("to",), then=("subject",)),
        Column(name="about", label="About", order=("subject",), then=("to",)),
        Column(name="when", label="When", order=("number",)),
    ),
    start="-when",
    filters=("day",),
    file_name="unsent-mail",
)


def _mails(request: HttpRequest) -> list[Kept]:
    if not may_read_mail(request.user):
        raise PermissionDenied
    return kept_for(request.user)


def _chosen(mails: Sequence[Kept], listing: Listing) -> list[Kept]:
    """Mails of the chosen day whose address or subject matches the typed text, sorted."""
    day, text = listing.chosen.get("day", ""), listing.text.casefold()
    if day:
        mails = [mail for mail in mails if local_day(mail.at).isoformat() == day]
    return listing.sorted(mail for mail in mails if text in " ".join((*mail.to, mail.subject)).casefold())


def _row(mail: Kept) -> tuple[Any, ...]:
    return ", ".join(mail.to), mail.subject, moment_text(mail.at)


@requires(Capability.SETTINGS)
@require_http_methods(["GET", "HEAD", "POST"])
def kept_mails(request: HttpRequest) -> HttpResponseBase:
    """Unsent mails, newest first."""
    mails = _mails(request)
    listing = Listing(request, MAILS)
    if answer := listing.answer():
        return answer
    found = _chosen(mails, listing)
    if listing.exports:
        return listing.export(map(_row, found))
    days = {local_day(mail.at) for mail in mails}
    context = {
        "listing": listing,
        "page": listing.page(found),
        "days": [(day.isoformat(), day_text(day)) for day in sorted(days, reverse=True)],
        "sends": bool(settings.EMAIL_URL),
        "kept_days": settings.KEEP_MAILS_DAYS,
    }
    return render(request, "accounts/mails.html", context)


@requires(Capability.SETTINGS)
@require_GET
def kept_mail(request: HttpRequest, number: int) -> HttpResponse:
    """One mail. Opening it is logged, because its link may set a person's password."""
    mail = next((mail for mail in _mails(request) if mail.number == number), None)
    if mail is None:
        raise Http404
    logger.warning("kept mail %s was opened by user %s", mail.number, request.user.pk)
    return render(request, "accounts/mail.html", {"mail": mail})
