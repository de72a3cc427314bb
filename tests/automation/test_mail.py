"""Mail about runs: to whom wants it, counts and a link only, as text and as HTML, through a real SMTP server."""

import datetime as dt
import email
import email.policy
from collections.abc import Iterator
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from sisimport.accounts import kept_mail
from sisimport.api.tokens import make_token
from sisimport.automation import delivering, telling
from sisimport.automation.models import Delivery
from sisimport.automation.telling import Subject
from sisimport.imports.models import ImportRun, Work
from sisimport.imports.runs import services
from students.models import DistrictSettings
from tests.factories import UserFactory
from tests.faults.site import free_port
from tests.files.samples import line
from tests.imports.journey import District, finish, give_el, run_file

pytestmark = pytest.mark.django_db
SELA = "SELA^A^^1234567^0123456^2024-2025^9012345678^José^García-López^20090214^M^100234^EO^20240901^spa^\n"
NEAR = line(last_name="Nobody")


class Postbox:
    """A mail server's side: keeps what it takes, or refuses each mail."""

    def __init__(self) -> None:
        self.mails: list[Any] = []
        self.refuses = False

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - called by this name
        if self.refuses:
            return "451 later"
        self.mails.append((envelope.rcpt_tos, email.message_from_bytes(envelope.content, policy=email.policy.default)))
        return "250 OK"


@pytest.fixture
def postbox(settings: Any) -> Iterator[Postbox]:
    box = Postbox()
    controller = Controller(box, hostname="127.0.0.1", port=free_port())
    controller.start()
    settings.EMAIL_URL = "smtp://127.0.0.1"
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", controller.port
    settings.CSRF_TRUSTED_ORIGINS = ["https://sis.example.org"]
    yield box
    controller.stop()


@pytest.fixture
def rosa(district: District) -> Any:
    return UserFactory(registrar=True, all_schools=True, username="rosa", first_name="Rosa")


def a_test(user: Any, content: str = line() + "\n", import_type: str = "ssid-download") -> ImportRun:
    """A Test that this user started."""
    made = run_file(import_type, content).run
    assert made.file is not None
    run = services.start_run(
        file=made.file, import_type=import_type, work=Work.TEST, options={}, user=user, schools=None, enqueue=False
    )
    return finish(run).run


def held(user: Any, district: District) -> ImportRun:
    DistrictSettings.objects.create(lea=district.lea, hold_floor=1)
    from students.models import Student

    give_el(Student.objects.get(), "EL", identified_date="2020-09-01")
    return finish(services.start_update(test_run=a_test(None, SELA, "ela"), user=user, enqueue=False)).run


def test_nobody_who_did_not_ask_is_mailed_of_runs(rosa: Any, postbox: Postbox) -> None:
    a_test(rosa)
    assert delivering.deliver_due() == 0


def test_a_run_that_ended_is_reported_with_counts_and_a_link_only(rosa: Any, postbox: Postbox) -> None:
    telling.choose(rosa, [Subject.ENDED])
    run = a_test(rosa)
    delivering.deliver_due()
    ((to, mail),) = postbox.mails
    assert to == [rosa.email]
    assert mail["Subject"] == f"SIS Import: Run {run.pk} has ended"
    text, html = (mail.get_body((kind,)).get_content() for kind in ("plain", "html"))
    for part in (text, html):
        assert f"https://sis.example.org/runs/{run.pk}/" in part
        for private in ("García", "José", "100234", "9012345678", "file.txt", "Rosa"):
            assert private not in part
    assert "Records 1, to import 1" in text
    assert Delivery.objects.get().answer == "sent"


def test_lines_to_decide_on_are_told_to_whom_wants_it(rosa: Any, postbox: Postbox) -> None:
    telling.choose(rosa, [Subject.DECIDE])
    a_test(rosa)
    a_test(rosa, NEAR + "\n")
    delivering.deliver_due()
    ((_to, mail),) = postbox.mails
    assert "lines to decide on" in mail["Subject"]


