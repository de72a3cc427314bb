"""OneRoster 1.2 results: a zip of CSV files as defined by the CSV binding (1EdTech, 1.2.1), bulk.

Besides line items, results, score scales and categories, the zip has the files that these must refer to: districts and
schools, school years, a course for each test, and a class for each test, school and year, since the standard has no
results outside a class. Students are in `users`, `demographics` and `roles`, which say since when a student has been at
the school; no one is enrolled in those classes. A result is one score of a test or of a part of it; schools are the
current ones.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import IO
from zipfile import ZIP_DEFLATED, ZipFile

from psycopg import sql

from sisimport.reporting.exports import Export, one_moment, streamed
from sisimport.reporting.views import SCHEMA
from sisimport.reporting.writing import ZIP, Counted, Written, narrowed, of_student
from sisimport.runtime.reading import reading_connection
from sisimport.web.exports.writers import Row, csv_rows
from students.school_years import read_school_year

_BASE = ("sourcedId", "status", "dateLastModified")  # the last two stay blank in bulk files
# In the order of the binding's tables: readers may rely on it.
FILES: dict[str, tuple[str, ...]] = {
    "academicSessions": (*_BASE, "title", "type", "startDate", "endDate", "parentSourcedId", "schoolYear"),
    "categories": (*_BASE, "title", "weight"),
    "classes": (
        *_BASE, "title", "grades", "courseSourcedId", "classCode", "classType", "location", "schoolSourcedId", "termSourcedIds",
        "subjects", "subjectCodes", "periods",
    ),
    "courses": (
        *_BASE, "schoolYearSourcedId", "title", "courseCode", "grades", "orgSourcedId", "subjects", "subjectCodes",
    ),
    "demographics": (
        *_BASE, "birthDate", "sex", "americanIndianOrAlaskaNative", "asian", "blackOrAfricanAmerican",
        "nativeHawaiianOrOtherPacificIslander", "white", "demographicRaceTwoOrMoreRaces", "hispanicOrLatinoEthnicity",
        "countryOfBirthCode", "stateOfBirthAbbreviation", "cityOfBirth", "publicSchoolResidenceStatus",
    ),
    "lineItems": (
        *_BASE, "title", "description", "assignDate", "dueDate", "classSourcedId", "categorySourcedId",
        "academicSessionSourcedId", "resultValueMin", "resultValueMax", "schoolSourcedId",
    ),
    "lineItemScoreScales": (*_BASE, "title", "lineItemSourcedId", "scoreScaleSourcedId"),
    "orgs": (*_BASE, "name", "type", "identifier", "parentSourcedId"),
    "results": (
        *_BASE, "lineItemSourcedId", "studentSourcedId", "scoreStatus", "score", "scoreDate", "comment", "textScore",
        "classSourcedId", "inProgress", "incomplete", "late", "missing",
    ),
    "roles": (
        *_BASE, "userSourcedId", "roleType", "role", "beginDate", "endDate", "orgSourcedId", "userProfileSourcedId",
    ),
    "scoreScales": (
        *_BASE, "title", "type", "orgSourcedId", "courseSourcedId", "classSourcedId", "scoreScaleValue",
    ),
    "users": (
        *_BASE, "enabledUser", "username", "userIds", "givenName", "familyName", "middleName", "identifier", "email", "sms",
        "phone", "agentSourcedIds", "grades", "password", "userMasterIdentifier", "preferredGivenName", "preferredMiddleName",
        "preferredFamilyName", "primaryOrgSourcedId", "pronouns",
    ),
}  # fmt: skip
_ABSENT = (
    "classResources", "courseResources", "enrollments", "lineItemLearningObjectiveIds", "resources",
    "resultLearningObjectiveIds", "resultScoreScales", "userProfiles", "userResources",
)  # fmt: skip
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_GRADES = {"KN": "KG", "PS": "PK"}  # the standard's words, from CEDS
_SEX = {"M": "male", "F": "female", "X": "other", "": "unspecified"}
_NO_NAME = "-"  # the standard requires both names
_TEST, _PART = "category-test", "category-part"
_SCORE = ("lea_code", "local_number", "school_code", "student_id", "assessment_id", "school_year", "test_date", "scale_score",
          "raw_score", "level", "level_name", "condition_code")  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Assessment:
    """A test or a part. `test`: internal number of the test, its own for a test. `levels`: code and name, best first."""

    code: str
    name: str
    is_part: bool
    test: int
    test_code: str
    test_name: str
    levels: list[tuple[str, str]]

    @property
    def title(self) -> str:
        return f"{self.test_name}: {self.name}" if self.is_part else self.name


@dataclass(frozen=True, slots=True)
class _Item:
    """Something tested at a school in a year."""

    lea: str
    school: str
    assessment: int
    year: str
    test: int

    @property
    def org(self) -> str:
        return org_id(self.lea, self.school)

    @property
    def id(self) -> str:
        return f"item-{self.lea}-{self.school}-{self.assessment}-{self.year}"

    @property
    def course(self) -> str:
        return f"course-{self.lea}-{self.test}"

    @property
    def class_id(self) -> str:
        return f"class-{self.lea}-{self.school}-{self.test}-{self.year}"

    @property
    def session(self) -> str:
        return f"year-{self.year}"


def org_id(lea: str, school: str) -> str:
    """The school; the district for students without one."""
    return f"school-{lea}-{school}" if school else f"lea-{lea}"


@dataclass(frozen=True, kw_only=True)
class OneRosterFile:
    """`export`: which scores, in long form."""

    export: Export
    name: str = field(default="oneroster-results", init=False)
    endings: tuple[str, ...] = field(default=(ZIP,), init=False)

    @property
    def subject(self) -> str:
        return f"OneRoster results {narrowed(self.export)}"

    @property
    def goes_on(self) -> bool:
        return self.export.changed_since is not None

    def write(self, stream: IO[bytes], ending: str) -> Written:  # noqa: ARG002 - there is one form
        with one_moment():  # several passes over the scores must agree
            return self._write(stream)

    def _write(self, stream: IO[bytes]) -> Written:
        assessments = _assessments()
        items = self._items(assessments)
        scores = self.export.stream(_SCORE, ("lea_code", "local_number", "school_year", "assessment_id"))
        counted = Counted(scores, of_student(_SCORE))
        with ZipFile(stream, "w", ZIP_DEFLATED) as made:
            self._add(made, "manifest", ("propertyName", "value"), _manifest())
            for name, rows in _structure(items, assessments).items():
                self._add(made, name, FILES[name], rows)
            self._add(made, "users", FILES["users"], map(_user, self._students()))
            self._add(made, "demographics", FILES["demographics"], map(_demographics, self._students()))
            self._add(made, "roles", FILES["roles"], map(_role, self._students()))
            self._add(made, "results", FILES["results"], (_result(row, assessments) for row in counted))
        return Written(
            counted.count, ("manifest.csv", *(f"{name}.csv" for name in FILES)), counted.students, counted.ids
        )

    @staticmethod
    def _add(made: ZipFile, name: str, head: Sequence[str], rows: Iterable[Row]) -> None:
        with made.open(f"{name}.csv", "w", force_zip64=True) as member:
            for block in csv_rows(head, rows, as_is=True, mark=False):
                member.write(block)

    def _items(self, assessments: dict[int, _Assessment]) -> list[_Item]:
        where, values = self.export.where()
        statement = sql.SQL(
            "SELECT DISTINCT v.lea_code, v.school_code, v.assessment_id, v.school_year FROM {} AS v {} ORDER BY 1, 2, 4, 3"
        ).format(sql.Identifier(SCHEMA, "scores"), where)
        with reading_connection().cursor() as cursor:
            cursor.execute(statement, values)
            found = cursor.fetchall()
        return [_Item(lea, school, test, year, assessments[test].test) for lea, school, test, year in found]

    def _students(self) -> Iterator[Row]:
        where, values = self.export.where()
        statement = sql.SQL(
            "SELECT s.student_id, s.lea_code, s.school_code, s.local_number, s.ssid, s.first_name, s.last_name, s.middle_name,"
            " s.grade, s.enrolled, s.birth_date, s.gender, e.start_date, e.exit_date FROM {} AS s LEFT JOIN LATERAL ("
            "SELECT e.start_date, e.exit_date FROM {} AS e WHERE e.student_id = s.student_id AND e.school_code = s.school_code"
            " ORDER BY e.exit_date DESC NULLS FIRST, e.start_date DESC NULLS LAST LIMIT 1) AS e ON true"
            " WHERE s.student_id IN (SELECT v.student_id FROM {} AS v {}) ORDER BY s.lea_code, s.local_number"
        ).format(*(sql.Identifier(SCHEMA, name) for name in ("students", "enrollments", "scores")), where)
        return streamed(statement, values)


def _manifest() -> Iterator[Row]:
    yield "manifest.version", "1.0"
    yield "oneroster.version", "1.2"
    for name in sorted((*FILES, *_ABSENT), key=str.lower):
        yield f"file.{name}", "bulk" if name in FILES else "absent"
    yield "source.systemName", "SIS Import"
    yield "source.systemCode", ""


def _assessments() -> dict[int, _Assessment]:
    """By internal number; a part without levels gets those of its test."""
    with reading_connection().cursor() as cursor:
        cursor.execute(
            """SELECT a.id, a.state_code, a.name, p.id IS NOT NULL, coalesce(p.id, a.id), coalesce(p.state_code, a.state_code),
                 coalesce(p.name, a.name), CASE WHEN a.results <> '[]' THEN a.results ELSE coalesce(p.results, '[]') END::text
               FROM assessments_assessment a LEFT JOIN assessments_assessment p ON p.id = a.parent_id"""
        )
        found = cursor.fetchall()
    return {
        pk: _Assessment(
            code, name, part, test, test_code, test_name, [(r["code"], r["name"]) for r in json.loads(levels)]
        )
        for pk, code, name, part, test, test_code, test_name, levels in found
    }


def _structure(items: Sequence[_Item], assessments: dict[int, _Assessment]) -> dict[str, Iterable[Row]]:
    """Everything that results refer to, except students. Held in memory: it grows with schools and years, not with
    scores."""
    years = sorted({item.year for item in items})
    scaled = [item for item in items if assessments[item.assessment].levels]
    return {
        "academicSessions": [_session(year) for year in years],
        "categories": [(_TEST, "", "", "State test", ""), (_PART, "", "", "Part of a state test", "")],
        "orgs": _orgs(items),
        "courses": {item.course: _course(item, assessments) for item in items}.values(),
        "classes": {item.class_id: _class(item, assessments) for item in items}.values(),
        "lineItems": [_line_item(item, assessments[item.assessment]) for item in items],
        "scoreScales": [_scale(item, assessments[item.assessment]) for item in scaled],
        "lineItemScoreScales": [
            (f"uses-{item.id}", "", "", assessments[item.assessment].title, item.id, f"scale-{item.id}")
            for item in scaled
        ],
    }


def _days(year: str) -> tuple[str, str]:
    """First and last day of a school year."""
    spring = read_school_year(year)
    return f"{spring - 1}-07-01", f"{spring}-06-30"


def _session(year: str) -> Row:
    first, _last = _days(year)
    spring = read_school_year(year)
    # The standard's end date is the day after the last one, and a school year is named by the year of its end.
    return f"year-{year}", "", "", year, "schoolYear", first, f"{spring}-07-01", "", str(spring)


def _orgs(items: Sequence[_Item]) -> list[Row]:
    with reading_connection().cursor() as cursor:
        cursor.execute(
            "SELECT l.code, l.name, c.code, c.name FROM students_school c JOIN students_lea l ON l.id = c.lea_id"
        )
        found = cursor.fetchall()
    names = {org_id(lea, ""): name for lea, name, _code, _school in found}
    names |= {org_id(lea, code): name for lea, _name, code, name in found}
    leas = sorted({item.lea for item in items})
    schools = sorted({(item.lea, item.school) for item in items if item.school})
    rows: list[Row] = [
        (org_id(lea, ""), "", "", names.get(org_id(lea, "")) or lea, "district", lea, "") for lea in leas
    ]
    return rows + [
        (org_id(lea, code), "", "", names.get(org_id(lea, code)) or code, "school", code, org_id(lea, ""))
        for lea, code in schools
    ]


def _course(item: _Item, assessments: dict[int, _Assessment]) -> Row:
    test = assessments[item.assessment]
    return item.course, "", "", "", test.test_name, test.test_code, "", org_id(item.lea, ""), "", ""


def _class(item: _Item, assessments: dict[int, _Assessment]) -> Row:
    test = assessments[item.assessment]
    title = f"{test.test_name} {item.year}"
    return (
        item.class_id, "", "", title, "", item.course, test.test_code, "scheduled", "", item.org, item.session, "", "", "",
    )  # fmt: skip


def _line_item(item: _Item, assessment: _Assessment) -> Row:
    first, last = _days(item.year)
    category = _PART if assessment.is_part else _TEST
    title = f"{assessment.title} {item.year}"
    code = f"{assessment.test_code} {assessment.code}" if assessment.is_part else assessment.code
    return (item.id, "", "", title, code, first, last, item.class_id, category, item.session, "", "", item.org)


def _scale(item: _Item, assessment: _Assessment) -> Row:
    pairs = ",".join(f"{{{_plain(code)}:{_plain(name)}}}" for code, name in reversed(assessment.levels))
    org = org_id(item.lea, "")
    return (
        f"scale-{item.id}",
        "",
        "",
        f"Levels of {assessment.title}",
        "level",
        org,
        item.course,
        item.class_id,
        pairs,
    )


def _plain(text: str) -> str:
    """The text without the characters that the standard uses to write pairs."""
    return re.sub(r"[{}:,]+", " ", text).strip()


def _user(student: Row) -> Row:
    pk, lea, school, number, ssid, first, last, middle, grade, enrolled = student[:10]
    ids = "".join([f"{{Local:{_plain(number)}}}", f",{{SSID:{ssid}}}" if ssid else ""])
    return (
        f"student-{pk}", "", "", "true" if enrolled else "false", number, ids, first or _NO_NAME, last or _NO_NAME, middle,
        number, "", "", "", "", _GRADES.get(grade, grade), "", "", "", "", "", org_id(lea, school), "",
    )  # fmt: skip


def _role(student: Row) -> Row:
    pk, lea, school = student[:3]
    start, end = student[12:14]
    return f"role-{pk}", "", "", f"student-{pk}", "primary", "student", _iso(start), _iso(end), org_id(lea, school), ""


def _demographics(student: Row) -> Row:
    birth, gender = student[10:12]
    return (f"student-{student[0]}", "", "", _iso(birth), _SEX.get(gender, "unspecified"), *[""] * 11)


def _iso(day: date | None) -> str:
    return day.isoformat() if day else ""


def _result(score: Row, assessments: dict[int, _Assessment]) -> Row:
    lea, _number, school, student, pk, year, day, scale, raw, level, level_name, condition = score
    item = _Item(lea, school, pk, year, assessments[pk].test)
    number = next((text for text in (scale, raw) if _NUMBER.fullmatch(text)), "")
    status = "fully graded" if number or level else "exempt" if condition else "not submitted"
    comment = f"Condition code {condition}" if condition else ""
    when = f"{day:%Y-%m-%d}" if day else _days(year)[1]
    text = level_name if level else ""
    return (
        f"result-{student}-{pk}-{year}", "", "", item.id, f"student-{student}", status, number, when, comment, text,
        item.class_id, "", "", "", "",
    )  # fmt: skip
