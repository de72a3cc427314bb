"""The product's components: `script/audit` runs this for the bill of materials, licenses, advisories and secrets.

python -m sisimport.supply_chain sbom | licenses | secrets | known | advisories DIR | report FILE        exit code 1: findings
"""

import datetime as dt
import json
import os
import re
import subprocess
import sys
import tomllib
import uuid
import zipfile
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements" / "base.txt"
POLICY = ROOT / "docs" / "how-to" / "change-packages.md"
# Advisories that are waiting for their update, for no longer than the policy allows.
WAITING = ROOT / "requirements" / "advisories.toml"
# Licenses that were reviewed (decision 14); for packages that declare none, the license in their sources.
ALLOWED = re.compile(
    r"\b(MIT|BSD|Apache|ISC|PSF|Python Software Foundation|MPL|Mozilla|LGPL|Lesser|HPND|Unlicense|PostgreSQL|0BSD)\b",
    re.IGNORECASE,
)
LOOKED_UP = {"pyrage": "MIT"}
# Kinds of secrets, by their form. A line of a test may declare that it holds an invented one.
SECRETS = {
    "private key": re.compile(r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----\s+[A-Za-z0-9+/=]{16}"),
    "token of this product": re.compile(r"\bsis_[A-Za-z0-9_-]{43}\b"),
    "key of a cloud": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bAIza[0-9A-Za-z_-]{35}\b"),
    "token of a code host": re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{60,}|glpat-[\w-]{20})\b"),
    "token of a chat or mail service": re.compile(r"\bxox[abprs]-[\w-]{20,}|\bSG\.[\w-]{22}\.[\w-]{43}\b"),
    "password in an address": re.compile(
        r"\b(?:postgres(?:ql)?|rediss?|smtp\S*|https?|sftp)://[^\s:/@\"'{}<$]+:([^\s@/\\\"'{}<$]+)@"
    ),
}
INVENTED = re.compile(r"^(?:pass(?:word)?|secret|build|key|x+|\.+|…|test|wrong|hunter2|[A-Z_]+)$", re.IGNORECASE)
MOST_SCANNED = 2_000_000  # bytes of a file


