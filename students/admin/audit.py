"""Edits of records: who did what, read-only."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from students.access import visible_school_ids
from students.admin.base import ReadOnly
from students.admin.lists import LongList, person
from students.models import RecordEdit
from students.models.identifiers import mask_ssid


@admin.register(RecordEdit)
class RecordEditAdmin(ReadOnly, LongList, ModelAdmin):
    list_display = ("at", "student", "what", "field", "was", "became", "reason", "by")
    by = person("user")
    list_filter = ("what", "at")
    list_select_related = ("student", "user")
    search_fields = ("^student__local_number",)
    sortable_by = ()
    ordering = ("-id",)  # as by time, for which there is no index

    def get_queryset(self, request: HttpRequest) -> QuerySet[RecordEdit]:
        ids = visible_school_ids(request.user)
        return RecordEdit.objects.all() if ids is None else RecordEdit.objects.filter(student__school_id__in=ids)

    @admin.display(description="before")
    def was(self, edit: RecordEdit) -> str:
        return _masked(edit, edit.before)

    @admin.display(description="after")
    def became(self, edit: RecordEdit) -> str:
        return _masked(edit, edit.after)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:  # noqa: ARG002
        return self.list_display


def _masked(edit: RecordEdit, text: str | None) -> str:
    return mask_ssid(text or "") if edit.field == "ssid" else text or ""
