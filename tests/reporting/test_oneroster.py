"""OneRoster 1.2 results: the files are what the CSV binding describes, complete and pointing at each other.

The binding's tables (1EdTech OneRoster CSV binding 1.2.1) are written down here as facts: columns in order, which must be filled
in, in what form, and to which file they point.
"""

import csv
import datetime as dt
import io
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from assessments.models import Assessment, Score
from sisimport.audit.models import AuditEntry
from sisimport.imports.models import Work
from sisimport.reporting.exports import Export
from sisimport.reporting.oneroster import OneRosterFile
from students.models import Enrollment, Student
from tests.factories import UserFactory
from tests.load.population import depopulate
from tests.reporting.conftest import Scored
from tests.reporting.test_exports import command
from tests.roster.oneroster_files import run_zip

pytestmark = pytest.mark.django_db

DATE, YEAR, NUMBER, FLAG = r"\d{4}-\d\d-\d\d", r"\d{4}", r"-?\d+(\.\d+)?", "true|false"
PAIRS = r"\{[^{}:,]+:[^{}:,]+\}(,\{[^{}:,]+:[^{}:,]+\})*"
STATUS = "exempt|fully graded|not submitted|partially graded|submitted"


@dataclass(frozen=True)
class Column:
    """`form`: of its values. `to`: the file it points to. `must`: it must be filled in."""

    name: str
    form: str = ".*"
    to: str = ""
    must: bool = True


def may(names: str, form: str = ".*", to: str = "") -> list[Column]:
    return [Column(name, form, to, must=False) for name in names.split()]


def must(names: str, form: str = ".+", to: str = "") -> list[Column]:
    return [Column(name, form, to) for name in names.split()]


# File -> columns in order, behind sourcedId, status and dateLastModified.
BINDING: dict[str, list[Column]] = {
    "academicSessions": [
        *must("title"), *must("type", "gradingPeriod|semester|schoolYear|term"), *must("startDate endDate", DATE),
        *may("parentSourcedId", to="academicSessions"), *must("schoolYear", YEAR),
    ],
    "categories": [*must("title"), *may("weight", r"\d+")],
    "classes": [
        *must("title"), *may("grades"), *must("courseSourcedId", to="courses"), *may("classCode"),
        *must("classType", "homeroom|scheduled"), *may("location"), *must("schoolSourcedId", to="orgs"),
        *must("termSourcedIds", to="academicSessions"), *may("subjects subjectCodes periods"),
    ],
    "courses": [
        *may("schoolYearSourcedId", to="academicSessions"), *must("title"), *may("courseCode grades"),
        *must("orgSourcedId", to="orgs"), *may("subjects subjectCodes"),
    ],
    "demographics": [
        *must("birthDate", DATE), *must("sex", "male|female|other|unspecified"),
        *may("americanIndianOrAlaskaNative asian blackOrAfricanAmerican nativeHawaiianOrOtherPacificIslander white", FLAG),
        *may("demographicRaceTwoOrMoreRaces hispanicOrLatinoEthnicity", FLAG),
        *may("countryOfBirthCode stateOfBirthAbbreviation cityOfBirth publicSchoolResidenceStatus"),
    ],
    "lineItems": [
        *must("title"), *may("description"), *must("assignDate dueDate", DATE), *must("classSourcedId", to="classes"),
        *must("categorySourcedId", to="categories"), *must("academicSessionSourcedId", to="academicSessions"),
        *may("resultValueMin resultValueMax", NUMBER), *must("schoolSourcedId", to="orgs"),
    ],
    "lineItemScoreScales": [
        *may("title"), *must("lineItemSourcedId", to="lineItems"), *must("scoreScaleSourcedId", to="scoreScales"),
    ],
    "orgs": [
        *must("name"), *must("type", "department|school|district|local|state|national"), *may("identifier"),
        *may("parentSourcedId", to="orgs"),
    ],
    "results": [
        *must("lineItemSourcedId", to="lineItems"), *must("studentSourcedId", to="users"), *must("scoreStatus", STATUS),
        *may("score", NUMBER), *must("scoreDate", DATE), *may("comment textScore"), *may("classSourcedId", to="classes"),
        *may("inProgress incomplete late missing", FLAG),
    ],
    "roles": [
        *must("userSourcedId", to="users"), *must("roleType", "primary|secondary"), *must("role", "student"),
        *may("beginDate endDate", DATE), *must("orgSourcedId", to="orgs"), *may("userProfileSourcedId"),
    ],
    "scoreScales": [
        *must("title type"), *must("orgSourcedId", to="orgs"), *must("courseSourcedId", to="courses"),
        *must("classSourcedId", to="classes"), *must("scoreScaleValue", PAIRS),
    ],
    "users": [
        *must("enabledUser", FLAG), *must("username"), *may("userIds", PAIRS), *must("givenName familyName"),
        *may("middleName identifier email sms phone agentSourcedIds grades password userMasterIdentifier"),
        *may("preferredGivenName preferredMiddleName preferredFamilyName"), *may("primaryOrgSourcedId", to="orgs"),
        *may("pronouns"),
    ],
}  # fmt: skip
ABSENT = {
    "classResources", "courseResources", "enrollments", "lineItemLearningObjectiveIds", "resources",
    "resultLearningObjectiveIds", "resultScoreScales", "userProfiles", "userResources",
}  # fmt: skip


