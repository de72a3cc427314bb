"""Column mappings by the REST API."""

import json

import pytest

from sisimport.roster.mapping.content import Content
from sisimport.roster.models import MappingVersion
from tests.api.client import Program
from tests.factories import LEAFactory, SchoolFactory
from tests.imports.journey import District

NAMES = {"local_number": "ID", "last_name": "Last", "first_name": "First", "birth_date": "DOB", "school": "Site"}


def shared(district: District) -> str:
    content = Content(
        name="Our system",
        lea=district.lea.code,
        header=tuple(NAMES.values()),
        columns=NAMES,
        constants={"lea": district.lea.code},
    )
    return json.dumps(content.data())


def sent(program: Program, path: str, body: dict[str, object], status: int) -> dict[str, object]:
    answer = program.client.post(
        f"/api/v1/{path}", json.dumps(body), content_type="application/json", headers=program.headers()
    )
    assert answer.status_code == status, answer.content
    told: dict[str, object] = json.loads(answer.content)
    return told


def test_a_program_brings_lists_and_removes_a_mapping(district: District) -> None:
    program = Program("imports:test", schools=[district.school])
    made = sent(program, "column-mappings", {"text": shared(district)}, 201)
    assert (made["name"], made["number"]) == ("Our system", 1)
    (listed,) = program.get("column-mappings")["items"]
    assert listed["mapping"]["columns"] == NAMES
    again = sent(program, "column-mappings", {"text": shared(district)}, 422)
    assert "already" in json.dumps(again["errors"])
    sent(program, f"column-mappings/{made['id']}/remove", {}, 200)
    assert program.get("column-mappings")["items"] == []
    sent(program, f"column-mappings/{made['id']}/remove", {}, 404)


@pytest.mark.parametrize("text", ["{{", "format = 5", '{"format": "sis-import column mapping", "version": 1}'])
def test_what_is_not_a_mapping_is_a_problem_of_the_text(district: District, text: str) -> None:
    program = Program("imports:test")
    assert sent(program, "column-mappings", {"text": text}, 422)["errors"][0]["field"] == "text"  # type: ignore[index]


def test_a_program_of_another_district_sees_and_makes_none(district: District) -> None:
    ours = Program("imports:test", schools=[district.school])
    made = sent(ours, "column-mappings", {"text": shared(district)}, 201)
    theirs = Program("imports:test", schools=[SchoolFactory(lea=LEAFactory(code="7654321"))], name="theirs")
    assert theirs.get("column-mappings")["items"] == []
    sent(theirs, f"column-mappings/{made['id']}/remove", {}, 404)
    catalogue = json.dumps([theirs.get("import-types"), theirs.get("layouts")])
    assert "Our system" not in catalogue
    assert "Our system" in json.dumps(ours.get("import-types"))
    sent(theirs, "column-mappings", {"text": shared(district), "name": "Theirs"}, 422)
    assert MappingVersion.objects.count() == 1
