"""What the admin pages of student records share."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest

from students.access import visible_lea_ids, visible_leas


class ReadOnly:
    """A read-only page."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False


class OfOwnDistricts:
    """A page of data of a district (`lea_field`): rows of other districts are hidden, and no row can be given to
    another district."""

    lea_field = "lea"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        found: QuerySet[Any] = super().get_queryset(request)  # type: ignore[misc]
        ids = visible_lea_ids(request.user)
        return found if ids is None else found.filter(**{f"{self.lea_field}__in": sorted(ids)})

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "lea":
            kwargs["queryset"] = visible_leas(request.user)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[misc]
