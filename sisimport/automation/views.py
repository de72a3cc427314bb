"""Pages: one's own mail, and webhooks for import admins."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from sisimport.accounts.access import Capability, requires, signed_in_user
from sisimport.automation import hooks
from sisimport.automation.forms import MailForm, WebhookForm
from sisimport.automation.models import Webhook

PER_PAGE = 25


@requires(Capability.READ)
@require_http_methods(["GET", "POST"])
def my_mail(request: HttpRequest) -> HttpResponse:
    """What I am mailed about."""
    form = MailForm(request.POST if request.method == "POST" else None, user=signed_in_user(request))
    if form.is_bound and form.is_valid():
        form.save()
        messages.success(request, "Saved.")
        return redirect("account")
    return render(request, "automation/my_mail.html", {"form": form}, status=422 if form.is_bound else 200)


@requires(Capability.SETTINGS)
@require_http_methods(["GET", "POST"])
def webhooks(request: HttpRequest) -> HttpResponse:
    """Webhooks, and a form for another. Its secret is on the page that answers the form, and never again."""
    admin = signed_in_user(request)
    form = WebhookForm(request.POST if request.method == "POST" else None)
    made = form.make(admin) if form.is_bound and form.is_valid() else None
    if made is not None:
        form = WebhookForm(None)
    context = {"form": form, "made": made, "webhooks": list(hooks.webhooks_for(admin)), "words": hooks.WORDS}
    return render(request, "automation/webhooks.html", context, status=422 if form.is_bound and form.errors else 200)


def _find(request: HttpRequest, pk: int) -> Webhook:
    return get_object_or_404(hooks.webhooks_for(signed_in_user(request)), pk=pk)


@requires(Capability.SETTINGS)
@require_http_methods(["GET"])
def webhook(request: HttpRequest, pk: int) -> HttpResponse:
    """One webhook and its deliveries, newest first."""
    hook = _find(request, pk)
    page = Paginator(hook.deliveries.order_by("-pk"), PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "automation/webhook.html", {"webhook": hook, "page": page})


@requires(Capability.SETTINGS)
@require_POST
def change_webhook(request: HttpRequest, pk: int) -> HttpResponse:
    """Try, deactivate, activate or remove it."""
    hook = _find(request, pk)
    match request.POST.get("do"):
        case "try":
            hooks.send_trial(hook)
            messages.success(request, "A trial is on its way: look at its answer below in a moment.")
        case "deactivate":
            hooks.deactivate(hook)
        case "activate":
            hooks.activate(hook)
        case "remove":
            hook.delete()
            messages.success(request, "The webhook was removed.")
            return redirect("webhooks")
        case _:
            messages.error(request, "Choose what to do with the webhook.")
    return redirect("webhook", pk=pk)
