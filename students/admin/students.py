"""The admin of student records. Nothing is saved by a model: every edit goes through the services, as imports do."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from unfold.admin import ModelAdmin, StackedInline, TabularInline

from sisimport.audit.models import AuditEntry
from students import editing
from students.access import log_view, visible_lea_ids, visible_leas, visible_schools, visible_students
from students.admin.base import OfOwnDistricts
from students.admin.busy import ReturnsTyped
from students.admin.forms import MISTAKE, EnrollmentForm, LEAForm, StudentForm
from students.admin.lists import LongList
from students.admin.ssids import FormerSSIDInline
from students.grades import GRADES
from students.models import (
    LEA,
    SSID,
    DistrictSettings,
    ELRecord,
    Enrollment,
    Guardian,
    School,
    StateProfile,
    Student,
)
from students.profiles import move_ssids
from students.search import with_ssid, without_ssid
from students.services import SSIDRefusedError

# ---- districts ----


@admin.register(LEA)
class LEAAdmin(OfOwnDistricts, ReturnsTyped, ModelAdmin):
    form = LEAForm
    lea_field = "pk"
    list_display = ("code", "name", "state")
    search_fields = ("code", "name")
    list_filter = ("state",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A new district is not one that a user already works for."""
        allowed: bool = super().has_add_permission(request)
        return allowed and visible_lea_ids(request.user) is None

    def save_model(self, request: HttpRequest, obj: LEA, form: Any, change: bool) -> None:
        """Changing the state also moves the students' SSIDs, as the command `set_lea` does."""
        with transaction.atomic():
            if change:
                move_ssids(obj, StateProfile(obj.state))
            super().save_model(request, obj, form, change)


@admin.register(DistrictSettings)
class DistrictSettingsAdmin(OfOwnDistricts, ReturnsTyped, ModelAdmin):
    list_display = ("lea", "report_words", "shows_district_results", "family_accounts_end")
    list_select_related = ("lea",)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "lea",
                    "report_words",
                    "shows_district_results",
                    "family_accounts_end",
                    "staff_accounts_end",
                    "contacts",
                    "documentation",
                )
            },
        ),
        (
            "When an Update waits for a second person",
            {
                "fields": (
                    "holds_updates",
                    "hold_floor",
                    "hold_students_percent",
                    "hold_ssids_percent",
                    "hold_el_percent",
                    "hold_lines_percent",
                    "hold_matched_percent",
                )
            },
        ),
    )
    radio_fields: ClassVar = {"report_words": admin.VERTICAL}

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "lea":
            kwargs["label"] = "LEA"
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: DistrictSettings | None = None) -> tuple[str, ...]:  # noqa: ARG002
        return ("lea",) if obj else ()


@admin.register(School)
class SchoolAdmin(OfOwnDistricts, ReturnsTyped, ModelAdmin):
    list_display = ("code", "name", "lea")
    search_fields = ("code", "name")
    list_filter = (("lea", admin.RelatedOnlyFieldListFilter),)
    list_select_related = ("lea",)
    autocomplete_fields = ("lea",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[School]:
        return visible_schools(request.user)


# ---- students ----


class HasSSIDFilter(admin.SimpleListFilter):
    title = "SSID"
    parameter_name = "ssid"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        return [("yes", "With SSID"), ("no", "Without SSID")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Student]) -> QuerySet[Student]:  # noqa: ARG002
        if self.value() is None:
            return queryset
        return with_ssid(queryset) if self.value() == "yes" else without_ssid(queryset)


class GradeFilter(admin.SimpleListFilter):
    """All valid grades, not the ones in use: finding those would search all students for every page."""

    title = parameter_name = "grade"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        return [(grade, grade) for grade in GRADES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Student]) -> QuerySet[Student]:  # noqa: ARG002
        return queryset.filter(grade=self.value()) if self.value() else queryset


class SchoolFilter(admin.SimpleListFilter):
    """Schools of the user only."""

    title = "school"
    parameter_name = "school"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        return [(str(school.pk), school.name or school.code) for school in visible_schools(request.user)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Student]) -> QuerySet[Student]:  # noqa: ARG002
        value = self.value()
        return queryset.filter(school_id=value) if value and value.isdecimal() else queryset


class ELRecordInline(StackedInline):
    model = ELRecord
    fields = ("program_status", "identified_date", "tbd_date", "exit_date", "state_says")
    readonly_fields = ("state_says",)
    extra = 0

    @admin.display(description="The state says")
    def state_says(self, record: ELRecord) -> str:
        parts = [record.state_elas, str(record.state_elas_date or ""), record.state_language]
        return ", ".join(part for part in parts if part) or "nothing yet"


class EnrollmentInline(TabularInline):
    model = Enrollment
    form = EnrollmentForm
    fields = ("school", "grade", "start_date", "exit_date", "exit_reason")
    autocomplete_fields = ("school",)
    extra = 0


class GuardianInline(TabularInline):
    model = Guardian
    fields = ("first_name", "last_name", "relationship")
    extra = 0