def read(stream: Any) -> dict[str, list[dict[str, str]]]:
    with zipfile.ZipFile(stream) as made:
        assert all("/" not in name for name in made.namelist()), "files are at the root of the zip"
        return {
            name.removesuffix(".csv"): list(csv.DictReader(io.StringIO(made.read(name).decode("utf-8"))))
            for name in made.namelist()
        }


def made(**asked: Any) -> dict[str, list[dict[str, str]]]:
    stream = io.BytesIO()
    OneRosterFile(export=Export(what="scores", **asked)).write(stream, ".zip")
    return read(stream)


def problems(files: dict[str, list[dict[str, str]]]) -> list[str]:
    """What the binding does not allow."""
    manifest = {row["propertyName"]: row["value"] for row in files["manifest"]}
    expected = {"manifest.version": "1.0", "oneroster.version": "1.2"}
    expected |= {"source.systemName": "SIS Import", "source.systemCode": ""}
    expected |= {f"file.{name}": "bulk" for name in BINDING} | {f"file.{name}": "absent" for name in ABSENT}
    wrong = [f"manifest: {manifest}"] if manifest != expected or set(files) != {"manifest", *BINDING} else []
    keys = {file: [row["sourcedId"] for row in files[file]] for file in BINDING}
    for file, columns in BINDING.items():
        if len(keys[file]) != len(set(keys[file])):
            wrong.append(f"{file}: a sourcedId twice")
        for row in files[file]:
            wrong += [f"{file}: {text}" for text in problems_of(row, columns, keys)]
    return wrong


def problems_of(row: dict[str, str], columns: list[Column], keys: dict[str, list[str]]) -> list[str]:
    wrong = []
    if list(row) != ["sourcedId", "status", "dateLastModified", *(column.name for column in columns)]:
        wrong.append(f"columns {list(row)}")
    if not row["sourcedId"] or row["status"] or row["dateLastModified"]:
        wrong.append("a row of a bulk file has an id, and no status or date")
    for column in columns:
        value = row[column.name]
        if not value:
            wrong += [f"{column.name} is blank"] if column.must else []
        elif not re.fullmatch(column.form, value) or (column.to and value not in keys[column.to]):
            wrong.append(f"{column.name} {value}")
    return wrong


def test_the_package_is_what_the_binding_describes(two_scored: Scored) -> None:
    files = made()
    assert problems(files) == []
    assert {len(files[name]) > 0 for name in BINDING} == {True}


def test_every_score_is_a_result_with_its_level_in_words(two_scored: Scored) -> None:
    files = made()
    assert len(files["results"]) == Score.objects.count()
    student = two_scored.people[0]
    assert student.school is not None
    items = {row["sourcedId"]: row for row in files["lineItems"]}
    (row,) = [
        row for row in files["results"]
        if row["studentSourcedId"] == f"student-{student.pk}" and items[row["lineItemSourcedId"]]["description"] == "SBELA"
    ]  # fmt: skip
    assert (row["score"], row["textScore"], row["scoreStatus"], row["scoreDate"]) == (
        "2502", "Standard Met", "fully graded", "2024-04-12",
    )  # fmt: skip
    item = items[row["lineItemSourcedId"]]
    assert item["title"].endswith("2023-24")
    assert item["categorySourcedId"] == "category-test"
    scale = next(one for one in files["lineItemScoreScales"] if one["lineItemSourcedId"] == item["sourcedId"])
    values = next(one for one in files["scoreScales"] if one["sourcedId"] == scale["scoreScaleSourcedId"])
    assert "{3:Standard Met}" in values["scoreScaleValue"]
    assert any(items[one["lineItemSourcedId"]]["categorySourcedId"] == "category-part" for one in files["results"])


