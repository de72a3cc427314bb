"""OneRoster zips of invented people: tables by name, as rows by column."""

import csv
import io
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

from sisimport.files.archives import unpack
from sisimport.imports.models import ImportRun, Work
from sisimport.imports.runs import services, uploads
from students.models import Student
from tests.imports.journey import LEA_CODE, OTHER_SCHOOL_CODE, SCHOOL_CODE, Report, finish

Row = Mapping[str, str]
BASE = ("sourcedId", "status", "dateLastModified")
COLUMNS = {
    "orgs": (*BASE, "name", "type", "identifier", "parentSourcedId"),
    "academicSessions": (*BASE, "title", "type", "startDate", "endDate", "parentSourcedId", "schoolYear"),
    "demographics": (*BASE, "birthDate", "sex", "countryOfBirthCode", "stateOfBirthAbbreviation"),
    "enrollments": (
        *BASE, "classSourcedId", "schoolSourcedId", "userSourcedId", "role", "primary", "beginDate", "endDate",
    ),
    "roles": (*BASE, "userSourcedId", "roleType", "role", "beginDate", "endDate", "orgSourcedId", "userProfileSourcedId"),
}  # fmt: skip
USERS = {
    "1.1": (
        *BASE, "enabledUser", "orgSourcedIds", "role", "username", "userIds", "givenName", "familyName", "middleName",
        "identifier", "email", "sms", "phone", "agentSourcedIds", "grades", "password",
    ),
    "1.2": (
        *BASE, "enabledUser", "username", "userIds", "givenName", "familyName", "middleName", "identifier", "email", "sms",
        "phone", "agentSourcedIds", "grades", "password", "userMasterIdentifier", "preferredGivenName",
        "preferredMiddleName", "preferredFamilyName", "primaryOrgSourcedId", "pronouns",
    ),
}  # fmt: skip
GONE = {"status": "tobedeleted", "dateLastModified": "2025-01-17T09:00:00.000Z"}
CHANGED = {"status": "active", "dateLastModified": "2025-01-17T09:00:00.000Z"}
DISTRICT = {"sourcedId": "d", "name": "Lincoln Unified", "type": "district", "identifier": LEA_CODE}
CEDAR = {
    "sourcedId": "s1", "name": "Cedar High", "type": "school", "identifier": LEA_CODE + SCHOOL_CODE, "parentSourcedId": "d",
}  # fmt: skip
MAPLE = {
    "sourcedId": "s2", "name": "Maple High", "type": "school", "identifier": OTHER_SCHOOL_CODE, "parentSourcedId": "d",
}  # fmt: skip
ORGS = (DISTRICT, CEDAR, MAPLE)
YEAR = {
    "sourcedId": "y", "title": "2024-25", "type": "schoolYear", "startDate": "2024-08-12", "endDate": "2025-06-13",
    "schoolYear": "2025",
}  # fmt: skip
ANA = {
    "sourcedId": "u1", "orgSourcedIds": "s1", "role": "student", "identifier": "100235", "familyName": "O'Neil",
    "givenName": "Ana", "grades": "07", "enabledUser": "true", "username": "ana",
}  # fmt: skip
BEN = ANA | {"sourcedId": "u2", "identifier": "100236", "familyName": "Peña", "givenName": "Ben", "grades": "KG"}
TEACHER = ANA | {"sourcedId": "t1", "role": "teacher", "identifier": "9", "familyName": "Quist", "givenName": "Nel"}
BORN = {"sourcedId": "u1", "birthDate": "2012-06-30", "sex": "female"}
BORN_BEN = {"sourcedId": "u2", "birthDate": "2019-03-04", "sex": "male"}
CLASS = {
    "sourcedId": "e1", "classSourcedId": "c1", "schoolSourcedId": "s1", "userSourcedId": "u1", "role": "student",
    "primary": "false", "beginDate": "2024-08-12",
}  # fmt: skip


def table(columns: Sequence[str], rows: Sequence[Row]) -> str:
    extra = [name for row in rows for name in row if name not in columns]
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, [*columns, *dict.fromkeys(extra)], restval="", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def manifest(version: str, modes: Mapping[str, str]) -> str:
    names = ("academicSessions", "classes", "courses", "demographics", "enrollments", "orgs", "roles", "users")
    rows = [("manifest.version", "1.0"), ("oneroster.version", version)]
    rows += [(f"file.{name}", modes.get(name, "absent")) for name in names]
    return "propertyName,value\r\n" + "".join(f"{name},{value}\r\n" for name, value in rows)


def zipped(
    *,
    version: str = "1.1",
    mode: str = "bulk",
    folder: str = "",
    modes: Mapping[str, str] | None = None,
    files: Mapping[str, str | bytes | None] | None = None,
    **tables: Sequence[Row],
) -> bytes:
    """A zip of the tables. `modes` differ from `mode`; `files` are put in as they are, None leaves one out."""
    shown = {name: table(USERS[version] if name == "users" else COLUMNS[name], rows) for name, rows in tables.items()}
    said = dict.fromkeys(tables, mode) | dict(modes or {})
    texts: dict[str, Any] = {f"{name}.csv": text for name, text in shown.items()}
    texts = {"manifest.csv": manifest(version, said)} | texts | dict(files or {})
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, text in texts.items():
            if text is not None:
                made.writestr(f"{folder}{name}", text)
    return out.getvalue()


def joined(data: bytes) -> list[str]:
    """Lines of the text that a zip becomes."""
    inner = unpack(io.BytesIO(data), max_bytes=1 << 30)
    try:
        return inner.stream.read().decode().split("\n")
    finally:
        inner.close()


def cells(data: bytes) -> list[dict[str, str]]:
    """Records of the text that a zip becomes."""
    return list(csv.DictReader(line for line in joined(data) if line))


def run_zip(data: bytes, work: Work = Work.TEST, *, schools: Any = None, **options: str) -> Report:
    """Upload a zip and run to the end; an Update is tested first."""
    with uploads.unpacked(io.BytesIO(data)) as inner:
        file = uploads.keep_file(
            stream=inner.stream, name="roster.zip", user=None, member=inner.member, notices=inner.notices
        )

    def start(kind: Work, test: ImportRun | None = None) -> Report:
        given = {"user": None, "schools": schools, "test_run": test, "enqueue": False, "options": options}
        return finish(services.start_run(file=file, import_type="oneroster", work=kind, **given))

    run = start(Work.TEST)
    return start(work, run.run) if work != Work.TEST else run


def bulk(**tables: object) -> bytes:
    """A whole file of Ana at two schools; `tables` are said instead of those it has."""
    values: dict[str, object] = {"orgs": ORGS, "users": [ANA], "demographics": [BORN], "enrollments": [CLASS]}
    return zipped(**(values | tables))  # type: ignore[arg-type]


def update(data: bytes, **options: str) -> Report:
    return run_zip(data, Work.UPDATE, **options)


def ana() -> Student:
    """The student of `ANA`, on record."""
    return Student.objects.get(local_number="100235")
