"""Who has the key and the database can make the record again; an anchor kept elsewhere tells."""

import json
from contextlib import suppress
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from sisimport.audit import purging, sealing
from sisimport.audit.writing import Doer, write
from tests.audit.test_sealing import MONDAY, TUESDAY, WEDNESDAY, by_force, chains  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db


@pytest.fixture
def noted(chains: list[int], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:  # noqa: F811
    call_command("audit_verify", "--anchor")
    path = tmp_path / "anchors.jsonl"
    path.write_text(capsys.readouterr().out)
    return path


def found(noted: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    capsys.readouterr()
    with suppress(SystemExit):
        call_command("audit_verify", "--against", str(noted), "--json")
    return [one["what"] for one in json.loads(capsys.readouterr().out)["broken"]]


def test_what_only_grew_is_as_it_was_noted(noted: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write("page", Doer())
    sealing.seal(WEDNESDAY)
    assert found(noted, capsys) == []
    purging.purge(MONDAY)
    assert found(noted, capsys) == []


def test_a_record_made_again_with_the_key_is_found(noted: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with by_force() as cursor:
        cursor.execute("UPDATE audit_auditentry SET lines = lines + 1")
        for table in ("audit_auditseal", "audit_auditday", "audit_audittotal"):
            cursor.execute(f"DELETE FROM {table}")
        for day in (MONDAY, TUESDAY, WEDNESDAY):
            sealing.seal(day, all_entries=True)

        whats = found(noted, capsys)

    assert any("seals of days" in what or "differs from what was recorded" in what for what in whats)


@pytest.mark.parametrize("text", ["no json", "{}", '{"at": 1, "entries": "x"}'])
def test_what_is_not_an_anchor_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "anchors.jsonl"
    path.write_text(text)
    with pytest.raises(CommandError, match="not a file of anchors"):
        call_command("audit_verify", "--against", str(path))
