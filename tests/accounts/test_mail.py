"""Forgotten passwords and the mail they need, even when no mail can be sent."""

import datetime as dt
import email
import email.policy
import logging
import re
import smtplib
import stat
import threading
from pathlib import Path
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from sisimport.accounts import outbox as outbox_module
from sisimport.accounts.kept_mail import MOST_KEPT, KeptMail, folder, keep, kept_for, may_read_mail, remove_old
from sisimport.accounts.outbox import Outbox
from sisimport.imports.storage.stores import mail_name, master_keys
from sisimport.runtime.sealed_files import MAGIC, opened_bytes
from tests.accounts.waiting import wait_for_outbox
from tests.factories import SchoolFactory, UserFactory

KEEPS = "sisimport.accounts.kept_mail.KeptMail"


@pytest.fixture
def place(settings: Any, tmp_path: Path) -> Path:
    """Where mail is kept: this installation names no mail server."""
    settings.DATA_DIR = tmp_path
    settings.EMAIL_BACKEND = KEEPS
    return tmp_path / "mail"


def ask(client: Client, address: str) -> Any:
    answer = client.post(reverse("account_reset_password"), {"email": address})
    wait_for_outbox()
    return answer


@pytest.mark.django_db(transaction=True)
class TestAskingForANewPassword:
    def test_s4_without_a_mail_server_the_link_waits_with_the_administrator_and_works(
        self, client: Client, place: Path
    ) -> None:
        user = UserFactory(username="rosa")
        assert ask(client, user.email.upper()).status_code == 302

        (mail,) = kept_for(UserFactory(import_admin=True))
        assert mail.to == (user.email,)
        link = re.search(r"https?://testserver(/\S+)", mail.text)
        assert link
        page = client.get(link.group(1), follow=True)
        new = {"password1": "a-new-Passw0rd", "password2": "a-new-Passw0rd"}
        assert client.post(page.redirect_chain[-1][0], new, follow=True).status_code == 200
        user.refresh_from_db()
        assert user.check_password("a-new-Passw0rd")

    def test_an_unknown_address_gets_the_same_answer_and_no_mail(self, client: Client, place: Path) -> None:
        UserFactory(email="rosa@example.org")
        known, unknown = ask(client, "rosa@example.org"), ask(client, "nobody@example.org")

        assert (known.status_code, known.url) == (unknown.status_code, unknown.url)
        pages = [client.get(answer.url).content.decode() for answer in (known, unknown)]
        assert len({re.sub(r'value="\w{64}"', "", page) for page in pages}) == 1  # but for the form's token
        assert len(list(place.iterdir())) == 1

    def test_the_page_does_the_same_work_for_both(self, client: Client, place: Path) -> None:
        """So it takes the same time: whether an address is known is asked after the answer."""
        UserFactory(email="rosa@example.org")
        asked = []
        for address in ("nobody@example.org", "rosa@example.org"):
            with CaptureQueriesContext(connection) as queries:
                client.post(reverse("account_reset_password"), {"email": address})
            asked.append([query["sql"] for query in queries])

        wait_for_outbox()
        assert asked[0] == asked[1]
        assert not any("email" in sql for sql in asked[0])

    def test_a_closed_account_gets_nothing(self, client: Client, place: Path) -> None:
        ask(client, UserFactory(is_active=False).email)

        assert not place.exists()

    def test_the_mail_is_in_the_language_of_who_asked(self, client: Client, place: Path) -> None:
        user = UserFactory()
        client.post(reverse("account_reset_password"), {"email": user.email}, HTTP_ACCEPT_LANGUAGE="es")
        wait_for_outbox()

        (mail,) = kept_for(UserFactory(import_admin=True))
        assert mail.subject == "Elija otra contraseña para SIS Import"
        (file,) = place.glob("*.eml")
        sent: Any = email.message_from_bytes(
            opened_bytes(file.read_bytes(), mail_name(file.name), master_keys()), policy=email.policy.default
        )
        text, page = (sent.get_body((kind,)).get_content() for kind in ("plain", "html"))
        link = re.search(r"http\S+/reset/key/\S+", text)
        assert link and f'href="{link[0]}"' in page  # noqa: PT018
        assert '<html lang="es">' in page and "otra contraseña" in page  # noqa: PT018


