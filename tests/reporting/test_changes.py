"""What is new since last time: the rows that a run or a period wrote, as they are now; what is gone is named."""

import csv
import datetime as dt
import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from assessments.models import Score
from sisimport.audit.models import AuditEntry
from sisimport.erasing.students import erase_student
from sisimport.imports.models import ImportRun, Work
from sisimport.reporting.changes import NAMES, ChangesFile
from sisimport.reporting.exports import ExportRefusedError
from sisimport.reporting.views import VIEWS
from students.editing import (
    change_ssid,
    create_student,
    remove_el_record,
    remove_enrollment,
    save_enrollment,
    update_el_record,
    update_student,
)
from students.models import SSID, RecordEdit, Student
from students.undoing import undo_edit
from tests.assessments.score_files import SSID_1, SSID_2, ela, start, text, undo
from tests.factories import EnrollmentFactory, StudentFactory, UserFactory
from tests.imports.journey import give_el, give_ssid, make_district
from tests.reporting.conftest import Scored
from tests.reporting.test_exports import command
from tests.roster.test_roster import JOSE, update
from tests.ssid.journey import district

pytestmark = pytest.mark.django_db


def tables(stream: Any) -> dict[str, list[dict[str, str]]]:
    """View -> rows of a zip."""
    with zipfile.ZipFile(stream) as made:
        return {
            name.removesuffix(".csv"): list(csv.DictReader(io.StringIO(made.read(name).decode("utf-8-sig"))))
            for name in made.namelist()
        }


def changes(**asked: Any) -> dict[str, list[dict[str, str]]]:
    stream = io.BytesIO()
    written = ChangesFile(**asked).write(stream, ".zip")
    found = tables(stream)
    assert written.rows == sum(len(rows) for rows in found.values())
    return found


def test_a_runs_rows_are_those_of_the_views_as_they_are_now(two_scored: Scored) -> None:
    run = two_scored.run
    found = changes(run=run)
    assert set(found) == set(NAMES)
    assert len(found["scores"]) == Score.objects.filter(run_id=run.pk).count()
    assert not found["students"]
    row = next(row for row in found["scores"] if (row["ssid"], row["assessment_code"]) == (SSID_1, "SBELA"))
    assert (row["change"], row["changed_run"], row["scale_score"]) == ("new", str(run.pk), "2502")
    for name, rows in found.items():
        view = next(view for view in VIEWS if view.name == name)
        assert all(list(row)[3:] == [column.name for column in view.columns] for row in rows), name


def test_who_was_tested_comes_with_the_scores_of_tests() -> None:
    """One row for a test and year, none for its parts; what a later file says otherwise, and what is gone, is told."""
    district().add("000501", ssid=SSID_1)
    run = start("caaspp-2023-2024", text("caaspp-2023-24", ela(gender="F", homeless="N")), work=Work.IMPORT)
    (row,) = changes(run=run)["as_tested"]
    assert (row["change"], row["assessment_code"], row["gender"], row["homeless"]) == ("new", "SBELA", "F", "N")
    again = start("caaspp-2023-2024", text("caaspp-2023-24", ela(gender="F", homeless="Y")), work=Work.IMPORT)
    (row,) = changes(run=again)["as_tested"]
    assert (row["change"], row["changed_run"], row["homeless"]) == ("changed", str(again.pk), "Y")
    undo(again)
    (row,) = changes(run=undo(run))["as_tested"]
    assert (row["change"], row["assessment_code"], row["gender"]) == ("removed", "SBELA", "")


def test_what_was_written_over_is_changed_and_what_is_gone_is_named(two_scored: Scored) -> None:
    first = two_scored.run
    line = ela(ssid=SSID_1, scale_score="2503")
    again = start("caaspp-2023-2024", text("caaspp-2023-24", line), work=Work.IMPORT)
    (row,) = [row for row in changes(run=again)["scores"] if row["assessment_code"] == "SBELA"]
    assert (row["change"], row["scale_score"]) == ("changed", "2503")
    undo(again)
    back = undo(first)
    gone = changes(run=back)["scores"]
    assert {row["change"] for row in gone} == {"removed"}
    named = {(row["local_number"], row["assessment_code"], row["school_year"], row["scale_score"]) for row in gone}
    assert ("000501", "SBELA", "2023-24", "") in named
    # Of the run itself nothing stands, and within a period that holds all of it, nothing changed.
    assert changes(run=first)["scores"] == []
    assert changes(since=timezone.now() - dt.timedelta(days=1))["scores"] == []


def test_a_line_that_was_set_aside_is_none_of_the_runs_changes(two_scored: Scored) -> None:
    lines = [ela(ssid=SSID_1, scale_score="2504"), ela(ssid=SSID_2, scale_score="2611", uin="1000000000000002")]
    start("caaspp-2023-2024", text("caaspp-2023-24", *lines), work=Work.TEST)
    Student.objects.filter(local_number="000502").update(last_name="Leigh")
    run = start("caaspp-2023-2024", text("caaspp-2023-24", *lines), work=Work.IMPORT)
    assert (run.import_count, run.set_aside_count) == (1, 1)
    assert {row["local_number"] for row in changes(run=run)["scores"]} == {"000501"}


