"""SSIDs and their replacements."""

from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline

from students.access import visible_school_ids
from students.admin.base import ReadOnly
from students.admin.busy import ReturnsTyped
from students.admin.lists import LongList
from students.models import SSID, SSIDReplacement


class FormerSSIDInline(ReadOnly, TabularInline):
    model = SSID
    verbose_name_plural = "former SSIDs"
    fields = ("masked", "origin", "created_at", "retired_at")
    readonly_fields = fields
    extra = 0

    def get_queryset(self, request: HttpRequest) -> QuerySet[SSID]:
        found: QuerySet[SSID] = super().get_queryset(request).filter(retired_at__isnull=False)
        return found

    @admin.display(description="SSID")
    def masked(self, ssid: SSID) -> str:
        return ssid.masked


@admin.register(SSID)
class SSIDAdmin(ReadOnly, LongList, ModelAdmin):
    """All SSIDs, masked. They are edited on the student's page, which asks for the reason."""

    list_display = ("masked", "student", "state", "origin", "origin_run", "verified", "created_at", "retired_at")
    list_filter = ("origin", "verified", ("retired_at", admin.EmptyFieldListFilter), "state")
    list_select_related = ("student",)
    search_fields = ("^student__local_number",)
    search_help_text = "Beginning of the local student number"
    sortable_by = ()
    fields = list_display

    def get_queryset(self, request: HttpRequest) -> QuerySet[SSID]:
        ids = visible_school_ids(request.user)
        return SSID.objects.all() if ids is None else SSID.objects.filter(student__school_id__in=ids)

    @admin.display(description="SSID")
    def masked(self, ssid: SSID) -> str:
        return ssid.masked


@admin.register(SSIDReplacement)
class SSIDReplacementAdmin(ReturnsTyped, LongList, ModelAdmin):
    """Replacements announced by the state: this number was merged into that one. Added by hand exactly as announced."""

    list_display = ("__str__", "state", "learned_at", "origin_run", "entered_by")
    list_filter = ("state",)
    list_select_related = ("entered_by",)
    readonly_fields = ("masked",)
    fields = ("state", "retired_ssid", "replacement_ssid")

    def get_queryset(self, request: HttpRequest) -> QuerySet[SSIDReplacement]:
        """A user who sees some schools sees what happened to their students' numbers."""
        replacements, ids = SSIDReplacement.objects.all(), visible_school_ids(request.user)
        if ids is None:
            return replacements
        own = SSID.objects.filter(
            Q(ssid=OuterRef("retired_ssid")) | Q(ssid=OuterRef("replacement_ssid")),
            state=OuterRef("state"),
            student__school_id__in=ids,
        )
        return replacements.filter(Exists(own))

    def get_fields(self, request: HttpRequest, obj: SSIDReplacement | None = None) -> tuple[str, ...]:  # noqa: ARG002
        return self.fields if obj is None else ("state", "masked")

    @admin.display(description="replaced")
    def masked(self, replacement: SSIDReplacement) -> str:
        return str(replacement)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    def save_model(self, request: HttpRequest, obj: SSIDReplacement, form: Any, change: bool) -> None:
        obj.entered_by = request.user  # type: ignore[assignment]
        super().save_model(request, obj, form, change)
