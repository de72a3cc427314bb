"""What was set up (tokens, webhooks, places, deliveries) is a list as every other, beside the form that adds one."""

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from sisimport.accounts.models import SavedFilter
from sisimport.api.models import ApiToken
from sisimport.api.tokens import make_token
from sisimport.automation.models import DeliveredExport, ExportDelivery, PickUpPlace, Webhook
from sisimport.automation.set_up_lists import TOKENS, token_state
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client: Client) -> Any:
    user = UserFactory(import_admin=True)
    client.force_login(user)
    return user


def tokens(admin: Any, name: str, *, stopped: bool) -> None:
    token = make_token(name=name, scopes=["runs:read"], schools=None).token
    if stopped:
        ApiToken.objects.filter(pk=token.pk).update(revoked_at=timezone.now())


def webhooks(admin: Any, name: str, *, stopped: bool) -> None:
    ended = timezone.now() if stopped else None
    address = f"https://{name.lower()}.example.org/"
    Webhook.objects.create(name=name, url=address, events=["run.ended"], user=admin, deactivated_at=ended)


def pick_up(admin: Any, name: str, *, stopped: bool) -> None:
    PickUpPlace.objects.create(name=name, path=f"/in/{name}", user=admin, active=not stopped)


def deliveries(admin: Any, name: str, *, stopped: bool) -> None:
    now = timezone.now()
    made = ExportDelivery.objects.create(
        name=name, path="/out", what="scores", file_name="x.csv", user=admin, first_at=now, active=not stopped,
        delivered_until=now,
    )  # fmt: skip
    for days in (1, 2):
        done = now - dt.timedelta(days=days)
        DeliveredExport.objects.create(
            delivery=made, file_name="x.csv", due_at=done, next_try_at=done, done_at=done, state="done"
        )


# Address -> what makes one, the state of one that is paused, the name of the export.
LISTS = {
    "api_tokens": (tokens, "revoked", "api-tokens.csv"),
    "webhooks": (webhooks, "deactivated", "webhooks.csv"),
    "pick_up": (pick_up, "paused", "pick-up-places.csv"),
    "deliveries": (deliveries, "paused", "deliveries.csv"),
}
NAMES = ("Cedar", "Alder", "Birch")


def _filled(admin: Any, address: str) -> tuple[str, str, str]:
    make, stopped, file_name = LISTS[address]
    for name in NAMES:
        make(admin, name, stopped=name == "Birch")
    return reverse(address), stopped, file_name


def _names(answer: Any) -> list[str]:
    assert answer.status_code == 200
    return [row.name for row in answer.context["page"].object_list]


@pytest.mark.parametrize("address", LISTS)
def test_a_list_sorts_filters_keeps_filters_and_exports(client: Client, admin: Any, address: str) -> None:
    page, stopped, file_name = _filled(admin, address)
    assert _names(client.get(page)) == ["Alder", "Birch", "Cedar"]
    assert _names(client.get(f"{page}?sort=-name")) == ["Cedar", "Birch", "Alder"]
    for head in client.get(page).context["listing"].heads():
        assert not head.url or len(_names(client.get(page + head.url))) == 3, head.column.name

    filtered = client.post(page, {"state": stopped, "text": ""})
    assert filtered.headers["Location"] == f"{page}?state={stopped}"
    assert _names(client.get(f"{page}?state={stopped}")) == ["Birch"]
    assert _names(client.get(f"{page}?state=active")) == ["Alder", "Cedar"]

    client.post(f"{page}?state={stopped}", {"save_filter": "1", "name": "Stands still"})
    assert SavedFilter.objects.get().query == f"state={stopped}"

    client.post(page, {"text": "alder"})
    assert _names(client.get(page)) == ["Alder"]
    client.post(page, {"text": "elsewhere"})
    nothing = client.get(page)
    assert _names(nothing) == []
    assert "matches this filter" in nothing.text
    client.post(page, {"clear": "1"})

    export = client.post(f"{page}?sort=-name", {"export": "csv"})
    assert file_name in export.headers["Content-Disposition"]
    rows = b"".join(export).decode("utf-8-sig").splitlines()  # type: ignore[arg-type]
    assert [row.split(",")[0] for row in rows] == ["Name", "Cedar", "Birch", "Alder"]
    assert rows[2].endswith(stopped)


@pytest.mark.parametrize("address", LISTS)
def test_the_form_of_the_page_still_adds_one(client: Client, admin: Any, address: str) -> None:
    """The form beside the list is not taken for a filter: with a mistake it is shown again."""
    page, _stopped, _file = _filled(admin, address)
    refused = client.post(page, {"name": ""})
    assert refused.status_code == 422
    assert _names_of_errors(refused)


def _names_of_errors(answer: Any) -> list[str]:
    return list(answer.context["form"].errors)


def test_options_of_single_exports_are_folded_and_there_once(client: Client, admin: Any) -> None:
    page = client.get(reverse("deliveries"))
    form, folded = (
        page.context["form"],
        page.text.split("Options for individual exports", 1)[1].split("</details>", 1)[0],
    )
    assert form.single
    assert {field.name for field in (*form.usual, *form.single)} == set(form.fields)
    for field in form.single:
        assert page.text.count(f'name="{field.name}"') == folded.count(f'name="{field.name}"') == 1


@pytest.mark.parametrize("address", LISTS)
def test_a_longer_list_asks_no_more_of_the_database(client: Client, admin: Any, address: str) -> None:
    make = LISTS[address][0]
    counts = []
    for count in (1, 6):
        for number in range(count):
            make(admin, f"Name{count}{number}", stopped=False)
        client.get(reverse(address))
        with CaptureQueriesContext(
            connection,
        ) as asked:
            assert client.get(reverse(address)).status_code == 200
        counts.append(len(asked))
    assert counts[0] == counts[1]


def test_a_token_is_in_one_state_and_is_found_by_it(admin: Any) -> None:
    now = timezone.now()
    for name, expires, revoked, active in (
        ("works", now + dt.timedelta(days=1), None, True),
        ("old", now - dt.timedelta(days=1), None, False),
        ("gone", now - dt.timedelta(days=1), now, True),
        ("without end", None, None, True),
        ("of nobody", None, None, False),
    ):
        token = make_token(name=name, scopes=["runs:read"], schools=None).token
        ApiToken.objects.filter(pk=token.pk).update(expires_at=expires, revoked_at=revoked)
        type(token.user).objects.filter(pk=token.user_id).update(is_active=active)
    by_name = {token.name: token_state(token) for token in ApiToken.objects.select_related("user")}
    assert by_name == {
        "works": "active", "old": "expired", "gone": "revoked", "without end": "active", "of nobody": "no_user",
    }  # fmt: skip
    for word, (_label, means) in TOKENS.states.items():
        found = set(ApiToken.objects.filter(means).values_list("name", flat=True))
        assert found == {name for name, state in by_name.items() if state == word}
