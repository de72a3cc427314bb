"""What `script/test fast` takes: a look at everything within minutes, for the loop of writing.

Left out are browsers, workers and what is marked `long`. Of tests with a database that differ by their parameters, the first is
taken; of those of a module that take a file through runs, the first few; of those that evaluate rules without a run
(tests/imports/evaluating.py), some more. Whether a test does so is seen when it does: after the first that is left out, those of
the module with the same fixtures are left out before these are made. What was touched, `script/test PATH` runs whole.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest

from sisimport.imports.runs import execution

WITH_RUNS = 2  # tests of a module that may start runs: each costs a hundred times what a rule costs by itself
WITH_RULES = 8  # tests of a module that may evaluate rules without
REASON = "a further journey of this module: script/test PATH takes it"

_with_runs: dict[str, set[str]] = defaultdict(set)
_with_rules: dict[str, set[str]] = defaultdict(set)
_left_out: set[tuple[str, ...]] = set()


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
    return _is_among(_with_runs, WITH_RUNS, node)


def may_evaluate(node: str) -> bool:
    """The same of tests that evaluate rules; what starts runs does so too."""
    return node in _with_runs[_module_of(node)] or _is_among(_with_rules, WITH_RULES, node)


def _is_among(first: dict[str, set[str]], most: int, node: str) -> bool:
    module = first[_module_of(node)]
    if node not in module and len(module) == most:
        return False
    module.add(node)
    return True


def _module_of(node: str) -> str:
    return node.partition("::")[0]


def skip_if_alike_was_left_out(item: Any) -> None:
    """Before any fixture of the test is made."""
    if _likeness(item) in _left_out:
        pytest.skip(REASON)


def _leave_out(item: Any) -> None:
    _left_out.add(_likeness(item))
    pytest.skip(REASON)


def _likeness(item: Any) -> tuple[str, ...]:
    return _module_of(item.nodeid), *item.fixturenames


@pytest.fixture
def few_journeys(request: pytest.FixtureRequest) -> Iterator[None]:
    """Skips a test at its first run, or evaluation of rules, once enough others of the module had theirs."""
    claim, evaluate, node = execution._claim, execution._test_or_import, request.node.nodeid

    def claimed(*args: Any) -> Any:
        if not may_start_runs(node):
            _leave_out(request.node)
        return claim(*args)

    def evaluated(*args: Any) -> Any:
        if not may_evaluate(node):
            _leave_out(request.node)
        return evaluate(*args)

    with mock.patch.object(execution, "_claim", claimed), mock.patch.object(execution, "_test_or_import", evaluated):
        yield
