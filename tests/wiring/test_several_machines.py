"""docker-compose.yml and docs/kubernetes: what they ask for is what there is, as far as it can be tried without containers."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import psycopg
import pytest
import yaml

from sisimport.metrics import Figures
from sisimport.runtime.certificates import make_certificates
from tests.faults.pooler import pooler_with, require_pgbouncer
from tests.wiring.test_production import SERVICES

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "kubernetes"
SEVERAL = {
    "WEB": "2",
    "WORKERS": "3",
    "WEB_PORTS": "8000-8001",
    "WEB_DATABASE": "pooler:6432",
    "COMPOSE_PROFILES": "pooler",
}

PASSWORDS = dict.fromkeys(
    (
        "POSTGRES_PASSWORD",
        "POSTGRES_MIGRATE_PASSWORD",
        "POSTGRES_WEB_PASSWORD",
        "POSTGRES_WORKER_PASSWORD",
        "REDIS_PASSWORD",
    ),
    "secret",
)


def compose(folder: Path, **given: str) -> dict[str, Any]:
    """The configuration as Docker Compose reads it. Skips where there is none; it needs no daemon."""
    program = next(
        (words for words in (["docker", "compose"], ["docker-compose"]) if shutil.which(words[0]) and _runs(words)),
        None,
    )
    if program is None:
        pytest.skip("Docker Compose is missing (Debian: apt install docker-compose)")
    (folder / "docker-compose.yml").write_text((ROOT / "docker-compose.yml").read_text())
    (folder / ".env").touch()
    told = subprocess.run(
        [*program, "config"],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **PASSWORDS, **given},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    read: dict[str, Any] = yaml.safe_load(told.stdout)
    return read


def _runs(words: list[str]) -> bool:
    return subprocess.run([*words, "version"], capture_output=True, check=False).returncode == 0


def filled(value: str, given: dict[str, str]) -> str:
    """`${NAME:-default}` and `${NAME:?why}` as Docker Compose fills them in."""
    return re.sub(r"\$\{(\w+)(?::-([^}]*))?(?::\?[^}]*)?\}", lambda m: given.get(m[1]) or m[2] or "", value)


def compose_text(given: dict[str, str]) -> str:
    """docker-compose.yml with these lines of .env filled in."""
    kept = (ROOT / "docker-compose.yml").read_text().replace("$$", "\0")
    return filled(kept, given).replace("\0", "$$")


@pytest.mark.parametrize(
    ("given", "web", "worker", "database"), [({}, "1", "1", "postgres:5432"), (SEVERAL, "2", "3", "pooler:6432")]
)
def test_two_web_three_workers_and_a_pooler_start_by_lines_of_env(
    given: dict[str, str], web: str, worker: str, database: str
) -> None:
    given = {**PASSWORDS, **given}
    replicas = {name: filled(SERVICES[name]["deploy"]["replicas"], given) for name in ("web", "worker")}
    environment = {name: filled(value, given) for name, value in SERVICES["web"]["environment"].items()}

    assert replicas == {"web": web, "worker": worker}
    assert environment["DATABASE_URL"] == f"postgres://sisimport_web:secret@{database}/sisimport"
    assert environment["DATABASE_DIRECT_URL"] == "postgres://sisimport_web:secret@postgres:5432/sisimport"
    assert SERVICES["pooler"]["profiles"] == ["pooler"]
    ports = filled(SERVICES["web"]["ports"][0], given).removeprefix("127.0.0.1:").removesuffix(":8000").split("-")
    assert int(ports[-1]) - int(ports[0]) + 1 == int(web), "a port for each"


@pytest.mark.parametrize("given", [{}, SEVERAL], ids=["one", "several"])
def test_docker_compose_reads_the_configuration(given: dict[str, str], tmp_path: Path) -> None:
    services = compose(tmp_path, **given)["services"]

    usual = {"postgres", "redis", "migrate", "web", "worker", "reconciler"}
    assert usual <= set(services)
    assert "pooler" in services or not given


def test_the_guide_names_the_lines_of_env() -> None:
    guide = (ROOT / "docs/how-to/several-machines.md").read_text()

    assert all(f"{name}={value}" in guide for name, value in SEVERAL.items())


def test_the_pooler_starts_with_the_configuration_that_comes_with_it(
    django_db_setup: None, database_server: str, tmp_path: Path
) -> None:
    require_pgbouncer()
    shell, _dash, words = SERVICES["pooler"]["command"]
    people = tmp_path / "userlist.txt"
    listing = words.replace("$$", "$").partition(" && exec ")[0].replace("/tmp/userlist.txt", str(people))
    subprocess.run(
        [shell, "-c", listing], env={"PATH": os.environ["PATH"], "POSTGRES_WEB_PASSWORD": "s3cret"}, check=True
    )
    assert people.stat().st_mode & 0o077 == 0
    (tmp_path / "certificates").mkdir()
    make_certificates(tmp_path / "certificates", ["pooler"])
    config = (FOLDER / "pgbouncer.ini").read_text()
    users = people.read_text().replace("sisimport_web", "sisimport")  # the one that this server has

    with pooler_with(
        config, database_server, password="s3cret", people=users, certificates=tmp_path / "certificates"
    ) as url:
        with psycopg.connect(url, prepare_threshold=None) as session:
            asked = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")
            limits = [session.execute(f"SHOW {name}".encode()).fetchone() for name in asked]
        assert limits == [("2500ms",), ("1min",), ("1min",)]
        for wrong in (url.replace("s3cret", "other"), f"{url}?sslmode=disable"):
            with pytest.raises(psycopg.OperationalError):
                psycopg.connect(wrong)
        believed = tmp_path / "certificates" / "ca.crt"
        psycopg.connect(f"{url}?sslmode=verify-full&sslrootcert={believed}").close()


# ---- Kubernetes ----

FILES = sorted(FOLDER.glob("*.yaml"))
OBJECTS: list[dict[str, Any]] = [
    made for file in FILES if file.name != "kustomization.yaml" for made in yaml.safe_load_all(file.read_text())
]
PODS = {
    made["metadata"]["name"]: made["spec"]["template"]["spec"]
    for made in OBJECTS
    if made["kind"] in {"Deployment", "Job"}
}


@pytest.mark.parametrize("made", OBJECTS, ids=lambda made: f"{made['kind']} {made['metadata']['name']}")
def test_every_object_fits_the_schema_of_kubernetes(made: dict[str, Any]) -> None:
    for version in ("1.30", kubernetes_validate.latest_version()):
        kubernetes_validate.validate(made, version, strict=True)


def test_kustomize_takes_every_file() -> None:
    wanted = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())

    assert set(wanted["resources"]) == {file.name for file in FILES} - {"kustomization.yaml"}
    assert wanted["configMapGenerator"] == [{"name": "pooler", "files": ["pgbouncer.ini"]}]
    images = {container["image"] for pod in PODS.values() for container in pod["containers"]}
    images = {image for image in images if not image.startswith("redis:8@sha256:")}
    assert {image["name"] for image in wanted["images"]} == images
    if shutil.which("kubectl"):
        told = subprocess.run(["kubectl", "kustomize", str(FOLDER)], capture_output=True, text=True, check=True)
        assert len(list(yaml.safe_load_all(told.stdout))) == len(OBJECTS) + 1


def test_programs_are_those_of_docker_compose() -> None:
    for name in ("migrate", "web", "worker", "reconciler"):
        assert PODS[name]["containers"][0].get("command") == SERVICES[name].get("command"), name
    redis = [
        word.replace("${REDIS_PASSWORD:?set it in .env}", "$(REDIS_PASSWORD)") for word in SERVICES["redis"]["command"]
    ]
    assert PODS["redis"]["containers"][0]["command"] == redis
    started = SERVICES["pooler"]["command"][2].replace("$$", "$")
    assert PODS["pooler"]["containers"][0]["command"][2] == started
    for name in ("web", "worker", "reconciler"):
        asked = SERVICES[name]["healthcheck"]["test"][1:]
        assert PODS[name]["containers"][0]["startupProbe"]["exec"]["command"] == asked


def test_no_container_is_root_writes_its_image_or_takes_all_memory() -> None:
    for name, pod in PODS.items():
        (container,) = pod["containers"]
        locked = container["securityContext"]
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert locked["readOnlyRootFilesystem"], name
        assert not locked["allowPrivilegeEscalation"], name
        assert locked["capabilities"] == {"drop": ["ALL"]}, name
        assert "memory" in container["resources"]["limits"], name
        assert not pod["automountServiceAccountToken"], name


def test_settings_are_settings_and_no_secret_is_in_the_files() -> None:
    described = set(re.findall(r"`([A-Z_]+)`", (ROOT / "docs/reference/settings.md").read_text()))
    (settings,) = (made["data"] for made in OBJECTS if made["kind"] == "ConfigMap")

    assert set(settings) <= described
    assert not {made["kind"] for made in OBJECTS} & {"Secret"}
    assert not [name for name in settings if any(word in name for word in ("KEY", "PASSWORD", "TOKEN", "URL"))]


@pytest.mark.django_db
def test_workers_are_counted_by_a_figure_that_there_is() -> None:
    (scaler,) = (made["spec"] for made in OBJECTS if made["kind"] == "HorizontalPodAutoscaler")
    (metric,) = (one["external"]["metric"] for one in scaler["metrics"])
    figures = {
        (sample.name, sample.labels.get("status")) for figure in Figures().collect() for sample in figure.samples
    }

    assert (metric["name"], metric["selector"]["matchLabels"]["status"]) in figures
    assert scaler["scaleTargetRef"]["name"] in PODS
    assert scaler["minReplicas"] == 3
    (worker,) = (made for made in OBJECTS if made["kind"] == "Deployment" and made["metadata"]["name"] == "worker")
    assert "replicas" not in worker["spec"], "it would set back what the queue asked for"
