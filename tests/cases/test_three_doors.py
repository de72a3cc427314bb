"""The same file by the command line, by the page and by the API ends alike: outcome, counts, codes and words.

Every file of every case that a step tests, on what the steps before it left.
"""

import html
import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from sisimport.imports.models import ImportRun
from tests.api.client import Program
from tests.cases.doors import ended, outcome, outcome_by_api, post_upload
from tests.cases.test_cases import CASES, FOLDER, _case
from tests.factories import UserFactory
from tests.imports.commandline import CommandLine
from tests.longer import one_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(capsys)


@pytest.fixture
def page(client: Client, db: None) -> Client:
    client.force_login(UserFactory(registrar=True, all_schools=True))
    return client


def _steps(name: str) -> list[dict[str, Any]]:
    return list(_case(name)["steps"])


@pytest.mark.parametrize("name", one_in(24, CASES))
@pytest.mark.long
def test_a_file_ends_alike_by_every_door(name: str, command: CommandLine, page: Client) -> None:
    for step in _steps(name):
        if "load" in step:
            for work in ("test", "update"):
                command("import_file", "students", FOLDER / name / step["load"], "--work", work)
        elif "file" in step:
            path = FOLDER / name / step["file"]
            _same_by_every_door(step, path, command, page)
            if step["work"] != "test":
                words = [word for option in step.get("options", []) for word in ("--option", option)]
                command("import_file", step["type"], path, "--work", step["work"], *words)


def _same_by_every_door(step: dict[str, Any], path: Path, command: CommandLine, page: Client) -> None:
    options = step.get("options", [])
    if path.suffix == ".xlsx":
        return  # a page and a program look at what a workbook becomes before it is tested
    words = [word for option in options for word in ("--option", option)]
    said = command("import_file", step["type"], path, "--work", "test", "--json", *words)
    expected = outcome(said.json)
    asked = {name: value for name, _, value in (option.partition("=") for option in options)}

    by_api, _run = outcome_by_api(Program(), step["type"], path, asked)
    assert by_api == expected, f"the API, {path.name}"
    kind = said.json["type"] if step["type"] == "auto" else step["type"]
    if kind != "auto":
        _by_page(kind, path, asked, page, said.json, expected)


def _by_page(kind: str, path: Path, options: dict[str, str], page: Client, told: dict[str, Any], expected: Any) -> None:
    before = set(ImportRun.objects.values_list("pk", flat=True))
    answer = post_upload(page, kind, path, options)
    made = ImportRun.objects.exclude(pk__in=before).first()
    if made is not None:
        assert ended(made) == expected, f"the page, {path.name}"
        return
    text = re.sub(r"\s+", " ", html.unescape(answer.content.decode()))
    assert (answer.status_code, told["status"]) == (422, "rejected"), f"the page, {path.name}"
    assert re.sub(r"\s+", " ", told["message"]) in text, f"the page, {path.name}"
