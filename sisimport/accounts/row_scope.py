"""Whose rows a request may see: those of its user's schools, as in `students/access.py`, and a family's students."""

from collections.abc import Callable

from django.core.signals import request_finished
from django.http import HttpRequest, HttpResponseBase

from sisimport.runtime import row_scope
from students.access import User, visible_school_ids
from students.families import family_students, is_family

_KEPT = "_family_student_ids"


class RowScopeMiddleware:
    """Sets the scope until the answer has been sent, because a download is read while it is sent. Evaluated each time, because a
    token changes the user."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        request_finished.connect(row_scope.end, dispatch_uid="row_scope")

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        row_scope.begin(lambda: scope_of(request.user))
        return self.get_response(request)


def scope_of(user: User) -> str:
    """The scope of this user's statements. The user's schools are read once per request, on first use."""
    schools = visible_school_ids(user)
    if schools is None:
        return row_scope.ALL
    return row_scope.of(schools=schools, students=_family_ids(user))


def _family_ids(user: User) -> frozenset[int]:
    """Students of a family's account. Not read for staff, unless a page has found that they are also a family."""
    if not hasattr(user, _KEPT):
        if visible_school_ids(user) and not getattr(user, "_is_family", False):
            return frozenset()
        with row_scope.across_schools():
            ids = frozenset(family_students(user).values_list("pk", flat=True)) if is_family(user) else frozenset()
        setattr(user, _KEPT, ids)
    kept: frozenset[int] = getattr(user, _KEPT)
    return kept
