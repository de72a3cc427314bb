"""/metrics: figures of the installation for Prometheus, counted in the database at each scrape.

So they cover all processes together, and are the same no matter which one answers. No personal data: import types, works, states,
phases, and the numbers of places. Off until METRICS_TOKEN or METRICS_ADDRESSES is set; each one that is set must match.
"""

import hmac
import ipaddress
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from sisimport.accounts.addresses import client_address
from sisimport.imports.engine.sql import fetch_all

_ENDED = "('completed', 'rejected', 'failed', 'cancelled')"
_ACTIVE = """
SELECT s.status, count(r.id),
       coalesce(extract(epoch FROM clock_timestamp() - min(CASE s.status WHEN 'held' THEN h.held_at ELSE r.created_at END)), 0)
FROM (VALUES ('queued'), ('running'), ('held')) AS s (status) LEFT JOIN imports_importrun r ON r.status = s.status
LEFT JOIN imports_runhold h ON h.run_id = r.id
GROUP BY 1 ORDER BY 1
"""
_RUNS = f"""
SELECT import_type, work, status, count(*) FROM imports_importrun WHERE status IN {_ENDED} GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""
_SECONDS = """
SELECT import_type, work, count(*), sum(extract(epoch FROM finished_at - started_at))
FROM imports_importrun WHERE status = 'completed' AND started_at IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2
"""
_PHASES = """
SELECT r.import_type, r.work, p.key, sum(p.value::float8)
FROM imports_importrun r CROSS JOIN jsonb_each_text(r.phase_seconds) AS p WHERE r.status = 'completed'
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""
_PICK_UP = """
SELECT id, extract(epoch FROM clock_timestamp() - last_look_at), error <> '' OR NOT active FROM automation_pickupplace ORDER BY 1
"""
_DELIVERY = """
SELECT d.id, extract(epoch FROM clock_timestamp() - max(f.done_at)), d.error <> '' OR NOT d.active
FROM automation_exportdelivery d LEFT JOIN automation_deliveredexport f ON f.delivery_id = d.id GROUP BY d.id ORDER BY 1
"""
_MESSAGES = """
SELECT k.kind, count(d.id) FILTER (WHERE d.state = 'waiting'), count(d.id) FILTER (WHERE d.state = 'given_up')
FROM (VALUES ('mail'), ('webhook')) AS k (kind)
LEFT JOIN automation_delivery d ON (k.kind = 'mail') = (d.user_id IS NOT NULL) GROUP BY 1 ORDER BY 1
"""


class Figures(Collector):
    """All counts, made again at each scrape."""

    def collect(self) -> Iterator[Metric]:
        yield from _runs_under_way()
        yield from _runs_that_ended()
        yield from _places("pick_up", "Seconds since the last look at a pick-up place", "place", _PICK_UP)
        yield from _places("delivery", "Seconds since the last delivery of an export", "delivery", _DELIVERY)
        yield from _messages()


def _runs_under_way() -> Iterator[Metric]:
    count = GaugeMetricFamily("sisimport_runs", "Runs that are queued, running or held", labels=["status"])
    oldest = GaugeMetricFamily(
        "sisimport_runs_oldest_seconds",
        "Since the oldest of them was requested or held; 0: there are none",
        labels=["status"],
    )
    for status, runs, seconds in fetch_all(_ACTIVE):
        count.add_metric([status], runs)
        oldest.add_metric([status], float(seconds))
    yield from (count, oldest)


def _runs_that_ended() -> Iterator[Metric]:
    ended = CounterMetricFamily(
        "sisimport_runs_ended", "Ended runs by status; failed: an error on our side", labels=["type", "work", "status"]
    )
    for kind, work, status, runs in fetch_all(_RUNS):
        ended.add_metric([kind, work, status], runs)
    took = SummaryMetricFamily("sisimport_run_seconds", "From start to end of completed runs", labels=["type", "work"])
    for kind, work, runs, seconds in fetch_all(_SECONDS):
        took.add_metric([kind, work], count_value=runs, sum_value=float(seconds))
    phases = CounterMetricFamily("sisimport_run_phase_seconds", "The same, by phase", labels=["type", "work", "phase"])
    for kind, work, phase, seconds in fetch_all(_PHASES):
        phases.add_metric([kind, work, phase], seconds)
    yield from (ended, took, phases)


def _places(name: str, about: str, label: str, statement: str) -> Iterator[Metric]:
    """Age and state of each place; one without an age yet gets no figure."""
    age = GaugeMetricFamily(f"sisimport_{name}_age_seconds", about, labels=[label])
    bad = GaugeMetricFamily(f"sisimport_{name}_needs_a_look", "1: its last try failed, or it is paused", labels=[label])
    for number, seconds, needs in fetch_all(statement):
        if seconds is not None:
            age.add_metric([str(number)], float(seconds))
        bad.add_metric([str(number)], int(needs))
    yield from (age, bad)


def _messages() -> Iterator[Metric]:
    waiting = GaugeMetricFamily("sisimport_messages_waiting", "Mails and webhooks to be sent", labels=["kind"])
    given_up = GaugeMetricFamily(
        "sisimport_messages_given_up", "Those of the last 60 days that were not delivered", labels=["kind"]
    )
    for kind, waits, lost in fetch_all(_MESSAGES):
        waiting.add_metric([kind], waits)
        given_up.add_metric([kind], lost)
    yield from (waiting, given_up)


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The figures, for clients that may read them; for others this page does not exist."""
    if not _may_read(request):
        return HttpResponseNotFound()
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Figures())
    answer = HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
    answer["Cache-Control"] = "no-store"
    return answer


def _may_read(request: HttpRequest) -> bool:
    token, networks = settings.METRICS_TOKEN, [_network(text) for text in settings.METRICS_ADDRESSES]
    if not token and not networks:
        return False
    if token and not hmac.compare_digest(request.headers.get("Authorization", "").encode(), f"Bearer {token}".encode()):
        return False
    return not networks or _is_within(client_address(request), networks)


def _is_within(address: str, networks: list[Any]) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(found in network for network in networks)


def _network(text: str) -> Any:
    try:
        return ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        raise ImproperlyConfigured(f"METRICS_ADDRESSES: {text} is not an address or network, as 10.1.0.0/16.") from None
