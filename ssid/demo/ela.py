"""Sample files of the ELA Import and of Replacement SSIDs."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import IO

from django.db.models import QuerySet

from sisimport.demo.district import Sample, copy_lines, register_samples
from ssid.demo.lines import Line, line_of
from students.models import LEA, SSID, Student

_LINES = 40


def _students(lea: LEA, *statuses: str) -> QuerySet[Student]:
    """Students with an SSID and one of these program statuses, in the order of their numbers."""
    return (
        Student.objects.filter(
            lea=lea, el__program_status__in=statuses, ssids__retired_at__isnull=True, ssids__isnull=False
        )
        .select_related("lea", "school", "el")
        .order_by("local_number")
    )


def _ela_lines(lea: LEA) -> Iterator[Line]:
    """Lines that change nothing, that update, and one of every kind that is not imported."""
    learners = [line_of(student) for student in _students(lea, "EL")[:_LINES]]
    if len(learners) < _LINES:
        yield from learners
        return
    steady, moved, odd = learners[:10], learners[10:20], learners[20:]
    yield from steady
    yield from (replace(line, elas="RFEP", elas_date="20260601") for line in moved)
    for line, values in zip(
        odd,
        (
            {"elas": "TVD"},
            {"elas": "FEP"},
            {"elas": "ABC"},
            {"elas_date": "19990101"},
            {"elas": "IFEP", "elas_date": "20100101"},
            {"elas": "", "elas_date": "", "language": ""},
            {"language": "xx1"},
            {"language": "02"},
            {"last_name": "Somebody-Else"},
            {"ssid": ""},
            {"birth_date": "20110203"},
            {"local_number": "7654321"},
            {"grade": "PS"},
        ),
        strict=False,
    ):
        yield replace(line, **values)


def write_ela(stream: IO[str], lea: LEA) -> None:
    _write(stream, _ela_lines(lea))


def write_sela(stream: IO[str], lea: LEA) -> None:
    """A file as a district sends it: new learners since 2020 get a hint (SELA0520), and one student has a history."""
    lines = [line_of(student) for student in _students(lea, "EL", "Pending", "EO")[:_LINES]]
    _write(stream, (_sela(line) for line in lines))
    if lines and lines[0].elas == "EL":
        _write(stream, [_sela(replace(lines[0], elas="RFEP", elas_date="20260601"))])


def _sela(line: Line) -> str:
    return (
        f"SELA^^^{line.lea}^{line.school}^2026-2027^{line.ssid}^{line.first_name}^{line.last_name}^{line.birth_date}"
        f"^{line.gender}^{line.local_number}^{line.elas}^{line.elas_date}^{line.language}^"
    )


def _write(stream: IO[str], lines: Iterable[object]) -> None:
    stream.writelines(f"{line}\n" for line in lines)


_REPLACED = """
SELECT concat_ws('^', l.code, sc.code, s.local_number, r.retired_ssid, r.replacement_ssid)
FROM students_ssidreplacement r
JOIN students_ssid x ON x.state = r.state AND x.ssid IN (r.retired_ssid, r.replacement_ssid)
JOIN students_student s ON s.id = x.student_id
JOIN students_lea l ON l.id = s.lea_id
JOIN students_school sc ON sc.id = s.school_id
WHERE s.lea_id = %s GROUP BY 1, s.id ORDER BY s.id
"""


def write_replacements(stream: IO[str], lea: LEA) -> None:
    """What the state merged: some already known, some still to be replaced here, and two lines that cannot be."""
    copy_lines(stream, _REPLACED, [lea.pk])
    school = lea.schools.order_by("code").first()
    holder = SSID.objects.filter(student__lea=lea, retired_at__isnull=True).order_by("student__local_number").first()
    if school and holder:
        _write(stream, [f"{lea.code}^{school.code}^{holder.student.local_number}^{holder.ssid}^12345"])
        _write(stream, [f"{lea.code}^{school.code}^7654321^9999999998^9999999999"])


register_samples(
    Sample(
        name="ela-import.txt",
        import_type="ela",
        note="English learner data in the layout of the download file: unchanged, reclassified, and every kind of refusal.",
        write=write_ela,
    ),
    Sample(
        name="sela.txt",
        import_type="ela",
        note="A SELA file; one student has two statuses, and the later one counts.",
        write=write_sela,
    ),
    Sample(
        name="replacement-ssids.txt",
        import_type="ssid-replacement",
        note="SSIDs that the state merged: known ones, new ones, and lines that lead nowhere.",
        write=write_replacements,
    ),
)
