"""Fixtures of the tests of scores; a module with a home of its own has its own."""

import pytest

from tests.assessments.score_files import SSID_1
from tests.ssid.journey import District, district


@pytest.fixture
def home() -> District:
    made = district()
    made.add("100", ssid=SSID_1)
    return made
