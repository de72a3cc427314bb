"""Administration of test set-ups; scores are read-only. The values by which imports find a set-up (state code, parent)
are fixed once it is made.

Scores are not edited here: the state's file is authoritative, and its next import would overwrite any edit.
"""

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from unfold.admin import ModelAdmin, TabularInline

from assessments.admin_forms import AssessmentForm
from assessments.models import Assessment, ListedScore
from assessments.services import prefer
from sisimport.runtime.row_scope import across_schools
from students.access import visible_lea_ids, visible_school_ids
from students.admin.base import ReadOnly
from students.admin.busy import ReturnsTyped
from students.admin.lists import BoundedChangeList, LongList
from students.school_years import spring_of, year_label

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
class AssessmentAdmin(ReturnsTyped, ModelAdmin):
    """Names, passing scores, comments and Display Options; later imports keep finding the record."""

    form = AssessmentForm
    ordering = (Coalesce("parent__position", "position"), Coalesce("parent_id", "id"), "-parent", "position")
    list_display = (
        "name",
        "state_code",
        "parent",
        "years",
        "passing_score",
        "shown_to_families",
        "preferred",
        "scores",
    )
    list_filter = ("shown_to_families", "score_type", ("parent", admin.EmptyFieldListFilter))
    list_select_related = ("parent",)
    search_fields = ("name", "state_code")
    autocomplete_fields = ("parent",)
    inlines = (ChildInline,)
    fieldsets = (
        (None, {"fields": ("name", "state_code", "parent", "score_type", "start_date", "position")}),
        ("School years", {"fields": ("first_year", "last_year", "preferred")}),
        ("Results", {"fields": ("results", "ranged", "passing_score", "comments")}),
        ("Display Options", {"fields": ("shown_to_families",)}),
    )

    @admin.display(description="School years")
    def years(self, assessment: Assessment) -> str:
        first, last = assessment.first_year, assessment.last_year
        if first and first == last:
            return year_label(first)
        parts = [f"from {year_label(first)}" if first else "", f"to {year_label(last)}" if last else ""]
        return " ".join(filter(None, parts)) or "all"

    @admin.display(description="Scores")
    def scores(self, assessment: Assessment) -> str:
        address = reverse("admin:assessments_listedscore_changelist")
        return format_html('<a href="{}?assessment__id__exact={}">Read</a>', address, assessment.pk)

    def save_model(self, request: HttpRequest, obj: Assessment, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        prefer(obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Assessment | None = None) -> tuple[str, ...]:  # noqa: ARG002
        return _FIXED if obj is not None else ()

    def has_delete_permission(self, request: HttpRequest, obj: Assessment | None = None) -> bool:
        """A set-up with scores cannot be deleted: its scores would lose their name."""
        allowed = bool(super().has_delete_permission(request, obj)) and visible_lea_ids(request.user) is None
        return allowed and (obj is None or not _has_scores(obj))

    def has_change_permission(self, request: HttpRequest, obj: Assessment | None = None) -> bool:
        """Restricted, because all districts have their scores under the same set-ups."""
        return bool(super().has_change_permission(request, obj)) and visible_lea_ids(request.user) is None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(super().has_add_permission(request)) and visible_lea_ids(request.user) is None


def _has_scores(assessment: Assessment) -> bool:
    from assessments.models import Score

    ids = [assessment.pk, *assessment.children.values_list("pk", flat=True)]
    with across_schools():  # including those of schools that the user does not see
        return Score.objects.filter(assessment_id__in=ids).exists()


class AssessmentFilter(admin.SimpleListFilter):
    """Whole tests first, their parts under them."""

    title = "assessment"
    parameter_name = "assessment__id__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        rows = Assessment.objects.select_related("parent")
        ranked = sorted(
            rows, key=lambda a: ((a.parent or a).position, (a.parent or a).pk, a.parent_id or 0, a.position)
        )
        return [(str(a.pk), f"{a.parent.name}: {a.name}" if a.parent else a.name) for a in ranked]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ListedScore]) -> QuerySet[ListedScore]:  # noqa: ARG002
        value = self.value()
        return queryset.filter(assessment_id=value) if value and value.isdecimal() else queryset


class YearFilter(admin.SimpleListFilter):
    title = "school year"
    parameter_name = "year"
    first = 2018

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        this = spring_of(timezone.localdate())
        return [(str(year), year_label(year)) for year in range(this, self.first - 1, -1)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ListedScore]) -> QuerySet[ListedScore]:  # noqa: ARG002
        value = self.value()
        return queryset.filter(school_year=value) if value and value.isdecimal() else queryset


class ScoreList(BoundedChangeList):
    """Its first column links to the student's page. (As plain text it would be taken for the checkbox column.)"""

    def url_for_result(self, result: Any) -> str:
        return reverse("student", args=[result.student_id])


@admin.register(ListedScore)
class ListedScoreAdmin(ReadOnly, LongList, ModelAdmin):
    """Scores by student, assessment and year, of the students that the user may see. Read-only."""

    list_display = (
        "page",
        "test",
        "year",
        "date",
        "grade",
        "scale_score",
        "raw_score",
        "result",
        "status",
        "run",
    )
    links_elsewhere = True  # a score has no page here
    preserve_filters = False  # search text must not get into the address of a student's page
    list_filter = (AssessmentFilter, YearFilter)
    list_select_related = ("student", "assessment", "assessment__parent")
    search_fields = ("=student__local_number",)
    search_help_text = "Local student number"
    ordering = ("student_id", "assessment_id", "school_year")  # in key order: no sorting of millions

    def get_queryset(self, request: HttpRequest) -> QuerySet[ListedScore]:
        ids = visible_school_ids(request.user)
        return ListedScore.objects.all() if ids is None else ListedScore.objects.filter(student__school_id__in=ids)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:  # noqa: ARG002
        return ScoreList

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> None:  # noqa: ARG002
        """A single score has no page here: the student's page shows it among the others."""
        return

    @admin.display(description="Student")
    def page(self, score: ListedScore) -> str:
        return str(score.student.local_number)

    @admin.display(description="Assessment")
    def test(self, score: ListedScore) -> str:
        parent = score.assessment.parent
        return f"{parent.name}: {score.assessment.name}" if parent else score.assessment.name

    @admin.display(description="School year")
    def year(self, score: ListedScore) -> str:
        return year_label(score.school_year)

    @admin.display(description="Run")
    def run(self, score: ListedScore) -> str:
        if score.run_id is None:
            return "-"
        return format_html('<a href="{}">{}</a>', reverse("run", args=[score.run_id]), score.run_id)
