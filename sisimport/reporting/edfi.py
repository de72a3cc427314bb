"""Ed-Fi `StudentAssessment` as JSON lines: one object for each student, test and school year, its parts as objective assessments.

Field names and nesting are those of the resource of the Ed-Fi API (data standard 4 and 5). The assessments themselves, the
descriptors of levels and of measures that the standard does not have, and the students must exist in the receiving
system: their names are under `namespace`.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import IO, Any

from psycopg import sql

from sisimport.reporting.exports import Export, ExportRefusedError, streamed
from sisimport.reporting.views import SCHEMA
from sisimport.reporting.writing import JSONL, Counted, Written, narrowed
from sisimport.web.exports.writers import Row
from students.school_years import read_school_year

NAMESPACE = "uri://cde.ca.gov/Assessment"
LOCAL, SSID = "local", "ssid"
_NAMESPACE_FORM = re.compile(r"uri://[A-Za-z0-9.-]+(/[A-Za-z0-9._~-]+)*")
_LONGEST = {"namespace": 255, "descriptor": 50, "result": 35}  # maximum characters in the standard
_ED_FI = "uri://ed-fi.org"
_GRADES = {
    "TK": "Transitional Kindergarten", "KN": "Kindergarten", "01": "First grade", "02": "Second grade", "03": "Third grade",
    "04": "Fourth grade", "05": "Fifth grade", "06": "Sixth grade", "07": "Seventh grade", "08": "Eighth grade",
    "09": "Ninth grade", "10": "Tenth grade", "11": "Eleventh grade", "12": "Twelfth grade",
}  # fmt: skip
_COLUMNS = ("lea_code", "local_number", "ssid", "student_id", "school_year", "test", "test_code", "part_code", "grade_assessed",
            "test_date", "scale_score", "raw_score", "level", "level_name", "condition_code", "standard_error", "measure",
            "school_as_tested")  # fmt: skip
_STATEMENT = """
    SELECT v.lea_code, v.local_number, v.ssid, v.student_id, v.school_year, coalesce(a.parent_id, a.assessment_id),
      coalesce(nullif(a.parent_code, ''), a.assessment_code),
      CASE WHEN a.parent_id IS NOT NULL THEN a.assessment_code ELSE '' END,
      v.grade_assessed, v.test_date, v.scale_score, v.raw_score, v.level, v.level_name, v.condition_code, v.standard_error,
      v.measure, coalesce(t.school_as_tested, '')
    FROM {schema}.scores AS v JOIN {schema}.assessments a ON a.assessment_id = v.assessment_id
    LEFT JOIN {schema}.as_tested t ON t.student_id = v.student_id AND t.assessment_id = v.assessment_id
      AND t.school_year_end = v.school_year_end
    {where} ORDER BY 1, 2, 4, 5, 6, 8