def test_a_period_holds_edits_by_hand(two_scored: Scored) -> None:
    people, run = two_scored.people, two_scored.run
    RecordEdit.objects.create(student=people[1], what="Student", field="grade", before="07", after="08")
    found = changes(since=timezone.now() - dt.timedelta(hours=1))
    assert [(row["change"], row["changed_run"], row["local_number"]) for row in found["students"]] == [
        ("changed", "", "000502")
    ]
    assert found["scores"]
    tomorrow = timezone.now() + dt.timedelta(days=1)
    assert not any(changes(since=tomorrow).values())
    old = timezone.now() - dt.timedelta(days=9)
    assert not any(changes(since=old, until=old + dt.timedelta(days=1)).values())
    assert not changes(run=run)["students"]


def test_records_of_every_view_come_and_are_named_when_gone() -> None:
    """A student list makes students, enrollments, SSIDs and EL records; its Revert takes them away."""
    make_district()
    update(JOSE | {"ssid": "0012345678", "el_status": "EL", "el_identified_date": "2015-09-01"})
    run = ImportRun.objects.get(work=Work.UPDATE)
    found = changes(run=run)
    for name in ("students", "ssids", "enrollments", "el"):
        assert [(row["change"], row["local_number"], row["changed_run"]) for row in found[name]] == [
            ("new", "100234", str(run.pk))
        ], name
    assert found["ssids"][0]["ssid"] == "0012345678"
    assert found["enrollments"][0]["start_date"] == "2024-08-12"
    gone = changes(run=undo(run))
    for name in ("students", "ssids", "enrollments"):
        assert [(row["change"], row["lea_code"]) for row in gone[name]] == [("removed", "1234567")], (name, gone[name])
    assert gone["students"][0]["local_number"] == "100234"
    assert gone["ssids"][0]["ssid"] == "0012345678"
    assert (gone["enrollments"][0]["school_code"], gone["enrollments"][0]["start_date"]) == ("0123456", "2024-08-12")
    assert gone["el"][0]["change"] == "removed"


def test_what_people_made_and_took_away_is_reported_as_that() -> None:
    """The row that was edited and no other of the student; what is gone is named, what was undone has only changed."""
    made, user = make_district(), UserFactory(import_admin=True)
    student = made.student()
    stays, goes = give_ssid(student, "9012345600", retired_at=timezone.now()), give_ssid(student, "9012345678")
    kept = student.enrollments.get()
    old = EnrollmentFactory(student=student, school=made.other_school, start_date="2020-08-12", exit_date="2024-06-01")
    give_el(student, "EL", identified_date="2015-09-01")
    since = timezone.now()

    change_ssid(student=student, ssid="9012345699", user=user, reason="Typing error", was_mistake=True)
    remove_enrollment(enrollment=old, user=user, reason="Never there")
    remove_el_record(student=student, user=user, reason="Somebody else's")
    other = create_student(
        student=StudentFactory.build(lea=made.lea, school=made.school, local_number="100999"), user=user, reason="New"
    )

    found = changes(since=since)
    told = {name: {(row["change"], row["local_number"]) for row in rows} for name, rows in found.items()}
    assert told["students"] == {("new", "100999")}
    assert told["enrollments"] == {("removed", "100234"), ("new", "100999")}
    assert told["el"] == {("removed", "100234")}
    ssids = {row["ssid"]: (row["change"], row["state"], row["changed_run"]) for row in found["ssids"]}
    assert ssids == {"9012345678": ("removed", "CA", ""), "9012345699": ("new", "CA", "")}
    assert stays.ssid not in ssids
    assert goes.ssid in ssids
    (gone,) = [row for row in found["enrollments"] if row["change"] == "removed"]
    assert (gone["school_code"], gone["start_date"], gone["exit_date"]) == ("0123457", "2020-08-12", "2024-06-01")
    assert kept.pk != old.pk
    assert other.enrollments.count() == 1

    undo_edit(student=student, edits=[RecordEdit.objects.get(what="EL record").pk], user=user)
    assert [row["change"] for row in changes(since=since)["el"]] == ["changed"]


def test_an_edit_of_one_enrollment_tells_of_that_one_alone() -> None:
    made = make_district()
    student = made.student()
    EnrollmentFactory(student=student, school=made.other_school, start_date="2020-08-12", exit_date="2024-06-01")
    enrollment = student.enrollments.get(school=made.school)
    since = timezone.now()
    enrollment.exit_date, enrollment.exit_reason = dt.date(2026, 6, 5), "E125"
    save_enrollment(enrollment=enrollment, user=UserFactory(), reason="Moved away")
    found = changes(since=since)
    assert [(row["change"], row["school_code"], row["exit_date"]) for row in found["enrollments"]] == [
        ("changed", made.school.code, "2026-06-05")
    ]
    # Entries of before there was a journal name the student only.
    RecordEdit.objects.update(journal=None)
    assert len(changes(since=since)["enrollments"]) == 2


