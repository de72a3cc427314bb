"""What the product is made of: a bill that is the same each time, known licenses, no secrets, and advisories that are found."""

import datetime as dt
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from sisimport import supply_chain
from sisimport.supply_chain import (
    Advisory,
    Pin,
    advisories,
    bill_of_materials,
    kept_files,
    license_of,
    pins,
    policy_days,
    read_report,
    secrets,
    still_waiting,
    waiting,
)

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _results_of_tests_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SISIMPORT_PROOF_DIR", str(tmp_path / "proof"))


def test_the_bill_names_every_package_of_the_lock_and_is_the_same_each_time() -> None:
    bill = bill_of_materials()
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert [(one["name"], one["version"]) for one in bill["components"]] == [(pin.name, pin.version) for pin in pins()]
    assert bill == bill_of_materials()
    known = {one["bom-ref"] for one in bill["components"]} | {bill["metadata"]["component"]["bom-ref"]}
    assert {one["ref"] for one in bill["dependencies"]} == known
    needs = {one["ref"].partition("@")[0]: one["dependsOn"] for one in bill["dependencies"]}
    assert any(one.startswith("pkg:pypi/django@") for one in needs["pkg:pypi/sis-import"])
    assert any(one.startswith("pkg:pypi/sqlparse@") for one in needs["pkg:pypi/django"])
    assert {name for names in needs.values() for name in names} <= known
    assert "http" not in json.dumps({**bill, "components": [{**one, "licenses": 0} for one in bill["components"]]})


def test_every_license_was_looked_at() -> None:
    assert supply_chain.unlicensed() == []
    assert "BSD" in license_of("django")


def test_a_license_that_was_not_looked_at_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supply_chain, "license_of", lambda name: "AGPL-3.0" if name == "django" else "MIT")
    assert [pin.name for pin, _stated in supply_chain.unlicensed()] == ["django"]


