"""What changed between Test and Update is set aside, said, and never overwritten; the rest goes in."""

from datetime import date

import pytest

from sisimport.imports.models import ImportChange, SetAside, SetAsideReason
from sisimport.imports.runs import services
from students.models import SSID, ELRecord, School, Student
from tests.files.samples import line
from tests.imports.journey import District, Report, finish, give_el, give_ssid, merge_ssids, revert, run_file, snapshot
from tests.roster.test_roster import JOSE, csv

ANA = {
    "ssid": "9012345679",
    "local_number": "100235",
    "last_name": "O'Neil",
    "first_name": "Ana",
    "middle_name": "",
    "gender": "F",
    "birth_date": "20120630",
    "elas": "",
    "elas_date": "",
    "language": "eng",
}


def checked(*lines: str, **options: str) -> Report:
    return run_file("ssid-download", "\n".join(lines), options=options)


def apply(test: Report) -> Report:
    return finish(services.start_update(test_run=test.run, user=None, enqueue=False))


def reasons(update: Report) -> set[str]:
    return set(SetAside.objects.filter(run=update.run).values_list("reason", flat=True))


@pytest.fixture
def jose(district: District) -> Student:
    return district.student()


# ---- Update ----


@pytest.mark.parametrize(
    "edit",
    [
        {"last_name": "García"},
        {"first_name": "Pepe"},
        {"middle_name": ""},
        {"birth_date": date(2009, 2, 15)},
        {"gender": "X"},
        {"legal_gender": "F"},
        {"legal_first_name": "Joseph"},
        {"local_number": "100999"},
    ],
)
def test_a_student_whose_identity_was_edited_is_set_aside(jose: Student, edit: dict[str, object]) -> None:
    test = checked(line())
    Student.objects.filter(pk=jose.pk).update(**edit)
    update = apply(test)
    assert update.codes() == ["CHANGED-SINCE-TEST"]
    assert update.counts == {"set_aside": 1}
    assert not jose.ssids.exists()
    assert not ELRecord.objects.exists()


@pytest.mark.parametrize("edit", [{"grade": "11"}, {"ethnicity": "Asian"}, {"alias_first_name": "Pepe"}])
def test_an_edit_that_the_match_does_not_rest_on_changes_nothing(jose: Student, edit: dict[str, object]) -> None:
    test = checked(line())
    Student.objects.filter(pk=jose.pk).update(**edit)
    assert apply(test).counts == {"imported": 1}


def test_an_ssid_taken_since_is_set_aside_and_the_el_part_goes_in(district: District, jose: Student) -> None:
    test = checked(line())
    give_ssid(district.another(), "9012345678")
    update = apply(test)
    assert reasons(update) == {SetAsideReason.TAKEN}
    assert "SSID" in update.issue("CHANGED-SINCE-TEST")["message"]
    assert jose.el.program_status == "EL"
    assert update.counts == {"imported": 1}
    assert update.run.error_count == 1


def test_a_student_who_got_another_ssid_since_keeps_it(jose: Student) -> None:
    test = checked(line(elas="", language=""))
    give_ssid(jose, "9012345600")
    update = apply(test)
    assert update.counts == {"set_aside": 1}
    assert jose.ssids.get().ssid == "9012345600"


def test_an_ssid_that_somebody_typed_in_since_is_simply_there(jose: Student) -> None:
    test = checked(line(elas="", elas_date="", language=""))
    give_ssid(jose, "9012345678")
    update = apply(test)
    assert (update.codes(), update.counts) == ([], {"unchanged": 1})
    assert jose.ssids.get().origin == "staff"


def test_an_el_record_edited_since_is_set_aside_and_the_ssid_goes_in(jose: Student) -> None:
    give_el(jose, "Pending", tbd_date=date(2015, 8, 1))
    test = checked(line())
    ELRecord.objects.update(program_status="EO")
    update = apply(test)
    assert "EL record" in update.issue("CHANGED-SINCE-TEST")["message"]
    jose.refresh_from_db()
    assert jose.el.program_status == "EO"
    assert jose.ssids.get().ssid == "9012345678"


def test_an_el_record_made_since_is_set_aside(jose: Student) -> None:
    test = checked(line())
    give_el(jose, "EO")
    apply(test)
    jose.refresh_from_db()
    assert jose.el.program_status == "EO"


def test_a_language_edited_since_is_not_overwritten(district: District) -> None:
    student = district.student(home_language="eng")
    test = checked(line(elas="", elas_date=""))
    Student.objects.update(home_language="vie")
    apply(test)
    student.refresh_from_db()
    assert student.home_language == "vie"


def test_the_changes_of_one_part_are_written_together_or_not_at_all(district: District) -> None:
    student = district.student(home_language="eng")
    test = checked(line())
    Student.objects.update(home_language="vie")
    update = apply(test)
    assert not ELRecord.objects.exists()
    assert student.ssids.exists()
    assert update.counts == {"imported": 1}


