"""Admin of the SSID Process: due dates are edited here, requests are read-only."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from ssid.models import UtahDueDate, UtahRequest
from students.admin.base import OfOwnDistricts
from students.admin.busy import ReturnsTyped


@admin.register(UtahDueDate)
class UtahDueDateAdmin(OfOwnDistricts, ReturnsTyped, ModelAdmin):
    """A row with the name of a usual date replaces it."""

    list_display = ("name", "lea", "shown", "lead_days")
    list_filter = (("lea", admin.RelatedOnlyFieldListFilter),)
    list_select_related = ("lea",)
    search_fields = ("name",)


@admin.register(UtahRequest)
class UtahRequestAdmin(OfOwnDistricts, ModelAdmin):
    """Who requested what from the state, and when."""

    list_display = ("__str__", "lea", "record_count", "created_at", "created_by", "override_reason", "withdrawn_at")
    list_filter = ("function", ("lea", admin.RelatedOnlyFieldListFilter), "created_at")
    list_select_related = ("lea", "created_by")
    exclude = ("file",)

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False