def test_no_secret_is_under_version_control() -> None:
    assert [(str(path), line, kind) for path, line, kind in secrets(kept_files())] == []


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("-----BEGIN OPENSSH " + "PRIVATE KEY-----\nb3BlbnNzaC1rZXk=\n", "private key"),
        ("TOKEN=" + "sis_" + "a1" * 21 + "b", "token of this product"),
        ("aws = " + "AKIA" + "ABCDEFGHIJKLMNOP", "key of a cloud"),
        ("ghp_" + "a" * 36, "token of a code host"),
        ("postgres://sis:" + "gh5-Kw9x@db/x", "password in an address"),
    ],
)
def test_a_secret_is_found_by_how_it_looks(text: str, kind: str, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(f"x = 1\n{text}\n")
    assert secrets([tmp_path / "a.py"]) == [(tmp_path / "a.py", 2, kind)]


@pytest.mark.parametrize(
    "text", ["postgres://user:password@host/x", "redis://:PASSWORD@h", "-----BEGIN PRIVATE KEY-----"]
)
def test_an_example_is_not_a_secret(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(text)
    assert secrets([tmp_path / "a.md"]) == []


# ---- advisories ----


def advisory(number: str, name: str, **affected: Any) -> dict[str, Any]:
    return {"id": number, "affected": [{"package": {"ecosystem": "PyPI", "name": name}, **affected}]}


def between(*events: dict[str, str]) -> dict[str, Any]:
    return {"ranges": [{"type": "ECOSYSTEM", "events": list(events)}]}


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "lock.txt"
    hashed = "\\\n    --hash=sha256:00\n"
    path.write_text(f"django[argon2]==5.2.1 {hashed}Pillow==10.0 ; sys_platform == 'linux' {hashed}")
    return path


def test_an_advisory_is_found_by_range_or_release_and_says_what_mends_it(lock: Path, tmp_path: Path) -> None:
    records = [
        advisory(
            "A-1",
            "Django",
            **between({"introduced": "5.0"}, {"fixed": "5.0.9"}, {"introduced": "5.2"}, {"fixed": "5.2.4"}),
        ),
        advisory("A-2", "django", **between({"introduced": "0"}, {"fixed": "5.2.1"})),
        advisory("A-3", "django", **between({"introduced": "0"}, {"last_affected": "5.2.1"})),
        advisory("A-4", "pillow", versions=["9.9", "10.0"]),
        advisory("A-5", "requests", versions=["5.2.1"]),
        advisory("A-6", "django", versions=["5.2.1"]) | {"withdrawn": "2026-01-01"},
        advisory("A-7", "django", **between({"introduced": "5.2.2"}, {"fixed": "6"})),
    ]
    expected = [
        Advisory(Pin("django", "5.2.1"), "A-1", "5.2.4"),
        Advisory(Pin("django", "5.2.1"), "A-3", ""),
        Advisory(Pin("pillow", "10.0"), "A-4", ""),
    ]
    (tmp_path / "copy").mkdir()
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for record in records:
            (tmp_path / "copy" / f"{record['id']}.json").write_text(json.dumps(record))
            archive.writestr(f"{record['id']}.json", json.dumps(record))
    assert advisories(tmp_path / "copy", lock) == expected
    assert advisories(tmp_path / "all.zip", lock) == expected


def test_a_package_that_could_not_be_looked_up_is_not_taken_for_safe(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """pip-audit says that nothing was found where its service knows none of the packages."""
    skipped = {"name": "django", "skip_reason": "Dependency not found and could not be audited: django (3.2.0)"}
    clean = {"name": "celery", "version": "5.5", "vulns": []}
    bad = {"name": "pillow", "version": "10.0", "vulns": [{"id": "A-4", "fix_versions": ["10.1"]}]}
    report = tmp_path / "report.json"
    report.write_text(json.dumps({"dependencies": [skipped, clean]}))
    assert supply_chain.main(["report", str(report)]) == 0
    assert "NOT CHECKED: no advisories could be looked up of 1 of the packages" in capsys.readouterr().err
    report.write_text(json.dumps({"dependencies": [clean, bad]}))
    assert supply_chain.main(["report", str(report)]) == 1
    assert "pillow 10.0: A-4, fixed in 10.1" in capsys.readouterr().err


def test_an_advisory_waits_as_long_as_the_policy_says_and_no_longer(tmp_path: Path) -> None:
    days = policy_days(supply_chain.POLICY.read_text())
    assert (days.exposed, days.exploited) == (7, 2)
    with pytest.raises(ValueError, match="names no days"):
        policy_days("| an advisory | soon |")
    held = tmp_path / "advisories.toml"
    held.write_text(
        "".join(
            f'[[waiting]]\nnumber = "{number}"\npackage = "Pillow"\nnoted = 2026-11-01\nexposed = {exposed}\nwhy = "x"\n'
            for number, exposed in (("A-4", "true"), ("A-5", "false"))
        )
    )
    ends = {one.number: one.ends(days) for one in waiting(held)}
    assert ends == {"A-4": dt.date(2026, 11, 8), "A-5": dt.date(2026, 12, 2)}
    assert still_waiting(waiting(held), days, dt.date(2026, 11, 9)) == {("A-5", "pillow")}
    report = {
        "dependencies": [
            {"name": "pillow", "version": "10", "vulns": [{"id": "P-1", "aliases": ["A-5"]}, {"id": "A-4"}]}
        ]
    }
    found, _skipped = read_report(report, {("A-5", "pillow")})
    assert found == ["pillow 10: A-4, no fix yet"]


def test_no_advisory_waits_longer_than_the_policy_says() -> None:
    """In this repository no advisory is past its time."""
    days = policy_days(supply_chain.POLICY.read_text())
    assert [one for one in waiting() if not one.why or one.noted > dt.datetime.now(tz=dt.UTC).date()] == []
    over = [one.number for one in waiting() if one.ends(days) < dt.datetime.now(tz=dt.UTC).date()]
    assert over == []


def test_no_package_is_too_old_for_an_advisory_that_was_looked_up() -> None:
    lookup = supply_chain.looked_up()
    locked = {pin.name for pin in supply_chain.pins()}
    assert set(lookup.packages) - locked == set()
    assert {package for _number, package in lookup.fixed} - set(lookup.packages) == set()
    assert supply_chain.known_holes(lookup) == []


def test_a_package_that_is_too_old_for_one_is_found(lock: Path) -> None:
    pin = supply_chain.pins(lock)[0]
    lookup = supply_chain.LookedUp(
        dt.date(2026, 1, 1), [pin.name], {("CVE-1", pin.name): "999", ("CVE-2", pin.name): pin.version}
    )
    assert supply_chain.known_holes(lookup, lock) == [supply_chain.Advisory(pin, "CVE-1", "999")]


def test_what_could_be_asked_is_kept_for_the_scoreboard(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    unknown = {"name": "django", "skip_reason": "not found"}
    report.write_text(json.dumps({"dependencies": [unknown]}))
    supply_chain.main(["report", str(report)])
    assert not (tmp_path / "proof").exists()
    report.write_text(json.dumps({"dependencies": [unknown, {"name": "celery", "version": "5.5", "vulns": []}]}))
    supply_chain.main(["report", str(report)])
    kept = json.loads((tmp_path / "proof" / "advisories.json").read_text())
    assert (kept["packages"], kept["checked"], kept["found"]) == (2, 1, 0)


def test_the_part_of_unsafe_code_finds_nothing_here_and_something_where_it_is(tmp_path: Path) -> None:
    """Run as script/audit says, with the real ruff: it had been red for everybody, and its test had a stand-in for it."""
    (line,) = [
        one for one in (ROOT / "script" / "audit").read_text().splitlines() if one.startswith('part "unsafe code"')
    ]
    words = line.split('"$python"')[1].split()
    assert subprocess.run([sys.executable, *words], cwd=ROOT, check=False).returncode == 0
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    (tmp_path / "shell.py").write_text(
        '"""Runs a shell."""\n\nimport subprocess\n\nsubprocess.run("ls", shell=True, check=True)\n'
    )
    assert subprocess.run([sys.executable, *words], cwd=tmp_path, capture_output=True, check=False).returncode == 1


def test_the_audit_fails_for_findings_and_not_for_what_it_cannot_reach(tmp_path: Path) -> None:
    """script/audit with a set-up that is there already, and a pip that reaches nothing."""
    (tmp_path / "script").mkdir()
    (tmp_path / "script" / "audit").write_text((ROOT / "script" / "audit").read_text())
    (tmp_path / "script" / "audit").chmod(0o755)
    python = tmp_path / "python"
    python.write_text(
        '#!/bin/sh\ncase "$*" in\n*venv*) mkdir -p "$3/bin"; ln -s "$0" "$3/bin/python";;\n*pip*) exit 1;;\n'
        '*"supply_chain advisories"*) echo "django 5.2.1: A-1" >&2; exit 1;;\nesac\n'
    )
    python.chmod(0o755)
    setup = tmp_path / "script" / "setup"
    setup.write_text(f'#!/bin/sh\necho "{python}"\n')
    setup.chmod(0o755)

    def audit(**environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [tmp_path / "script" / "audit"],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, **environment},
        )

    offline = audit(AUDIT_ADVISORIES="")
    assert (offline.returncode, offline.stdout) == (0, "")
    assert "NOT CHECKED: pip-audit could not be fetched" in offline.stderr
    found = audit(AUDIT_ADVISORIES="/a/copy")
    assert found.returncode == 1
    assert "A-1" in found.stderr
