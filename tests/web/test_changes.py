"""What a run changes: by kind, by name, filtered; and the undoing of one line and of one edit by hand."""

import csv
import datetime as dt
import io
import itertools
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from sisimport.accounts.readers import Reader
from sisimport.audit.models import AuditEntry
from sisimport.imports.models import ImportChange, ImportRun, Reverted, Work
from sisimport.web.queries.change_report import ChangeFilter, ChangeReport, kind_summary
from students.editing import update_el_record, update_student
from students.models import SSID, ELRecord, RecordEdit, Student
from students.undoing import UndoRefusedError, undo_edit
from tests.factories import UserFactory
from tests.files.samples import lines
from tests.imports.journey import District, finish, give_el, give_ssid, run_file

pytestmark = pytest.mark.django_db
ALL = Reader(schools=None, whole=True, own=True)
OTHER = {
    "local_number": "100235",
    "ssid": "9012345679",
    "last_name": "O'Neil",
    "first_name": "Ana",
    "middle_name": "",
    "gender": "F",
    "birth_date": "20120630",
    "grade": "07",
    "elas": "EL",
    "elas_date": "20190901",
    "language": "fra",
}


@pytest.fixture
def updated(district: District, registrar: Any) -> ImportRun:
    """An Update that gave two students of two schools an SSID, an EL record and one another home language."""
    district.student()
    district.another(school=district.other_school)
    run = run_file("ssid-download", lines({}, OTHER | {"school": "0123457"}), Work.UPDATE).run
    ImportRun.objects.filter(pk=run.pk).update(created_by=registrar)
    run.refresh_from_db()
    assert run.import_count == 2
    return run


def listed(client: Client, run: ImportRun, **query: Any) -> list[tuple[str, str]]:
    answer = client.get(reverse("run_changes", args=[run.pk]), query)
    return [(change.name, change.what) for change in answer.context["changes"]]


def test_changes_name_students(client: Client, updated: ImportRun) -> None:
    assert {name for name, _what in listed(client, updated)} == {"García-López, José Luis", "O'Neil, Ana"}


def test_a_student_whom_the_plan_makes_has_a_name_too(client: Client, district: District, registrar: Any) -> None:
    head = "lea,school,local_number,last_name,first_name,birth_date,gender,grade"
    line = f"{district.lea.code},{district.school.code},777001,Tran,Minh,2014-03-02,M,05"
    run = run_file("students", f"{head}\n{line}\n").run

    assert {name for name, _what in listed(client, run)} == {"Tran, Minh"}


def test_the_summary_counts_kinds_and_fields_of_students(updated: ImportRun) -> None:
    found = {row.label: row.count for row in kind_summary(updated, ALL, ChangeReport(updated, ALL))}

    assert found["SSID, new"] == 2
    assert found["EL record, new"] == 2
    assert found["Home primary language, changed"] == 1


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"kind": "ssid"}, 2),
        ({"outcome": "changed"}, 1),
        ({"outcome": "removed"}, 0),
        ({"grade": "07", "kind": "ssid"}, 1),
    ],
    ids=["kind", "changed", "removed", "grade"],
)
def test_changes_are_filtered(client: Client, updated: ImportRun, query: dict[str, str], count: int) -> None:
    assert len(listed(client, updated, **query)) == count


def test_changes_are_filtered_by_school(client: Client, updated: ImportRun, district: District) -> None:
    assert {name for name, _what in listed(client, updated, school=district.other_school.pk)} == {"O'Neil, Ana"}


def test_what_was_not_written_is_an_outcome(client: Client, district: District, registrar: Any) -> None:
    student = district.student()
    test = run_file("ssid-download", lines({})).run
    give_ssid(student, "9012345000")
    update = run_file("ssid-download", lines({}), Work.UPDATE, test_run=test).run

    shown = client.get(reverse("run_changes", args=[update.pk]), {"outcome": "aside"}).context["changes"]

    assert shown
    assert all(change.aside for change in shown)


def test_what_is_about_students_comes_before_the_structure_of_the_file(updated: ImportRun) -> None:
    """Changes of line 0 are those of the file as a whole: set-ups of assessments, which nobody asks for first."""
    ImportChange.objects.create(
        run_id=updated.plan_run_id, line=0, seq=1, part="", kind="school", object_id=1, before=None, after={"code": "1"}
    )
    summary = updated.summary
    summary["changes"].append({"kind": "school", "operation": "create", "count": 1})
    report = ChangeReport(updated, ALL)

    rows = report[0 : len(report)]

    assert len(rows) == len(report)
    assert [row.line for row in rows][-1] == 0
    assert report[len(report) - 1 : len(report)][0].line == 0
    assert all(row.line for row in rows[:-1])