@admin.register(Student)
class StudentAdmin(ReturnsTyped, LongList, ModelAdmin):
    """Search is by local number: names and SSIDs do not belong in an address. The Students page searches by them."""

    form = StudentForm
    list_display = ("local_number", "full_name", "birth_date", "grade", "school", "current_ssid")
    list_filter = (SchoolFilter, GradeFilter, HasSSIDFilter)
    sortable_by = ("full_name", "birth_date")  # those with an index
    list_select_related = ("school",)
    search_fields = ("^local_number",)
    search_help_text = "Beginning of the local student number. To search by name or SSID, use the Students page."
    autocomplete_fields = ("lea", "school")
    inlines = (ELRecordInline, EnrollmentInline, FormerSSIDInline, GuardianInline)
    fieldsets = (
        (None, {"fields": ("reason",)}),
        (
            "Record information",
            {
                "fields": (
                    "ssid",
                    "old_number",
                    ("last_name", "first_name"),
                    ("middle_name", "suffix"),
                    ("birth_date", "gender"),
                    "lea",
                    ("local_number", "grade"),
                    "school",
                )
            },
        ),
        (
            "Legal name and gender",
            {"fields": (("legal_last_name", "legal_first_name"), ("legal_middle_name", "legal_gender"))},
        ),
        (
            "More",
            {
                "fields": (
                    ("alias_last_name", "alias_first_name"),
                    ("birth_country", "birth_state"),
                    ("home_language", "ethnicity"),
                )
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Student]:
        current = Prefetch("ssids", SSID.objects.filter(retired_at__isnull=True), to_attr="current_ssids")
        return visible_students(request.user).prefetch_related(current)

    @admin.display(description="full name", ordering="last_key")
    def full_name(self, student: Student) -> str:
        return student.full_name

    @admin.display(description="SSID")
    def current_ssid(self, student: Student) -> str:
        found: list[SSID] = getattr(student, "current_ssids", [])
        return found[0].masked if found else "none"

    def get_readonly_fields(self, request: HttpRequest, obj: Student | None = None) -> tuple[str, ...]:  # noqa: ARG002
        return () if obj is None else ("lea",)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "school":
            kwargs["queryset"] = visible_schools(request.user)
        if db_field.name == "lea":
            kwargs["queryset"] = visible_leas(request.user)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False  # a student leaves by an exit date, not by deletion

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        student = visible_students(request.user).filter(pk=object_id).first() if object_id.isdecimal() else None
        if student is not None and self.has_view_permission(request, student):
            log_view(user=request.user, kind=AuditEntry.Kind.PAGE, student=student, subject="admin")
            log_view(user=request.user, kind=AuditEntry.Kind.SSID, student=student, subject="admin")
            kwargs["extra_context"] = {
                "title": student.full_name,
                "subtitle": None,
                **(kwargs.get("extra_context") or {}),
            }
        return super().change_view(request, object_id, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Student, form: StudentForm, change: bool) -> None:
        reason = form.cleaned_data.get("reason", "")
        if change:
            values = {name: form.cleaned_data[name] for name in form.changed_data if name in editing.STUDENT_FIELDS}
            editing.update_student(student=obj, values=values, user=request.user, reason=reason)
        else:
            editing.create_student(student=obj, user=request.user, reason=reason)
        if "ssid" in form.changed_data:
            try:
                editing.change_ssid(
                    student=obj,
                    ssid=form.cleaned_data["ssid"],
                    user=request.user,
                    reason=reason,
                    was_mistake=form.cleaned_data.get("old_number") == MISTAKE,
                )
            except SSIDRefusedError as error:
                messages.error(request, f"The SSID was not changed. {error}")

    def save_formset(self, request: HttpRequest, form: StudentForm, formset: Any, change: bool) -> None:  # noqa: ARG002
        student, reason, user = form.instance, form.cleaned_data.get("reason", ""), request.user
        formset.save(commit=False)
        for gone in formset.deleted_objects:
            _remove(gone, user, reason)
        for saved in [*formset.new_objects, *(record for record, _fields in formset.changed_objects)]:
            if isinstance(saved, ELRecord):
                values = {name: getattr(saved, name) for name in editing.EL_FIELDS}
                editing.update_el_record(student=student, values=values, user=user, reason=reason)
            elif isinstance(saved, Enrollment):
                editing.save_enrollment(enrollment=saved, user=user, reason=reason)
            elif isinstance(saved, Guardian):
                editing.save_guardian(guardian=saved, user=user, reason=reason)

    def _create_formsets(self, request: HttpRequest, obj: Student, change: bool) -> Any:
        """A change in an inline also requires the reason of the student's form."""
        formsets, instances = super()._create_formsets(request, obj, change)
        reason = request.POST.get("reason", "").strip()
        for formset in formsets if request.method == "POST" and not reason else ():
            for inline in formset.forms:
                if inline.has_changed():
                    _ask_for_reason(inline)
        return formsets, instances


def _ask_for_reason(form: forms.BaseForm) -> None:
    clean = form.clean

    def with_reason() -> Any:
        cleaned = clean()
        form.add_error(None, "Say at the top of the page why this is changed.")
        return cleaned

    form.clean = with_reason  # type: ignore[method-assign]


def _remove(gone: Any, user: Any, reason: str) -> None:
    if isinstance(gone, ELRecord):
        editing.remove_el_record(student=gone.student, user=user, reason=reason)
    elif isinstance(gone, Enrollment):
        editing.remove_enrollment(enrollment=gone, user=user, reason=reason)
    elif isinstance(gone, Guardian):
        editing.remove_guardian(guardian=gone, user=user, reason=reason)