def test_a_replacement_whose_old_ssid_changed_since_is_set_aside_whole(district: District, jose: Student) -> None:
    old = give_ssid(jose, "9012345600")
    merge_ssids("9012345600", "9012345678")
    test = checked(line(elas="", language=""), replace_retired="1")
    old.retired_at = "2025-01-01T00:00Z"
    old.save()
    apply(test)
    assert not jose.ssids.filter(ssid="9012345678").exists()


def test_other_lines_go_in(district: District, jose: Student) -> None:
    ana = district.another()
    test = checked(line(), line(**ANA))
    Student.objects.filter(pk=jose.pk).update(last_name="Edited")
    update = apply(test)
    assert update.counts == {"imported": 1, "set_aside": 1}
    assert [issue["line"] for issue in update.issues if issue["code"] == "CHANGED-SINCE-TEST"] == [1]
    assert ana.ssids.get().ssid == "9012345679"


def test_a_student_removed_since_is_set_aside(jose: Student) -> None:
    test = checked(line())
    jose.delete()
    assert apply(test).counts == {"set_aside": 1}


def test_nothing_is_written_for_a_student_who_is_gone_even_without_a_guard(jose: Student) -> None:
    """No constraint would notice: writing looks up all students first."""
    test = checked(line())
    ImportChange.objects.filter(run=test.run).update(guard=None)
    jose.delete()
    update = apply(test)
    assert update.counts == {"set_aside": 1}
    assert not SSID.objects.exists()
    assert not ELRecord.objects.exists()


def test_two_updates_of_files_that_overlap_do_not_write_twice(jose: Student) -> None:
    first, second = checked(line()), checked(line(grade="11"))
    assert apply(first).counts == {"imported": 1}
    late = apply(second)
    assert (late.counts, late.changes) == ({"unchanged": 1}, [])
    assert jose.ssids.count() == 1


def test_a_student_created_by_hand_since_is_not_created_again(district: District) -> None:
    test = run_file("students", csv(JOSE), name="roster.csv")
    district.student(last_name="By Hand")
    update = apply(test)
    assert update.counts == {"set_aside": 1}
    assert Student.objects.get().last_name == "By Hand"


def test_a_school_created_by_hand_since_is_the_one_that_was_planned(district: District) -> None:
    test = run_file("students", csv(JOSE | {"school": "0000009"}), name="roster.csv")
    school = School.objects.create(lea=district.lea, code="0000009", name="By Hand")
    update = apply(test)
    assert update.counts == {"imported": 1}
    assert (Student.objects.get().school, School.objects.filter(code="0000009").count()) == (school, 1)
    school.refresh_from_db()
    assert school.name == "By Hand"


# ---- Revert ----


def test_a_revert_keeps_what_was_edited_since_and_says_so(district: District) -> None:
    student = district.student(home_language="vie")
    update = apply(checked(line()))
    ELRecord.objects.update(program_status="EO")
    undone = revert(update.run)
    student.refresh_from_db()
    assert student.el.program_status == "EO"
    assert not student.ssids.exists()
    assert undone.codes() == ["CHANGED-SINCE-TEST"]


def test_a_revert_keeps_a_student_who_has_gained_records_since(district: District) -> None:
    update = apply(run_file("students", csv(JOSE), name="roster.csv"))
    student = Student.objects.get()
    give_ssid(student, "9012345678")
    undone = revert(update.run)
    assert Student.objects.filter(pk=student.pk).exists()
    assert undone.run.error_count == 1


def test_a_revert_of_the_older_of_two_updates_keeps_the_newer(jose: Student) -> None:
    first = apply(checked(line()))
    apply(checked(line(elas="RFEP", elas_date="20200601")))
    revert(first.run)
    jose.refresh_from_db()
    assert jose.el.program_status == "Exited EL"


def test_reverting_both_updates_newest_first_restores_everything(jose: Student) -> None:
    before = snapshot()
    first = apply(checked(line()))
    second = apply(checked(line(elas="RFEP", elas_date="20200601")))
    revert(second.run)
    revert(first.run)
    assert snapshot() == before


def test_a_run_is_reverted_once(jose: Student) -> None:
    update = apply(checked(line()))
    first = services.start_revert(run=update.run, user=None, enqueue=False)
    assert services.start_revert(run=update.run, user=None, enqueue=False) == first


def test_a_retired_ssid_is_current_again_after_the_revert(jose: Student) -> None:
    give_ssid(jose, "9012345600")
    merge_ssids("9012345600", "9012345678")
    update = apply(checked(line(), replace_retired="1"))
    revert(update.run)
    assert list(jose.ssids.values_list("ssid", "retired_at")) == [("9012345600", None)]
