"""The objects this installation put into a bucket, so that those without a record can be removed without the right to list.

noted      before an object is put, in a session of its own: the note remains if the process dies or the transaction is undone
removed    a day later, if no record names the object: the object first, then its note
"""

import datetime as dt
import logging
from collections.abc import Sequence
from typing import Any

from django.core.files.storage import storages
from django.db import connection
from django.db.models import Exists, Model, OuterRef, QuerySet

from sisimport.imports.models import StoredObject
from sisimport.imports.storage.stores import StoreAwayError

logger = logging.getLogger(__name__)
MOST = 500  # objects in one sweep
_NOTE = (
    "INSERT INTO imports_storedobject (name) VALUES (%s)"
    " ON CONFLICT (name) DO UPDATE SET put_at = statement_timestamp()"
)


def note(name: str) -> None:
    """Note an object that is about to be put; committed immediately, regardless of the surrounding transaction."""
    aside = connection.copy()
    try:
        with aside.cursor() as cursor:
            cursor.execute(_NOTE, [name])
    finally:
        aside.close()


def remove_unrecorded(before: dt.datetime, fields: Sequence[tuple[type[Model], str]]) -> int:
    """Remove objects put before this moment that none of these fields name. Returns how many.

    If no file at all is on record, nothing is touched, as in a folder: more likely the database is a new one.
    """
    store = storages["default"]
    if not getattr(store, "is_noted", False) or not any(model._default_manager.exists() for model, _field in fields):
        return 0
    for model, field in fields:
        _note_recorded(model._default_manager.exclude(**{field: ""}).exclude(**{field: None}).values_list(field))
    orphans = StoredObject.objects.filter(put_at__lt=before)
    for model, field in fields:
        orphans = orphans.exclude(Exists(model._default_manager.filter(**{field: OuterRef("name")})))
    gone = 0
    for name in list(orphans.order_by("put_at").values_list("name", flat=True)[:MOST]):
        try:
            store.delete(name)
        except StoreAwayError as error:
            logger.warning("a leftover object could not be removed (%s)", type(error).__name__)
            break
        StoredObject.objects.filter(name=name).delete()
        gone += 1
    return gone


def _note_recorded(names: QuerySet[Any, Any]) -> None:
    """Note objects put by releases that kept no notes, so that they are found even if their record is removed without them."""
    sql, params = names.distinct().order_by().query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO imports_storedobject (name) {sql} ON CONFLICT (name) DO NOTHING", params)
