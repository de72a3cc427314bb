"""People and a school for the pages of the match desk and of choosing candidates."""

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.test import Client

from sisimport.accounts.access import IMPORT_ADMIN
from sisimport.imports.models import ImportRun
from students.models import School, StaffAccess
from tests.ssid.request_files import make_district


@pytest.fixture
def school() -> School:
    return make_district()


def sign_in(group: str, *schools: School) -> tuple[Client, Any]:
    """A browser of a new user of this group, tied to these schools (none: all)."""
    user = get_user_model().objects.create_user(username=f"{group}-{len(schools)}", password="x")
    user.groups.add(Group.objects.get_or_create(name=group)[0])
    access = StaffAccess.objects.create(user=user, all_schools=not schools)
    access.schools.set(schools)
    client = Client()
    client.force_login(user)
    return client, user


def own(run: ImportRun, user: Any) -> ImportRun:
    ImportRun.objects.filter(pk=run.pk).update(created_by=user)
    return run


@pytest.fixture
def admin() -> Client:
    return sign_in(IMPORT_ADMIN)[0]
