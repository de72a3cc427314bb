"""What `script/test` looks at once in every kind, and `script/test faults` in every combination: helpers for parameters, and the
marker `combinations`. A whole test that is long, and whose kind another one looks at, has the marker `faults`.

SISIMPORT_TEST_FAST is set by `script/test fast`, SISIMPORT_TEST_LONG by `script/test faults`.
"""

import os
import re
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import pytest

FAST = bool(os.environ.get("SISIMPORT_TEST_FAST"))
LONG = bool(os.environ.get("SISIMPORT_TEST_LONG"))
_YEAR = re.compile(r"\d{4}(-\d{2,4})?")
T = TypeVar("T")


def every_pair(first: Sequence[Any], second: Sequence[Any], *, seldom: Iterable[Any] = ()) -> list[Any]:
    """Parameters: all pairs, of which `script/test` takes as many as it needs to meet each value once. `seldom`: those of the
    first values that it need not meet."""
    often = [place for place, one in enumerate(first) if one not in seldom]
    some = {(often[n % len(often)], n % len(second)) for n in range(max(len(often), len(second)))}
    return [
        pytest.param(one, other, marks=[] if (i, j) in some else [pytest.mark.faults])
        for i, one in enumerate(first)
        for j, other in enumerate(second)
    ]


def _families(keys: Iterable[str]) -> list[list[str]]:
    """Keys of layouts or import types by what they are called without the year."""
    families: dict[str, list[str]] = defaultdict(list)
    for key in keys:
        families[_YEAR.sub("", key)].append(key)
    return list(families.values())


def years_between(keys: Iterable[str]) -> set[str]:
    """Those that are neither the first year nor the last of their family."""
    return {key for family in _families(keys) for key in sorted(family)[1:-1]}


def earlier_years(keys: Iterable[str]) -> set[str]:
    """Those that are not the last year of their family."""
    return {key for family in _families(keys) for key in sorted(family)[:-1]}


def last_years(keys: Iterable[str]) -> list[Any]:
    """Parameters: keys of layouts or import types, of which `script/test` takes the last year of each family, and whatever has
    no year."""
    names = list(keys)
    earlier = earlier_years(names)
    return [pytest.param(key, marks=[pytest.mark.faults] if key in earlier else []) for key in names]


def first_and_last_years(keys: Iterable[str]) -> list[Any]:
    """Parameters: keys of layouts or import types, of which `script/test` takes the first and the last year of each family
    (caaspp-2015-16 and caaspp-2024-25), and whatever has no year."""
    families = _families(keys)
    between = years_between(key for family in families for key in family)
    return [
        pytest.param(key, marks=[pytest.mark.faults] if key in between else []) for family in families for key in family
    ]


def mark_combinations(items: Iterable[pytest.Item]) -> None:
    """Of each test marked `combinations`, leaves as many cases to `script/test` as meet each value of each parameter once.

    Values that no two cases share are the case's own; they are not looked for.
    """
    cases: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        if item.get_closest_marker("combinations") and not item.get_closest_marker("faults"):
            cases[item.nodeid.partition("[")[0]].append(item)
    for each in cases.values():
        taken = _covering([set(_shared_values(item, each)) for item in each])
        for number, item in enumerate(each):
            if number not in taken:
                item.add_marker(pytest.mark.faults)


def _shared_values(item: Any, cases: Sequence[Any]) -> Iterable[tuple[str, int]]:
    for name, value in item.callspec.params.items():
        places = [number for number, other in enumerate(cases) if other.callspec.params[name] == value]
        if len(places) > 1:
            yield name, places[0]


def _covering(cases: Sequence[set[Any]]) -> set[int]:
    """Places of cases that have every value of all of them; of those that bring as many new ones, the first."""
    missing = set().union(*cases)
    taken = {0}
    missing -= cases[0]
    while missing:
        best = max(range(len(cases)), key=lambda place: (len(cases[place] & missing), -place))
        taken.add(best)
        missing -= cases[best]
    return taken


def spread(values: Iterable[T], name: Callable[[T], str], number: int) -> list[T]:
    """Of the values of each name the first, and of the others one in so many: of another name others, so that over all names
    each place is met. For walks, which go to few records of each page in `script/test`."""
    named: dict[str, list[T]] = defaultdict(list)
    for value in values:
        named[name(value)].append(value)
    return [
        value
        for key, each in named.items()
        for place, value in enumerate(each)
        if not place or (place + zlib.crc32(key.encode())) % number == 0
    ]


def first_of(values: Sequence[Any]) -> list[Any]:
    """Parameters: all values, of which `script/test` takes the first."""
    return one_in(len(values), values)


def one_in(number: int, values: Sequence[Any]) -> list[Any]:
    """Parameters: all values, of which `script/test` takes the first of so many, and of the next so many."""
    return [
        pytest.param(
            *(value if isinstance(value, tuple) else [value]), marks=[pytest.mark.faults] if n % number else []
        )
        for n, value in enumerate(values)
    ]
