"""A district in Utah, and a student of it who changed."""

import pytest

from students.models import Student
from tests.ssid.utah.exchange import Utah, utah


@pytest.fixture
def district() -> Utah:
    return utah()


@pytest.fixture
def renamed(district: Utah) -> Student:
    student = district.add("100", ssid="1234567")
    student.last_name = "Diaz"
    student.save()
    return student
