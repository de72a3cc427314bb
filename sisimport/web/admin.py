"""The admin of imports: all users' runs, read-only, with their issues; files; remembered matches."""

from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from unfold.admin import ModelAdmin
from unfold.decorators import display

from sisimport.accounts.access import visible_runs
from sisimport.files.issues import Severity, codes
from sisimport.imports.definition.registry import UnknownImportTypeError, all_types, get_type
from sisimport.imports.models import ImportFile, ImportRun, RememberedMatch
from sisimport.web import states
from students.access import visible_school_ids, visible_students
from students.admin.base import ReadOnly
from students.admin.lists import column, person
from students.granting import has_as_much_as

_ADMIN_TONES = {"ok": "success", "bad": "danger", "warn": "warning", "info": "info", "undone": "default", "": "default"}


class TypeFilter(admin.SimpleListFilter):
    title = "import type"
    parameter_name = "type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        return [(kind.key, kind.screen.label) for kind in all_types() if kind.screen.listed]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ImportRun]) -> QuerySet[ImportRun]:  # noqa: ARG002
        return queryset.filter(import_type=self.value()) if self.value() else queryset


class StateFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        return [(state.key, state.label) for state in states.FILTERS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ImportRun]) -> QuerySet[ImportRun]:  # noqa: ARG002
        return states.in_state(queryset, str(self.value())) if self.value() else queryset


class FoundFilter(admin.SimpleListFilter):
    title = "what was found"
    parameter_name = "found"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        return [("errors", "With errors"), ("warnings", "With warnings"), ("aside", "With lines set aside")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ImportRun]) -> QuerySet[ImportRun]:  # noqa: ARG002
        column = {"errors": "error_count", "warnings": "warning_count", "aside": "set_aside_count"}.get(
            self.value() or ""
        )
        return queryset.filter(**{f"{column}__gt": 0}) if column else queryset


class CauseFilter(admin.SimpleListFilter):
    """Runs in which an issue of this code was found."""

    title = "cause"
    parameter_name = "cause"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        return [(code.code, f"{code.title} ({code.code})") for code in codes.all()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ImportRun]) -> QuerySet[ImportRun]:  # noqa: ARG002
        return queryset.filter(summary__issues__contains=[{"code": self.value()}]) if self.value() else queryset


@admin.register(ImportRun)
class ImportRunAdmin(ReadOnly, ModelAdmin):
    """All users' runs with their errors and warnings by cause. The report itself is the run's page."""

    list_display = (
        "number",
        "file_name",
        "type_label",
        "work",
        "state",
        "records",
        "imported",
        "errors",
        "warnings",
        "by",
        "when",
    )
    list_filter = (StateFilter, "work", TypeFilter, FoundFilter, CauseFilter, "created_at", "created_by")
    list_select_related = ("file", "created_by")
    search_fields = ("file__name", "reference")
    search_help_text = "File name, or the reference of a failed run"
    date_hierarchy = "created_at"
    list_per_page = 50
    fields = (
        "report",
        "file_name",
        "type_label",
        "work",
        "state",
        "message",
        "reference",
        "by",
        "created_at",
        "started_at",
        "finished_at",
        "attempts",
        "crash",
        "crash_attempt",
        "crash_phase",
        "crashed_at",
        "crash_error",
        "record_count",
        "import_count",
        "planned_count",
        "unchanged_count",
        "refused_count",
        "set_aside_count",
        "skipped_count",
        "causes",
    )
    by = person("created_by", "by")
    records = column("record_count", "records")
    imported = column("import_count", "imported")
    errors = column("error_count", "errors")
    warnings = column("warning_count", "warnings")
    when = column("created_at", "when")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ImportRun]:
        return states.with_applications(visible_runs(request.user).select_related("file", "created_by"))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:  # noqa: ARG002
        return self.fields

    @display(
        description="state",
        ordering="status",
        label={state.label: _ADMIN_TONES[state.tone] for state in states.ALL},
    )
    def state(self, run: ImportRun) -> str:
        return states.state_of(run).label

    @admin.display(description="run", ordering="id")
    def number(self, run: ImportRun) -> str:
        return f"Run {run.pk}"

    @admin.display(description="file", ordering="file__name")
    def file_name(self, run: ImportRun) -> str:
        return run.file.name if run.file else ""

    @admin.display(description="import type", ordering="import_type")
    def type_label(self, run: ImportRun) -> str:
        try:
            return get_type(run.import_type).screen.label
        except UnknownImportTypeError:
            return run.import_type

    @admin.display(description="report")
    def report(self, run: ImportRun) -> str:
        return format_html('<a href="{}">Issues and changes, line by line</a>', reverse("run", args=[run.pk]))

    @admin.display(description="errors and warnings by cause")
    def causes(self, run: ImportRun) -> str:
        rows = []
        for row in run.summary.get("issues", []):
            title = codes.get(row["code"]).title if row["code"] in codes else row["code"]
            rows.append((Severity(row["severity"]).label, row["count"], title, row["code"]))
        return format_html_join("", "<div>{}: {} × {} ({})</div>", rows) or "none"


# Mail addresses are managed by the account itself; a lost second factor is removed here.
admin.site.unregister(EmailAddress)
admin.site.unregister(Authenticator)
# Single sign-on is set up only by the environment; people's links to it, and sessions, have their own pages.
for _model in (SocialApp, SocialAccount, SocialToken, UserSession):
    admin.site.unregister(_model)


@admin.register(Authenticator)
class AuthenticatorAdmin(ModelAdmin):
    list_display = ("user", "type", "created_at", "last_used_at")
    list_select_related = ("user",)
    search_fields = ("user__username",)
    fields = readonly_fields = list_display

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Removing the second factor of a person with more access would be half of a break-in."""
        allowed: bool = super().has_delete_permission(request, obj)
        return allowed and (obj is None or has_as_much_as(request.user, obj.user))


@admin.register(ImportFile)
class ImportFileAdmin(ReadOnly, ModelAdmin):
    list_display = ("name", "size", "uploaded_by", "uploaded_at")
    list_select_related = ("uploaded_by",)
    search_fields = ("name", "sha256")
    fields = ("name", "size", "sha256", "by", "uploaded_at")
    by = person("uploaded_by")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ImportFile]:
        return ImportFile.objects.filter(runs__in=visible_runs(request.user)).distinct()


@admin.register(RememberedMatch)
class RememberedMatchAdmin(ReadOnly, ModelAdmin):
    """Matches that people accepted and later Tests use."""

    list_display = ("local_number", "student_id", "reason", "by", "made_at", "ended_at", "ender")
    by = person("made_by")
    ender = person("ended_by")
    list_filter = ("made_at", ("ended_at", admin.EmptyFieldListFilter))
    list_select_related = ("made_by", "ended_by")
    fields = list_display

    def get_queryset(self, request: HttpRequest) -> QuerySet[RememberedMatch]:
        matches = RememberedMatch.objects.all()
        if visible_school_ids(request.user) is None:
            return matches
        return matches.filter(student_id__in=visible_students(request.user).values("pk"))
