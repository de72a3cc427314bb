"""The app and the import type of the how-tos, written as they are there, work."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
GUIDES = [ROOT / "docs" / "how-to" / f"{name}.md" for name in ("add-an-app", "add-an-import-type")]
BLOCK = re.compile(r"^   ```(?:python|toml)\n   # (lunch/\S+)\n(.*?)^   ```$", re.MULTILINE | re.DOTALL)
SETTINGS = """
from tests.settings import *
from tests.settings import INSTALLED_APPS, OWN_APPS

OWN_APPS = [*OWN_APPS, "lunch"]
INSTALLED_APPS = [*INSTALLED_APPS, "lunch"]
"""
LOOK = """
import json

import django

django.setup()

from django.core.management import call_command
from django.urls import reverse

from sisimport.accounts.groups import _permissions
from sisimport.imports.definition.change_kinds import get_kind
from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.definition.registry import get_tool, get_type, layouts_of
from sisimport.imports.models import ImportRun

call_command("check")
lunch = get_type("lunch-status")
run = ImportRun(import_type=lunch.key, options={})
context = RunContext(run=run, import_type=lunch, progress=None)
rows = lunch.rows(context)
rules, plan = lunch.rules(context), lunch.plan(context)
print(json.dumps({
    "tool": get_tool("lunch").title,
    "kind": get_kind("lunch").table,
    "layouts": [layout.key for layout in layouts_of(lunch)],
    "rules": [rule.number for rule in rules],
    "plan": [type(change).__name__ for change in plan],
    "sql": str(rows.filter(rules[0].when | plan[1].when).query),
    "granted": "lunch" in _permissions,
    "screen": reverse("upload", args=["lunch"]),
}))
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("added_app")
    blocks = [block for guide in GUIDES for block in BLOCK.findall(guide.read_text(encoding="utf-8"))]
    assert len(blocks) == 5
    for name, text in [*blocks, ("lunch/__init__.py", ""), ("lunch_settings.py", SETTINGS)]:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(line.removeprefix("   ") for line in text.splitlines(keepends=True)), encoding="utf-8")
    looked = subprocess.run(
        [sys.executable, "-c", LOOK],
        cwd=ROOT,
        env=os.environ
        | {
            "PYTHONPATH": f"{folder}:{ROOT}",
            "DJANGO_SETTINGS_MODULE": "lunch_settings",
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert looked.returncode == 0, looked.stderr[-2000:]
    return json.loads(looked.stdout.splitlines()[-1])


def test_the_app_is_found_by_the_names_of_its_modules(found: Any) -> None:
    assert (found["tool"], found["kind"], found["granted"]) == ("Lunch Import", "lunch_lunch", True)
    assert found["screen"].startswith("/")


def test_its_import_type_has_layout_rules_and_a_plan_that_postgresql_can_be_asked(found: Any) -> None:
    assert found["layouts"] == ["lunch-status"]
    assert found["rules"] == ["L-1"]
    assert found["plan"] == ["PlannedCreate", "PlannedUpdate"]
    assert 'FROM "staged_lunch"' in found["sql"]
    assert '"lunch_lunch"' in found["sql"]
