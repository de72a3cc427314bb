"""Undo of edits by hand: everything that the edit wrote as it was, an entry of its own, and never over what was written since."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from students import editing
from students.models import SSID, ELRecord, Enrollment, Guardian, RecordEdit, ReportedSSID, School, Student
from students.services import assign_ssid, report_ssid, retire_ssid, verify_reported
from students.undoing import UndoRefusedError, can_be_undone, undo_edit
from tests.students.people import school, student, user

pytestmark = pytest.mark.django_db

OLD, NEW = "9012345600", "9012345678"
REASON: dict[str, Any] = {"reason": "Told by the family"}


@pytest.fixture
def sam() -> Student:
    one = student(school())
    Enrollment.objects.create(student=one, school=one.school, grade=one.grade, start_date=dt.date(2024, 8, 12))
    return one


@pytest.fixture
def staff() -> Any:
    return user("staff")


def records(of: Student) -> dict[str, Any]:
    """Everything that edits by hand write, as values."""
    return {
        "student": Student.objects.filter(pk=of.pk).values().get(),
        "ssids": list(SSID.objects.filter(student=of).order_by("pk").values()),
        "reported": list(ReportedSSID.objects.filter(student=of).values("ssid", "reported_by")),
        "el": list(ELRecord.objects.filter(student=of).values()),
        "enrollments": list(Enrollment.objects.filter(student=of).order_by("pk").values()),
        "guardians": list(Guardian.objects.filter(student=of).order_by("pk").values()),
    }


def give(sam: Student, number: str = OLD) -> SSID:
    return SSID.objects.create(
        student=sam, ssid=number, origin="state_file", origin_run=7, origin_line=3, verified=True
    )


def number_given(sam: Student, staff: Any) -> None:
    assign_ssid(student=sam, ssid=NEW, user=staff, **REASON)


def number_corrected(sam: Student, staff: Any) -> None:
    editing.change_ssid(student=sam, ssid=NEW, user=staff, was_mistake=True, **REASON)


def number_replaced(sam: Student, staff: Any) -> None:
    editing.change_ssid(student=sam, ssid=NEW, user=staff, **REASON)


def number_retired(sam: Student, staff: Any) -> None:
    retire_ssid(student=sam, user=staff, **REASON)


def number_verified(sam: Student, staff: Any) -> None:
    verify_reported(student=sam, user=staff, **REASON)


def local_number(sam: Student, staff: Any) -> None:
    editing.update_student(student=sam, values={"local_number": "777001", "grade": "08"}, user=staff, **REASON)


def moved(sam: Student, staff: Any) -> None:
    """Another school in the open enrollment: the student's own school follows."""
    enrollment = sam.enrollments.get()
    enrollment.school, enrollment.grade = School.objects.create(lea=sam.lea, code="0123999", name="Oak"), "08"
    editing.save_enrollment(enrollment=enrollment, user=staff, **REASON)


def enrolled(sam: Student, staff: Any) -> None:
    other = School.objects.create(lea=sam.lea, code="0123998", name="Elm")
    new = Enrollment(student=sam, school=other, grade="09", start_date=dt.date(2025, 8, 12))
    editing.save_enrollment(enrollment=new, user=staff, **REASON)


def enrollment_removed(sam: Student, staff: Any) -> None:
    editing.remove_enrollment(enrollment=sam.enrollments.get(), user=staff, **REASON)


def guardian_added(sam: Student, staff: Any) -> None:
    editing.save_guardian(guardian=Guardian(student=sam, last_name="Ito", first_name="Mei"), user=staff, **REASON)


def guardian_removed(sam: Student, staff: Any) -> None:
    editing.remove_guardian(guardian=sam.guardians.get(), user=staff, **REASON)


def el_made(sam: Student, staff: Any) -> None:
    values = {"program_status": "EL", "identified_date": dt.date(2020, 9, 1)}
    editing.update_el_record(student=sam, values=values, user=staff, **REASON)


def el_removed(sam: Student, staff: Any) -> None:
    editing.remove_el_record(student=sam, user=staff, **REASON)


def all_at_once(sam: Student, staff: Any) -> None:
    """What one press of Save in the admin may write."""
    local_number(sam, staff)
    number_corrected(sam, staff)
    moved(sam, staff)
    guardian_added(sam, staff)