def test_changes_are_searched_by_name_or_number_and_the_address_does_not_say_it(
    client: Client, updated: ImportRun
) -> None:
    address = reverse("run_changes", args=[updated.pk])

    answer = client.post(address, {"text": "o'ne", "kind": "ssid"})

    assert answer["Location"] == f"{address}?kind=ssid"
    assert listed(client, updated, kind="ssid") == [("O'Neil, Ana", "SSID")]
    client.post(address, {"text": "100235"})
    assert {name for name, _what in listed(client, updated)} == {"O'Neil, Ana"}
    other = ImportRun.objects.get(work=Work.TEST)
    assert len(listed(client, other)) > 2, "what is typed about one run is not asked of another"
    client.post(address, {"clear": "1"})
    assert len({name for name, _what in listed(client, updated)}) == 2


def test_a_student_whom_the_plan_makes_is_found_by_name(client: Client, district: District, registrar: Any) -> None:
    head = "lea,school,local_number,last_name,first_name,birth_date,gender,grade"
    rows = [
        f"{district.lea.code},{district.school.code},77700{n},{name},Minh,2014-03-02,M,05"
        for n, name in ((1, "Tran"), (2, "Ito"))
    ]
    run = run_file("students", "\n".join([head, *rows]) + "\n").run

    client.post(reverse("run_changes", args=[run.pk]), {"text": "ito"})

    assert {name for name, _what in listed(client, run)} == {"Ito, Minh"}


def test_changes_are_sorted_by_line_student_and_kind(client: Client, updated: ImportRun) -> None:
    def names(sort: str) -> list[str]:
        return [name for name, _what in listed(client, updated, sort=sort, kind="ssid")]

    assert names("student") == ["García-López, José Luis", "O'Neil, Ana"]
    assert names("-student") == names("-line") == ["O'Neil, Ana", "García-López, José Luis"]
    kinds = [what for _name, what in listed(client, updated, sort="what")]
    assert len(kinds) > 2
    assert all(kinds.count(kind) == len(list(group)) for kind, group in itertools.groupby(kinds))


def test_changes_leave_as_they_are_filtered_with_ssids_masked(
    client: Client, updated: ImportRun, registrar: Any
) -> None:
    address = reverse("run_changes", args=[updated.pk])

    answer = client.post(f"{address}?kind=ssid&sort=-student", {"export": "csv"})
    rows = list(csv.reader(io.StringIO(b"".join(answer).decode("utf-8-sig"))))  # type: ignore[arg-type]

    assert rows[0][:2] == ["Line", "Student"]
    assert [row[1] for row in rows[1:] if row[5] == "SSID"] == ["O'Neil, Ana", "García-López, José Luis"]
    assert "9012345679" not in str(rows)
    assert AuditEntry.looks.filter(user=registrar, kind=AuditEntry.Kind.EXPORT, subject="list changes").exists()


def test_an_empty_filter_is_all() -> None:
    from django.http import QueryDict

    assert ChangeFilter.of(QueryDict("")).counts_are_known
    assert ChangeFilter.of(QueryDict("school=x&line=-1&outcome=odd&kind=")) == ChangeFilter()


# ---- undo of one line ----


def test_one_line_is_undone_and_the_rest_stays(client: Client, updated: ImportRun) -> None:
    """Journalled like a Revert of the run: a run of its own, the state of both says so, and the rest can follow."""
    client.post(reverse("start_revert", args=[updated.pk]), {"line": "1"})
    revert = finish(ImportRun.objects.get(work=Work.REVERT)).run
    updated.refresh_from_db()

    assert set(SSID.objects.values_list("ssid", flat=True)) == {"9012345679"}
    assert ELRecord.objects.count() == 1
    assert (updated.reverted, revert.import_count) == (Reverted.PARTLY, 1)
    text = client.get(reverse("run", args=[revert.pk])).content.decode()
    assert f"Revert of line 1 in run {updated.pk}" in text
    assert "Only what line 1 of the file wrote was put back" in text
    assert "as they were before" not in text

    client.post(reverse("start_revert", args=[updated.pk]))
    finish(ImportRun.objects.filter(work=Work.REVERT).latest("pk"))
    updated.refresh_from_db()

    assert not SSID.objects.exists()
    assert updated.reverted == Reverted.WHOLLY


def test_a_line_put_back_is_not_offered_again(client: Client, updated: ImportRun) -> None:
    before = client.get(reverse("run_changes", args=[updated.pk])).content.decode()
    client.post(reverse("start_revert", args=[updated.pk]), {"line": "1"})
    finish(ImportRun.objects.get(work=Work.REVERT))
    after = client.get(reverse("run_changes", args=[updated.pk])).content.decode()

    assert ("Yes, undo line 1" in before, "Yes, undo line 2" in before) == (True, True)
    assert ("Yes, undo line 1" in after, "Yes, undo line 2" in after) == (False, True)
    assert "Put back" in after