def test_a_held_run_is_told_to_those_who_may_approve(rosa: Any, district: District, postbox: Postbox) -> None:
    """Not to who started it, nor to an import admin of other schools, nor to one who does not want it."""
    ada = UserFactory(import_admin=True, username="ada")
    UserFactory(import_admin=True, all_schools=False, schools=[district.other_school])
    telling.choose(UserFactory(import_admin=True), [])
    run = held(rosa, district)
    delivering.deliver_due()
    ((to, mail),) = postbox.mails
    assert to == [ada.email]
    assert mail["Subject"] == f"SIS Import: Run {run.pk} is held: please decide"
    assert "is waiting for a second person. Check" in mail.get_body(("plain",)).get_content()


def test_someone_who_started_it_hears_that_it_is_held(rosa: Any, district: District, postbox: Postbox) -> None:
    telling.choose(rosa, [Subject.ENDED])
    held(rosa, district)
    delivering.deliver_due()
    ((to, mail),) = postbox.mails
    assert to == [rosa.email]
    assert "for a second person to approve it" in mail.get_body(("plain",)).get_content()


def test_a_token_that_ends_soon_is_reported_once(rosa: Any, postbox: Postbox) -> None:
    soon = make_token(name="nightly", scopes=["runs:read"], schools=None, days=10, user=rosa).token
    make_token(name="yearly", scopes=["runs:read"], schools=None, days=300, user=rosa)
    for _day in range(2):
        telling.notify_of_ending_tokens()
    delivering.deliver_due()
    ((_to, mail),) = postbox.mails
    assert mail["Subject"] == "SIS Import: The API token nightly expires soon"
    assert str(soon.expires_at)[:10] in mail.get_body(("plain",)).get_content()


def test_a_mail_that_is_refused_is_tried_again_and_kept_in_the_end(rosa: Any, postbox: Postbox) -> None:
    telling.choose(rosa, [Subject.ENDED])
    run = a_test(rosa)
    postbox.refuses = True
    for _try in range(len(delivering.PAUSES) + 1):
        assert delivering.deliver_due() == 1
        Delivery.objects.filter(state="waiting").update(due_at=timezone.now() - dt.timedelta(seconds=1))
    assert Delivery.objects.get().state == "given_up"
    admin = UserFactory(import_admin=True, is_superuser=True)
    assert any(f"Run {run.pk} has ended" in mail.subject for mail in kept_mail.kept_for(admin))


def test_without_a_mail_server_it_is_kept_for_an_administrator(rosa: Any, settings: Any) -> None:
    settings.EMAIL_BACKEND = "sisimport.accounts.kept_mail.KeptMail"
    telling.choose(rosa, [Subject.ENDED])
    a_test(rosa)
    delivering.deliver_due()
    assert Delivery.objects.get().answer == "kept"


def test_someone_who_may_no_longer_sign_in_is_not_mailed(rosa: Any, postbox: Postbox) -> None:
    telling.choose(rosa, [Subject.ENDED])
    a_test(rosa)
    rosa.is_active = False
    rosa.save()
    delivering.deliver_due()
    assert postbox.mails == []


def test_one_chooses_on_the_account_page_what_one_is_mailed_about(client: Client, rosa: Any) -> None:
    client.force_login(rosa)
    page = client.get(reverse("my_mail")).text
    assert "My runs ended" in page
    assert "A run is held" not in page, "it is offered to those who may approve"
    client.post(reverse("my_mail"), {"subjects": [Subject.ENDED, Subject.DECIDE]})
    assert telling.wishes_of(rosa) == {Subject.ENDED, Subject.DECIDE}
    assert client.post(reverse("my_mail"), {"subjects": ["everything"]}).status_code == 422
    client.post(reverse("my_mail"), {})
    assert telling.wishes_of(rosa) == set()
