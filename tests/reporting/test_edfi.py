"""Ed-Fi student assessments: each line is a StudentAssessment as the API of the standard takes it.

The resource (Ed-Fi data standard 5) is written down as a JSON schema of the fields that are sent: names, nesting, forms and
lengths, nothing else allowed.
"""

import io
import json
import re
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from django.test import Client
from django.urls import reverse

from assessments.models import Score
from sisimport.audit.models import AuditEntry
from sisimport.reporting.edfi import FIELDS, EdFiFile
from sisimport.reporting.exports import Export, ExportRefusedError
from students.models import SSID
from tests.assessments.score_files import SSID_1
from tests.factories import UserFactory
from tests.reporting.conftest import Scored
from tests.reporting.test_exports import command

pytestmark = pytest.mark.django_db

DESCRIPTOR = {"type": "string", "pattern": r"^uri://[^#]+#.{1,50}$", "maxLength": 306}


def closed(required: list[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": required, "properties": properties, "additionalProperties": False}


def listed(entry: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "minItems": 1, "items": entry}


ASSESSMENT: dict[str, Any] = {
    "assessmentIdentifier": {"type": "string", "minLength": 1, "maxLength": 60},
    "namespace": {"type": "string", "minLength": 5, "maxLength": 255, "pattern": "^uri://"},
}
MEASURES = {
    "scoreResults": listed(
        closed(
            ["assessmentReportingMethodDescriptor", "resultDatatypeTypeDescriptor", "result"],
            assessmentReportingMethodDescriptor=DESCRIPTOR,
            resultDatatypeTypeDescriptor={
                "pattern": "^uri://ed-fi.org/ResultDatatypeTypeDescriptor#(Integer|Decimal|Level)$"
            },
            result={"type": "string", "minLength": 1, "maxLength": 35},
        )
    ),
    "performanceLevels": listed(
        closed(
            ["assessmentReportingMethodDescriptor", "performanceLevelDescriptor"],
            assessmentReportingMethodDescriptor=DESCRIPTOR,
            performanceLevelDescriptor=DESCRIPTOR,
        )
    ),
}
STUDENT_ASSESSMENT = closed(
    ["studentAssessmentIdentifier", "assessmentReference", "studentReference"],
    studentAssessmentIdentifier={"type": "string", "minLength": 1, "maxLength": 60},
    assessmentReference=closed([*ASSESSMENT], **ASSESSMENT),
    studentReference=closed(["studentUniqueId"], studentUniqueId={"type": "string", "minLength": 1, "maxLength": 32}),
    schoolYearTypeReference=closed(["schoolYear"], schoolYear={"type": "integer", "minimum": 1991, "maximum": 2050}),
    reportedSchoolIdentifier={"type": "string", "minLength": 1, "maxLength": 60},
    administrationDate={"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT00:00:00Z$"},
    whenAssessedGradeLevelDescriptor={
        "pattern": "^uri://ed-fi.org/GradeLevelDescriptor#([A-Z][a-z]+ grade|Kindergarten|Transitional Kindergarten)$"
    },
    eventDescription={"type": "string", "maxLength": 1024},
    studentObjectiveAssessments=listed(
        closed(
            ["objectiveAssessmentReference"],
            objectiveAssessmentReference=closed(
                [*ASSESSMENT, "identificationCode"],
                **ASSESSMENT,
                identificationCode={"type": "string", "minLength": 1, "maxLength": 60},
            ),
            **MEASURES,
        )
    ),
    **MEASURES,
)


def lines(**asked: Any) -> list[dict[str, Any]]:
    stream = io.BytesIO()
    options = {name: asked.pop(name) for name in ("namespace", "student") if name in asked}
    written = EdFiFile(export=Export(what="scores", **asked), **options).write(stream, ".jsonl")
    found = checked(stream.getvalue())
    assert written.rows == len(found)
    return found


def checked(text: bytes) -> list[dict[str, Any]]:
    """Each line, which must be what the standard takes."""
    found = [json.loads(line) for line in text.decode().splitlines()]
    for one in found:
        jsonschema_rs.validate(STUDENT_ASSESSMENT, one)
    assert len({one["studentAssessmentIdentifier"] for one in found}) == len(found)
    return found


def test_a_line_is_a_student_assessment_with_its_parts(two_scored: Scored) -> None:
    found = {one["studentReference"]["studentUniqueId"]: one for one in lines()}
    assert set(found) == {"000501", "000502"}
    one = found["000501"]
    assert set(one) <= set(FIELDS)
    assert one["assessmentReference"] == {"assessmentIdentifier": "SBELA", "namespace": "uri://cde.ca.gov/Assessment"}
    assert one["schoolYearTypeReference"] == {"schoolYear": 2024}
    assert one["administrationDate"] == "2024-04-12T00:00:00Z"
    assert one["whenAssessedGradeLevelDescriptor"].endswith("#Fifth grade")
    assert one["reportedSchoolIdentifier"] == "0112345"
    assert one["scoreResults"][0]["result"] == "2502"
    assert one["performanceLevels"][0]["performanceLevelDescriptor"].endswith("PerformanceLevelDescriptor#Standard Met")
    parts = one["studentObjectiveAssessments"]
    own = Score.objects.filter(student=two_scored.people[0])
    assert 1 + len(parts) == own.count()
    codes = {part["objectiveAssessmentReference"]["identificationCode"] for part in parts}
    assert codes == set(own.filter(assessment__parent__isnull=False).values_list("assessment__state_code", flat=True))


def test_what_is_blank_is_left_out(two_scored: Scored) -> None:
    Score.objects.filter(assessment__parent__isnull=False).delete()
    Score.objects.filter(student=two_scored.people[0]).update(
        date=None, scale_score="", result="", status="NTE", grade="", measure="BR100L", error_band="12.5", as_tested=""
    )
    one = next(one for one in lines() if one["studentReference"]["studentUniqueId"] == "000501")
    assert set(one) == {
        "studentAssessmentIdentifier", "assessmentReference", "studentReference", "schoolYearTypeReference",
        "eventDescription", "scoreResults",
    }  # fmt: skip
    kinds = {(score["result"], score["resultDatatypeTypeDescriptor"].split("#")[1]) for score in one["scoreResults"]}
    assert kinds == {("BR100L", "Level"), ("12.5", "Decimal")}


def test_students_by_ssid_and_a_namespace_of_ones_own(two_scored: Scored) -> None:
    SSID.objects.filter(student=two_scored.people[1]).delete()
    found = lines(student="ssid", namespace="uri://example.org/tests")
    assert [one["studentReference"]["studentUniqueId"] for one in found] == [SSID_1]
    assert found[0]["assessmentReference"]["namespace"] == "uri://example.org/tests"
    for wrong in ("http://example.org", "uri://a b", "uri://", "uri://a#b"):
        with pytest.raises(ExportRefusedError, match="A namespace is written as"):
            EdFiFile(export=Export(what="scores"), namespace=wrong)


def test_by_command_and_page(two_scored: Scored, client: Client, tmp_path: Path) -> None:
    found = command("export_edfi", tmp_path / "a.jsonl", "--school-year", "2023-24", "--student-id", "ssid")
    assert found["rows"] == len(checked((tmp_path / "a.jsonl").read_bytes())) == 2
    client.force_login(UserFactory(registrar=True, schools=[two_scored.people[0].school]))
    asked = {"kind": "edfi", "namespace": "uri://example.org", "student_id": "local"}
    response: Any = client.post(reverse("exports"), asked)
    (one,) = checked(b"".join(response.streaming_content))
    assert one["studentReference"] == {"studentUniqueId": "000501"}
    assert re.fullmatch(
        r'attachment; filename="edfi-student-assessments-[\d-]+\.jsonl"', response["Content-Disposition"]
    )
    page = client.post(reverse("exports"), {**asked, "namespace": "example"}).content.decode()
    assert "A namespace is written as" in page
    assert AuditEntry.looks.filter(subject__startswith="Ed-Fi").count() == 2
