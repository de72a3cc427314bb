"""Nothing that is left out of `script/test` is left out of continuous integration, and of each kind something stays."""

import re
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.longer import (
    earlier_years,
    every_pair,
    first_and_last_years,
    first_of,
    last_years,
    mark_combinations,
    one_in,
    spread,
)

ROOT = Path(__file__).resolve().parents[2]


def taken_now(params: list[Any]) -> list[tuple[Any, ...]]:
    return [param.values for param in params if not param.marks]


def test_of_all_pairs_script_test_takes_each_value_once_and_the_rest_is_marked() -> None:
    pairs = every_pair("abcde", [1, 2])
    assert {param.values for param in pairs} == {(one, other) for one in "abcde" for other in (1, 2)}
    assert len(pairs) == 10
    assert taken_now(pairs) == [("a", 1), ("b", 2), ("c", 1), ("d", 2), ("e", 1)]
    assert {mark.name for param in pairs for mark in param.marks} == {"faults"}
    assert taken_now(every_pair([1, 2], "abc")) == [(1, "a"), (1, "c"), (2, "b")]
    without = every_pair("abc", [1, 2], seldom={"b"})
    assert len(without) == 6
    assert taken_now(without) == [("a", 1), ("c", 2)]


def test_of_repetitions_script_test_takes_the_first() -> None:
    assert [param.values for param in first_of("abc")] == [("a",), ("b",), ("c",)]
    assert taken_now(first_of("abc")) == [("a",)]
    assert taken_now(one_in(2, [("a", 1), ("b", 2), ("c", 3)])) == [("a", 1), ("c", 3)]


def test_of_the_values_of_a_name_a_walk_takes_the_first_and_of_other_names_others() -> None:
    values = [(name, place) for place in range(8) for name in ("one", "other", "a third")]

    taken = spread(values, lambda value: value[0], 4)

    assert taken == spread(values, lambda value: value[0], 4)
    places = {name: [place for one, place in taken if one == name] for name, _place in values}
    assert all(each[0] == 0 and 2 <= len(each) <= 3 for each in places.values())
    assert len({tuple(each) for each in places.values()}) > 1
    assert spread(values, str, 4) == values, "of each name there is one"


def test_of_the_years_of_a_family_script_test_takes_the_first_and_the_last() -> None:
    params = first_and_last_years(["a-2016-17", "a-2015-16", "b-2020-2021", "a-2017-18", "c", "a-2018-19-early"])
    assert len(params) == 6
    assert taken_now(params) == [("a-2015-16",), ("a-2017-18",), ("b-2020-2021",), ("c",), ("a-2018-19-early",)]
    assert {mark.name for param in params for mark in param.marks} == {"faults"}


def test_of_the_years_of_a_family_all_but_the_last_are_earlier_ones() -> None:
    keys = ["a-2016-17", "a-2015-16", "b-2020-2021", "a-2017-18", "c"]

    assert earlier_years(keys) == {"a-2015-16", "a-2016-17"}
    assert [param.values for param in last_years(keys)] == [(key,) for key in keys]
    assert taken_now(last_years(keys)) == [("b-2020-2021",), ("a-2017-18",), ("c",)]


class Case:
    """As much of a collected test as is asked for."""

    nodeid = "test_sums.py::test_it[x]"

    def __init__(self, *marks: str, **params: Any) -> None:
        self.marks = set(marks)
        self.callspec = SimpleNamespace(params=params)

    def get_closest_marker(self, name: str) -> bool:
        return name in self.marks

    def add_marker(self, mark: pytest.MarkDecorator) -> None:
        self.marks.add(mark.name)


def left_to_script_test(*marks: str) -> list[tuple[int, int]]:
    cases = [Case(*marks, one=a, other=b, sum=10 * a + b) for a in range(3) for b in range(4)]
    mark_combinations(cases)  # type: ignore[arg-type]
    return [
        (case.callspec.params["one"], case.callspec.params["other"]) for case in cases if "faults" not in case.marks
    ]


def test_of_all_combinations_script_test_meets_each_value_once_and_the_rest_is_marked() -> None:
    assert left_to_script_test("combinations") == [(0, 0), (0, 3), (1, 1), (2, 2)]
    assert len(left_to_script_test()) == 12


def test_every_marker_that_is_left_out_has_its_own_call_and_the_long_ones_run_in_continuous_integration() -> None:
    options = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]["addopts"]
    left_out = set(re.findall(r"not (\w+)", options))
    assert left_out == {"load", "setup", "faults", "hostile"}
    script = (ROOT / "script" / "test").read_text()
    calls = set(re.findall(r"^fast \| (.*)\)$", script, re.MULTILINE)[0].split(" | "))
    assert calls - {"roles"} == left_out  # which leaves nothing out, and runs the same tests as somebody else
    called = re.findall(r"^script/test ?(\w*) \|\|", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)
    assert called == ["", "faults", "setup"]
