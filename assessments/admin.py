"""Administration of test set-ups. What imports find a set-up by (state code, parent) is fixed once it is there."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline

from assessments.models import Assessment

_FIXED = ("state_code", "parent")


class ChildInline(TabularInline):
    """The parts of a test, under their parent."""

    model = Assessment
    fields = ("state_code", "name", "score_type", "position", "passing_score", "shown_to_families")
    readonly_fields = ("state_code",)
    extra = 0
    can_delete = False
    verbose_name = "part"
    verbose_name_plural = "parts"

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False


@admin.register(Assessment)
class AssessmentAdmin(ModelAdmin):
    """Names, passing scores, comments and Display Options; later imports keep finding the record."""

    list_display = ("name", "state_code", "parent", "score_type", "start_date", "passing_score", "shown_to_families")
    list_filter = ("shown_to_families", "score_type", ("parent", admin.EmptyFieldListFilter))
    list_select_related = ("parent",)
    search_fields = ("name", "state_code")
    autocomplete_fields = ("parent",)
    inlines = (ChildInline,)
    fieldsets = (
        (None, {"fields": ("name", "state_code", "parent", "score_type", "start_date", "position")}),
        ("Results", {"fields": ("results", "passing_score", "comments")}),
        ("Display Options", {"fields": ("shown_to_families",)}),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Assessment | None = None) -> tuple[str, ...]:  # noqa: ARG002
        return _FIXED if obj is not None else ()

    def has_delete_permission(self, request: HttpRequest, obj: Assessment | None = None) -> bool:
        """A set-up with scores stays: its scores would lose their name."""
        return bool(super().has_delete_permission(request, obj)) and (obj is None or not _has_scores(obj))


def _has_scores(assessment: Assessment) -> bool:
    from assessments.models import Score

    ids = [assessment.pk, *assessment.children.values_list("pk", flat=True)]
    return Score.objects.filter(assessment_id__in=ids).exists()
