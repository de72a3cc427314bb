"""What is in a cell of a download is the value again when it comes back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sisimport.files.formula_guard import plain_cell, safe_cell


@given(st.text("'=+-@\t\r\nA ʻ"))
def test_every_value_comes_back_as_it_was(text: str) -> None:
    assert plain_cell(safe_cell(text)) == text


@given(st.text("'=+-@\t\r\nA ʻ"))
def test_no_cell_starts_a_formula(text: str) -> None:
    assert safe_cell(text)[:1] not in {*"=+-@\t\r\n"}


@pytest.mark.parametrize(("number", "cell"), [(-22.5, "-22.5"), (-3, "-3"), (0, "0"), ("-22.5", "'-22.5")])
def test_a_number_below_zero_stays_one(number: object, cell: str) -> None:
    assert safe_cell(number) == cell


@pytest.mark.parametrize("name", ["-Ana", "=Lee", "'Iolani", "ʻIolani", "O'Neil", "'", ""])
def test_a_cell_without_guard_is_the_value(name: str) -> None:
    assert plain_cell(name) == name
