"""Bodies are refused before they are read, unless somebody who may upload sends them to where files are taken."""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.test.client import FakePayload
from django.urls import reverse

from sisimport.imports.definition.registry import tools
from sisimport.imports.models import ImportFile
from sisimport.serving.front import FORM_BYTES
from sisimport.web.bodies import FORM_OVERHEAD, takes_files
from sisimport.web.queries.recognition import SAMPLE_BYTES
from tests.factories import SchoolFactory, UserFactory
from tests.web.test_access import all_patterns

pytestmark = pytest.mark.django_db

MULTIPART = "multipart/form-data; boundary=b"


class Unread(FakePayload):
    """A body that must not be touched."""

    def read(self, *_arguments: Any, **_options: Any) -> bytes:
        raise AssertionError("the body was read")


def post(client: Client, path: str, size: int, content_type: str = MULTIPART) -> int:
    """The status of a POST that announces so many bytes and must not be read."""
    token = "a" * 32
    client.cookies["csrftoken"] = token
    answer = client.generic(
        "POST", path, b"", CONTENT_TYPE=content_type,
        CONTENT_LENGTH=str(size), HTTP_X_CSRFTOKEN=token, **{"wsgi.input": Unread(b"")},
    )  # fmt: skip
    return answer.status_code


def addresses() -> Iterator[str]:
    """Every address of the product, with something in the place of numbers and names."""
    for path, _pattern, _namespaces in all_patterns():
        simple = re.sub(r"<(?:\w+:)?(\w+)>", lambda found: "1" if found.group(1) != "tool" else "x", path)
        yield re.sub(r"\(\?P<\w+>[^)]*\)+|[\^$\\]|\(\?:.*\)|\.\*", "1", simple)


def test_s2_no_address_reads_a_large_body_of_somebody_who_is_not_signed_in(client: Client) -> None:
    paths = sorted(set(addresses()))

    assert len(paths) > 100
    assert {path: status for path in paths if (status := post(client, path, FORM_BYTES + 1)) != 413} == {}


@pytest.mark.parametrize("method", ["PUT", "PATCH", "GET", "DELETE"])
def test_other_methods_are_held_to_it_too(client: Client, method: str) -> None:
    answer = client.generic(method, "/", b"", CONTENT_LENGTH=str(10**9), **{"wsgi.input": Unread(b"")})

    assert answer.status_code == 413


def upload_address() -> str:
    return reverse("upload", args=[tools()[0].key])


def test_only_uploaders_send_files_and_only_to_upload_addresses(client: Client) -> None:
    school = SchoolFactory()
    large = settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1
    for trait, may in {"registrar": True, "import_admin": True, "viewer": False, "ssid_staff": False}.items():
        client.force_login(UserFactory(**{trait: True}, schools=[school]))
        assert post(client, reverse("runs"), large) == 413
        assert post(client, "/admin/", large) == 413
        if not may:
            assert post(client, upload_address(), large) == 413
        else:
            with pytest.raises(AssertionError, match="was read"):
                post(client, upload_address(), large)


def test_the_limit_is_for_the_request_not_for_each_of_its_files(client: Client, settings: Any) -> None:
    settings.IMPORT_MAX_BYTES = 1_200_000
    client.force_login(UserFactory(registrar=True, schools=[SchoolFactory()]))

    def files(number: int) -> dict[str, SimpleUploadedFile]:
        return {f"file{n}": SimpleUploadedFile(f"{n}.txt", b"x" * 700_000) for n in range(number)}

    assert client.post(upload_address(), files(1)).status_code == 422
    assert client.post(upload_address(), files(2)).status_code == 413


def test_a_file_over_the_limit_is_refused_unread_and_the_page_says_the_limit(client: Client, settings: Any) -> None:
    """As a browser without scripts sends it: 2 GB are announced, none of them is read."""
    settings.IMPORT_MAX_BYTES = 500 << 20
    client.force_login(UserFactory(registrar=True, schools=[SchoolFactory()]))
    for address, back in ((upload_address(), upload_address()), (reverse("choose_files"), reverse("home"))):
        answer = client.generic("POST", address, b"", CONTENT_LENGTH=str(2 << 30))
        text = answer.content.decode().replace("\xa0", " ")
        assert answer.status_code == 413
        assert "total more than 500.0 MB" in text
        assert "Nothing was read or kept" in text
        assert f'href="{back}"' in text
    assert not ImportFile.objects.exists()


def test_the_sample_of_a_file_has_a_limit_of_its_own(client: Client) -> None:
    client.force_login(UserFactory(registrar=True, schools=[SchoolFactory()]))
    path = reverse("recognise", args=[tools()[0].key])

    assert post(client, path, SAMPLE_BYTES + FORM_OVERHEAD + 1) == 413


def test_a_session_that_ended_meanwhile_is_reported_on_the_page(client: Client) -> None:
    answer = client.generic("POST", upload_address(), b"", CONTENT_LENGTH=str(10**8))

    assert answer.status_code == 413
    assert "no longer signed in" in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]


def test_every_view_that_reads_files_says_how_much_it_takes() -> None:
    """A view added later that reads request.FILES without @takes_file would get nothing over a megabyte."""
    reading = set()
    for path, pattern, namespaces in all_patterns():
        view = inspect.unwrap(pattern.callback)
        if "admin" not in namespaces and inspect.isfunction(view) and "request.FILES" in inspect.getsource(view):
            reading.add(path)
            assert takes_files(pattern.callback), path

    assert len(reading) >= 2


def test_no_form_sends_files_elsewhere() -> None:
    forms = [
        found
        for template in Path(settings.BASE_DIR / "templates").rglob("*.html")
        for found in re.findall(r"<form[^>]*multipart/form-data[^>]*>", template.read_text())
    ]

    assert len(forms) >= 1
    for form in forms:
        assert re.search(r"action=\"\{% url '(\w+)'", form), form