@pytest.mark.django_db
@pytest.mark.parametrize("url", ["", "smtp://localhost:25"])
def test_the_pages_say_whom_to_ask_and_whether_mail_comes(client: Client, settings: Any, url: str) -> None:
    settings.EMAIL_URL = url
    pages = [
        client.get(reverse(name)).content.decode() for name in ("account_reset_password", "account_reset_password_done")
    ]
    settings.HELP_CONTACT = "the help desk, 555-0100"
    named = [
        client.get(reverse(name)).content.decode() for name in ("account_reset_password", "account_reset_password_done")
    ]

    assert all("Ask the administrator of this site" in page for page in pages)
    assert all("Ask the help desk, 555-0100." in page for page in named)
    assert all(("and gives it to you" in page) == (not url) for page in pages)


def message(to: str = "rosa@example.org") -> EmailMessage:
    return EmailMessage("About it", "https://sis.example.org/link", "sis@example.org", [to])


class TestKeeping:
    def test_only_the_product_can_read_what_is_kept(self, place: Path) -> None:
        assert KeptMail().send_messages([message(), message()]) == 2

        assert stat.S_IMODE(place.stat().st_mode) == 0o700
        assert {stat.S_IMODE(file.stat().st_mode) for file in place.iterdir()} == {0o600}
        assert len(list(place.glob("*.eml"))) == 2

    def test_of_too_many_mails_the_oldest_go(self, place: Path) -> None:
        place.mkdir(mode=0o700, exist_ok=True)
        for number in range(MOST_KEPT + 5):
            (place / f"{number + 1}.eml").write_bytes(b"")
        keep(message().message().as_bytes())

        assert len(list(place.iterdir())) == MOST_KEPT
        assert not (place / "6.eml").exists()

    def test_what_is_older_than_the_settings_say_goes(self, place: Path) -> None:
        keep(message().message().as_bytes())
        (kept,) = place.iterdir()
        limit = dt.datetime.fromtimestamp(int(kept.stem) / 1e9, dt.UTC) - dt.timedelta(milliseconds=500)
        (place / f"{int(kept.stem) - 10**9}.eml").write_bytes(b"")

        assert remove_old(limit, True) == 1
        assert len(list(place.iterdir())) == 2
        assert remove_old(limit, False) == 1
        assert list(place.iterdir()) == [kept]


