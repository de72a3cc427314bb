"""Sample files of the match results (one of every kind of request) and of the match desk (lines with typos)."""

import csv
from collections.abc import Iterator
from dataclasses import replace
from typing import IO

from sisimport.demo.district import Sample, register_samples
from sisimport.demo.match_samples import make_samples
from ssid.demo.lines import Line, line_of
from students.models import LEA, SSID, Student

HEADER = (
    "Submitted_SENR_ReportingLEA", "Submitted_SENR_SchoolofAttendance", "Selection", "Submitted_SENR_LocalID",
    "Submitted_SENR_Student_LegalLastName", "Submitted_SENR_Student_LegalFirstName",
    "Submitted_SENR_Student_LegalMiddleName", "Result_SENR_SSID", "Result_SENR_SSIDCreateDate", "Result_MatchCategory",
    "Result_MatchPercentageScore", "Submitted_SENR_Gender", "Submitted_SENR_BirthDate",
    "Result_SENR_Student_LegalLastName", "Result_SENR_Student_LegalFirstName", "Result_SENR_Student_LegalMiddleName",
    "Result_SENR_Gender", "Result_SENR_BirthDate", "Result_SENR_ReportingLEA", "Result_SENR_SchoolofAttendance",
    "Result_SENR_Grade", "Result_SENR_EnrollmentStartDate", "Result_SELA_ELASCode", "Result_SELA_ELASStartDate",
    "Result_SELA_PrimaryLanguage", "Result_Guardian1_LastName", "Result_Guardian1_FirstName",
)  # fmt: skip
_OTHER_LEA, _OTHER_SCHOOL = "7654321", "0654321"
_MANY = 40


def _row(
    line: Line, *, score: str, category: str, pick: str = "", found: Line | None = None, guardian: str = ""
) -> list[str]:
    """One row: the request from `line`, the candidate from `found` (the state's data about the same person by
    default)."""
    candidate = found or line
    empty = category == "No Match"
    result = [
        candidate.last_name, candidate.first_name, candidate.middle_name, candidate.gender, candidate.birth_date, _OTHER_LEA,
        _OTHER_SCHOOL, candidate.grade, "20230814", candidate.elas, candidate.elas_date, candidate.language,
        candidate.last_name, guardian,
    ]  # fmt: skip
    return [
        line.lea, line.school, pick, line.local_number, line.last_name, line.first_name, line.middle_name,
        "" if empty else candidate.ssid, "" if empty else "20160810", category, "" if empty else score, line.gender,
        line.birth_date, *([""] * len(result) if empty else result),
    ]  # fmt: skip


def _other(ssid: str) -> str:
    """An SSID that no student of the district has, made from one that the state knows."""
    return f"{(int(ssid) + 5_000_004_321) % 10**10:010d}"


def _requests(lea: LEA) -> Iterator[list[str]]:
    """Requests of students without SSID, one kind of answer after another."""
    students = (
        Student.objects.filter(lea=lea)
        .exclude(pk__in=SSID.objects.filter(retired_at__isnull=True).values("student"))
        .select_related("lea", "school", "el")
        .prefetch_related("enrollments", "guardians")
        .order_by("local_number")[:_MANY]
    )
    for number, student in enumerate(students):
        line = line_of(student)
        first_guardian = student.guardians.first()
        guardian = first_guardian.first_name if first_guardian else ""
        cousin = replace(
            line, ssid=_other(line.ssid), first_name=f"{line.first_name[:2]}ni", birth_date=f"2013{line.birth_date[4:]}"
        )
        match number % 8:
            case 0:
                yield _row(line, score="100%", category="Single Match", guardian=guardian)
            case 1:
                slip = replace(line, last_name=f"{line.last_name}s")
                yield _row(line, score="93%", category="Single Match", found=slip, guardian=guardian)
            case 2:
                yield _row(line, score="", category="No Match")
            case 3:
                yield _row(line, score="78%", category="Multiple Match", found=cousin)
                yield _row(line, score="100%", category="Multiple Match", pick="X", guardian=guardian)
            case 4:
                yield _row(line, score="99%", category="Multiple Match", guardian=guardian)
                yield _row(line, score="81%", category="Multiple Match", found=cousin)
            case 5:
                third = replace(cousin, ssid=_other(cousin.ssid)[::-1], middle_name="")
                yield _row(line, score="88%", category="Multiple Match", found=cousin)
                yield _row(line, score="88%", category="Multiple Match", found=third)
                yield _row(line, score="96%", category="Multiple Match", guardian=guardian)
            case 6:
                yield _row(line, score="90%", category="Multiple Match", pick="X", found=cousin)
                yield _row(line, score="100%", category="Multiple Match", pick="X", guardian=guardian)
            case _:
                sent = replace(line, birth_date=f"2008{line.birth_date[4:]}")
                yield _row(sent, score="100%", category="Single Match", pick="Y", found=line, guardian=guardian)


def write_requests(stream: IO[str], lea: LEA) -> None:
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows(_requests(lea))


def write_near(stream: IO[str], lea: LEA) -> None:
    """Download lines of people on record, spelled differently: one for each kind of typo."""
    samples = make_samples(58, seed=3, lea_id=lea.pk)
    students = Student.objects.select_related("lea", "school", "el").in_bulk(
        [s.student_id for s in samples if s.student_id]
    )
    holders = SSID.objects.filter(retired_at__isnull=True).values_list("student_id", flat=True)
    having = set(holders.filter(student_id__in=list(students)))
    for sample in samples:
        student = students.get(sample.student_id or 0)
        if student is None or student.pk in having or sample.given.birth_date is None:
            continue
        given = sample.given
        line = replace(
            line_of(student),
            local_number=given.local_number,
            last_name=given.last_name[:50],
            first_name=given.first_name[:30],
            middle_name=given.middle_name,
            birth_date=f"{given.birth_date:%Y%m%d}",
        )
        stream.write(f"{line}\n")


register_samples(
    Sample(
        name="ssid-request-answer.csv",
        import_type="ssid-request",
        note="The state's answer to a request: single, several and no candidates, some of them marked.",
        write=write_requests,
    ),
    Sample(
        name="ssid-download-near.txt",
        import_type="ssid-download",
        note="Students written differently than in our records: for the match desk.",
        write=write_near,
    ),
)
