"""Pages of lists that grow without end: a page costs the same however many rows there are.

Counting all rows for every page takes seconds over millions of them. Such a list counts as far as a user would page and
says that there are more; to find later rows, users search or filter.
"""

from typing import Any, Final

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.utils.functional import cached_property

LISTED: Final = 5_000


class BoundedPaginator(Paginator):
    """Pages of the first `LISTED` rows. `is_cut`: there are more. A list that knows whether it was cut (FoundStudents)
    is asked for it."""

    template_name = "admin/pagination_bounded.html"

    @cached_property
    def _counted(self) -> int:
        rows: Any = self.object_list
        return rows.order_by()[: LISTED + 1].count() if isinstance(rows, QuerySet) else len(rows)

    @property
    def count(self) -> int:
        return min(self._counted, LISTED)

    @property
    def is_cut(self) -> bool:
        return self._counted > LISTED or bool(getattr(self.object_list, "is_cut", False))