def test_students_without_school_or_name_and_scores_without_date_keep_to_it(two_scored: Scored) -> None:
    Student.objects.filter(pk=two_scored.people[0].pk).update(school=None, first_name="", local_number="A, 1")
    Score.objects.filter(student=two_scored.people[1]).update(
        date=None, scale_score="", raw_score="", result="", status="NTE"
    )
    Assessment.objects.filter(state_code="SBELA").update(results=[{"code": "1", "name": "A {strange}: name, here"}])
    files = made()
    assert problems(files) == []
    exempt = [row for row in files["results"] if row["studentSourcedId"] == f"student-{two_scored.people[1].pk}"]
    assert {(row["scoreStatus"], row["comment"], row["scoreDate"]) for row in exempt} == {
        ("exempt", "Condition code NTE", "2024-06-30")
    }


def test_it_is_narrowed_and_nothing_of_others_comes_along(two_scored: Scored) -> None:
    mine, other = two_scored.people
    files = made(schools=[mine.school_id])
    assert problems(files) == []
    assert {row["identifier"] for row in files["users"]} == {"000501"}
    assert other.school is not None
    assert other.school.code not in {row["identifier"] for row in files["orgs"]}
    assert made(school_year="2022-23")["results"] == []


def test_by_command_and_page(two_scored: Scored, client: Client, tmp_path: Path) -> None:
    found = command("export_oneroster", tmp_path / "a.zip", "--school-year", "2023-24")
    assert found["rows"] == Score.objects.count()
    with (tmp_path / "a.zip").open("rb") as stream:
        assert problems(read(stream)) == []
    assert "a.csv does not end in .zip" in command("export_oneroster", tmp_path / "a.csv", code=2)["message"]
    client.force_login(UserFactory(registrar=True, schools=[two_scored.people[0].school]))
    response: Any = client.post(reverse("exports"), {"kind": "oneroster"})
    assert response["Content-Type"] == "application/zip"
    files = read(io.BytesIO(b"".join(response.streaming_content)))
    assert {row["identifier"] for row in files["users"]} == {"000501"}
    assert AuditEntry.looks.filter(subject__startswith="OneRoster").count() == 2
    assert dt.date.fromisoformat(files["academicSessions"][0]["startDate"]) == dt.date(2023, 7, 1)


def test_what_was_exported_makes_the_same_students_in_an_empty_installation(two_scored: Scored) -> None:
    there, elsewhere = two_scored.people
    Student.objects.filter(pk=elsewhere.pk).update(grade="KN", gender="X")
    Enrollment.objects.filter(student=there).update(start_date=dt.date(2023, 8, 14))
    before = on_record()
    packed = io.BytesIO()
    OneRosterFile(export=Export(what="scores")).write(packed, ".zip")
    connection.check_constraints()
    depopulate()
    assert not Student.objects.exists()

    run = run_zip(packed.getvalue(), Work.UPDATE)

    assert run.counts == {"imported": 2}
    assert {i["severity"] for i in run.issues} <= {"notice", "warning"}, run.issues

    assert on_record() == before
    assert run_zip(packed.getvalue()).counts == {"unchanged": 2}


def on_record() -> list[tuple[Any, ...]]:
    names = (
        "lea__code",
        "school__code",
        "local_number",
        "last_name",
        "first_name",
        "middle_name",
        "birth_date",
        "gender",
    )
    names += ("grade", "ssids__ssid", "enrollments__school__code", "enrollments__start_date", "enrollments__exit_date")
    found = Student.objects.order_by("local_number").values_list(*names)
    return [row if row[-2] else row[:-3] for row in found]
