"""Positions in a list, valid only for the client they were given to: signed, so that no one can invent one or use
another's."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from django.core import signing
from django.http import HttpRequest

from sisimport.api.problems import ProblemError
from sisimport.api.schemas import Page

_SALT = "sisimport.api.cursors"


def place(request: HttpRequest, filters: Page) -> list[Any] | None:
    """The key after which the page begins; None for the first page. Raises ProblemError for a cursor of another
    list."""
    if not filters.cursor:
        return None
    try:
        list_of, key = signing.loads(filters.cursor, salt=_SALT)
    except (signing.BadSignature, ValueError, TypeError):
        list_of, key = "", []
    if list_of != _list_of(request, filters):
        message = "It belongs to another list, other filters or another user. Begin again without a cursor."
        raise ProblemError("INVALID", errors=[("cursor", message)])
    found: list[Any] = key
    return found


def cursor(request: HttpRequest, filters: Page, key: Sequence[Any]) -> str:
    """The cursor for the entries after `key`."""
    return signing.dumps([_list_of(request, filters), list(key)], salt=_SALT)


def _list_of(request: HttpRequest, filters: Page) -> str:
    """Identifies the list: the caller, the address, the filters."""
    chosen_filters = filters.model_dump(mode="json", exclude={"cursor", "limit"})
    text = json.dumps([request.user.pk, request.path_info, chosen_filters], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
