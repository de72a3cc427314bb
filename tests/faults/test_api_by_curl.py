"""The REST API on a real web server: the examples of its how-to as they are there, and large bodies."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from sisimport.imports.models import ImportFile, ImportRun
from students.models import SSID
from tests.api.client import ALL, Program
from tests.faults.site import Site
from tests.files.samples import line
from tests.imports.journey import finish, make_district

pytestmark = [
    pytest.mark.processes,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed"),
]
HOW_TO = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "use-the-api.md"
BAD = line(ssid="12345", local_number="100299") + "\n"


@pytest.fixture
def web(web: Site, settings: Any) -> Site:
    # This process works on the runs, and reads what the site stored.
    storages = dict(settings.STORAGES)
    storages["default"] = storages["default"] | {"OPTIONS": {"location": str(web.folder / "uploads")}}
    settings.STORAGES = storages
    return web


class Shell:
    """Runs examples as somebody would who typed them, with TOKEN, SITE and the rest set."""

    def __init__(self, site: Site, folder: Path) -> None:
        self.folder = folder
        self.variables = {"SITE": f"http://127.0.0.1:{site.port}", "NIGHT": "2026-11-28", "TOKEN": Program(*ALL).secret}

    def run(self, command: str) -> str:
        done = subprocess.run(
            ["bash", "-c", command], cwd=self.folder, env=os.environ | self.variables, capture_output=True, check=True
        )
        return done.stdout.decode()


def test_the_examples_of_the_how_to_do_a_nights_work(web: Site, tmp_path: Path) -> None:
    make_district().student()
    (tmp_path / "download.txt").write_text(line() + "\n" + BAD, encoding="utf-8")
    shell = Shell(web, tmp_path)
    examples = re.findall(r"^curl (?:.*\\\n)*.*$", HOW_TO.read_text(encoding="utf-8"), re.MULTILINE)
    send, status, issues, refused, update, near, decide, students, *files, results = examples

    told = json.loads(shell.run(send))
    shell.variables["RUN"] = str(told["run"])
    assert json.loads(shell.run(send))["run"] == told["run"]  # the same key
    finish(ImportRun.objects.get(pk=told["run"]))
    assert json.loads(shell.run(status))["status"] == "completed"
    assert {issue["line"] for issue in json.loads(shell.run(issues))["items"]} == {2}
    assert shell.run(refused) == BAD
    assert [one["line"] for one in json.loads(shell.run(near))["items"]] == [2]
    problem = json.loads(shell.run(decide))
    assert [error["field"] for error in problem["errors"]] == ["decisions.0.line", "decisions.1.line"], "neither waits"
    updated = json.loads(shell.run(update))
    finish(ImportRun.objects.get(pk=updated["run"]))
    assert SSID.objects.get().ssid == "9012345678"
    assert [row["ssid"] for row in json.loads(shell.run(students))["items"]] == ["9012345678"]
    for example in files:
        shell.run(example)
    assert (tmp_path / "scores.xlsx").read_bytes().startswith(b"PK"), "a workbook, without scores"
    for name in ("results.zip", "results.jsonl"):
        assert not (tmp_path / name).read_bytes() or b"problem" in (tmp_path / name).read_bytes(), (
            "no score was imported"
        )
    assert json.loads(shell.run(results))["status"] == 404, "no score was imported"


def test_a_large_file_is_received_from_a_token_with_the_scope_only(web: Site, tmp_path: Path) -> None:
    make_district().student()
    (tmp_path / "download.txt").write_text((line() + "\n") * 40_000, encoding="utf-8")
    shell = Shell(web, tmp_path)
    send = (
        'curl -sS -w " %{http_code} %{size_upload}" -H "Authorization: Bearer $TOKEN" -F file=@download.txt'
        ' "$SITE/api/v1/imports"'
    )

    assert shell.run(send).split()[-2] == "201"
    assert ImportFile.objects.get().size > 2 * 1024**2
    for token, status, code in (
        (Program("runs:read", name="reader").secret, "403", "SCOPE"),
        ("sis_unknown", "401", "TOKEN-INVALID"),
    ):
        shell.variables["TOKEN"] = token
        answer = shell.run(send)
        body, answered, _sent = answer.rsplit(" ", 2)
        assert (answered, json.loads(body)["code"]) == (status, code)
    assert ImportFile.objects.count() == 1
    assert list((web.folder / "incoming").iterdir()) == []
