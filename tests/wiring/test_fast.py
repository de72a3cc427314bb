"""What `script/test fast` leaves out, it leaves out by rules, and of everything something stays."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from sisimport.imports.runs import execution
from tests import fast


def item(node: str, *, database: bool = True) -> pytest.Item:
    mark = object() if database else None
    return cast(Any, SimpleNamespace(nodeid=node, get_closest_marker=lambda _name: mark))


def test_of_tests_with_a_database_that_differ_by_parameters_the_first_is_taken() -> None:
    items = [item("a.py::t[1]"), item("a.py::u"), item("a.py::t[2]"), item("b.py::t[1]"), item("b.py::t[[2]]")]

    taken, left = fast.first_cases(items)

    assert [one.nodeid for one in taken] == ["a.py::t[1]", "a.py::u", "b.py::t[1]"]
    assert [one.nodeid for one in left] == ["a.py::t[2]", "b.py::t[[2]]"]


def test_tests_without_a_database_are_all_taken() -> None:
    items = [item(f"a.py::t[{n}]", database=False) for n in range(3)]

    assert fast.first_cases(items) == (items, [])


def test_so_many_tests_of_a_module_start_as_many_runs_as_they_like() -> None:
    first = [f"tests/none/test_it.py::t{n}" for n in range(fast.WITH_RUNS)]

    assert all(fast.may_start_runs(node) for node in [*first, *first])
    assert not fast.may_start_runs("tests/none/test_it.py::another")
    assert fast.may_start_runs(first[0])
    assert fast.may_start_runs("tests/none/test_other.py::another")


def test_so_many_more_evaluate_rules_and_those_with_runs_always() -> None:
    module = "tests/none/test_rules.py"
    nodes = [f"{module}::t{n}" for n in range(fast.WITH_RULES)]
    fast.may_start_runs(f"{module}::journey")

    assert all(fast.may_evaluate(node) for node in [*nodes, *nodes, f"{module}::journey"])
    assert not fast.may_evaluate(f"{module}::another")


def test_a_further_one_is_skipped_at_its_first_run(
    few_journeys: None, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fast, "_left_out", set())
    monkeypatch.setattr(fast, "may_start_runs", lambda node: node != request.node.nodeid)
    fast.skip_if_alike_was_left_out(request.node)

    with pytest.raises(pytest.skip.Exception, match="script/test PATH"):
        execution._claim(1)
    with pytest.raises(pytest.skip.Exception, match="script/test PATH"):  # before its fixtures, the next time
        fast.skip_if_alike_was_left_out(request.node)

    other = SimpleNamespace(nodeid=request.node.nodeid, fixturenames=[*request.node.fixturenames, "client"])
    fast.skip_if_alike_was_left_out(other)


def test_so_is_one_that_evaluates_rules(
    few_journeys: None, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fast, "_left_out", set())
    monkeypatch.setattr(fast, "WITH_RULES", 0)

    with pytest.raises(pytest.skip.Exception, match="script/test PATH"):
        execution._test_or_import(None, None)
