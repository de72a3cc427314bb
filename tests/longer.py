"""What `script/test` looks at once in every kind, and `script/test faults` in every combination.

SISIMPORT_TEST_FAST is set by `script/test fast`, SISIMPORT_TEST_LONG by `script/test faults`.
"""

import os
from collections.abc import Sequence
from typing import Any

import pytest

FAST = bool(os.environ.get("SISIMPORT_TEST_FAST"))
LONG = bool(os.environ.get("SISIMPORT_TEST_LONG"))


def every_pair(first: Sequence[Any], second: Sequence[Any]) -> list[Any]:
    """Parameters: all pairs, of which `script/test` takes as many as it needs to meet each value once."""
    some = {(n % len(first), n % len(second)) for n in range(max(len(first), len(second)))}
    return [
        pytest.param(one, other, marks=[] if (i, j) in some else [pytest.mark.faults])
        for i, one in enumerate(first)
        for j, other in enumerate(second)
    ]


def first_of(values: Sequence[Any]) -> list[Any]:
    """Parameters: all values, of which `script/test` takes the first."""
    return [pytest.param(value, marks=[pytest.mark.faults] if n else []) for n, value in enumerate(values)]
