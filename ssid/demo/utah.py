"""A small district in Utah in addition to the demo district, a Retrieve request of one of its schools, and the state's
response to it."""

import csv
from datetime import date, timedelta
from typing import IO

from django.utils import timezone

from sisimport.demo.district import Sample, register_companion, register_samples
from sisimport.demo.names import BOYS, GIRLS, LAST
from ssid.models import UtahFunction, UtahRequest
from ssid.utah.services import NAMES, create_request
from students.models import LEA, SSID, Enrollment, Origin, School, StateProfile, Student
from students.practice import NAME_ENDING
from students.school_years import spring_of

LEA_CODE, LEA_NAME = "99", f"Canyon District{NAME_ENDING}"  # a number that Utah gives no district
SCHOOLS = (("0123", "Juniper High"), ("0124", "Sego Lily Elementary"))
_STUDENTS, _FIRST_NUMBER = 48, 2001  # numbers that the demo district does not use
_WITHOUT_SSID, _CHANGED, _LEGAL_NAME = 3, 7, 5  # every n-th student


def make_utah_district() -> LEA:
    """Make the district with its students, unless it exists. Some have no SSID, some changed since the state was last
    informed."""
    lea, created = LEA.objects.get_or_create(code=LEA_CODE, defaults={"name": LEA_NAME, "state": StateProfile.UTAH})
    if not created:
        return lea
    schools = [School.objects.create(lea=lea, code=code, name=name) for code, name in SCHOOLS]
    starts = date(spring_of(timezone.localdate()) - 1, 7, 1)
    students = Student.objects.bulk_create(_student(lea, schools[n % 2], n) for n in range(_STUDENTS))
    Enrollment.objects.bulk_create(
        Enrollment(student=student, school=student.school, grade=student.grade, start_date=starts)
        for student in students
    )
    SSID.objects.bulk_create(
        SSID(student=student, state=StateProfile.UTAH, ssid=f"{1840001 + n}", origin=Origin.STATE_FILE, verified=True)
        for n, student in enumerate(students)
        if n % _WITHOUT_SSID
    )
    changed = [student.pk for n, student in enumerate(students) if n % _CHANGED == 1]
    Student.objects.filter(pk__in=changed).update(last_name="Okafor-Reyes")
    return lea


def _student(lea: LEA, school: School, n: int) -> Student:
    first = (GIRLS, BOYS)[n % 2][n]
    return Student(
        lea=lea,
        school=school,
        local_number=str(_FIRST_NUMBER + n),
        grade=f"{n % 12 + 1:02}",
        last_name=LAST[n * 2],
        first_name=first,
        birth_date=date(2009, 9, 1) + timedelta(days=n * 97),
        gender="FM"[n % 2],
        ethnicity="W",
        legal_last_name=LAST[n + 1] if n % _LEGAL_NAME == 3 else "",
        legal_first_name=first if n % _LEGAL_NAME == 3 else "",
    )


def write_response(stream: IO[str], _lea: LEA) -> None:
    """Answers to the Retrieve request of the first school: found, not found, refused, and one number that another
    student has."""
    lea = make_utah_district()
    request = UtahRequest.objects.filter(lea=lea, function=UtahFunction.RETRIEVE).order_by("pk").first()
    if request is None:
        school = School.objects.get(lea=lea, code=SCHOOLS[0][0])
        request = create_request(function=UtahFunction.RETRIEVE, schools=[school])
    recorded_ssid = SSID.objects.filter(student__lea=lea).values_list("ssid", flat=True).order_by("pk").first() or ""
    writer = csv.writer(stream, lineterminator="\r\n")
    for sent in request.students.select_related("school").order_by("line"):
        ssid, status, message = {
            2: ("", "No Match", "No student found"),
            4: ("", "Error", "Birth date outside the school age"),
            5: (recorded_ssid, "Match", ""),
        }.get(sent.line, (str(1850000 + sent.line), "Match", ""))
        names = [getattr(sent, name) for name in NAMES]
        born = f"{sent.birth_date:%Y%m%d}"
        who = [*names, born, sent.gender, sent.ethnicity, lea.code, sent.school.code, sent.local_number]
        writer.writerow([sent.line, ssid, request.school_year, *who, request.function, status, message])


register_companion(make_utah_district)
register_samples(
    Sample(
        name="RESP_0001.csv",
        import_type="utah-response",
        note="The state's answer to a Retrieve request of a school in Utah: found, not found, an error, a taken number.",
        write=write_response,
    )
)
