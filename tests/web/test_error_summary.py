"""A form that was not taken says why before its fields, and each error leads to its field."""

import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from students.models import CollectionPolicy, FamilyMember
from tests.factories import SchoolFactory, StudentFactory, UserFactory

pytestmark = pytest.mark.django_db


def _summary(answer: Any) -> str:
    """The summary of errors; each of its links leads to something on the page."""
    text = answer.content.decode()
    found = re.search(r'id="errors">(.*?)</div>', text, re.DOTALL)
    assert found, text[-2000:]
    targets = re.findall(r'href="#([^"]+)"', found[1])
    assert targets
    for target in targets:
        assert len(re.findall(rf' id="{target}"', text)) == 1, target
    return found[1]


@pytest.mark.parametrize(
    ("address", "sent"),
    [
        ("webhooks", {}),
        ("api_tokens", {}),
        ("pick_up", {}),
        ("deliveries", {}),
        ("people", {"invite": "1"}),
        ("utah_create", {"do": "create"}),
        ("collection_policy", {"required_from": "someday"}),
    ],
)
def test_each_error_leads_to_its_field(client: Client, address: str, sent: dict[str, str]) -> None:
    SchoolFactory()
    client.force_login(UserFactory(is_superuser=True, is_staff=True, all_schools=True))
    assert "There is a problem" in _summary(client.post(reverse(address), sent))


@pytest.mark.parametrize("wrong", [{}, {"work": "nothing"}, {"older_status": "nothing"}])
def test_an_upload_that_is_not_started_leads_to_what_is_wrong(client: Client, wrong: dict[str, str]) -> None:
    client.force_login(UserFactory(registrar=True, all_schools=True))
    file = {"file": SimpleUploadedFile("a.txt", b"1^2\n")} if wrong else {}
    sent = {"import_type": "ssid-download", "work": "test", **wrong, **file}
    said = _summary(client.post(reverse("upload", args=["calpads-ssid"]), sent))
    assert "This could not be started" in said


def test_families_read_it_in_spanish(client: Client, settings: Any) -> None:
    CollectionPolicy.objects.create(pk=1, families_may_enter=True)
    member = FamilyMember.objects.create(user=UserFactory(), student=StudentFactory())
    client.force_login(member.user)
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "es"
    assert "Hay un problema" in _summary(client.post(reverse("family_ssid", args=[member.student_id]), {"ssid": "12"}))
