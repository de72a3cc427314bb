"""What a workbook's text has in place of a formula is an error of its line in every column, and no value."""

import pytest

from sisimport.files.issues import Severity
from sisimport.files.layouts import Layout
from sisimport.files.values import read_value
from sisimport.imports.definition.registry import built_in_types, find_layout

LAYOUTS = sorted({key for one in built_in_types() for key in one.layouts})


def layout_of(key: str) -> Layout:
    found = find_layout(key)
    assert found is not None, key
    return found[0]


@pytest.mark.parametrize("key", LAYOUTS)
def test_a_formula_is_not_a_value_of_any_column(key: str) -> None:
    layout = layout_of(key)
    for name, column in layout.fields.items():
        value, problem = read_value(layout, column, "=FORMULA(Students!B3)")

        assert not value, name
        assert problem is not None, name
        assert (problem.code, problem.found) == ("FILE-FORMULA", "Students!B3"), name
        assert problem.severity >= Severity.WARNING, name


def test_a_rounded_ssid_is_reported_with_its_cell() -> None:
    layout = layout_of("ssid-list")
    value, problem = read_value(layout, layout.fields["ssid"], "=ROUNDED(S: 1!B3: 9120000033123456)")

    assert not value
    assert problem is not None
    assert (problem.code, problem.found, problem.expected) == ("FILE-ROUNDED", "9120000033123456", "S: 1!B3")