@dataclass(frozen=True, slots=True)
class Pin:
    """A package of the lock file."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Advisory:
    """A package of the lock file named in an advisory. `fixed`: the first fixed release; empty: none is named."""

    pin: Pin
    number: str
    fixed: str


def pins(lock: Path = LOCK) -> list[Pin]:
    """Every package of a lock file, for all systems, in order."""
    found = []
    for line in lock.read_text().splitlines():
        if re.match(r"[A-Za-z0-9]", line):
            requirement = Requirement(line.removesuffix("\\").strip())
            (specifier,) = requirement.specifier
            found.append(Pin(canonicalize_name(requirement.name), specifier.version))
    return found


# ---- bill of materials and licenses ----


def license_of(name: str) -> str:
    """The license that the installed package declares; empty if it is not installed or declares none."""
    try:
        declared: Any = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return ""
    classifiers = [text for text in declared.get_all("Classifier") or [] if text.startswith("License ::")]
    named = [text.rpartition(" :: ")[2] for text in classifiers]
    short = str(declared.get("License") or "").strip()
    return str(
        declared.get("License-Expression")
        or ", ".join(text for text in named if text != "OSI Approved")
        or (short if len(short) < 100 else short.splitlines()[0])
        or LOOKED_UP.get(name, "")
    )


def unlicensed(lock: Path = LOCK) -> list[tuple[Pin, str]]:
    """Installed packages whose license was not reviewed (decision 14)."""
    found = []
    for pin in pins(lock):
        stated = license_of(pin.name)
        if _is_installed(pin.name) and not ALLOWED.search(stated):
            found.append((pin, stated))
    return found


def _is_installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def bill_of_materials(lock: Path = LOCK) -> dict[str, Any]:
    """CycloneDX 1.6. The same lock file gives the same bill: it has no time, and its number is derived from the lock file."""
    locked = pins(lock)
    with (ROOT / "pyproject.toml").open("rb") as file:
        import tomllib

        project = tomllib.load(file)["project"]
    names = {pin.name for pin in locked}
    product = f"pkg:pypi/{project['name']}@{project['version']}"
    direct = {canonicalize_name(Requirement(text).name) for text in project["dependencies"]}
    references = {pin.name: _purl(pin) for pin in locked}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, sha256(lock.read_bytes()).hexdigest())}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": product,
                "name": project["name"],
                "version": project["version"],
                "purl": product,
            }
        },
        "components": [_component(pin) for pin in locked],
        "dependencies": [
            {"ref": product, "dependsOn": sorted(references[name] for name in direct & names)},
            *(
                {"ref": _purl(pin), "dependsOn": sorted(references[name] for name in _needs(pin.name) & names)}
                for pin in locked
            ),
        ],
    }


def _purl(pin: Pin) -> str:
    return f"pkg:pypi/{pin.name}@{pin.version}"


def _component(pin: Pin) -> dict[str, Any]:
    stated = license_of(pin.name)
    component: dict[str, Any] = {
        "type": "library",
        "bom-ref": _purl(pin),
        "name": pin.name,
        "version": pin.version,
        "purl": _purl(pin),
    }
    return component | ({"licenses": [{"license": {"name": stated}}]} if stated else {})


def _needs(name: str) -> set[str]:
    """Requirements of an installed package without extras, including those for other systems."""
    try:
        declared = metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        return set()
    return {canonicalize_name(Requirement(text).name) for text in declared if "extra ==" not in text}


# ---- advisories ----


def advisories(copy: Path, lock: Path = LOCK) -> list[Advisory]:
    """Advisories on the lock file's packages in a copy in OSV format (a folder or a zip of JSON files)."""
    locked = {pin.name: pin for pin in pins(lock)}
    found = []
    for record in _records(copy):
        if record.get("withdrawn"):
            continue
        for affected in record.get("affected", ()):
            package = affected.get("package", {})
            pin = locked.get(canonicalize_name(str(package.get("name", ""))))
            if pin is not None and package.get("ecosystem") == "PyPI" and _is_affected(pin.version, affected):
                found.append(Advisory(pin, str(record.get("id", "")), _fixed_in(affected, pin.version)))
    return sorted(set(found), key=lambda one: (one.pin.name, one.number))


def _records(copy: Path) -> Iterator[dict[str, Any]]:
    if copy.is_dir():
        for path in sorted(copy.rglob("*.json")):
            yield json.loads(path.read_bytes())
        return
    with zipfile.ZipFile(copy) as archive:
        for name in sorted(archive.namelist()):
            if name.endswith(".json"):
                yield json.loads(archive.read(name))


def _is_affected(version: str, affected: dict[str, Any]) -> bool:
    if version in affected.get("versions", ()):
        return True
    return any(_is_within(version, events) for events in _ranges(affected))


def _ranges(affected: dict[str, Any]) -> Iterator[list[tuple[Version, str]]]:
    """The events of each range in order: introduced, fixed or last_affected."""
    for each in affected.get("ranges", ()):
        if each.get("type") == "ECOSYSTEM":
            events = [(_version(text), kind) for event in each.get("events", ()) for kind, text in event.items()]
            yield sorted((event for event in events if event[0] is not None), key=lambda event: event[0])  # type: ignore[misc]


def _is_within(version: str, events: list[tuple[Version, str]]) -> bool:
    own, inside = Version(version), False
    for at, kind in events:
        if kind == "introduced" and own >= at:
            inside = True
        elif (kind == "fixed" and own >= at) or (kind == "last_affected" and own > at):
            inside = False
    return inside


