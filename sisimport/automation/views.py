"""Pages: one's own mail; webhooks and pick-up places for import admins."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from sisimport.accounts.access import Capability, requires, signed_in_user
from sisimport.automation import hooks
from sisimport.automation.adding import FINGERPRINT
from sisimport.automation.forms import MailForm, PlaceForm, WebhookForm
from sisimport.automation.models import PickUpPlace, Webhook
from students.access import visible_school_ids

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


# ---- pick-up ----


def _places(request: HttpRequest) -> QuerySet[PickUpPlace]:
    """Places whose files an admin may read: those of all schools, or of no other than the admin's."""
    places = PickUpPlace.objects.select_related("user").order_by("name")
    ids = visible_school_ids(request.user)
    if ids is None:
        return places
    own = [place.pk for place in places if (theirs := visible_school_ids(place.user)) is not None and theirs <= ids]
    return places.filter(pk__in=own)


@requires(Capability.SETTINGS)
@require_http_methods(["GET", "POST"])
def pick_up(request: HttpRequest) -> HttpResponse:
    """Places, and a form for another."""
    form = PlaceForm(request.POST if request.method == "POST" else None, admin=signed_in_user(request))
    if form.is_bound and form.is_valid() and (place := form.make()):
        messages.success(request, f"{place.name} was added. The first look is made within a minute.")
        return redirect("pick_up_place", pk=place.pk)
    context = {"form": form, "places": _places(request)}
    return render(request, "automation/pick_up.html", context, status=422 if form.is_bound else 200)


@requires(Capability.SETTINGS)
@require_http_methods(["GET"])
def pick_up_place(request: HttpRequest, pk: int) -> HttpResponse:
    """One place: its last look, and what was taken from it."""
    place = get_object_or_404(_places(request), pk=pk)
    page = Paginator(place.picked.select_related("test", "update"), PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "automation/place.html", {"place": place, "page": page})


@requires(Capability.SETTINGS)
@require_POST
def change_pick_up_place(request: HttpRequest, pk: int) -> HttpResponse:
    """Look soon, pause, go on, pin the server's new key, or remove the place. What was taken stays in its runs."""
    place = get_object_or_404(_places(request), pk=pk)
    match request.POST.get("do"):
        case "look":
            PickUpPlace.objects.filter(pk=pk).update(next_look_at=None)
            messages.success(request, "A worker looks within a few seconds.")
        case "pause":
            PickUpPlace.objects.filter(pk=pk).update(active=False)
        case "go on":
            PickUpPlace.objects.filter(pk=pk).update(active=True, next_look_at=None, error="")
        case "pin":
            fingerprint = request.POST.get("host_key", "").strip()
            if FINGERPRINT.match(fingerprint):
                PickUpPlace.objects.filter(pk=pk).update(host_key=fingerprint, active=True, next_look_at=None, error="")
                messages.success(request, "The new key is pinned.")
            else:
                messages.error(request, "Write the fingerprint as ssh-keygen -lf shows it: SHA256:…")
        case "remove":
            place.delete()
            messages.success(request, "The place was removed. Its files stay where they are.")
            return redirect("pick_up")
        case _:
            messages.error(request, "Choose what to do with the place.")
    return redirect("pick_up_place", pk=pk)