EDITS: dict[str, tuple[Callable[[Student], Any] | None, Callable[[Student, Any], None]]] = {
    "number given": (None, number_given),
    "number corrected": (give, number_corrected),
    "number replaced": (give, number_replaced),
    "number retired": (give, number_retired),
    "number of the family verified": (
        lambda sam: report_ssid(student=sam, ssid=NEW, user=user("family")),
        number_verified,
    ),
    "local number": (None, local_number),
    "moved": (None, moved),
    "enrolled": (None, enrolled),
    "enrollment removed": (None, enrollment_removed),
    "guardian added": (None, guardian_added),
    "guardian removed": (
        lambda sam: Guardian.objects.create(student=sam, last_name="Ito", first_name="Mei"),
        guardian_removed,
    ),
    "EL record made": (None, el_made),
    "EL record removed": (lambda sam: ELRecord.objects.create(student=sam, program_status="EL"), el_removed),
    "all at once": (give, all_at_once),
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_is_undone_wholly_and_its_undoing_too(sam: Student, staff: Any, name: str) -> None:
    """Numbers of records included: a run that made one can still be reverted. The undoing is an edit that can be undone."""
    prepare, edit = EDITS[name]
    if prepare is not None:
        prepare(sam)
    before = records(sam)
    edit(sam, staff)
    after = records(sam)
    first = set(RecordEdit.objects.values_list("pk", flat=True))
    assert before != after

    undo_edit(student=sam, edits=first, user=staff)
    second = set(RecordEdit.objects.values_list("pk", flat=True)) - first

    assert records(sam) == before
    assert {edit.reason.rsplit(" ", 1)[0] for edit in RecordEdit.objects.filter(pk__in=second)} == {"Undoes an edit of"}

    undo_edit(student=sam, edits=second, user=staff)

    def comparable(
        found: dict[str, Any],
    ) -> dict[str, Any]:  # a number that came back, was retired again a moment later
        return found | {"ssids": [{**row, "retired_at": bool(row["retired_at"])} for row in found["ssids"]]}

    assert comparable(records(sam)) == comparable(after)


def since_number(sam: Student) -> None:
    SSID.objects.filter(student=sam).update(ssid="9012345611")


def since_enrollment(sam: Student) -> None:
    Enrollment.objects.filter(student=sam).update(grade="10")


def since_verified(sam: Student) -> None:
    SSID.objects.filter(student=sam).update(verified=False)


@pytest.mark.parametrize(
    ("edit", "since"),
    [
        (number_given, since_number),
        (number_given, since_verified),
        (number_given, lambda sam: SSID.objects.filter(student=sam).delete()),
        (moved, since_enrollment),
        (enrolled, lambda sam: sam.enrollments.filter(school__name="Elm").update(exit_date=dt.date(2026, 6, 1))),
        (enrolled, lambda sam: sam.enrollments.filter(school__name="Elm").delete()),
        (local_number, lambda sam: Student.objects.filter(pk=sam.pk).update(grade="09")),
        (el_made, lambda sam: ELRecord.objects.filter(student=sam).update(program_status="Pending")),
        (guardian_added, lambda sam: sam.guardians.update(first_name="May")),
    ],
    ids=["number", "verified", "number gone", "grade", "enrollment ended", "gone", "student", "EL", "guardian"],
)
def test_what_was_written_since_is_kept_and_nothing_is_undone(sam: Student, staff: Any, edit: Any, since: Any) -> None:
    edit(sam, staff)
    since(sam)
    before, entries = records(sam), list(RecordEdit.objects.values_list("pk", flat=True))

    with pytest.raises(UndoRefusedError):
        undo_edit(student=sam, edits=entries, user=staff)

    assert records(sam) == before
    assert RecordEdit.objects.count() == len(entries)


def test_a_number_that_another_student_was_given_since_stays_there(sam: Student, staff: Any) -> None:
    give(sam)
    number_corrected(sam, staff)
    give(student(sam.school, number="100999"), OLD)

    with pytest.raises(UndoRefusedError, match="Another student"):
        undo_edit(student=sam, edits=RecordEdit.objects.values_list("pk", flat=True), user=staff)

    assert SSID.objects.get(student=sam).ssid == NEW


def test_a_local_number_that_another_student_has_now_stays_there(sam: Student, staff: Any) -> None:
    before = sam.local_number
    local_number(sam, staff)
    student(sam.school, number=before)

    with pytest.raises(UndoRefusedError, match="local number now"):
        undo_edit(student=sam, edits=RecordEdit.objects.values_list("pk", flat=True), user=staff)


def test_an_enrollment_does_not_come_back_beside_its_like(sam: Student, staff: Any) -> None:
    enrollment = sam.enrollments.get()
    again = {"school": enrollment.school, "start_date": enrollment.start_date}
    enrollment_removed(sam, staff)
    Enrollment.objects.create(student=sam, **again)

    with pytest.raises(UndoRefusedError, match="same day"):
        undo_edit(student=sam, edits=RecordEdit.objects.values_list("pk", flat=True), user=staff)


def test_an_entry_without_journal_says_too_little_of_a_number_or_an_enrollment(sam: Student, staff: Any) -> None:
    """As they were written before there was a journal; fields of the student and of the EL record are told by their texts."""
    number_given(sam, staff)
    enrolled(sam, staff)
    local_number(sam, staff)
    RecordEdit.objects.update(journal=None)

    undoable = {edit.what: can_be_undone([edit]) for edit in RecordEdit.objects.all()}

    assert undoable == {"SSID": False, "Enrollment": False, "Student": True}


def test_a_student_is_not_taken_off_record_by_an_undo(staff: Any) -> None:
    one = student(school())
    one.pk = None
    one.local_number = "777002"
    editing.create_student(student=one, user=staff, reason="Came today")

    assert not can_be_undone(list(RecordEdit.objects.filter(student=one)))
