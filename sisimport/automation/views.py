"""Pages: the user's own mail settings; webhooks, pick-up places and deliveries for import admins."""

from typing import Any, TypeVar

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from sisimport.accounts.access import Capability, requires, signed_in_user
from sisimport.accounts.step_up import ask
from sisimport.automation import file_lists, hooks, set_up_lists
from sisimport.automation.adding import FINGERPRINT, remove_delivery
from sisimport.automation.export_deliveries import OPEN, ask_now
from sisimport.automation.forms import DeliveryForm, MailForm, PlaceForm, WebhookForm
from sisimport.automation.models import ExportDelivery, PickUpPlace, Webhook
from sisimport.automation.set_up_lists import SetUp
from sisimport.web.exports.deliverables import deliverables
from sisimport.web.lists import Listing
from students.access import sees_schools_of, visible_school_ids

_Placed = TypeVar("_Placed", PickUpPlace, ExportDelivery)


@requires(Capability.READ)
@require_http_methods(["GET", "POST"])
def my_mail(request: HttpRequest) -> HttpResponse:
    """What the user is mailed about."""
    form = MailForm(request.POST if request.method == "POST" else None, user=signed_in_user(request))
    if form.is_bound and form.is_valid():
        form.save()
        messages.success(request, "Saved.")
        return redirect("account")
    return render(request, "automation/my_mail.html", {"form": form}, status=422 if form.is_bound else 200)


@requires(Capability.SETTINGS)
@require_http_methods(["GET", "POST"])
def webhooks(request: HttpRequest) -> HttpResponseBase:
    """Webhooks, and a form for another. Its secret is on the page that answers the form, and never again."""
    admin = signed_in_user(request)
    listing = Listing(request, set_up_lists.WEBHOOKS.wanted)
    if listing.is_sent and (answer := listing.answer()):
        return answer
    form = WebhookForm(listing.other_form)
    made = form.make(admin) if form.is_bound and form.is_valid() else None
    if made is not None:
        form = WebhookForm(None)
    context = {"form": form, "made": made, "words": hooks.WORDS}
    found = hooks.webhooks_for(admin)
    return _set_up(listing, set_up_lists.WEBHOOKS, found, "automation/webhooks.html", context)


def _set_up(
    listing: Listing, kind: SetUp, found: QuerySet[Any], template: str, context: dict[str, Any]
) -> HttpResponseBase:
    """The page with the list of set-ups and the form for another, or the export of the list."""
    found = kind.choose(found, listing)
    if listing.exports:
        return listing.export(kind.all_rows(found))
    form = context["form"]
    context |= {"listing": listing, "page": listing.page(found), "states": kind.choices}
    return render(listing.request, template, context, status=422 if form.is_bound and form.errors else 200)


def _find(request: HttpRequest, pk: int) -> Webhook:
    return get_object_or_404(hooks.webhooks_for(signed_in_user(request)), pk=pk)


@requires(Capability.SETTINGS)
@require_http_methods(["GET", "POST"])
def webhook(request: HttpRequest, pk: int) -> HttpResponseBase:
    """One webhook and its deliveries, newest first."""
    hook = _find(request, pk)
    return file_lists.answer(
        request, file_lists.SENT, hook.deliveries.all(), "automation/webhook.html", {"webhook": hook}
    )


@requires(Capability.SETTINGS)
@require_POST
def change_webhook(request: HttpRequest, pk: int) -> HttpResponse:
    """Try, deactivate, activate or remove it."""
    hook = _find(request, pk)
    match request.POST.get("do"):
        case "try":
            hooks.send_trial(hook)
            messages.success(request, "A test delivery was sent. Its answer appears below in a moment.")
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


def _fingerprint(request: HttpRequest) -> str:
    """The new key of a server; blank, with an error message, if it is invalid."""
    fingerprint = request.POST.get("host_key", "").strip()
    if FINGERPRINT.match(fingerprint):
        messages.success(request, "The new key is pinned.")
        return fingerprint
    messages.error(request, "Enter the fingerprint as ssh-keygen -lf shows it: SHA256:…")
    return ""


def _places(request: HttpRequest) -> QuerySet[PickUpPlace]:
    return _within(request, PickUpPlace.objects.select_related("user").order_by("name"))


def _within(request: HttpRequest, places: QuerySet[_Placed]) -> QuerySet[_Placed]:
    """The places whose files an admin may read: only for the admin's schools."""
    if visible_school_ids(request.user) is None:
        return places
    return places.filter(pk__in=[place.pk for place in places if sees_schools_of(request.user, place.user)])


