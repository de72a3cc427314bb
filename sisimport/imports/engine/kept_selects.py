"""SELECTs over staged rows as finished SQL, composed once per content and kept.

Composing the rules of a type takes Django a tenth of a second or more, which is most of what a small file costs. A kept SELECT
can never be out of date: its key is a digest of everything it was composed from (the declarations themselves with all their
values, the rows and their joins, the columns), not the name of the caller. A different option, school, day in a rule, layout or
table gives a different digest, and the SELECT is composed again.
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

from sisimport.imports.engine.composing import with_each_comparison_once
from sisimport.imports.engine.sql import compiled, with_values

Step = Mapping[str, Any] | Q  # columns to add, or a condition on the rows

MOST, LARGEST = 64, 400_000  # statements kept; characters above which one is not kept (lists of many lines)

_kept: OrderedDict[bytes, str] = OrderedDict()
_lock = Lock()


def select(rows: QuerySet[Any], steps: Sequence[Step], columns: Sequence[str], order_by: Sequence[str] = ()) -> str:
    """SQL, values included, that selects `columns` of these rows after applying the steps in order.

    The SQL has no placeholders: a statement that contains it is sent without parameters.
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
    rows = with_each_comparison_once(rows)
    for step in steps:
        rows = rows.filter(step) if isinstance(step, Q) else rows.annotate(**step)
    return with_values(*compiled(rows.order_by(*order_by).values_list(*columns)))


def digest(*content: Any) -> bytes | None:
    """Digest of everything a SELECT is composed from; None when part of it can only be known by running it."""
    around = (connection.alias, translation.get_language(), timezone.get_current_timezone_name())
    stream = io.BytesIO()
    try:
        _Content(stream, pickle.HIGHEST_PROTOCOL).dump((content, around))
    except (pickle.PicklingError, AttributeError, TypeError):
        return None  # for example a function defined inline
    return hashlib.sha256(stream.getbuffer()).digest()


class _Content(pickle.Pickler):
    """Serializes expressions for comparison only; they are never read back."""

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, QuerySet):
            return tuple, ((type(value), value.query),)  # otherwise the queryset would be evaluated
        if isinstance(value, models.Field) and not hasattr(value, "model"):
            # The type of an expression's result. Each instance gets a number when declared, which means nothing here.
            state = {name: held for name, held in vars(value).items() if name != "creation_counter"}
            return tuple, ((type(value), state),)
        # Django caches values on expressions and conditions that were compared with others. They are derived from the rest, and
        # including them would change the digest after the first use.
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
                )  # derived from its aliases, and picks up those of enclosing queries
            return tuple, ((type(value), without_notes),)
        return NotImplemented
