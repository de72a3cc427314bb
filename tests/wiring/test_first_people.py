"""Whom a first start makes, and that a second one finds them: `sisimport.server` without its processes."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from sisimport.imports.models import ImportFile
from sisimport.server import first_people, sign_in_note
from students.models import Student

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _new_data_dir(tmp_path: Path, settings: Any) -> None:
    settings.DATA_DIR = tmp_path


@pytest.mark.parametrize("with_demo", [True, False])
def test_a_second_start_makes_nobody_and_says_the_same_password(with_demo: bool) -> None:
    file = first_people(with_demo=with_demo)
    made = [set(User.objects.values_list("username", "password")), Student.objects.count(), ImportFile.objects.count()]
    note = sign_in_note()

    assert (file is not None) == with_demo
    assert (made[1] > 0) == with_demo
    assert note.startswith("Sign in as admin")
    assert first_people(with_demo=with_demo) is None
    assert [
        set(User.objects.values_list("username", "password")),
        Student.objects.count(),
        ImportFile.objects.count(),
    ] == made
    assert sign_in_note() == note


def test_once_the_password_is_another_it_is_not_said_any_more() -> None:
    first_people(with_demo=False)
    admin = User.objects.get()
    admin.set_password("an-invented-passphrase")
    admin.save()

    assert sign_in_note() == "Sign in with your own account."
