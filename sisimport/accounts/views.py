"""Mail that was not sent."""

import logging

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from sisimport.accounts.access import Capability, requires
from sisimport.accounts.kept_mail import KEPT_SECONDS, Kept, kept_for, may_read_mail

logger = logging.getLogger(__name__)


def _mails(request: HttpRequest) -> list[Kept]:
    if not may_read_mail(request.user):
        raise PermissionDenied
    return kept_for(request.user)


@requires(Capability.SETTINGS)
@require_GET
def kept_mails(request: HttpRequest) -> HttpResponse:
    """What is kept, newest first."""
    context = {"mails": _mails(request), "sends": bool(settings.EMAIL_URL), "days": KEPT_SECONDS // (24 * 3600)}
    return render(request, "accounts/mails.html", context)


@requires(Capability.SETTINGS)
@require_GET
def kept_mail(request: HttpRequest, number: int) -> HttpResponse:
    """One of them. Who opened it is logged: its link may set somebody's password."""
    mail = next((mail for mail in _mails(request) if mail.number == number), None)
    if mail is None:
        raise Http404
    logger.warning("kept mail %s was opened by user %s", mail.number, request.user.pk)
    return render(request, "accounts/mail.html", {"mail": mail})
