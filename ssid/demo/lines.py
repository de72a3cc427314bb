"""What the state's download file says about a demo student, as a query and as one line."""

from dataclasses import astuple, dataclass

from sisimport.demo.people import FIRST_LOCAL_NUMBER, state_ssid, state_ssid_sql
from students.models import Student

_ELAS = {"EL": "EL", "Not EL": "IFEP", "Exited EL": "RFEP", "Pending": "TBD", "EO": "EO"}
_SELECT = """
SELECT concat_ws('^', l.code, sc.code, {ssid}, s.local_number, s.match_last_name, s.match_first_name, s.match_middle_name,
  CASE WHEN s.legal_gender <> '' THEN s.legal_gender ELSE s.gender END, to_char(s.birth_date, 'YYYYMMDD'),
  coalesce(to_char(e.start_date, 'YYYYMMDD'), ''), s.grade,
  CASE el.program_status WHEN 'EL' THEN 'EL' WHEN 'Not EL' THEN 'IFEP' WHEN 'Exited EL' THEN 'RFEP' WHEN 'Pending' THEN 'TBD'
    WHEN 'EO' THEN 'EO' ELSE '' END,
  coalesce(to_char(CASE WHEN el.program_status = 'Pending' THEN el.tbd_date ELSE el.identified_date END, 'YYYYMMDD'), ''),
  s.home_language, '20250820')
FROM students_student s
JOIN students_lea l ON l.id = s.lea_id
JOIN students_school sc ON sc.id = s.school_id
LEFT JOIN students_enrollment e ON e.student_id = s.id AND e.school_id = s.school_id
LEFT JOIN students_elrecord el ON el.student_id = s.id
LEFT JOIN students_ssid x ON x.student_id = s.id AND x.retired_at IS NULL
WHERE s.lea_id = %s {where} ORDER BY s.id, e.start_date
"""


def select_sql(where: str = "") -> str:
    number = f"(s.local_number::bigint - {FIRST_LOCAL_NUMBER})"
    return _SELECT.format(ssid=state_ssid_sql(number).replace("%", "%%"), where=where)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the download file, field by field in file order."""

    lea: str
    school: str
    ssid: str
    local_number: str
    last_name: str
    first_name: str
    middle_name: str
    gender: str
    birth_date: str
    start: str
    grade: str
    elas: str
    elas_date: str
    language: str
    created: str = "20250820"

    def __str__(self) -> str:
        return "^".join(astuple(self))


def line_of(student: Student) -> Line:
    """The state's data about a demo student."""
    el = getattr(student, "el", None)
    since = None if el is None else (el.tbd_date if el.program_status == "Pending" else el.identified_date)
    enrollment = student.enrollments.order_by("-start_date").first()
    return Line(
        lea=student.lea.code,
        school=student.school.code if student.school else "",
        ssid=state_ssid(int(student.local_number) - FIRST_LOCAL_NUMBER),
        local_number=student.local_number,
        last_name=student.match_last_name,
        first_name=student.match_first_name,
        middle_name=student.match_middle_name,
        gender=student.legal_gender or student.gender,
        birth_date=f"{student.birth_date:%Y%m%d}",
        start=f"{enrollment.start_date:%Y%m%d}" if enrollment and enrollment.start_date else "",
        grade=student.grade,
        elas=_ELAS.get(el.program_status, "") if el else "",
        elas_date=f"{since:%Y%m%d}" if since else "",
        language=student.home_language,
    )
