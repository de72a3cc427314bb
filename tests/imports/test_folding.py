"""Conditions lose what no line of a file can fulfill, and find the same lines as before (imports/engine/folding.py)."""

from itertools import product
from typing import Any

import pytest
from django.db.models import Q

from sisimport.imports.engine.folding import folded

A, B, C = (Q(kind__in=list(kinds)) for kinds in ("ab", "bc", "cd"))
LIVE = Q(skipped=0)
CONDITIONS = [
    A,
    ~A,
    A & LIVE,
    A | LIVE,
    ~(A | LIVE) & ~B,
    (A & LIVE) | (B & ~LIVE) | C,
    ~(~(A & B) | (C & LIVE)),
    LIVE & ~((A | ~B) & C),
    Q() & A,
    LIVE,
    A ^ B,
]


def holds(node: Any, row: dict[str, Any]) -> bool:
    if isinstance(node, bool):
        return node
    if isinstance(node, tuple):
        name, value = node
        return row[name.removesuffix("__in")] in value if name.endswith("__in") else bool(row[name] == value)
    found = [holds(child, row) for child in node.children]
    joined = {Q.AND: all(found), Q.OR: any(found), Q.XOR: sum(found) % 2 == 1}[node.connector]
    return (joined if found else True) is not node.negated


@pytest.mark.parametrize("present", [set(), {"a"}, {"b"}, {"a", "b"}, {"d", ""}, {"a", "b", "c", "d", ""}])
@pytest.mark.parametrize("condition", CONDITIONS, ids=str)
def test_a_folded_condition_finds_the_same_lines(condition: Q, present: set[str]) -> None:
    found = folded(condition, "kind", present)

    for kind, skipped in product(sorted(present), (0, 1)):
        row = {"kind": kind, "skipped": skipped}
        assert holds(found, row) is holds(condition, row), (found, row)


def test_a_rule_for_what_the_file_does_not_hold_is_left_out() -> None:
    assert folded(LIVE & A, "kind", {"c", ""}) is False
    assert folded(A, "kind", {"a", "b"}) is True
    assert folded(LIVE & (A | B), "kind", {"c"}) == Q(skipped=0)
