"""The pinned requirements: complete, consistent, made for this pyproject.toml, and naming no place to get them from.

They are installed without resolving (`--no-deps`), so that nothing but these tests finds a requirement that no pin meets.
"""

import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ("base.txt", "extras.txt", "dev.txt")
APART = ("dbt.txt", "peers.txt")  # installed in environments of their own


@dataclass(frozen=True)
class Pin:
    """One line of a lock: `coverage[toml]==7.17.3 ; python_version < '3.14'`."""

    version: str
    extras: frozenset[str]


def lines(lock: str) -> Iterator[Requirement]:
    """Every pinned requirement of a lock, whether or not it is for this Python and system."""
    for line in lock.splitlines():
        if re.match(r"[A-Za-z0-9]", line):
            yield Requirement(line.removesuffix("\\"))


def pins(lock: str) -> dict[str, Pin]:
    """What the lock installs on this Python and system."""
    found = {}
    for line in lines(lock):
        if line.marker is None or line.marker.evaluate():
            (specifier,) = line.specifier
            assert specifier.operator == "==", line
            name = canonicalize_name(line.name)
            assert name not in found, f"{name} is pinned twice"
            found[name] = Pin(specifier.version, frozenset(line.extras))
    return found


def applies(requirement: Requirement, extras: frozenset[str]) -> bool:
    """Whether a distribution asks for this here, given the extras it was asked for with."""
    if requirement.marker is None:
        return True
    return any(requirement.marker.evaluate({"extra": extra}) for extra in {"", *extras})


def unmet(requirement: Requirement, locked: Mapping[str, Pin]) -> str | None:
    """Why no pin meets a requirement; None if one does."""
    pin = locked.get(canonicalize_name(requirement.name))
    if pin is None:
        return f"{requirement}: not in the lock"
    if not requirement.specifier.contains(pin.version, prereleases=True):
        return f"{requirement}: the lock has {pin.version}"
    if missing := requirement.extras - pin.extras:
        return f"{requirement}: the lock has no {', '.join(sorted(missing))}"
    return None


def unmet_of_distributions(locked: Mapping[str, Pin]) -> list[str]:
    """What the installed distributions of the lock require and the lock does not hold."""
    problems = []
    for name, pin in locked.items():
        declared = [Requirement(text) for text in metadata.requires(name) or []]
        reasons = [unmet(requirement, locked) for requirement in declared if applies(requirement, pin.extras)]
        problems += [f"{name} requires {reason}" for reason in reasons if reason]
    return problems


def asked(lock: str) -> list[Requirement]:
    """What pyproject.toml asks of a lock."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    further = {
        "base.txt": [],
        "extras.txt": [text for texts in project["project"]["optional-dependencies"].values() for text in texts],
        "dev.txt": project["dependency-groups"]["dev"],
    }
    texts = project["project"]["dependencies"] + further[lock]
    return [Requirement(text) for text in texts]


def read(lock: str) -> str:
    return (ROOT / "requirements" / lock).read_text()


@pytest.mark.parametrize("lock", LOCKS)
def test_what_every_installed_distribution_requires_is_pinned(lock: str) -> None:
    locked = pins(read(lock))

    assert {name: metadata.version(name) for name in locked} == {name: pin.version for name, pin in locked.items()}
    assert unmet_of_distributions(locked) == []


def test_a_lock_without_its_extras_would_be_found() -> None:
    """As the lock of 1.0.0 was: pip then looked for coverage[toml] itself and found a release newer than the pin."""
    stripped = {name: Pin(pin.version, frozenset()) for name, pin in pins(read("dev.txt")).items()}

    assert any("coverage[toml]" in problem for problem in unmet_of_distributions(stripped))


@pytest.mark.parametrize("name", ["redis", "cryptography", "typing-extensions"])
def test_a_lock_without_a_package_or_with_an_old_one_would_be_found(name: str) -> None:
    locked = pins(read("dev.txt"))

    without = {other: pin for other, pin in locked.items() if other != name}
    assert any(f"{name}" in problem and "not in the lock" in problem for problem in unmet_of_distributions(without))
    old = locked | {name: Pin("0.0.1", locked[name].extras)}
    assert any("the lock has 0.0.1" in problem for problem in unmet_of_distributions(old))


@pytest.mark.parametrize("lock", LOCKS)
def test_what_pyproject_asks_for_is_pinned(lock: str) -> None:
    locked = pins(read(lock))

    assert [reason for requirement in asked(lock) if (reason := unmet(requirement, locked))] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_nothing_is_pinned_that_pyproject_does_not_lead_to(lock: str) -> None:
    locked = pins(read(lock))
    reached: set[str] = set()
    ahead = [canonicalize_name(requirement.name) for requirement in asked(lock)]
    while ahead:
        name = ahead.pop()
        if name in reached:
            continue
        reached.add(name)
        declared = [Requirement(text) for text in metadata.requires(name) or []]
        ahead += [canonicalize_name(r.name) for r in declared if applies(r, locked[name].extras)]

    assert locked.keys() - reached == set()


def test_the_development_lock_holds_all_of_the_base_lock() -> None:
    base, dev = pins(read("base.txt")), pins(read("dev.txt"))

    assert {name: dev[name].version for name in base} == {name: pin.version for name, pin in base.items()}


@pytest.mark.parametrize("lock", [*LOCKS, *APART])
def test_every_pin_has_hashes_and_no_host_is_named(lock: str) -> None:
    text = read(lock)

    assert len(re.findall(r"(?m)^[A-Za-z0-9].*==.* \\\n    --hash=sha256:", text)) == len(list(lines(text)))
    assert not re.search(r"https?:|--(extra-)?index-url|--find-links|--trusted-host| @ |/tmp", text)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What script/lock reads, to be changed."""
    for name in ("script", "requirements"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def check(clone: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["script/lock", "check"], cwd=clone, capture_output=True, text=True, check=False)


def test_the_lock_was_made_for_this_pyproject(clone: Path) -> None:
    assert check(clone).returncode == 0


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"rapidfuzz>=3.10"', '"rapidfuzz>=3.11"'),
        ('"celery[redis]>=5.5,<6"', '"celery>=5.5,<6"'),
        ('"pytest-cov>=6",', ""),
        ('"whitenoise>=6.8",', '"whitenoise>=6.8", "requests",'),
        ('requires-python = ">=3.11"', 'requires-python = ">=3.12"'),
    ],
)
def test_a_changed_dependency_without_a_new_lock_is_reported(clone: Path, old: str, new: str) -> None:
    project = clone / "pyproject.toml"
    assert old in project.read_text()
    project.write_text(project.read_text().replace(old, new))

    result = check(clone)

    assert result.returncode == 1
    assert "is not what pyproject.toml asks for: run script/lock" in result.stderr


def test_a_change_elsewhere_in_pyproject_asks_for_no_new_lock(clone: Path) -> None:
    project = clone / "pyproject.toml"
    project.write_text(project.read_text().replace("line-length = 120", "line-length = 121"))

    assert check(clone).returncode == 0


def test_script_check_asks_whether_the_lock_fits() -> None:
    assert '"$root/script/lock" check' in (ROOT / "script" / "check").read_text()
