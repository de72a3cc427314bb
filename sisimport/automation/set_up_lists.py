"""The lists of set-ups: API tokens, webhooks, pick-up places and deliveries; by name, filtered by state and by text."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Max, Q, QuerySet
from django.db.models.functions import Now

from sisimport.api.models import ApiToken
from sisimport.automation.models import DeliveredExport, ExportDelivery, PickUpPlace, Webhook
from sisimport.web.lists import Column, List, Listing
from sisimport.web.moments import moment_text
from students.models import School

_BLOCK = 500


@dataclass(frozen=True, kw_only=True)
class SetUp:
    """A list with the states it can be filtered by (word of the address -> label and what they mean), the fields that a
    text is searched in, and the rows of its export."""

    wanted: List
    states: dict[str, tuple[str, Q]]
    texts: tuple[str, ...]
    rows: Callable[[list[Any]], Iterator[tuple[Any, ...]]]

    @property
    def choices(self) -> list[tuple[str, str]]:
        return [(word, label) for word, (label, _means) in self.states.items()]

    def state_of(self, word: str) -> str:
        return self.states[word][0]

    def choose(self, found: QuerySet[Any], listing: Listing) -> QuerySet[Any]:
        """The selected ones, sorted as requested."""
        state = listing.chosen.get("state")
        if state in self.states:
            found = found.filter(self.states[state][1])
        if text := listing.text:
            wanted = Q()
            for name in self.texts:
                wanted |= Q(**{f"{name}__icontains": text})
            found = found.filter(wanted)
        return listing.order(found)

    def all_rows(self, found: QuerySet[Any]) -> Iterator[tuple[Any, ...]]:
        """Rows of the export, block by block."""
        held = list(found)
        for start in range(0, len(held), _BLOCK):
            yield from self.rows(held[start : start + _BLOCK])


def token_state(token: ApiToken) -> str:
    """The state of a token."""
    if token.revoked_at:
        return "revoked"
    if token.has_expired:
        return "expired"
    return "active" if token.user.is_active else "no_user"


def with_schools(tokens: list[ApiToken]) -> list[dict[str, Any]]:
    """Tokens with their state and the codes of their schools, in one query for all."""
    wanted = {pk for token in tokens for pk in token.schools or ()}
    names = dict(School.objects.filter(pk__in=wanted).values_list("pk", "code"))
    return [
        {
            "token": token,
            "schools": [names.get(pk, "removed") for pk in token.schools or ()],
            "state": TOKENS.state_of(token_state(token)),
        }
        for token in tokens
    ]


def _token_rows(tokens: list[ApiToken]) -> Iterator[tuple[Any, ...]]:
    for row in with_schools(tokens):
        token = row["token"]
        schools = "all of the user's" if token.schools is None else ", ".join(row["schools"])
        used = moment_text(token.last_used_at) if token.last_used_at else "never"
        until = moment_text(token.expires_at) if token.expires_at else "never"
        yield token.name, token.user.get_username(), ", ".join(token.scopes), schools, until, used, row["state"]


def webhook_state(hook: Webhook) -> str:
    """The state of a webhook."""
    if hook.deactivated_at:
        return "deactivated"
    return "failing" if hook.failures else "active"


def _webhook_rows(hooks: list[Webhook]) -> Iterator[tuple[Any, ...]]:
    for hook in hooks:
        person = hook.user.get_full_name() or hook.user.get_username()
        yield hook.name, hook.url, ", ".join(hook.events), person, WEBHOOKS.state_of(webhook_state(hook))


def place_state(place: PickUpPlace | ExportDelivery) -> str:
    """The state of a pick-up place or a delivery."""
    if not place.active:
        return "paused"
    return "failing" if place.error else "active"


def _where(place: PickUpPlace | ExportDelivery) -> str:
    return f"{place.host}, {place.path}" if place.host else place.path


def _place_rows(places: list[PickUpPlace]) -> Iterator[tuple[Any, ...]]:
    for place in places:
        looked = moment_text(place.last_look_at) if place.last_look_at else "none yet"
        yield (
            place.name,
            _where(place),
            place.pattern,
            place.get_work_display(),
            looked,
            PLACES.state_of(place_state(place)),
        )


def _delivery_rows(deliveries: list[Any]) -> Iterator[tuple[Any, ...]]:
    for one in deliveries:
        done = moment_text(one.last_done) if one.last_done else "not yet"
        yield one.name, _where(one), one.file_name, one.every, done, DELIVERIES.state_of(place_state(one))


def with_last(deliveries: QuerySet[ExportDelivery]) -> QuerySet[Any]:
    """Deliveries with the time of their last delivered file (`last_done`)."""
    done = Q(files__state=DeliveredExport.State.DONE)
    return deliveries.annotate(last_done=Max("files__done_at", filter=done))


_PLACE_STATES = {
    "active": ("active", Q(active=True, error="")),
    "failing": ("needs attention", Q(active=True) & ~Q(error="")),
    "paused": ("paused", Q(active=False)),
}
_NAME = Column(name="name", label="Name", order=("name",))
_STATE = Column(name="state", label="State")
TOKENS = SetUp(
    wanted=List(
        key="api-tokens",
        columns=(
            _NAME,
            Column(name="user", label="Acts as", order=("user__username",)),
            Column(name="scopes", label="Scopes"),
            Column(name="schools", label="Schools"),
            Column(name="expires", label="Expires", order=("expires_at",)),
            Column(name="used", label="Last used", order=("last_used_at",)),
            _STATE,
        ),
        start="name",
        filters=("state",),
        file_name="api-tokens",
    ),
    states={
        "active": ("active", Q(revoked_at=None, user__is_active=True) & ~Q(expires_at__lte=Now())),
        "expired": ("expired", Q(revoked_at=None, expires_at__lte=Now())),
        "revoked": ("revoked", Q(revoked_at__isnull=False)),
        "no_user": (
            "its user cannot sign in",
            Q(revoked_at=None, user__is_active=False) & ~Q(expires_at__lte=Now()),
        ),
    },
    texts=("name", "user__username"),
    rows=_token_rows,
)
WEBHOOKS = SetUp(
    wanted=List(
        key="webhooks",
        columns=(
            _NAME,
            Column(name="address", label="Address", order=("url",)),
            Column(name="events", label="Events"),
            Column(name="user", label="Runs of", order=("user__last_name", "user__username")),
            _STATE,
        ),
        start="name",
        filters=("state",),
        file_name="webhooks",
    ),
    states={
        "active": ("active", Q(deactivated_at=None, failures=0)),
        "failing": ("deliveries given up", Q(deactivated_at=None, failures__gt=0)),
        "deactivated": ("deactivated", Q(deactivated_at__isnull=False)),
    },
    texts=("name", "url"),
    rows=_webhook_rows,
)
PLACES = SetUp(
    wanted=List(
        key="pick-up-places",
        columns=(
            _NAME,
            Column(name="where", label="Where", order=("host", "path")),
            Column(name="files", label="Files", order=("pattern",)),
            Column(name="work", label="Work", order=("work",)),
            Column(name="look", label="Last check", order=("last_look_at",)),
            _STATE,
        ),
        start="name",
        filters=("state",),
        file_name="pick-up-places",
    ),
    states=_PLACE_STATES,
    texts=("name", "host", "path", "pattern"),
    rows=_place_rows,
)
DELIVERIES = SetUp(
    wanted=List(
        key="deliveries",
        columns=(
            _NAME,
            Column(name="where", label="Where", order=("host", "path")),
            Column(name="files", label="Files", order=("file_name",)),
            Column(name="every", label="Every", order=("every_minutes",)),
            Column(name="done", label="Last delivered", order=("last_done",)),
            _STATE,
        ),
        start="name",
        filters=("state",),
        file_name="deliveries",
    ),
    states=_PLACE_STATES,
    texts=("name", "host", "path", "file_name"),
    rows=_delivery_rows,
)

__all__ = [
    "DELIVERIES", "PLACES", "TOKENS", "WEBHOOKS", "SetUp", "place_state", "token_state", "webhook_state", "with_last",
    "with_schools",
]  # fmt: skip
