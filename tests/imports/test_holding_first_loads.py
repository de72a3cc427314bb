"""The ordinary days of tests/imports/test_holding.py that begin with nobody: a first load is never held."""

import pytest

from tests.imports.journey import make_district
from tests.imports.test_holding import PEOPLE, reasons, roster

pytestmark = pytest.mark.django_db


def test_ordinary_1_first_load_into_an_empty_district() -> None:
    make_district()
    assert reasons("students", roster(PEOPLE)) == set()


def test_ordinary_2_first_load_where_nothing_is_set_up() -> None:
    assert reasons("students", roster(PEOPLE)) == set()
