"""Places in a list, for whoever was given them: signed, so that nobody makes one up or takes another's."""

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
    """The key after which the page begins; None for the first page. Raises ProblemError for a cursor of something else."""
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
    """What leads to the entries after `key`."""
    return signing.dumps([_list_of(request, filters), list(key)], salt=_SALT)


def _list_of(request: HttpRequest, filters: Page) -> str:
    """Names the list: whose it is, the address, the filters."""
    asked = filters.model_dump(mode="json", exclude={"cursor", "limit"})
    text = json.dumps([request.user.pk, request.path_info, asked], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
