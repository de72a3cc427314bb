"""Sample zip of OneRoster 1.1: the district's students as another system would export them."""

import csv
import io
import tempfile
from collections.abc import Iterable, Iterator
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZipFile

from django.db import connection

from sisimport.demo.district import Sample, register_samples
from sisimport.files.archives import unpack
from students.models import LEA

_BASE = ("sourcedId", "status", "dateLastModified")
_SEX = {"M": "male", "F": "female"}
_GRADES = {"KN": "KG", "PS": "PK"}
_KNOWN, _NEW = 200, 25
_MOST = 1 << 34
_HEADS = {
    "orgs": (*_BASE, "name", "type", "identifier", "parentSourcedId"),
    "academicSessions": (*_BASE, "title", "type", "startDate", "endDate", "parentSourcedId", "schoolYear"),
    "users": (
        *_BASE, "enabledUser", "orgSourcedIds", "role", "username", "userIds", "givenName", "familyName", "middleName",
        "identifier", "email", "sms", "phone", "agentSourcedIds", "grades", "password",
    ),
    "demographics": (*_BASE, "birthDate", "sex"),
    "enrollments": (
        *_BASE, "classSourcedId", "schoolSourcedId", "userSourcedId", "role", "primary", "beginDate", "endDate",
    ),
}  # fmt: skip
_STUDENTS = """
SELECT s.id, c.code, s.local_number, s.first_name, s.last_name, s.middle_name, s.birth_date, s.gender, s.grade, e.start_date
FROM students_student s JOIN students_school c ON c.id = s.school_id
LEFT JOIN students_enrollment e ON e.student_id = s.id AND e.school_id = s.school_id AND e.exit_date IS NULL
WHERE s.lea_id = %s ORDER BY s.local_number LIMIT %s
"""


def write_zip(stream: IO[bytes], lea: LEA, people: Iterable[tuple[Any, ...]]) -> None:
    """A bulk zip of the district's schools and of these people (the columns of `_STUDENTS`), one pass for each table."""
    with ZipFile(stream, "w", ZIP_DEFLATED, compresslevel=1) as made, tempfile.TemporaryFile("w+", newline="") as kept:
        csv.writer(kept).writerows(people)
        made.writestr("manifest.csv", _manifest())
        _add(made, "orgs", _orgs(lea))
        _add(made, "academicSessions", [("year", "", "", "", "schoolYear", "2025-08-11", "2026-06-12", "", "2026")])
        _add(made, "users", (_user(row) for row in _again(kept)))
        _add(made, "demographics", ((f"u{r[0]}", "", "", r[6], _SEX.get(r[7], "")) for r in _again(kept)))
        _add(
            made,
            "enrollments",
            (
                (f"e{r[0]}", "", "", f"class-{r[1]}", f"school-{r[1]}", f"u{r[0]}", "student", "true", r[9], "")
                for r in _again(kept)
            ),
        )


def _again(kept: IO[str]) -> Iterator[list[str]]:
    kept.seek(0)
    yield from csv.reader(kept)


def _manifest() -> str:
    properties = [("manifest.version", "1.0"), ("oneroster.version", "1.1"), *((f"file.{n}", "bulk") for n in _HEADS)]
    return "propertyName,value\r\n" + "".join(f"{name},{value}\r\n" for name, value in properties)


def _add(made: ZipFile, name: str, rows: Iterable[Iterable[object]]) -> None:
    with (
        made.open(f"{name}.csv", "w", force_zip64=True) as member,
        io.TextIOWrapper(member, encoding="utf-8", newline="") as text,
    ):
        writer = csv.writer(text)
        writer.writerow(_HEADS[name])
        writer.writerows(rows)


def _orgs(lea: LEA) -> Iterator[tuple[str, ...]]:
    yield "district", "", "", lea.name, "district", lea.code, ""
    for code, name in lea.schools.order_by("code").values_list("code", "name"):
        yield f"school-{code}", "", "", name, "school", lea.code + code, "district"


def _user(row: list[str]) -> tuple[str, ...]:
    pk, school, number, first, last, middle, _birth, _gender, grade, _start = row
    role = "student" if number else "teacher"
    return (
        f"u{pk}", "", "", "true", f"school-{school}", role, f"user{pk}", "", first, last, middle, number, "", "", "", "",
        _GRADES.get(grade, grade), "",
    )  # fmt: skip


def students_of(lea: LEA, most: int) -> list[tuple[Any, ...]]:
    """The first students of the district that have a school."""
    with connection.cursor() as cursor:
        cursor.execute(_STUDENTS, [lea.pk, most])
        return list(cursor.fetchall())


def _people(lea: LEA) -> list[tuple[Any, ...]]:
    """Known students, some of them changed, new ones, a teacher, and lines with mistakes."""
    on_record = students_of(lea, _KNOWN)
    people = [list(row) for row in on_record]
    for n, row in enumerate(people):
        if n % 20 == 3:
            row[8] = "12" if row[8] != "12" else "11"
    for n in range(_NEW):
        like = on_record[n % len(on_record)]
        first = ("Inés", "Noah", "Zoë", "D'Andre", "Mai")[n % 5]
        people.append([f"new{n}", like[1], f"8{n:05d}", first, like[4], "", *like[6:]])
    like = on_record[0]
    people.append(["teacher", like[1], "", "Nel", "Quist", "", "", "", "", ""])
    people.append(["bad1", like[1], "800900", "Bo", like[4], "", "2012-02-31", *like[7:]])
    people.append(["bad2", like[1], "800901", "Bea", like[4], "", *like[6:8], "13", like[9]])
    people.append(["bad3", "none", "800902", "Bix", like[4], "", *like[6:]])
    return [tuple(row) for row in people]


def write_oneroster(stream: IO[bytes], lea: LEA) -> None:
    """The sample zip."""
    write_zip(stream, lea, _people(lea))


def write_joined(stream: IO[str], lea: LEA) -> None:
    """The text that the sample zip becomes when it is accepted."""
    with tempfile.TemporaryFile() as packed:
        write_oneroster(packed, lea)
        inner = unpack(packed, max_bytes=_MOST)
        try:
            for line in inner.stream:
                stream.write(line.decode())
        finally:
            inner.close()


register_samples(
    Sample(
        name="oneroster.zip",
        import_type="oneroster",
        note="Known students, some in another grade, new ones, a teacher, and three lines with mistakes.",
        write=write_joined,
        write_packed=write_oneroster,
    )
)
