"""Every page of the admin, looked at by axe-core: the index, and of each model list, forms, history and deletion.

They are made alike for all models: `script/test` looks at those of every sixth, and `script/test faults` at all.
"""

import zlib
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin
from django.test import RequestFactory
from django.urls import reverse

from tests.browser.district import make_district
from tests.browser.look import Look, one_sight_or_every
from tests.web.test_access import all_patterns

pytestmark = pytest.mark.django_db(transaction=True)

# Addresses of the admin that are not pages: what forms fetch, and what leads elsewhere at once.
NO_PAGES = {"search", "autocomplete", "jsi18n", "view_on_site", "logout", "app_list", "password_change_done", "login"}


def model_pages(user: Any) -> dict[str, str]:
    """Name -> address: list, form of a new one, form, history and deletion of one, as far as this user may."""
    request = RequestFactory().get("/")
    request.user = user
    pages = {}
    for model, site in admin.site._registry.items():
        stem = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        one = site.get_queryset(request).order_by("pk").first()
        assert one is not None, f"no {model._meta.label} in the district: tests/browser/records.py makes one of each"
        pages[f"{stem}_changelist"] = reverse(f"{stem}_changelist")
        if getattr(site, "links_elsewhere", False):
            continue  # a list to read, without a page for each
        if site.has_add_permission(request):
            pages[f"{stem}_add"] = reverse(f"{stem}_add")
        pages[f"{stem}_change"] = reverse(f"{stem}_change", args=[one.pk])
        pages[f"{stem}_history"] = reverse(f"{stem}_history", args=[one.pk])
        if site.has_delete_permission(request, one):
            pages[f"{stem}_delete"] = reverse(f"{stem}_delete", args=[one.pk])
    return pages


def _is_another_of_its_kind(name: str) -> bool:
    """By the name of its model alone, so that it stays when another model comes or goes."""
    model, _under, what = name.rpartition("_")
    return what in {"changelist", "add", "change", "history", "delete"} and zlib.crc32(model.encode()) % 6 != 1


def other_pages(user: Any) -> dict[str, str]:
    return {
        "admin:index": reverse("admin:index"),
        "admin:password_change": reverse("admin:password_change"),
        "admin:auth_user_password_change": reverse("admin:auth_user_password_change", args=[user.pk]),
    }


@one_sight_or_every
def test_pages_of_the_admin_have_no_violation(
    visit: Callable[..., Any], axe: str, transactional_db: None, every_sight: bool
) -> None:
    district = make_district()
    look = Look(visit(district.staff), axe, every_sight=every_sight)
    pages = {**other_pages(district.staff), **model_pages(district.staff)}
    if not every_sight:
        pages = {name: address for name, address in pages.items() if not _is_another_of_its_kind(name)}
    assert {name.rpartition("_")[2] for name in pages} >= {"changelist", "add", "change", "history", "delete"}

    for name, address in pages.items():
        look.at(name, address)

    assert look.wrong == [], "\n".join(look.wrong)
    assert look.seen == set(pages)


def test_every_address_of_the_admin_is_looked_at_or_known_to_be_no_page(transactional_db: None) -> None:
    district = make_district()
    named = {
        f"admin:{pattern.name}"
        for _path, pattern, namespaces in all_patterns()
        if namespaces == ["admin"] and pattern.name and pattern.name not in NO_PAGES
    }
    looked_at = set(model_pages(district.staff)) | set(other_pages(district.staff))
    lists = {
        f"admin:{model._meta.app_label}_{model._meta.model_name}"
        for model, site in admin.site._registry.items()
        if getattr(site, "links_elsewhere", False)
    }
    # Those answered with the page 403, and those of models that are only listed.
    refused = {
        name for name in named - looked_at if name.endswith(("_add", "_delete")) or name.rpartition("_")[0] in lists
    }

    assert named - looked_at - refused == set(), "add the page to tests/browser/test_admin_accessibility.py"
