"""Lists of the admin over tables that grow without end: see paging.py."""

from typing import Any

from django.contrib import admin
from django.contrib.admin import ShowFacets
from django.contrib.admin.views.main import ChangeList
from django.http import HttpRequest

from students.paging import BoundedPaginator


def column(field: str, label: str) -> Any:
    """A column of a list, with the label that the product's own pages use."""

    @admin.display(description=label, ordering=field)
    def shown(_page: Any, row: Any) -> Any:
        return getattr(row, field)

    return shown


def person(field: str, label: str = "") -> Any:
    """A column that names who did something, without Django's link to their account, which few may open."""

    @admin.display(description=label or field.replace("_", " "), ordering=field)
    def shown(_page: Any, row: Any) -> str:
        who = getattr(row, field)
        return who.get_username() if who else ""

    return shown


class BoundedChangeList(ChangeList):
    """Shows how many rows were found if something was searched for and all of them were counted."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        is_limited = bool(self.query) or self.has_active_filters
        if not is_limited or self.paginator.is_cut:
            self.full_result_count = self.result_count


class LongList:
    """Mixin of a ModelAdmin whose table may hold millions of rows."""

    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = ShowFacets.NEVER  # a count of all rows for every choice of every filter

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:  # noqa: ARG002
        return BoundedChangeList
