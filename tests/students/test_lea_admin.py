"""The state of an LEA in the admin: the same rules as the command set_lea (rules ID-1 and ID-8)."""

import datetime as dt

import pytest
from django.test import Client
from django.urls import reverse

from students.models import LEA, SSID, Student

pytestmark = pytest.mark.django_db


def lea_with_ssid(ssid: str, state: str) -> LEA:
    lea = LEA.objects.create(code="07", name="Canyon District", state=state)
    student = Student.objects.create(
        lea=lea, local_number="1", last_name="Lee", first_name="Sam", birth_date=dt.date(2011, 3, 4)
    )
    SSID.objects.create(student=student, ssid=ssid, state=state, origin="roster")
    return lea


def save(client: Client, lea: LEA, **values: str) -> None:
    form = {"code": lea.code, "name": lea.name, "state": lea.state, **values}
    client.post(reverse("admin:students_lea_change", args=[lea.pk]), form)


def test_ssids_move_along_when_the_state_changes(admin_client: Client) -> None:
    lea = lea_with_ssid("9012345678", "CA")

    save(admin_client, lea, state="UT")

    assert LEA.objects.get().state == SSID.objects.get().state == "UT"


def test_id1_a_state_whose_form_the_ssids_do_not_have_is_refused(admin_client: Client) -> None:
    lea = lea_with_ssid("1234567", "UT")

    save(admin_client, lea, state="CA")

    assert LEA.objects.get().state == SSID.objects.get().state == "UT"


def test_a_corrected_code_stays_the_same_lea(admin_client: Client) -> None:
    lea = lea_with_ssid("1234567", "UT")

    save(admin_client, lea, code="08")

    assert LEA.objects.values_list("pk", "code").get() == (lea.pk, "08")
