"""What `script/test fast` takes: a look at everything within minutes, for the loop of writing.

Left out are browsers, workers and what is marked `long`. Of tests with a database that differ by their parameters, the first is
taken; of those of a module that take a file through runs, the first few. What was touched, `script/test PATH` runs whole.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest

from sisimport.imports.runs import execution

WITH_RUNS = 2  # tests of a module that may start runs: each costs a hundred times what a rule costs by itself
REASON = "a further journey of this module: script/test PATH takes it"

_with_runs: dict[str, set[str]] = defaultdict(set)


def first_cases(items: list[pytest.Item]) -> tuple[list[pytest.Item], list[pytest.Item]]:
    """Tests that are taken, and those that are left out."""
    taken: list[pytest.Item] = []
    left: list[pytest.Item] = []
    seen: set[str] = set()
    for item in items:
        name = item.nodeid.partition("[")[0]
        again = item.get_closest_marker("django_db") is not None and name in seen
        (left if again else taken).append(item)
        seen.add(name)
    return taken, left


def may_start_runs(node: str) -> bool:
    """Whether a test is among the first of its module that do."""
    module = _with_runs[node.partition("::")[0]]
    if node not in module and len(module) == WITH_RUNS:
        return False
    module.add(node)
    return True


@pytest.fixture
def few_journeys(request: pytest.FixtureRequest) -> Iterator[None]:
    """Skips a test at its first run once enough others of the module had theirs."""
    claim, node = execution._claim, request.node.nodeid

    def counted(*args: Any, **more: Any) -> Any:
        if not may_start_runs(node):
            pytest.skip(REASON)
        return claim(*args, **more)

    with mock.patch.object(execution, "_claim", counted):
        yield
