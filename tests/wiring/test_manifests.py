"""docker-compose.yml against the schema of the Compose specification, and what neither it nor that of Kubernetes sees: names that
lead nowhere. Each rule is broken once here, on a copy."""

import copy
from collections.abc import Iterator
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from check_jsonschema.builtin_schemas import get_builtin_schema

from tests.wiring.test_production import COMPOSE
from tests.wiring.test_several_machines import FOLDER, OBJECTS, PASSWORDS, ROOT, SEVERAL, compose_text

SCHEMA = get_builtin_schema("vendor.compose-spec")
GUIDE = (ROOT / "docs/how-to/several-machines.md").read_text()


# ---- Docker Compose ----


def compose_flaws(config: dict[str, Any]) -> list[str]:
    """What keeps Docker Compose from starting it, as far as the file alone tells."""
    found = [error.json_path for error in jsonschema.Draft202012Validator(SCHEMA).iter_errors(config)]
    return found or [*_names_that_lead_nowhere(config)]


def _names_that_lead_nowhere(config: dict[str, Any]) -> Iterator[str]:
    services, volumes = config["services"], config.get("volumes") or {}
    for name, service in services.items():
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            if not source.startswith((".", "/")) and source not in volumes:
                yield f"{name}: volume {source}"
        for other, wait in service.get("depends_on", {}).items():
            if other not in services:
                yield f"{name}: waits for {other}"
            elif wait["condition"] == "service_healthy" and "healthcheck" not in services[other]:
                yield f"{name}: {other} is never healthy"
            elif set(services[other].get("profiles", ())) - set(service.get("profiles", ())):
                yield f"{name}: {other} is only started with its profile"


@pytest.mark.parametrize("given", [{}, SEVERAL, SEVERAL | {"COMPOSE_PROFILES": "pooler,store"}])
def test_docker_compose_fits_its_schema(given: dict[str, str]) -> None:
    assert compose_flaws(yaml.safe_load(compose_text({**PASSWORDS, **given}))) == []


@pytest.mark.parametrize(
    ("line", "broken", "told"),
    [
        ("    restart: unless-stopped", "    restarts: unless-stopped", "$.services"),
        ("    image: postgres:18@", "    image: [postgres] # ", "$.services.postgres.image"),
        ("    read_only: true", "    read_only: [true]", "$.services"),
        (
            "      - postgres:/var/lib/postgresql",
            "      - postgresql:/var/lib/postgresql",
            "postgres: volume postgresql",
        ),
        ("redis: {condition: service_healthy}", "valkey: {condition: service_healthy}", "web: waits for valkey"),
        ("postgres: {condition: service_healthy}", "certificates: {condition: service_healthy}", "never healthy"),
        ("redis: {condition: service_healthy}", "store: {condition: service_healthy}", "with its profile"),
    ],
)
def test_a_broken_line_of_docker_compose_is_found(line: str, broken: str, told: str) -> None:
    whole = compose_text(PASSWORDS)
    assert line in whole

    flaws = compose_flaws(yaml.safe_load(whole.replace(line, broken)))

    assert any(told in flaw for flaw in flaws), flaws


def test_two_web_three_workers_pooler_and_store_are_services() -> None:
    read = yaml.safe_load(compose_text({**PASSWORDS, **SEVERAL}))["services"]

    assert (read["web"]["deploy"]["replicas"], read["worker"]["deploy"]["replicas"]) == (2, 3)
    assert (read["pooler"]["profiles"], read["store"]["profiles"]) == (["pooler"], ["store"])
    assert set(COMPOSE["services"]) == set(read)


# ---- Kubernetes ----


def kubernetes_flaws(objects: list[dict[str, Any]]) -> list[str]:
    """What the schemas refuse, and names that lead nowhere. Secrets are made by hand: those that the guide tells to make."""
    for made in objects:
        try:
            kubernetes_validate.validate(made, kubernetes_validate.latest_version(), strict=True)
        except kubernetes_validate.ValidationError as error:
            return [f"{made['kind']} {made['metadata']['name']}: {error.message}"]
    return [*_references(objects)]


