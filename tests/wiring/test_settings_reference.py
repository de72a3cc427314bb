"""docs/reference/settings.md names every setting that the code reads, and no other."""

import re
from pathlib import Path

from tests.own_packages import PACKAGES

ROOT = Path(__file__).resolve().parents[2]
READ = re.compile(r"""(?:env\.\w+\(|environ\.get\(|environ\[)\s*["']([A-Z][A-Z_]+)["']""")
OF_OTHERS = {"PATH", "DJANGO_SETTINGS_MODULE"}


def test_the_reference_of_settings_is_complete() -> None:
    code = [file for package in PACKAGES for file in ROOT.glob(f"{package}/**/*.py")]
    read = {name for file in code for name in READ.findall(file.read_text())} - OF_OTHERS
    read |= set(re.findall(r"\$\{(PYTHON):-", (ROOT / "script" / "setup").read_text()))

    rows = re.findall(r"^\| (`.+?) \|", (ROOT / "docs/reference/settings.md").read_text(), re.MULTILINE)
    described = {name for row in rows for name in re.findall(r"`([A-Z_]+)`", row)}

    assert described == read