@requires(Capability.SETTINGS)
@require_http_methods(["GET", "POST"])
def pick_up(request: HttpRequest) -> HttpResponseBase:
    """Places, and a form for another."""
    listing = Listing(request, set_up_lists.PLACES.wanted)
    if listing.is_sent and (answer := listing.answer()):
        return answer
    form = PlaceForm(listing.other_form, admin=signed_in_user(request))
    if form.is_bound and form.is_valid() and (place := form.make()):
        messages.success(request, f"{place.name} was added. It is checked for the first time within a minute.")
        return redirect("pick_up_place", pk=place.pk)
    return _set_up(listing, set_up_lists.PLACES, _places(request), "automation/pick_up.html", {"form": form})


@requires(Capability.SETTINGS)
@require_http_methods(["GET", "POST"])
def pick_up_place(request: HttpRequest, pk: int) -> HttpResponseBase:
    """One place: its last look, and what was taken from it."""
    place = get_object_or_404(_places(request), pk=pk)
    return file_lists.answer(request, file_lists.PICKED, place.picked.all(), "automation/place.html", {"place": place})


@requires(Capability.SETTINGS)
@require_POST
def change_pick_up_place(request: HttpRequest, pk: int) -> HttpResponse:
    """Look soon, pause, resume, pin the server's new key, or remove the place. Files already taken stay in their
    runs."""
    place = get_object_or_404(_places(request), pk=pk)
    match request.POST.get("do"):
        case "look":
            PickUpPlace.objects.filter(pk=pk).update(next_look_at=None)
            messages.success(request, "A worker checks within a few seconds.")
        case "pause":
            PickUpPlace.objects.filter(pk=pk).update(active=False)
        case "go on":
            PickUpPlace.objects.filter(pk=pk).update(active=True, next_look_at=None, error="")
        case "pin":
            if fingerprint := _fingerprint(request):
                PickUpPlace.objects.filter(pk=pk).update(host_key=fingerprint, active=True, next_look_at=None, error="")
        case "remove":
            place.delete()
            messages.success(request, "The place was removed. Its files stay where they are.")
            return redirect("pick_up")
        case _:
            messages.error(request, "Choose what to do with the place.")
    return redirect("pick_up_place", pk=pk)


# ---- deliveries ----


def _deliveries(request: HttpRequest) -> QuerySet[ExportDelivery]:
    return _within(request, ExportDelivery.objects.select_related("user").order_by("name"))


@requires(Capability.SETTINGS)
@require_http_methods(["GET", "POST"])
def deliveries(request: HttpRequest) -> HttpResponseBase:
    """Deliveries, and a form for another."""
    listing = Listing(request, set_up_lists.DELIVERIES.wanted)
    if listing.is_sent and (answer := listing.answer()):
        return answer
    if listing.other_form is not None:
        ask(request)  # what it delivers keeps leaving the installation
    form = DeliveryForm(listing.other_form, admin=signed_in_user(request))
    if form.is_bound and form.is_valid() and (made := form.make()):
        messages.success(request, f"{made.name} was added.")
        return redirect("delivery", pk=made.pk)
    context = {"form": form, "offers": deliverables()}
    found = set_up_lists.with_last(_deliveries(request))
    return _set_up(listing, set_up_lists.DELIVERIES, found, "automation/deliveries.html", context)


@requires(Capability.SETTINGS)
@require_http_methods(["GET", "POST"])
def delivery(request: HttpRequest, pk: int) -> HttpResponseBase:
    """One delivery, and its files, newest first."""
    found = get_object_or_404(_deliveries(request), pk=pk)
    offer = deliverables().get(found.what)
    words = {choice.key: choice for choice in offer.choices} if offer else {}
    options = [
        (words[key].label, dict(words[key].values).get(value, value))
        for key, value in found.options.items()
        if key in words
    ]
    ids = visible_school_ids(found.user)
    context = {
        "delivery": found,
        "offer": offer,
        "options": options,
        "schools": None if ids is None else len(ids),
    }
    return file_lists.answer(request, file_lists.DELIVERED, found.files.all(), "automation/delivery.html", context)


@requires(Capability.SETTINGS)
@require_POST
def change_delivery(request: HttpRequest, pk: int) -> HttpResponse:
    """Deliver now, pause, resume, pin the server's new key, or remove it. Delivered files stay where they are."""
    found = get_object_or_404(_deliveries(request), pk=pk)
    chosen = ExportDelivery.objects.filter(pk=pk)
    match request.POST.get("do"):
        case "deliver":
            ask_now(found)
            messages.success(request, "A worker delivers it within a few seconds.")
        case "pause":
            chosen.update(active=False)
        case "go on":
            chosen.update(active=True, error="")
        case "pin":
            if fingerprint := _fingerprint(request):
                chosen.update(host_key=fingerprint, active=True, error="")
                found.files.filter(state__in=OPEN).update(next_try_at=timezone.now())
        case "remove":
            remove_delivery(found)
            messages.success(request, "The delivery was removed. Its files stay where they are.")
            return redirect("deliveries")
        case _:
            messages.error(request, "Choose what to do with the delivery.")
    return redirect("delivery", pk=pk)