"""
FIELDS = ("studentAssessmentIdentifier", "assessmentReference", "studentReference", "schoolYearTypeReference",
          "reportedSchoolIdentifier", "administrationDate", "whenAssessedGradeLevelDescriptor", "eventDescription",
          "scoreResults", "performanceLevels", "studentObjectiveAssessments")  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class EdFiFile:
    """`export`: which scores, in long form. `namespace`: of the assessments. `student`: whether the local number or the
    SSID is a student's unique id in the receiving system; with SSIDs, students without one are left out.

    Raises ExportRefusedError for a malformed namespace.
    """

    export: Export
    namespace: str = NAMESPACE
    student: str = LOCAL
    name: str = field(default="edfi-student-assessments", init=False)
    endings: tuple[str, ...] = field(default=(JSONL,), init=False)

    def __post_init__(self) -> None:
        if not _NAMESPACE_FORM.fullmatch(self.namespace) or len(self.namespace) > _LONGEST["namespace"]:
            raise ExportRefusedError(f"A namespace is written as {NAMESPACE}. Enter it in that form.")

    @property
    def subject(self) -> str:
        return f"Ed-Fi student assessments {narrowed(self.export)}"

    @property
    def goes_on(self) -> bool:
        return self.export.changed_since is not None

    def write(self, stream: IO[bytes], ending: str) -> Written:  # noqa: ARG002 - there is one form
        where, values = self.export.where()
        statement = sql.SQL(_STATEMENT).format(schema=sql.Identifier(SCHEMA), where=where)
        scores: Iterable[Row] = streamed(statement, values)
        if self.student == SSID:
            scores = (row for row in scores if row[_COLUMNS.index("ssid")])
        counted = Counted(scores, (0, 1, _COLUMNS.index("student_id")))
        count = 0
        for count, entry in enumerate(self.objects(counted), 1):  # noqa: B007 - the last number is the count
            stream.write(json.dumps(entry, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
        return Written(count, FIELDS, counted.students, counted.ids)

    def objects(self, scores: Iterable[Row]) -> Iterator[dict[str, Any]]:
        """One object for each student, year and test. `scores`: rows of _COLUMNS, those of one test together, the test
        itself first."""
        of_one = itemgetter(*(_COLUMNS.index(name) for name in ("student_id", "school_year", "test")))
        for _key, group in groupby(scores, key=of_one):
            rows = [dict(zip(_COLUMNS, row, strict=True)) for row in group]
            yield self._object(rows)

    def _object(self, rows: list[dict[str, Any]]) -> dict[str, Any]:
        own, parts = rows[0], [row for row in rows if row["part_code"]]
        test = {"assessmentIdentifier": own["test_code"], "namespace": self.namespace}
        entry: dict[str, Any] = {
            "studentAssessmentIdentifier": f"{own['student_id']}-{own['test']}-{own['school_year']}",
            "assessmentReference": test,
            "studentReference": {
                "studentUniqueId": own["ssid"] if self.student == SSID else own["local_number"],
            },
            "schoolYearTypeReference": {"schoolYear": read_school_year(own["school_year"])},
        }
        if own["school_as_tested"]:
            entry["reportedSchoolIdentifier"] = own["school_as_tested"]
        if own["test_date"]:
            entry["administrationDate"] = f"{own['test_date']:%Y-%m-%d}T00:00:00Z"
        if own["grade_assessed"] in _GRADES:
            entry["whenAssessedGradeLevelDescriptor"] = (
                f"{_ED_FI}/GradeLevelDescriptor#{_GRADES[own['grade_assessed']]}"
            )
        if own["condition_code"]:
            entry["eventDescription"] = f"Condition code {own['condition_code']}"
        if not own["part_code"]:
            entry |= self._measures(own)
        objectives = [
            {"objectiveAssessmentReference": {**test, "identificationCode": row["part_code"]}, **self._measures(row)}
            for row in parts
        ]
        return entry | ({"studentObjectiveAssessments": objectives} if objectives else {})

    def _measures(self, row: dict[str, Any]) -> dict[str, Any]:
        """`scoreResults` and `performanceLevels`; blank values are left out."""
        standard = f"{_ED_FI}/AssessmentReportingMethodDescriptor"
        own = f"{self.namespace}/AssessmentReportingMethodDescriptor"
        methods = (
            (f"{standard}#Scale score", row["scale_score"]),
            (f"{standard}#Raw score", row["raw_score"]),
            (f"{own}#Standard error of measurement", row["standard_error"]),
            (f"{own}#Lexile or Quantile measure", row["measure"]),
        )
        results = [
            {
                "assessmentReportingMethodDescriptor": method,
                "resultDatatypeTypeDescriptor": f"{_ED_FI}/ResultDatatypeTypeDescriptor#{_datatype(value)}",
                "result": value[: _LONGEST["result"]],
            }
            for method, value in methods
            if value
        ]
        entry: dict[str, Any] = {"scoreResults": results} if results else {}
        if row["level"]:
            name = row["level_name"][: _LONGEST["descriptor"]]
            entry["performanceLevels"] = [
                {
                    "assessmentReportingMethodDescriptor": f"{standard}#Proficiency level",
                    "performanceLevelDescriptor": f"{self.namespace}/PerformanceLevelDescriptor#{name}",
                }
            ]
        return entry


def _datatype(value: str) -> str:
    """The standard's word for the kind of a value."""
    if re.fullmatch(r"-?\d+", value):
        return "Integer"
    return "Decimal" if re.fullmatch(r"-?\d*\.\d+", value) else "Level"
