"""What `script/test` looks at once in every kind, and `script/test faults` in every combination.

SISIMPORT_TEST_FAST is set by `script/test fast`, SISIMPORT_TEST_LONG by `script/test faults`.
"""

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import pytest

FAST = bool(os.environ.get("SISIMPORT_TEST_FAST"))
LONG = bool(os.environ.get("SISIMPORT_TEST_LONG"))
_YEAR = re.compile(r"\d{4}(-\d{2,4})?")


def every_pair(first: Sequence[Any], second: Sequence[Any]) -> list[Any]:
    """Parameters: all pairs, of which `script/test` takes as many as it needs to meet each value once."""
    some = {(n % len(first), n % len(second)) for n in range(max(len(first), len(second)))}
    return [
        pytest.param(one, other, marks=[] if (i, j) in some else [pytest.mark.faults])
        for i, one in enumerate(first)
        for j, other in enumerate(second)
    ]


def first_and_last_years(keys: Iterable[str]) -> list[Any]:
    """Parameters: keys of layouts or import types, of which `script/test` takes the first and the last year of each family
    (caaspp-2015-16 and caaspp-2024-25), and whatever has no year."""
    families: dict[str, list[str]] = defaultdict(list)
    for key in keys:
        families[_YEAR.sub("", key)].append(key)
    return [
        pytest.param(key, marks=[pytest.mark.faults] if key in sorted(family)[1:-1] else [])
        for family in families.values()
        for key in family
    ]


def first_of(values: Sequence[Any]) -> list[Any]:
    """Parameters: all values, of which `script/test` takes the first."""
    return [pytest.param(value, marks=[pytest.mark.faults] if n else []) for n, value in enumerate(values)]