def test_what_went_came_back_and_went_again_is_reported_as_gone() -> None:
    made = district()
    for number, ssid in (("000501", SSID_1), ("000502", SSID_2)):
        made.add(number, ssid=ssid)
    lines = [ela(ssid=SSID_1), ela(ssid=SSID_2, uin="1000000000000002")]
    first, _second = (start("caaspp-2023-2024", text("caaspp-2023-24", line), work=Work.IMPORT) for line in lines)
    since = timezone.now()
    undo(first)
    again = start("caaspp-2023-2024", text("caaspp-2023-24", lines[0]), work=Work.IMPORT)
    assert {row["change"] for row in changes(since=since)["scores"]} == {"changed"}
    undo(again)
    found = changes(since=since)["scores"]
    assert {(row["change"], row["local_number"], row["school_year_end"]) for row in found} == {
        ("removed", "000501", "2024")
    }


def test_someone_who_was_erased_is_named_by_the_internal_number_alone(two_scored: Scored) -> None:
    """A warehouse has to drop the rows of somebody who was erased: nothing else of the student is left to say which."""
    first, second = two_scored.people
    since = timezone.now() - dt.timedelta(hours=1)
    erase_student(first, reason="Request 12")
    found = changes(since=since)
    (row,) = found["students"]
    assert {name: value for name, value in row.items() if value} == {
        "change": "removed", "changed_at": row["changed_at"], "student_id": str(first.pk),
    }  # fmt: skip
    assert {row["local_number"] for row in found["scores"]} == {second.local_number}
    assert changes(since=since, schools=[second.school_id])["students"] == []
    assert changes(since=timezone.now() + dt.timedelta(hours=1))["students"] == []


def test_students_of_all_files_are_counted_once() -> None:
    """How many students leave decides whether it is asked who takes them: not the largest of the files."""
    made, user = make_district(), UserFactory()
    one, other = made.student(), made.another()
    since = timezone.now()
    update_student(student=one, values={"grade": "11"}, user=user, reason="Moved up")
    update_el_record(student=one, values={"program_status": "EL"}, user=user, reason="Tested")
    update_el_record(student=other, values={"program_status": "EL"}, user=user, reason="Tested")
    change_ssid(student=made.student(local_number="100300"), ssid="9012345699", user=user, reason="Card")
    assert ChangesFile(since=since).write(io.BytesIO(), ".zip").students == 3


def test_a_journal_that_is_kept_no_longer_is_not_an_empty_file(two_scored: Scored, tmp_path: Path) -> None:
    run = two_scored.run
    ImportRun.objects.filter(pk=run.plan_run_id).update(plan_removed_at=timezone.now())
    assert run.finished_at is not None
    message = command("export_changes", tmp_path / "a.zip", "--run", str(run.pk), code=2)["message"]
    assert "was removed on" in message
    day = f"{timezone.localtime(run.finished_at):%Y-%m-%d}"
    message = command("export_changes", tmp_path / "a.zip", "--since", day, code=2)["message"]
    assert "choose a later start" in message
    assert not list(tmp_path.glob("*.zip"))


def test_others_schools_are_not_in_it(client: Client, two_scored: Scored) -> None:
    people, run = two_scored.people, two_scored.run
    school = people[0].school
    assert school is not None
    client.force_login(UserFactory(registrar=True, schools=[school]))
    asked = {"kind": "changes", "since": str(timezone.localdate())}
    response: Any = client.post(reverse("exports"), asked)
    found = tables(io.BytesIO(b"".join(response.streaming_content)))
    assert {row["local_number"] for row in found["scores"]} == {"000501"}
    assert AuditEntry.looks.get().subject.endswith("1 school: 1 student, page")
    # A run that the user may not open answers as if it did not exist.
    page = client.post(reverse("exports"), {"kind": "changes", "run": str(run.pk)}).content.decode()
    assert f"There is no run {run.pk}" in page


def test_by_command(two_scored: Scored, tmp_path: Path) -> None:
    run = two_scored.run
    found = command("export_changes", tmp_path / "a.zip", "--run", str(run.pk))
    assert found["columns"] == [f"{name}.csv" for name in NAMES]
    held = tables(tmp_path / "a.zip")
    assert len(held["scores"]) + len(held["as_tested"]) == found["rows"]
    assert "no run 99" in command("export_changes", tmp_path / "b.zip", "--run", "99", code=2)["message"]
    assert "Choose either a run" in command("export_changes", tmp_path / "b.zip", code=2)["message"]
    wrong = ("--since", "2026-11-02", "--until", "2026-11-01")
    assert "choose an end" in command("export_changes", tmp_path / "b.zip", *wrong, code=2)["message"]


def test_a_test_wrote_nothing(two_scored: Scored) -> None:
    test = start("caaspp-2023-2024", text("caaspp-2023-24", ela()), work=Work.TEST)
    with pytest.raises(ExportRefusedError, match="wrote nothing"):
        ChangesFile(run=test)
    assert SSID.objects.count() == 2
