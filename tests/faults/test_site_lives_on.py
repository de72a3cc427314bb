"""Many people save while an import holds their district: the site continues for everybody, and everybody is told."""

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import psycopg
import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from sisimport import server
from sisimport.runtime.processes import end_with_parent
from students import locks
from students.models import SSID, Student
from tests.factories import SchoolFactory, StudentFactory, UserFactory
from tests.faults.conftest import ROOT, wait_until
from tests.figures import Figure

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]

PEOPLE = 10
ANSWER_SECONDS = 50.0  # on a busy machine; without the limit nobody is answered for as long as the lock is held


@dataclass(frozen=True)
class Answer:
    status: int
    text: str
    seconds: float


class Site:
    """The web server as `script/server` starts it, over the database of the tests."""

    def __init__(self, database_url: str, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        environment = os.environ | {"DATABASE_URL": database_url, "SISIMPORT_DATA_DIR": str(folder)}
        environment["SECRET_KEY"] = settings.SECRET_KEY  # our own clients sign in for it
        self.log = folder / "web.log"
        with self.log.open("wb") as log:
            command = server.web("127.0.0.1", self.port).command
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=environment,
                stdout=log,
                stderr=log,
                preexec_fn=end_with_parent,  # noqa: PLW1509 (a killed pytest must not leave it)
            )

    def ask(self, path: str, cookies: dict[str, str] | None = None, form: dict[str, str] | None = None) -> Answer:
        """One request of its own, as a browser sends it."""
        started = time.monotonic()
        browser = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_SECONDS)
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in (cookies or {}).items())}
        if form is None:
            browser.request("GET", path, headers=headers)
        else:
            headers |= {"Content-Type": "application/x-www-form-urlencoded"}
            browser.request("POST", path, body=urlencode(form), headers=headers)
        answer = browser.getresponse()
        text = answer.read().decode()
        browser.close()
        return Answer(answer.status, text, time.monotonic() - started)

    def is_up(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        try:
            return self.ask("/health/").status == 200
        except OSError:
            return False


@pytest.fixture
def site(database_url: str, tmp_path: Path) -> Iterator[Site]:
    site = Site(database_url, tmp_path)
    wait_until(site.is_up, lambda: f"no site: {site.log.read_text()}")
    yield site
    site.process.terminate()
    site.process.wait()


@dataclass
class Person:
    """Somebody signed in, with a student whose SSID is to be typed."""

    site: Site
    student: Student
    number: str
    cookies: dict[str, str]

    def save(self) -> Answer:
        token = self.cookies["csrftoken"]
        form = {"csrfmiddlewaretoken": token, "ssid": self.number, "source": "document", "reason": "", "save": "1"}
        return self.site.ask(reverse("record", args=[self.student.pk]), self.cookies, form)


def people(site: Site) -> list[Person]:
    school = SchoolFactory()
    made = []
    for n in range(PEOPLE):
        client = Client()
        client.force_login(UserFactory(ssid_staff=True, schools=[school]))
        student = StudentFactory(school=school)
        client.get(reverse("record", args=[student.pk]))
        cookies = {name: morsel.value for name, morsel in client.cookies.items()}
        made.append(Person(site, student, f"901234567{n}", cookies))
    return made


@pytest.mark.faults
def test_ten_people_who_save_during_an_import_do_not_stop_the_site(
    site: Site, other_session: psycopg.Connection, figure: Figure
) -> None:
    everybody = people(site)
    lea = everybody[0].student.lea_id
    other_session.execute("SELECT pg_advisory_lock(%s, %s)", [locks._LEA_LOCK, lea])

    with ThreadPoolExecutor(PEOPLE) as pool:
        saving = [pool.submit(person.save) for person in everybody]
        looks = [site.ask(path) for _round in range(3) for path in ("/health/", "/accounts/login/")]
        told = [future.result() for future in saving]

    assert [answer.status for answer in looks] == [200] * len(looks)
    assert [answer.status for answer in told] == [503] * PEOPLE
    for person, answer in zip(everybody, told, strict=True):
        assert "An import is running" in answer.text
        assert person.number in answer.text, "what was typed is lost"
    assert not SSID.objects.exists()
    figure("longest answer to somebody who saves during an import, ten at once", max(a.seconds for a in told), "s")
    figure("longest answer of /health/ and the sign-in page meanwhile", max(a.seconds for a in looks), "s")

    other_session.execute("SELECT pg_advisory_unlock(%s, %s)", [locks._LEA_LOCK, lea])
    assert {person.save().status for person in everybody} == {302}
    assert SSID.objects.count() == PEOPLE


@pytest.mark.parametrize(("kind", "limits"), [("web", ("2500ms", "1min", "1min")), ("worker", ("5min", "1h", "5min"))])
def test_sessions_of_the_site_and_of_workers_have_limits(
    kind: str, limits: tuple[str, str, str], database_url: str, tmp_path: Path
) -> None:
    program = (
        f"from sisimport.runtime import processes; processes.kind = {kind!r}\n"
        "import django; django.setup()\n"
        "from django.db import connection\n"
        "cursor = connection.cursor()\n"
        "names = ('lock_timeout', 'statement_timeout', 'idle_in_transaction_session_timeout')\n"
        "print(*(cursor.execute(f'SHOW {n}').fetchone()[0] for n in names))\n"
    )
    environment = os.environ | {"DATABASE_URL": database_url, "SISIMPORT_DATA_DIR": str(tmp_path)}
    said = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, check=True)
    assert tuple(said.stdout.decode().split()) == limits