def test_the_time_line_undoes_what_a_run_wrote_of_the_student(client: Client, updated: ImportRun) -> None:
    student = Student.objects.get(local_number="100235")
    text = client.get(reverse("student", args=[student.pk])).content.decode()

    assert f'action="{reverse("start_revert", args=[updated.pk])}"' in text
    assert '<input type="hidden" name="line" value="2">' in text

    client.post(reverse("start_revert", args=[updated.pk]), {"line": "2"})
    finish(ImportRun.objects.get(work=Work.REVERT))
    after = client.get(reverse("student", args=[student.pk])).content.decode()

    assert reverse("start_revert", args=[updated.pk]) not in after
    assert not SSID.objects.filter(student=student).exists()


def test_lines_are_undone_by_whoever_may_revert_the_run(client: Client, updated: ImportRun) -> None:
    student = Student.objects.get(local_number="100235")
    client.force_login(UserFactory(registrar=True, all_schools=True))

    text = client.get(reverse("student", args=[student.pk])).content.decode()
    client.post(reverse("start_revert", args=[updated.pk]), {"line": "2"})

    assert reverse("start_revert", args=[updated.pk]) not in text
    assert not ImportRun.objects.filter(work=Work.REVERT).exists()


# ---- undo of one edit ----


def edited(district: District, user: Any, **values: Any) -> tuple[Student, list[int]]:
    student = district.student()
    update_student(student=student, values=values, user=user, reason="Told by the family")
    return student, list(RecordEdit.objects.filter(student=student).values_list("pk", flat=True))


def test_an_edit_is_undone_by_an_edit_of_its_own(client: Client, district: District, registrar: Any) -> None:
    student, edits = edited(
        district, registrar, last_name="Garcia", birth_date=dt.date(2009, 2, 15), school=district.other_school
    )
    text = client.get(reverse("student", args=[student.pk])).content.decode()
    assert reverse("undo_student_edit", args=[student.pk]) in text

    client.post(reverse("undo_student_edit", args=[student.pk]), {"edit": edits})
    student.refresh_from_db()

    assert (student.last_name, student.birth_date) == ("García-López", dt.date(2009, 2, 14))
    assert student.school == district.school
    undoing = RecordEdit.objects.filter(student=student).exclude(pk__in=edits)
    assert {entry.reason.rsplit(" ", 1)[0] for entry in undoing} == {"Undoes an edit of"}
    assert {entry.user for entry in undoing} == {registrar}


def test_what_was_written_since_is_kept(district: District, registrar: Any) -> None:
    student, edits = edited(district, registrar, last_name="Garcia", first_name="Pepe")
    Student.objects.filter(pk=student.pk).update(first_name="José Luis")

    with pytest.raises(UndoRefusedError, match="changed again since"):
        undo_edit(student=student, edits=edits, user=registrar)
    student.refresh_from_db()

    assert (student.last_name, student.first_name) == ("Garcia", "José Luis")


def test_an_el_record_gets_its_values_back(district: District, registrar: Any) -> None:
    student = district.student()
    give_el(student, "EL", identified_date=dt.date(2015, 9, 1))
    values = {"program_status": "Exited EL", "exit_date": dt.date(2024, 5, 1)}
    update_el_record(student=student, values=values, user=registrar, reason="x")
    edits = list(RecordEdit.objects.filter(student=student).values_list("pk", flat=True))

    undo_edit(student=student, edits=edits, user=registrar)
    record = ELRecord.objects.get(student=student)

    assert (record.program_status, record.exit_date) == ("EL", None)


def test_edits_of_others_are_undone_by_import_admins_only(client: Client, district: District, registrar: Any) -> None:
    """As for runs: `access` decides both."""
    student, edits = edited(district, UserFactory(), last_name="Garcia")

    text = client.get(reverse("student", args=[student.pk])).content.decode()
    client.post(reverse("undo_student_edit", args=[student.pk]), {"edit": edits})
    student.refresh_from_db()
    assert reverse("undo_student_edit", args=[student.pk]) not in text
    assert student.last_name == "Garcia"

    client.force_login(UserFactory(import_admin=True))
    client.post(reverse("undo_student_edit", args=[student.pk]), {"edit": edits})
    student.refresh_from_db()
    assert student.last_name == "García-López"


def test_an_edit_of_another_student_is_not_there(client: Client, district: District, registrar: Any) -> None:
    _student, edits = edited(district, registrar, last_name="Garcia")
    other = district.another()

    assert client.post(reverse("undo_student_edit", args=[other.pk]), {"edit": edits}).status_code == 404
