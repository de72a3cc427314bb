"""Conditions without what cannot be in a file: of a column whose values the reader collected, only those present matter.

A score layout has rules for seven tests, and many a file holds one of them. Composing and planning the rules of the
others costs more than a small file.
"""

from collections.abc import Collection
from typing import Any

from django.db.models import Q


def folded(condition: Q, field: str, present: Collection[str]) -> Q | bool:
    """The condition for rows whose `field`, a text that is never null, holds only the values `present`; True or False if it is
    that for all of them."""
    found = _folded(condition, field, frozenset(present))
    assert isinstance(found, Q | bool)  # noqa: S101 - what was a Q is one, or decided
    return found


def _folded(node: Any, field: str, present: frozenset[str]) -> Any:
    if isinstance(node, tuple):
        lookup, value = node
        if lookup == f"{field}__in" and all(isinstance(one, str) for one in value):
            held = [one for one in value if one in present]
            return False if not held else len(present.difference(held)) == 0 or (lookup, held)
        return node
    if not isinstance(node, Q) or not node.children or node.connector == Q.XOR:
        return node
    decides = node.connector == Q.OR  # one child that is this decides for all
    left = []
    for child in node.children:
        one = _folded(child, field, present)
        if one is decides:
            return decides is not node.negated
        if not isinstance(one, bool):
            left.append(one)
    if not left:
        return (not decides) is not node.negated
    return Q.create(left, connector=node.connector, negated=node.negated)
