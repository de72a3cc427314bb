"""A form that was not taken says why before its fields, and each error leads to its field."""

import re
from pathlib import Path
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


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize(
    ("address", "sent", "to"),
    [
        ("account_login", {}, {"id_login", "id_password"}),
        ("account_login", {"login": "nobody"}, {"id_password"}),
        ("account_reset_password", {"email": "nothing"}, {"id_email"}),
        ("family_join", {"code": "guessed"}, {"id_code"}),
        ("staff_join", {"code": "guessed"}, {"id_code"}),
        ("emergency_sign_in", {"code": "guessed"}, {"id_code"}),
    ],
)
def test_pages_before_signing_in_lead_to_the_field_as_well(
    client: Client, settings: Any, address: str, sent: dict[str, str], to: set[str], language: str
) -> None:
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = language
    said = _summary(client.post(reverse(address), sent))
    assert set(re.findall(r'href="#([^"]+)"', said)) == to


def test_someone_who_may_not_sign_in_is_told_before_the_fields(client: Client) -> None:
    """Not which of the two was wrong: there is no field to lead to."""
    text = client.post(reverse("account_login"), {"login": "nobody", "password": "an-invented-passphrase"}).text
    assert "There is a problem" in text.split('id="errors">')[1].split('id="id_login"')[0]


def test_every_template_that_marks_a_field_has_the_summary_before_it() -> None:
    """Save parts of a form, whose page has it."""
    templates = Path(__file__).parents[2] / "templates"
    marked = re.compile(r"field-error|\.errors|parts/_field\.html")
    summary = re.compile(r"parts/_(?:errors|form)\.html")
    without = {
        str(path.relative_to(templates))
        for path in templates.rglob("*.html")
        if not path.name.startswith("_")
        and marked.search(text := path.read_text(encoding="utf-8"))
        and not summary.search(text)
    }
    # An element alone; a summary of its own, with the file; a reason that is asked for by a message.
    assert without == {
        "allauth/elements/field.html",
        "imports/upload.html",
        "ssid/utah_request.html",
    }
