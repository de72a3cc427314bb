"""A school and invented students for tests of student records."""

import datetime as dt
from typing import Any

from django.contrib.auth import get_user_model

from students.models import LEA, SSID, School, Student


def school(code: str = "0123456", name: str = "Oak School") -> School:
    lea, _created = LEA.objects.get_or_create(code="1234567", defaults={"name": "Valley Unified"})
    return School.objects.create(lea=lea, code=code, name=name)


def student(where: School, number: str = "100", *, ssid: str = "", verified: bool = True, **values: Any) -> Student:
    defaults: dict[str, Any] = {
        "last_name": "Lee",
        "first_name": "Sam",
        "birth_date": dt.date(2011, 3, 4),
        "grade": "05",
    }
    made = Student.objects.create(lea=where.lea, school=where, local_number=number, **{**defaults, **values})
    if ssid:
        SSID.objects.create(student=made, ssid=ssid, origin="state_file", verified=verified)
    return made


def user(name: str = "parent") -> Any:
    return get_user_model().objects.create_user(username=name, password="an invented passphrase")
