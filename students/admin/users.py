"""The admin of people who sign in. What a user may grant, and to whom, is decided in granting.py."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin, StackedInline
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from sisimport.runtime.row_scope import across_schools
from students import granting
from students.access import visible_school_ids, visible_schools
from students.admin.busy import ReturnsTyped
from students.admin.lists import person
from students.models import StaffAccess
from students.sessions import end_sessions

User = get_user_model()
ACCESS_FIELDS = ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")


class AccessForm(forms.ModelForm):
    """Schools for another user, among those that the giver sees."""

    giver: Any = None

    class Meta:
        model = StaffAccess
        fields = ("user", "all_schools", "schools")

    @classmethod
    def given_by(cls, giver: Any) -> type["AccessForm"]:
        return type("AccessForm", (cls,), {"giver": giver})

    def clean_user(self) -> Any:
        user = self.cleaned_data["user"]
        if user.pk == self.giver.pk:
            raise forms.ValidationError(granting.OWN)
        return user

    def clean_all_schools(self) -> bool:
        every: bool = self.cleaned_data["all_schools"]
        if every and visible_school_ids(self.giver) is not None:
            raise forms.ValidationError(granting.ALL_SCHOOLS)
        return every


class SaysWhy:
    """For pages that some users may only read: says at the top why nothing can be changed there."""

    @admin.display(description="To read only")
    def own_access(self, _obj: Any) -> str:
        return granting.OWN

    @admin.display(description="To read only")
    def more_than_yours(self, _obj: Any) -> str:
        return granting.MORE_THAN_YOURS


class GivesOwnSchools:
    """For the admin's pages and inlines of StaffAccess: only schools that the giver sees are offered and accepted."""

    form = AccessForm
    autocomplete_fields: tuple[str, ...] = ("schools",)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "schools":
            kwargs["queryset"] = visible_schools(request.user)
        return super().formfield_for_manytomany(db_field, request, **kwargs)  # type: ignore[misc]


def _access_of(person: Any) -> tuple[Any, ...]:
    """What a person may do, to compare before and after."""
    person = User._default_manager.get(pk=person.pk)
    access = StaffAccess.objects.filter(user=person).first()
    schools = set(access.schools.values_list("pk", flat=True)) if access else set()
    groups, permissions = (set(many.values_list("pk", flat=True)) for many in (person.groups, person.user_permissions))
    flags = (person.is_active, person.is_staff, person.is_superuser, bool(access and access.all_schools))
    return flags, schools, groups, permissions


class EndsSessions:
    """For the admin's pages of people: a person whose permissions changed has to sign in again."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        person = form.instance if isinstance(form.instance, User) else form.instance.user
        super().save_related(request, form, formsets, change)  # type: ignore[misc]
        if change and _access_of(person) != getattr(request, "access_before", None):
            end_sessions(person)

    def get_object(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        found = super().get_object(request, *args, **kwargs)  # type: ignore[misc]
        if found is not None:
            request.access_before = _access_of(found if isinstance(found, User) else found.user)  # type: ignore[attr-defined]
        return found


@admin.register(StaffAccess)
class StaffAccessAdmin(EndsSessions, SaysWhy, ReturnsTyped, GivesOwnSchools, ModelAdmin):
    list_display = ("user", "all_schools", "school_names")
    list_select_related = ("user",)
    list_filter = ("all_schools",)
    search_fields = ("user__username",)
    autocomplete_fields = ("schools", "user")
    by = person("user")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        fields = ("user" if obj is None else "by", "all_schools", "schools")
        if obj is None or granting.may_change_access(request.user, obj):
            return fields
        return ("own_access" if obj.user_id == request.user.pk else "more_than_yours", *fields)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:  # noqa: ARG002
        return ("by", "own_access", "more_than_yours")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change, form=AccessForm.given_by(request.user), **kwargs)

    def get_queryset(self, request: HttpRequest) -> QuerySet[StaffAccess]:
        """Access rows of the user's own schools and of people who see all, as on the page *People*."""
        found: QuerySet[StaffAccess] = super().get_queryset(request).prefetch_related("schools")
        ids = visible_school_ids(request.user)
        if ids is None:
            return found
        shared = StaffAccess.objects.filter(schools__in=sorted(ids))
        return found.filter(Q(pk__in=shared.values("pk")) | Q(all_schools=True) | Q(user=request.user))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed: bool = super().has_change_permission(request, obj)
        return allowed and (obj is None or granting.may_change_access(request.user, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed: bool = super().has_delete_permission(request, obj)
        return allowed and (obj is None or granting.may_change_access(request.user, obj))

    @admin.display(description="schools")
    def school_names(self, access: StaffAccess) -> str:
        return "all" if access.all_schools else ", ".join(s.name or s.code for s in access.schools.all()) or "none"


class StaffAccessInline(GivesOwnSchools, StackedInline):
    model = StaffAccess
    extra = 0

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        return super().get_formset(request, obj, form=AccessForm.given_by(request.user), **kwargs)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_add_permission(request, obj) and _may_change_account(request.user, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and _may_change_account(request.user, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and _may_change_account(request.user, obj)


def _may_change_account(giver: Any, person: Any) -> bool:
    """May the giver change this other person's account? None: an account being created."""
    return person is None or (person.pk != giver.pk and granting.has_as_much_as(giver, person))


admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class UserAdmin(EndsSessions, SaysWhy, ReturnsTyped, DjangoUserAdmin, ModelAdmin):
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    inlines = (StaffAccessInline,)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None or _may_change_account(request.user, obj):
            return fieldsets
        why = "own_access" if obj.pk == request.user.pk else "more_than_yours"
        return ((None, {"fields": (why,)}), *fieldsets)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        fields = (*super().get_readonly_fields(request, obj), "own_access", "more_than_yours")
        if obj is not None and obj.pk == request.user.pk:
            return (*fields, *ACCESS_FIELDS)
        return fields if getattr(request.user, "is_superuser", False) else (*fields, "is_superuser")

    def formfield_for_manytomany(self, db_field: Any, request: Any = None, **kwargs: Any) -> Any:
        if db_field.name == "groups":
            kwargs["queryset"] = granting.groups_to_give(request.user)
        elif db_field.name == "user_permissions":
            kwargs["queryset"] = granting.permissions_to_give(request.user)
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    # Deleting the account would remove the name from what the person did to records of any school.
    @across_schools()
    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        super().delete_model(request, obj)

    @across_schools()
    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        super().delete_queryset(request, queryset)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed: bool = super().has_change_permission(request, obj)
        return allowed and (obj is None or granting.has_as_much_as(request.user, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and _may_change_account(request.user, obj)


@admin.register(Group)
class GroupAdmin(ReturnsTyped, DjangoGroupAdmin, ModelAdmin):
    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """What a group may do on the product's pages depends on its name."""
        fields: tuple[str, ...] = tuple(super().get_readonly_fields(request, obj))
        return fields if obj is None or getattr(request.user, "is_superuser", False) else (*fields, "name")

    def formfield_for_manytomany(self, db_field: Any, request: Any = None, **kwargs: Any) -> Any:
        if db_field.name == "permissions":
            kwargs["queryset"] = granting.permissions_to_give(request.user)
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed: bool = super().has_change_permission(request, obj)
        return allowed and (obj is None or granting.may_change_group(request.user, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed: bool = super().has_delete_permission(request, obj)
        return allowed and (obj is None or granting.may_change_group(request.user, obj))