def _references(objects: list[dict[str, Any]]) -> Iterator[str]:
    generated = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())["configMapGenerator"]
    there = {(made["kind"], made["metadata"]["name"]) for made in objects}
    there |= {("ConfigMap", one["name"]) for one in generated}
    pods = [made["spec"]["template"] for made in objects if made["kind"] in {"Deployment", "Job"}]
    for pod in pods:
        for kind, name in _named(pod["spec"]):
            if (kind, name) not in there and not (kind == "Secret" and f"k {name} --from" in GUIDE):
                yield f"{kind} {name}"
        mounted = {mount["name"] for one in pod["spec"]["containers"] for mount in one.get("volumeMounts", ())}
        yield from (f"volume {name}" for name in mounted - {one["name"] for one in pod["spec"].get("volumes", ())})
    for made in objects:
        if made["kind"] in {"Service", "PodDisruptionBudget"}:
            wanted = made["spec"]["selector"].get("matchLabels", made["spec"]["selector"]).items()
            chosen = [pod for pod in pods if wanted <= pod["metadata"].get("labels", {}).items()]
            open_ports = {port["name"] for pod in chosen for one in pod["spec"]["containers"] for port in one["ports"]}
            if not chosen or not {port["targetPort"] for port in made["spec"].get("ports", ())} <= open_ports:
                yield f"{made['kind']} {made['metadata']['name']} leads nowhere"
        if made["kind"] == "Deployment":
            labels = made["spec"]["template"]["metadata"]["labels"]
            if not made["spec"]["selector"]["matchLabels"].items() <= labels.items():
                yield f"Deployment {made['metadata']['name']} does not choose its own pods"


def _named(pod: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(kind, name) of what a pod takes its settings and files from."""
    for container in pod["containers"]:
        for source in container.get("envFrom", ()):
            kind = "ConfigMap" if "configMapRef" in source else "Secret"
            yield kind, next(iter(source.values()))["name"]
        for variable in container.get("env", ()):
            for way, reference in variable.get("valueFrom", {}).items():
                if way in {"secretKeyRef", "configMapKeyRef"}:
                    yield ("Secret" if way == "secretKeyRef" else "ConfigMap"), reference["name"]
    for volume in pod.get("volumes", ()):
        if "secret" in volume:
            yield "Secret", volume["secret"]["secretName"]
        if "configMap" in volume:
            yield "ConfigMap", volume["configMap"]["name"]
        if "persistentVolumeClaim" in volume:
            yield "PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"]


def test_the_manifests_fit_together() -> None:
    assert kubernetes_flaws(OBJECTS) == []


def test_a_broken_line_of_the_manifests_is_found() -> None:
    def broken(kind: str, name: str, *path: Any, value: Any) -> list[str]:
        objects = copy.deepcopy(OBJECTS)
        (place,) = (made for made in objects if (made["kind"], made["metadata"]["name"]) == (kind, name))
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value
        return kubernetes_flaws(objects)

    pod = ("spec", "template", "spec")
    assert broken("Deployment", "web", "spec", "replica", value=2), "a word that there is not"
    assert broken("Deployment", "web", "spec", "replicas", value="two")
    assert broken("Service", "web", "spec", "selector", value={"app": "webb"}) == ["Service web leads nowhere"]
    assert broken("Service", "redis", "spec", "ports", 0, "targetPort", value="rediss") == [
        "Service redis leads nowhere"
    ]
    assert broken(
        "Deployment", "worker", *pod, "containers", 0, "envFrom", 0, value={"configMapRef": {"name": "set"}}
    ) == ["ConfigMap set"]
    assert broken("Deployment", "worker", *pod, "volumes", value=[])
    assert broken("Deployment", "web", "spec", "template", "metadata", "labels", value={"app": "other"})
