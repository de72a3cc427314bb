"""Lists of the admin over tables that grow without end: a page costs the same however many rows there are.

Django counts all rows for every page of a list, which takes seconds over millions of them. Such a list counts as far
as anybody would leaf through it and says so; who looks for what comes later searches or filters.
"""

from typing import Any, Final

from django.contrib import admin
from django.contrib.admin import ShowFacets
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

LISTED: Final = 10_000


def person(field: str) -> Any:
    """A column that names who did something, without Django's link to their account, which few may open."""

    @admin.display(description=field.replace("_", " "), ordering=field)
    def shown(_page: Any, row: Any) -> str:
        who = getattr(row, field)
        return who.get_username() if who else ""

    return shown


class BoundedPaginator(Paginator):
    """Pages of the first rows, up to `LISTED` of them. `is_cut`: there are more."""

    template_name = "admin/pagination_bounded.html"

    @cached_property
    def _counted(self) -> int:
        rows: QuerySet[Any] = self.object_list  # type: ignore[assignment]
        return rows.order_by()[: LISTED + 1].count()

    @property
    def count(self) -> int:
        return min(self._counted, LISTED)

    @property
    def is_cut(self) -> bool:
        return self._counted > LISTED


class BoundedChangeList(ChangeList):
    """Says how many rows were found where something was asked for and all of them were counted."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        asked = bool(self.query) or self.has_active_filters
        if not asked or self.paginator.is_cut:
            self.full_result_count = self.result_count


class LongList:
    """Mixin of a ModelAdmin whose table may hold millions of rows."""

    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = ShowFacets.NEVER  # a count of all rows for every choice of every filter

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:  # noqa: ARG002
        return BoundedChangeList