def _version(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None


def _fixed_in(affected: dict[str, Any], version: str) -> str:
    fixes = [at for events in _ranges(affected) for at, kind in events if kind == "fixed" and at > Version(version)]
    return str(min(fixes)) if fixes else ""


def read_report(report: dict[str, Any], held: Collection[tuple[str, str]] = ()) -> tuple[list[str], list[str]]:
    """The findings in a pip-audit report, and the packages that it could not look up, for which it gives no other result.

    held: number and package of advisories that are waiting for their update.
    """
    found, skipped = [], []
    for package in report.get("dependencies", ()):
        if "skip_reason" in package:
            skipped.append(str(package["name"]))
        for one in package.get("vulns", ()):
            if any(
                (number, canonicalize_name(package["name"])) in held for number in (one["id"], *one.get("aliases", ()))
            ):
                continue
            fixed = ", ".join(one.get("fix_versions", ()))
            fix_note = f"fixed in {fixed}" if fixed else "no fix yet"
            found.append(f"{package['name']} {package['version']}: {one['id']}, {fix_note}")
    return found, skipped


@dataclass(frozen=True, slots=True)
class Waiting:
    """An advisory that was reviewed. exposed: our use of the package is affected. noted: when that was determined."""

    number: str
    package: str
    noted: dt.date
    exposed: bool
    why: str

    def ends(self, days: "PolicyDays") -> dt.date:
        return self.noted + dt.timedelta(days=days.exposed if self.exposed else days.others)


@dataclass(frozen=True, slots=True)
class PolicyDays:
    """Within how many days a fixed release is out, as docs/how-to/change-packages.md promises."""

    exposed: int
    exploited: int
    others: int


def policy_days(text: str) -> PolicyDays:
    """Raises ValueError for a policy that names no days."""
    found = re.search(r"^\| an advisory .*\| a release within (\d+) days; within (\d+) .*exploited", text, re.MULTILINE)
    monthly = re.search(r"any other advisory \| with the next monthly update", text)
    if found is None or monthly is None:
        raise ValueError("the policy names no days")
    return PolicyDays(int(found[1]), int(found[2]), 31)


def waiting(path: Path = WAITING) -> list[Waiting]:
    held = tomllib.loads(path.read_text(encoding="utf-8")).get("waiting", [])
    return [Waiting(one["number"], one["package"], one["noted"], one["exposed"], one["why"]) for one in held]


def still_waiting(held: Iterable[Waiting], days: PolicyDays, today: dt.date) -> set[tuple[str, str]]:
    """Number and package of those still within their time limit."""
    return {(one.number, canonicalize_name(one.package)) for one in held if today <= one.ends(days)}


@dataclass(frozen=True, slots=True)
class LookedUp:
    """Advisories that a person looked up by hand. fixed: by advisory, the first fixed release."""

    on: dt.date
    packages: list[str]
    fixed: dict[tuple[str, str], str]  # number, package


def looked_up(path: Path = WAITING) -> LookedUp:
    record = tomllib.loads(path.read_text(encoding="utf-8"))["looked_up"]
    return LookedUp(
        record["on"], record["packages"], {(one["number"], one["package"]): one["fixed"] for one in record["known"]}
    )


def known_holes(lookup: LookedUp, lock: Path = LOCK) -> list[Advisory]:
    """Those looked-up advisories that affect a package of the lock file because it is too old."""
    locked = {pin.name: pin for pin in pins(lock)}
    return [
        Advisory(locked[package], number, fixed)
        for (number, package), fixed in lookup.fixed.items()
        if package in locked and Version(locked[package].version) < Version(fixed)
    ]


def _known() -> list[str]:
    """Check looked-up advisories; the result is kept for the scoreboard with its day, until a complete copy is checked."""
    lookup = looked_up()
    found = [f"{one.pin.name} {one.pin.version}: {one.number}, fixed in {one.fixed}" for one in known_holes(lookup)]
    locked = {pin.name for pin in pins()}
    rest = f"looked up by hand on {lookup.on}; the other packages, and what was published since, were not asked"
    keep_result(found, checked=len(locked & set(lookup.packages)), packages=len(locked), still_open=[rest])
    return found


def _held() -> set[tuple[str, str]]:
    return still_waiting(waiting(), policy_days(POLICY.read_text(encoding="utf-8")), dt.datetime.now(tz=dt.UTC).date())


def keep_result(found: list[str], *, checked: int, packages: int, still_open: Iterable[str] = ()) -> None:
    """Store the result for `script/scoreboard`: only what could really be checked. `still_open`: open points besides the
    findings."""
    if not checked:
        return
    folder = Path(os.environ.get("SISIMPORT_PROOF_DIR") or ROOT / "var" / "proof")
    folder.mkdir(parents=True, exist_ok=True)
    revision = subprocess.run(
        ["git", "rev-parse", "--short=9", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    result = {
        "commit": revision.stdout.strip(),
        "date": dt.datetime.now(tz=dt.UTC).date().isoformat(),
        "packages": packages,
        "checked": checked,
        "found": len(found),
        "open": [*found, *still_open],
    }
    (folder / "advisories.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


# ---- secrets ----


def secrets(paths: Iterable[Path]) -> list[tuple[Path, int, str]]:
    """File, line and kind of everything that looks like a secret; never the secret itself."""
    found = []
    for path in paths:
        if not path.is_file() or path.stat().st_size > MOST_SCANNED:
            continue
        text = path.read_bytes().decode("utf-8", "replace")
        for kind, pattern in SECRETS.items():
            hits = (one for one in pattern.finditer(text) if not (one.groups() and INVENTED.match(one[1])))
            found += [(path, text.count("\n", 0, one.start()) + 1, kind) for one in hits]
    return found


def _secrets_here() -> Iterator[str]:
    return (f"{path.relative_to(ROOT)}:{line}: {kind}" for path, line, kind in secrets(kept_files()))


def kept_files() -> list[Path]:
    """All files under version control."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name]


# ---- the command ----


def main(arguments: list[str]) -> int:
    """Returns the exit code."""
    match arguments:
        case ["sbom"]:
            print(json.dumps(bill_of_materials(), indent=2))  # noqa: T201
            return 0
        case ["licenses"]:
            for pin in pins():
                print(f"{pin.name} {pin.version}: {license_of(pin.name) or 'not installed here'}")  # noqa: T201
            return _findings(
                f"{pin.name}: license {text or 'not declared'} was not looked at" for pin, text in unlicensed()
            )
        case ["secrets" | "known" as what]:
            return _findings(_known() if what == "known" else _secrets_here())
        case ["report", path]:
            report = json.loads(Path(path).read_bytes())
            found, skipped = read_report(report, _held())
            packages = len(report.get("dependencies", ()))
            if skipped:
                warning = f"NOT CHECKED: no advisories could be looked up of {len(skipped)} of the packages."
                print(warning, file=sys.stderr)  # noqa: T201
            keep_result(found, checked=packages - len(skipped), packages=packages)
            return _findings(found)
        case ["advisories", copy]:
            held = _held()
            found = [
                f"{one.pin.name} {one.pin.version}: {one.number}, {f'fixed in {one.fixed}' if one.fixed else 'no fix yet'}"
                for one in advisories(Path(copy))
                if (one.number, one.pin.name) not in held
            ]
            keep_result(found, checked=len(pins()), packages=len(pins()))
            return _findings(found)
    print("sbom | licenses | secrets | known | advisories DIR | report FILE", file=sys.stderr)  # noqa: T201
    return 2


def _findings(lines: Iterable[str]) -> int:
    all_lines = list(lines)
    for line in all_lines:
        print(line, file=sys.stderr)  # noqa: T201
    return 1 if all_lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