@pytest.mark.django_db
class TestReadingWhatIsKept:
    def test_import_admins_of_all_schools_read_it_and_nobody_else(self, client: Client, place: Path) -> None:
        keep(message().message().as_bytes())
        school = SchoolFactory()
        readers = {
            "import admin": UserFactory(import_admin=True),
            "superuser": UserFactory(is_superuser=True, is_staff=True),
        }
        others = [UserFactory(**{trait: True}, schools=[school]) for trait in ("registrar", "ssid_staff", "viewer")]
        others += [UserFactory(import_admin=True, all_schools=False, schools=[school]), UserFactory()]
        for user in readers.values():
            client.force_login(user)
            page = client.get(reverse("kept_mails")).content.decode()
            (address,) = re.findall(r'href="(/mail/\d+/)"', page)
            assert "rosa@example.org" in page
            assert "https://sis.example.org/link" in client.get(address).content.decode()
        for user in others:
            assert not may_read_mail(user)
            client.force_login(user)
            assert client.get(reverse("kept_mails")).status_code == 403
            assert client.get(address).status_code == 403

    def test_mail_to_a_superuser_is_for_superusers(self, client: Client, place: Path) -> None:
        """Otherwise an import admin could choose the password of one."""
        root = UserFactory(is_superuser=True, is_staff=True, email="Root@example.org")
        keep(message("root@EXAMPLE.org").message().as_bytes())
        (mail,) = kept_for(root)

        client.force_login(UserFactory(import_admin=True))
        assert "example.org" not in client.get(reverse("kept_mails")).content.decode().lower().split("<main")[1]
        assert client.get(reverse("kept_mail", args=[mail.number])).status_code == 404
        client.force_login(root)
        assert client.get(reverse("kept_mail", args=[mail.number])).status_code == 200

    def test_mail_to_somebody_who_may_do_more_is_not_for_an_import_admin(self, place: Path) -> None:
        """SSID staff edit students in the admin, import admins do not; registrars do nothing that import admins do not."""
        admin = UserFactory(import_admin=True)
        for trait, readable in (("registrar", True), ("viewer", True), ("ssid_staff", False)):
            UserFactory(**{trait: True}, email=f"{trait}@example.org")
            keep(message(f"{trait.upper()}@example.org").message().as_bytes())
            assert (f"{trait.upper()}@example.org" in {to for mail in kept_for(admin) for to in mail.to}) is readable
        assert len(kept_for(UserFactory(is_superuser=True, is_staff=True))) == 3

    def test_someone_who_opened_one_is_logged_without_saying_what_it_says(
        self, client: Client, place: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        keep(message().message().as_bytes())
        user = UserFactory(import_admin=True)
        (mail,) = kept_for(user)
        client.force_login(user)
        client.get(reverse("kept_mail", args=[mail.number]))

        assert f"kept mail {mail.number} was opened by user {user.pk}" in caplog.text
        assert "rosa" not in caplog.text


class Refusing(EmailMessage):
    """A mail that no server takes."""

    def send(self, fail_silently: bool = False) -> int:
        raise smtplib.SMTPRecipientsRefused({self.to[0]: (550, b"rosa@example.org is unknown")})


class TestOutbox:
    @pytest.fixture
    def box(self, monkeypatch: pytest.MonkeyPatch, place: Path) -> Outbox:
        monkeypatch.setattr(outbox_module, "PAUSES_SECONDS", (0, 0.01, 0.01))
        monkeypatch.setattr(outbox_module.connection, "close", lambda: None)
        return Outbox()

    def test_what_no_server_takes_is_kept_and_the_next_mail_goes(
        self, box: Outbox, place: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        box.post(Refusing("About it", "text", "sis@example.org", ["rosa@example.org"]))
        box.post(message())
        done = threading.Event()
        box.later(done.set)
        assert done.wait(60)
        box.close()

        assert len(list(place.glob("*.eml"))) == 2  # the second by the backend of this installation
        assert "SMTPRecipientsRefused" in caplog.text
        assert "rosa" not in caplog.text

    def test_what_waits_when_the_process_ends_is_kept(
        self, box: Outbox, place: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(outbox_module, "PAUSES_SECONDS", (0, 3600))
        for _number in range(3):
            box.post(Refusing("About it", "text", "sis@example.org", ["rosa@example.org"]))
        box.close()

        assert len(list(place.glob("*.eml"))) == 3

    def test_more_than_can_wait_is_kept_at_once(self, box: Outbox, place: Path) -> None:
        free = threading.Event()
        box.later(lambda: bool(free.wait(60)))
        for _number in range(outbox_module.MOST_WAITING + 5):
            box.post(Refusing("About it", "text", "sis@example.org", ["rosa@example.org"]))
        kept_at_once = len(list(place.glob("*.eml")))
        free.set()
        box.close()

        assert 4 <= kept_at_once <= 6
        assert len(list(place.glob("*.eml"))) == outbox_module.MOST_WAITING + 5

    def test_a_job_that_fails_does_not_end_the_others(self, box: Outbox) -> None:
        done = threading.Event()
        box.later(lambda: 1 // 0)  # type: ignore[arg-type]
        box.later(done.set)

        assert done.wait(60)
        box.close()


@pytest.mark.django_db
def test_a_kept_mail_that_no_key_opens_is_listed_with_a_link_that_has_words(
    client: Client, settings: Any, tmp_path: Path
) -> None:
    settings.DATA_DIR = tmp_path
    folder().mkdir(parents=True, exist_ok=True)
    (folder() / "12.eml").write_bytes(MAGIC + b"x" * 500)
    client.force_login(UserFactory(import_admin=True))

    page = client.get(reverse("kept_mails")).text

    assert "address not readable</a>" in page
    assert "(cannot be read)" in page
