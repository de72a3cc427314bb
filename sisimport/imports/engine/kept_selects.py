"""SELECTs over staged rows as finished SQL, composed once per content and kept.

Composing the rules of a type takes Django a tenth of a second or more, which is most of what a small file costs. What is kept
can never be out of date: a SELECT is found again by a digest of everything it was composed from (the declarations themselves
with all their values, the rows and their joins, the columns), not by the name of what asked for it. Another option, another
school, another day in a rule, another layout or table is another digest, and is composed again.
"""

import hashlib
import io
import pickle
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Any

from django.db import connection, models
from django.db.models import Q, QuerySet
from django.db.models.expressions import BaseExpression
from django.db.models.lookups import Lookup
from django.db.models.sql import Query
from django.utils import timezone, translation

from sisimport.imports.engine.sql import compiled, with_values

Step = Mapping[str, Any] | Q  # columns to add, or a condition on the rows

MOST, LARGEST = 64, 400_000  # statements kept; characters of one, above which it is not kept (lists of many lines)

_kept: OrderedDict[bytes, str] = OrderedDict()
_lock = Lock()


def select(rows: QuerySet[Any], steps: Sequence[Step], columns: Sequence[str], order_by: Sequence[str] = ()) -> str:
    """SQL, values included, of `columns` of these rows after the steps, which are taken in their order.

    It is SQL without placeholders: a statement that holds it is sent without parameters.
    """
    key = digest(rows.query, steps, columns, order_by)
    if key is None:
        return _composed(rows, steps, columns, order_by)
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
    sql = _composed(rows, steps, columns, order_by)
    if len(sql) <= LARGEST:
        with _lock:
            _kept[key] = sql
            while len(_kept) > MOST:
                _kept.popitem(last=False)
    return sql


def _composed(rows: QuerySet[Any], steps: Sequence[Step], columns: Sequence[str], order_by: Sequence[str]) -> str:
    for step in steps:
        rows = rows.filter(step) if isinstance(step, Q) else rows.annotate(**step)
    return with_values(*compiled(rows.order_by(*order_by).values_list(*columns)))


def digest(*content: Any) -> bytes | None:
    """Tells SELECTs apart by all they are composed from; None when part of that can only be known by running it."""
    around = (connection.alias, translation.get_language(), timezone.get_current_timezone_name())
    stream = io.BytesIO()
    try:
        _Content(stream, pickle.HIGHEST_PROTOCOL).dump((content, around))
    except (pickle.PicklingError, AttributeError, TypeError):
        return None  # a function made on the spot, for one
    return hashlib.sha256(stream.getbuffer()).digest()


class _Content(pickle.Pickler):
    """Writes expressions down, to be compared and never to be read back."""

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, QuerySet):
            return tuple, ((type(value), value.query),)  # else it would be evaluated
        if isinstance(value, models.Field) and not hasattr(value, "model"):
            # The type of an expression's result, made where it is declared: each is numbered, which tells nothing.
            state = {name: held for name, held in vars(value).items() if name != "creation_counter"}
            return tuple, ((type(value), state),)
        # Django keeps notes on expressions and conditions that were compared with others. They follow from the rest, and with
        # them the digest would change by the first use.
        if isinstance(value, Q):
            return tuple, ((type(value), value.connector, value.negated, value.children),)
        if isinstance(value, BaseExpression):
            without_notes: dict[str, Any] = dict(value.__getstate__())  # type: ignore[call-overload]
            without_notes.pop("identity", None)
            if isinstance(value, Lookup):
                without_notes.pop("output_field", None)  # always a boolean
            if isinstance(value, Query):
                without_notes.pop(
                    "table_map", None
                )  # follows from its aliases, and takes up those of queries around it
            return tuple, ((type(value), without_notes),)
        return NotImplemented
