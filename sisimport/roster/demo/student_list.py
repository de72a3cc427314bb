"""Sample file of the student roster."""

import csv
from typing import IO

from sisimport.demo.district import Sample, register_samples
from students.models import LEA, ELRecord, Student

COLUMNS = (
    "lea",
    "school",
    "local_number",
    "ssid",
    "last_name",
    "first_name",
    "middle_name",
    "suffix",
    "alias_last_name",
    "alias_first_name",
    "birth_date",
    "gender",
    "legal_gender",
    "birth_country",
    "birth_state",
    "home_language",
    "grade",
    "enrollment_start",
    "enrollment_exit",
    "el_status",
    "el_identified_date",
    "el_tbd_date",
    "el_exit_date",
    "ethnicity",
)
_KNOWN, _NEW = 200, 25


def _row(student: Student, lea: LEA) -> dict[str, object]:
    """A student as in the district's own list today."""
    el = ELRecord.objects.filter(student=student).first()
    enrollment = student.enrollments.filter(school=student.school).order_by("-start_date").first()
    row: dict[str, object] = {name: getattr(student, name, "") for name in COLUMNS}
    row |= {"lea": lea.code, "school": student.school.code if student.school else "", "ssid": ""}
    row |= {
        "enrollment_start": enrollment.start_date if enrollment else "",
        "enrollment_exit": (enrollment.exit_date or "") if enrollment else "",
    }
    if el is not None:
        row |= {
            "el_status": el.program_status,
            "el_identified_date": el.identified_date or "",
            "el_tbd_date": el.tbd_date or "",
            "el_exit_date": el.exit_date or "",
        }
    return row


def write_roster(stream: IO[str], lea: LEA) -> None:
    """Known students, some of them changed, and new ones, two of them at a school that is not known yet."""
    recorded = list(Student.objects.filter(lea=lea).select_related("school").order_by("local_number")[:_KNOWN])
    schools = list(lea.schools.order_by("code").values_list("code", flat=True))
    writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
    writer.writeheader()
    rows = [_row(student, lea) for student in recorded]
    for n, row in enumerate(rows):
        if n % 20 == 3:
            row["home_language"] = "spa" if row["home_language"] != "spa" else "eng"
        if n % 20 == 7:
            row["alias_first_name"], row["alias_last_name"] = "Charlie", row["last_name"]
        if n % 40 == 11:
            row["school"], row["enrollment_start"] = schools[-1], "2026-01-12"
    writer.writerows(rows)
    for n in range(_NEW):
        like = rows[n % len(rows)]
        writer.writerow(
            like
            | {
                "local_number": f"9{n:05d}",
                "first_name": ["Inés", "Noah", "Zoë", "D'Andre", "Mai"][n % 5],
                "middle_name": "",
                "suffix": "",
                "school": "0999901" if n < 2 else like["school"],
            }
        )
    writer.writerow(rows[0] | {"local_number": "900900", "birth_date": "2012-02-31"})
    writer.writerow(rows[0] | {"local_number": "900901", "gender": "Q"})
    writer.writerow(rows[0] | {"local_number": "900902", "last_name": ""})


register_samples(
    Sample(
        name="students-roster.csv",
        import_type="students",
        note="Known students, some changed, new ones, a new school, and three lines with mistakes.",
        write=write_roster,
    )
)
