"""Fixtures of the tests of scores; a module with a home of its own has its own."""

import pytest
from django.test import Client

from tests.assessments.earlier_years import newest_is_2024_25  # noqa: F401 - a fixture
from tests.assessments.score_files import SSID_1
from tests.factories import UserFactory
from tests.ssid.journey import District, district


@pytest.fixture
def home() -> District:
    made = district()
    made.add("100", ssid=SSID_1)
    return made


@pytest.fixture
def browser(client: Client) -> Client:
    client.force_login(UserFactory(registrar=True, all_schools=True))
    return client
