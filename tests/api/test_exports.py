"""Files by the API: the exports of the page and the commands, with the same bytes."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from sisimport.audit.models import AuditEntry
from tests.api.client import Program
from tests.factories import UserFactory
from tests.reporting.conftest import Scored, two_scored

__all__ = ["two_scored"]
pytestmark = pytest.mark.django_db


def asked(program: Program, name: str, **query: Any) -> tuple[str, bytes]:
    """Media type and content."""
    answer = program.client.get(f"/api/v1/exports/{name}", query, headers=program.headers())
    assert answer.status_code == 200, answer.content
    assert answer["X-Columns-Version"] == "1"
    return answer["Content-Type"], b"".join(answer.streaming_content)


def files_of(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as made:
        return {name: made.read(name) for name in made.namelist()}


@pytest.mark.usefixtures("two_scored")
def test_files_are_those_of_the_commands(tmp_path: Path) -> None:
    program = Program()
    for name, ending, kind, query in (
        ("students", "csv", "text/csv; charset=utf-8", {}),
        ("ssids", "csv", "text/csv; charset=utf-8", {}),
        ("scores", "csv", "text/csv; charset=utf-8", {"school_year": "2023-24"}),
        ("scores", "csv", "text/csv; charset=utf-8", {"form": "wide"}),
        ("oneroster", "zip", "application/zip", {"school_year": "2023-24"}),
        ("edfi", "jsonl", "application/jsonl", {"student_id": "ssid", "namespace": "uri://example.org"}),
    ):
        output = tmp_path / f"{name}.{ending}"
        arguments = [f"--{key.replace('_', '-')}={value}" for key, value in query.items()]
        call_command(f"export_{name}", f"--output={output}", *arguments, verbosity=0)
        found = asked(program, name, **query)
        assert found[0] == kind
        if ending == "zip":
            assert files_of(found[1]) == files_of(output.read_bytes())
        else:
            assert found[1] == output.read_bytes()
            assert found[1].strip()
    workbook = asked(program, "scores", file="xlsx")
    assert workbook[0].endswith("spreadsheetml.sheet")
    assert "xl/workbook.xml" in files_of(workbook[1])


def test_files_hold_the_schools_of_the_token_and_are_on_record(two_scored: Scored) -> None:
    mine, other = two_scored.people
    assert mine.school is not None
    assert other.school is not None
    program = Program(schools=[mine.school], name="school")
    for name, query in (("students", {}), ("scores", {"school": mine.school.code}), ("edfi", {})):
        content = asked(program, name, **query)[1].decode()
        assert mine.local_number in content
        assert other.local_number not in content
    inside = b"".join(files_of(asked(program, "oneroster")[1]).values()).decode()
    assert mine.local_number in inside
    assert other.local_number not in inside
    entries = AuditEntry.looks.filter(subject__endswith=f"token {program.token.pk}")
    assert [entry.students for entry in entries] == [[mine.pk]] * 4
    assert program.get("exports/scores", {"school": other.school.code}, status=404)["code"] == "NOT-FOUND"


def test_exports_that_a_token_may_take_are_listed_with_their_parameters() -> None:
    listed = {one["name"]: one for one in Program().get("exports")["items"]}
    assert set(listed) == {"students", "ssids", "scores", "oneroster", "edfi"}
    assert listed["scores"]["files"] == ["csv", "xlsx", "parquet"]
    assert {"namespace", "student_id"} < set(listed["edfi"]["parameters"])
    scores_only = Program("scores:read", name="scores")
    assert {one["name"] for one in scores_only.get("exports")["items"]} == {"scores", "edfi"}
    refused = scores_only.get("exports/oneroster", status=403)  # it names students as well
    assert (refused["code"], "each of" in refused["detail"]) == ("SCOPE", True)
    viewer = Program(user=UserFactory(viewer=True, all_schools=True), name="viewer")
    assert viewer.get("exports", status=403)["code"] == "ROLE"


@pytest.mark.parametrize(
    ("name", "query", "status", "said"),
    [
        ("scores", {"school_year": "2023-25"}, 422, "school_year"),
        ("scores", {"file": "pdf"}, 422, "file"),
        ("students", {"form": "wide"}, 422, "form"),
        ("edfi", {"namespace": "not a uri"}, 409, "namespace"),
        ("oneroster", {"lea": "9999999"}, 404, "NOT-FOUND"),
    ],
)
def test_what_cannot_be_asked_for_is_refused_in_words(name: str, query: dict[str, str], status: int, said: str) -> None:
    assert said in json.dumps(Program().get(f"exports/{name}", query, status=status))
