"""Schemathesis asks every operation of the API what its document allows and forbids: no 500, no answer that is not described.

`script/test` asks a few examples of each; `script/test faults` more of them, and every bound of every value: 1,600 requests, that
Schemathesis makes up while this module is collected, for seconds, in each process.
"""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from sisimport.api.openapi import document
from tests.api.client import Program
from tests.imports.journey import make_district
from tests.longer import LONG

pytestmark = pytest.mark.django_db


schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", get_wsgi_application())
schema.config.phases.coverage.enabled = LONG


@pytest.fixture
def program(settings: Any) -> Iterator[Program]:
    settings.API_REQUESTS_PER_MINUTE = 1_000_000
    make_district().student()
    request_started.disconnect(close_old_connections)  # as Django's own test client does: it is the test's session
    request_finished.disconnect(close_old_connections)
    yield Program()
    request_started.connect(close_old_connections)
    request_finished.connect(close_old_connections)


@schema.parametrize()
@settings(
    max_examples=25 if LONG else 3,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_operation_keeps_to_its_description(case: Any, program: Program) -> None:
    # Most bytes are not a file that can be imported, most texts not a public address, mapping or school year, most numbers not a
    # line that waits, and a cursor that was made up leads nowhere.
    query = case.query or {}
    means_more = query.get("cursor") or query.get("school_year")
    means_more = means_more or case.operation.path.endswith(("/imports", "/webhooks", "/column-mappings", "/decisions"))
    excluded = [positive_data_acceptance] if means_more else []
    case.call_and_validate(headers=program.headers(), excluded_checks=excluded)


def test_every_operation_is_asked() -> None:
    assert len([method for path in document()["paths"].values() for method in path]) >= 16
