"""Nothing that is left out of `script/test` is left out of continuous integration, and of each kind something stays."""

import re
import tomllib
from pathlib import Path
from typing import Any

from tests.longer import every_pair, first_and_last_years, first_of

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


def test_of_repetitions_script_test_takes_the_first() -> None:
    assert [param.values for param in first_of("abc")] == [("a",), ("b",), ("c",)]
    assert taken_now(first_of("abc")) == [("a",)]


def test_of_the_years_of_a_family_script_test_takes_the_first_and_the_last() -> None:
    params = first_and_last_years(["a-2016-17", "a-2015-16", "b-2020-2021", "a-2017-18", "c", "a-2018-19-early"])
    assert len(params) == 6
    assert taken_now(params) == [("a-2015-16",), ("a-2017-18",), ("b-2020-2021",), ("c",), ("a-2018-19-early",)]
    assert {mark.name for param in params for mark in param.marks} == {"faults"}


def test_every_marker_that_is_left_out_has_its_own_call_and_the_long_ones_run_in_continuous_integration() -> None:
    options = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]["addopts"]
    left_out = set(re.findall(r"not (\w+)", options))
    assert left_out == {"load", "setup", "faults", "hostile"}
    script = (ROOT / "script" / "test").read_text()
    calls = set(re.findall(r"^fast \| (.*)\)$", script, re.MULTILINE)[0].split(" | "))
    assert calls - {"roles"} == left_out  # which leaves nothing out, and runs the same tests as somebody else
    called = re.findall(r"^script/test ?(\w*) \|\|", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)
    assert called == ["", "faults", "setup"]
