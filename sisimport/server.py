"""`script/server`: the whole product on one machine.

    PostgreSQL (embedded unless DATABASE_URL is set) -> migrations -> worker, web server -> demo district

One process supervises the others: a child that dies is restarted, Ctrl-C or SIGTERM ends all of them, and if this process itself
is killed, the kernel tells its children to end.
"""

import contextlib
import http.client
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import django
from django.conf import settings

from sisimport import command
from sisimport.runtime.postgres_keeper import Keeper
from sisimport.runtime.processes import ROOT, Child, kept_running, say

if TYPE_CHECKING:
    from sisimport.imports.models import ImportFile, ImportRun

LOOK_SECONDS = 0.5
READY_SECONDS = 60.0
PORT_SECONDS = 20.0  # after a killed server: its web server ends when it has sent its last answers

DEMO_STUDENTS = 2_000
DEMO_FILE = "ssid-download-findings.txt"
SIGN_IN_FILE = "first-sign-in.txt"
FIRST_USERS = ("admin", "registrar", "staff", "viewer")


def main() -> None:
    """Run until told to stop."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sisimport.settings")
    host, port = os.environ.get("HOST", "127.0.0.1"), int(os.environ.get("PORT", "8000"))
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, _leave)
    keeper = Keeper(settings.DATA_DIR, say) if settings.EMBEDDED else None
    with contextlib.ExitStack() as stack:
        stack.enter_context(_alone_on(host, port))
        if keeper:
            stack.enter_context(keeper.running())
            command.migrate_if_changed(settings.DATA_DIR)
        else:
            _manage("migrate", "--no-input", "--verbosity=0")
        django.setup()
        settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
        if (
            settings.PRODUCTION
        ):  # pages name styles by their content: without them, or with those of before, none can be made
            _manage("collectstatic", "--no-input", "--verbosity=0")
        demo_file = first_people(with_demo="--no-demo" not in sys.argv[1:])
        children = [worker(), web(host, port)]
        stack.enter_context(kept_running(children))
        _wait_for_page(host, port, children)
        say(f"SIS Import is at http://{host}:{port}/")
        say(sign_in_note())
        if demo_file:
            first_runs(demo_file)
        say("Press Ctrl-C to stop.")
        while True:
            if keeper:
                keeper.look_after()
            for child in children:
                child.look_after(patient=keeper is not None and keeper.waits)
            time.sleep(LOOK_SECONDS)


def worker() -> Child:
    """The Celery worker: one run at a time per core of a small machine."""
    options = ["--concurrency=2"]
    return Child("worker", [sys.executable, "-m", "sisimport.worker", *options])


def web(host: str, port: int) -> Child:
    """The web server: gunicorn with an event loop in front of Django's threads, static files by WhiteNoise."""
    options = ["--workers=2", "--worker-class=sisimport.serving.worker.Worker", "--timeout=120"]
    options += [
        "--graceful-timeout=5",
        "--log-level=warning",
        "--logger-class=sisimport.runtime.log_redaction.AccessLogger",
    ]
    address = f"--bind={host}:{port}"
    return Child("web server", [sys.executable, "-m", "gunicorn", "sisimport.asgi", address, *options])


def first_people(*, with_demo: bool) -> "ImportFile | None":
    """On the first start: the demo district with its people, or one administrator. The file for the first runs, if any."""
    from django.contrib.auth import get_user_model

    from sisimport.demo import district as demo

    users = get_user_model()._default_manager
    if users.exists():
        return None
    if with_demo and not settings.PRODUCTION:
        district = demo.make_district(students=DEMO_STUDENTS, seed=1)
        demo.write_samples(district.lea)
        demo.make_users(district.lea)
        from sisimport.imports.runs.uploads import keep_file

        with (demo.samples_folder() / DEMO_FILE).open("rb") as stream:
            return keep_file(stream=stream, name=DEMO_FILE, user=users.get(username="registrar"))
    password = secrets.token_urlsafe(12)
    users.create_superuser("admin", "", password)
    note = settings.DATA_DIR / SIGN_IN_FILE
    note.touch(mode=0o600)
    note.write_text(f"{password}\n")
    return None


def first_runs(file: "ImportFile") -> None:
    """Queue one Test and its Update, through the worker like any other, so that the first page has something to show."""
    from sisimport.imports.models import RunStatus, Work
    from sisimport.imports.runs.services import start_run, start_update

    user = file.uploaded_by
    run = start_run(file=file, import_type="ssid-download", work=Work.TEST, options={}, user=user, schools=None)
    if _ended(run) == RunStatus.COMPLETED:
        run = start_update(test_run=run, user=user)
        _ended(run)
    run.refresh_from_db()
    if run.status != RunStatus.COMPLETED:
        say(f"The first {run.get_work_display()} is {run.get_status_display().lower()}; its page shows why.")


def _ended(run: "ImportRun") -> str:
    """The status of a run once it has ended, or after a minute."""
    deadline = time.monotonic() + READY_SECONDS
    while run.is_active and time.monotonic() < deadline:
        time.sleep(0.1)
        run.refresh_from_db()
    return run.status


def sign_in_note() -> str:
    """How to sign in, as long as a password from the first start is still in use."""
    from django.contrib.auth import get_user_model

    note = settings.DATA_DIR / SIGN_IN_FILE
    if note.exists():
        password = note.read_text().strip()
        users = get_user_model()._default_manager.filter(username__in=FIRST_USERS, is_active=True)
        names = [user.get_username() for user in users if user.check_password(password)]
        if names:
            names.sort(key=FIRST_USERS.index)
            return f"Sign in as {' or '.join(names)}, password {password}"
    return "Sign in with your own account."


def _manage(*words: str) -> None:
    subprocess.run([sys.executable, str(ROOT / "manage.py"), *words], cwd=ROOT, check=True)


def _wait_for_page(host: str, port: int, children: Sequence[Child]) -> None:
    """Return when the web server answers, with any status: in production it leads on to https, which the proxy answers."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        for child in children:
            child.look_after()
        connection = http.client.HTTPConnection(host, port, timeout=5)
        try:
            connection.request("GET", "/accounts/login/")
            connection.getresponse()
        except (OSError, http.client.HTTPException):
            time.sleep(0.1)
        else:
            return
        finally:
            connection.close()
    raise SystemExit("The web server does not answer; see the messages above.")


@contextlib.contextmanager
def _alone_on(host: str, port: int) -> Iterator[None]:
    """Make sure the port is free, and record that it is ours. Processes of a killed server are given time to end.

    Raises SystemExit for a port used by another program.
    """
    note = settings.DATA_DIR / "server.port"
    deadline = time.monotonic() + (PORT_SECONDS if _was_killed(note, port) else 0.0)
    while reason := _why_taken(host, port):
        if time.monotonic() >= deadline:
            raise SystemExit(f"Port {port} of {host} cannot be used ({reason}): set PORT.")
        time.sleep(0.1)
    with contextlib.suppress(OSError):  # a full disk must not prevent the start
        note.write_text(f"{port} {os.getpid()}")
    try:
        yield
    finally:
        note.unlink(missing_ok=True)


def _was_killed(note: Path, port: int) -> bool:
    """Whether a server of this data directory recorded this port and no longer runs."""
    words = note.read_text().split() if note.exists() else []
    if words[:1] != [str(port)] or len(words) < 2:
        return False
    try:
        os.kill(int(words[1]), 0)
    except ProcessLookupError:
        return True
    return False


def _why_taken(host: str, port: int) -> str:
    """The system's error when binding the port; blank if it is free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error.strerror or type(error).__name__
    return ""


def _leave(_signum: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    main()
