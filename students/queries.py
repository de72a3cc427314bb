"""Reads of student records for pages and commands."""

from collections.abc import Callable
from typing import Any

from students.models import ChangedRecord, ELRecord, StateProfile, Student

# Other apps add their data about a student (scores …) without this app depending on them: name -> function of the
# student.
_more: dict[str, Callable[[Student], Any]] = {}


def show_with_student(name: str, read: Callable[[Student], Any]) -> None:
    """Let `student_json` include `name`, read by an app above this one."""
    _more[name] = read


def student_json(student: Student) -> dict[str, Any]:
    """One student's records as the command `show_student` prints them."""
    ssids = list(student.ssids.order_by("created_at", "id"))
    el = ELRecord.objects.filter(student=student).first()
    current = next((s.ssid for s in ssids if s.retired_at is None), None)
    return {
        "local_number": student.local_number,
        "ssid": current,
        "retired_ssids": [s.ssid for s in ssids if s.retired_at is not None],
        "names": {
            "last_name": student.last_name,
            "first_name": student.first_name,
            "middle_name": student.middle_name,
            "suffix": student.suffix,
            "legal_last_name": student.legal_last_name,
            "legal_first_name": student.legal_first_name,
            "legal_middle_name": student.legal_middle_name,
            "alias_last_name": student.alias_last_name,
            "alias_first_name": student.alias_first_name,
        },
        "birth_date": student.birth_date.isoformat(),
        "gender": student.gender,
        "legal_gender": student.legal_gender,
        "school": student.school.code if student.school else None,
        "grade": student.grade,
        "home_language": student.home_language,
        "el": None if el is None else el_json(el),
        "scores": [],
        **{name: read(student) for name, read in _more.items()},
        **({"changed": changed_json(student)} if student.lea.state == StateProfile.UTAH else {}),
    }


def changed_json(student: Student) -> list[dict[str, Any]]:
    """Changes that the student's state has not confirmed yet, each field once: from the state's value to the one on
    record."""
    found: dict[str, dict[str, Any]] = {}
    for row in ChangedRecord.objects.filter(student=student, cleared_by__isnull=True).order_by("id"):
        first = found.get(row.field, {"before": row.before, "since": row.since.isoformat()})
        found[row.field] = {"field": row.field, "before": first["before"], "after": row.after, "since": first["since"]}
    return list(found.values())


def el_json(el: ELRecord) -> dict[str, Any]:
    def day(value: Any) -> str | None:
        return value.isoformat() if value else None

    return {
        "program_status": el.program_status,
        "identified_date": day(el.identified_date),
        "tbd_date": day(el.tbd_date),
        "exit_date": day(el.exit_date),
        "state_elas": el.state_elas,
        "state_elas_date": day(el.state_elas_date),
        "state_language": el.state_language,
    }
