"""While invented people of the demo are on record, every page says so."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from sisimport.demo.district import LEA_NAME
from tests.factories import LEAFactory
from tests.imports.journey import District

pytestmark = pytest.mark.django_db


def test_the_practice_district_is_marked_and_a_real_one_is_not(
    client: Client, registrar: Any, district: District
) -> None:
    pages = [reverse(name) for name in ("home", "runs", "students")]
    assert not any("Practice district:" in client.get(page).content.decode() for page in pages)

    LEAFactory(code="7654321", name=LEA_NAME)

    assert all("Practice district:" in client.get(page).content.decode() for page in pages)
