"""A clone with the real script/setup and a lock of small wheels that lie beside it: set up within seconds, without network."""

import base64
import csv
import hashlib
import os
import shutil
import subprocess
import zipfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VERSIONS = ("3.11", "3.12", "3.13", "3.14")


def interpreters() -> dict[str, str]:
    """Path of a working Python for each supported version that is present, on the PATH or from pyenv."""
    found = {}
    for version in VERSIONS:
        candidates = [shutil.which(f"python{version}") or "", f"/usr/bin/python{version}"]
        candidates += map(str, sorted((Path.home() / ".pyenv" / "versions").glob(f"{version}.*/bin/python")))
        for candidate in candidates:
            if candidate and (path := prefix_of(candidate)):
                found[version] = path
                break
    return found


def prefix_of(python: str) -> str | None:
    """The executable behind a name (pyenv's are scripts), if it works."""
    script = "import sys, venv, ensurepip; print(getattr(sys, '_base_executable', sys.executable))"
    try:
        result = subprocess.run([python, "-c", script], capture_output=True, text=True, check=False)
    except OSError:
        return None
    return result.stdout.strip() if result.returncode == 0 else None


class SmallClone:
    """`requirements/` holds what `lock` was told; `setup` runs the real script in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        shutil.copytree(ROOT / "script", root / "script")
        (root / "requirements").mkdir()
        self.wheels = root / "wheels"
        self.wheels.mkdir()
        self.site = root / ".venv" / "lib"

    def lock(self, *pins: str) -> None:
        """Write both locks: the last pin is for development only."""
        (self.root / "requirements" / "base.txt").write_text("\n".join(pins[:-1]) + "\n")
        (self.root / "requirements" / "dev.txt").write_text("\n".join(pins) + "\n")

    def wheel(self, name: str, version: str, requires: Sequence[str] = (), files: int = 1) -> str:
        """Make a wheel of a package with so many modules; returns its line of a lock."""
        info = f"{name}-{version}.dist-info"
        contents = {f"{name}/__init__.py": f"VERSION = {version!r}\n"}
        contents |= {f"{name}/module_{number}.py": f"NUMBER = {number}\n" * 50 for number in range(files)}
        declared = "".join(f"Requires-Dist: {text}\n" for text in requires)
        contents[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{declared}"
        contents[f"{info}/WHEEL"] = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        contents[f"{info}/RECORD"] = "".join(f"{path},{_digest(text.encode())},\n" for path, text in contents.items())
        path = self.wheels / f"{name}-{version}-py3-none-any.whl"
        with zipfile.ZipFile(path, "w") as archive:
            for member, text in contents.items():
                archive.writestr(member, text)
        return f"{name}=={version} --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"

    def environment(self, **more: str) -> dict[str, str]:
        """Of somebody with no pip settings but the folder of wheels."""
        dropped = ("PIP_", "PYTHON", "VIRTUAL_ENV", "SISIMPORT_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
        pip = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.wheels.as_uri()), "PIP_CONFIG_FILE": os.devnull}
        return kept | pip | {"PIP_NO_CACHE_DIR": "1"} | more

    def start(self, *words: str, **environment: str) -> subprocess.Popen[str]:
        """Begin a set-up in a process group of its own."""
        return subprocess.Popen(
            ["script/setup", *words],
            cwd=self.root,
            env=self.environment(**environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def setup(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        process = self.start(*words, **environment)
        said, complained = process.communicate(timeout=300)
        return subprocess.CompletedProcess(process.args, process.returncode, said, complained)

    def ask(self, script: str) -> str:
        """What a script prints in the environment that was set up."""
        command = [self.root / ".venv" / "bin" / "python", "-c", script]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    def damaged(self) -> list[str]:
        """Files of installed packages (pip's own too) that are missing or not as their wheel had them."""
        wrong = []
        for record in self.site.glob("python*/site-packages/*.dist-info/RECORD"):
            with record.open(newline="") as lines:
                for path, digest, _size in csv.reader(lines):
                    file = record.parent.parent / path
                    if not file.exists() or (digest and _digest(file.read_bytes()) != digest):
                        wrong.append(path)
        return wrong

    def packages(self) -> set[str]:
        """Names and versions, whole or half installed, without pip and its companions."""
        found = {path.name.removesuffix(".dist-info") for path in self.site.glob("python*/site-packages/*.dist-info")}
        return {name for name in found if not name.startswith(("pip-", "setuptools-"))}


def _digest(content: bytes) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")


def whole_clone(folder: Path) -> Path:
    """A copy of the product as a clone brings it: nothing set up, no data, no history."""
    ours = shutil.ignore_patterns(
        ".git", ".venv*", "var", "node_modules", "__pycache__", ".hypothesis", ".*_cache", ".env"
    )
    return Path(shutil.copytree(ROOT, folder, ignore=ours, symlinks=True))
