"""Import type `oneroster`: students from OneRoster 1.1 and 1.2 zips, whole or what changed."""

from datetime import date

import pytest

from sisimport.imports.models import RunStatus, Work
from students.models import Enrollment, School, Student
from tests.imports.base_suite import ImportTypeSuite
from tests.imports.journey import District, give_ssid, make_district
from tests.roster.oneroster_files import (
    ANA,
    BEN,
    BORN,
    BORN_BEN,
    CEDAR,
    CHANGED,
    CLASS,
    GONE,
    MAPLE,
    ORGS,
    TEACHER,
    YEAR,
    ana,
    bulk,
    cells,
    joined,
    run_zip,
    update,
    zipped,
)

pytestmark = pytest.mark.django_db

ROLE = {"sourcedId": "r1", "userSourcedId": "u1", "roleType": "primary", "role": "student", "orgSourcedId": "s1"}


def stays(student: Student) -> list[tuple[str, date | None, date | None]]:
    found = Enrollment.objects.filter(student=student).order_by("school__code", "start_date")
    return [(e.school.code, e.start_date, e.exit_date) for e in found]


# ---- whole files ----


def test_a_bulk_file_of_1_1_creates_students_with_everything_it_says(district: District) -> None:
    user = ANA | {"userIds": "{LDAP:ana},{SSID:0012345678}", "middleName": "Luz"}
    run = update(bulk(users=[user, TEACHER, BEN], demographics=[BORN_BEN, BORN], academicSessions=[YEAR]))

    made = ana()
    assert (made.last_name, made.first_name, made.middle_name, made.birth_date, made.gender, made.grade) == (
        "O'Neil",
        "Ana",
        "Luz",
        date(2012, 6, 30),
        "F",
        "07",
    )
    assert made.school == district.school
    assert made.ssids.get().ssid == "0012345678"
    assert stays(made) == [("0123456", date(2024, 8, 12), None)]
    ben = Student.objects.get(local_number="100236")
    assert (ben.last_name, ben.grade, ben.gender) == ("Peña", "KN", "M")
    assert run.counts == {"imported": 2}
    assert "teacher 1" in run.issue("ONE-OTHERS")["message"]


def test_a_bulk_file_of_1_2_reads_roles_and_preferred_names(district: District) -> None:
    user = {**ANA, "preferredGivenName": "Anita", "preferredFamilyName": "O'Neil", "orgSourcedIds": "", "role": ""}
    del user["orgSourcedIds"], user["role"]
    teaching = ROLE | {"sourcedId": "r2", "userSourcedId": "t1", "role": "teacher"}
    data = zipped(
        version="1.2",
        orgs=ORGS,
        users=[user, {**user, "sourcedId": "t1", "identifier": "9"}],
        roles=[ROLE | {"beginDate": "2024-08-12"}, teaching],
        demographics=[BORN],
    )
    run = update(data)

    assert (ana().alias_first_name, ana().alias_last_name) == ("Anita", "O'Neil")
    assert stays(ana()) == [("0123456", date(2024, 8, 12), None)]
    assert run.counts == {"imported": 1}
    assert Student.objects.count() == 1


def test_the_same_file_again_changes_nothing(district: District) -> None:
    data = bulk(users=[ANA, BEN], demographics=[BORN, BORN_BEN])
    update(data)

    assert run_zip(data).counts == {"unchanged": 2}


def test_line_numbers_are_those_of_users_csv_and_say_where_the_rest_comes_from(district: District) -> None:
    data = bulk(users=[TEACHER, BEN, TEACHER | {"sourcedId": "t2"}, ANA], demographics=[BORN_BEN, BORN])

    assert joined(data)[1] == "" == joined(data)[3]
    assert [row["lines"] for row in cells(data)] == [
        "users.csv 3; demographics.csv 2",
        "users.csv 5; demographics.csv 3; enrollments.csv 2",
    ]
    assert run_zip(data).codes() == []


def test_bulk_lists_those_whom_it_does_not_name_as_absent(district: District) -> None:
    district.student()
    run = run_zip(bulk())

    assert run.run.facts["absent_count"] == 1


def test_students_of_several_schools_live_at_the_primary_one(district: District) -> None:
    elsewhere = CLASS | {"sourcedId": "e2", "schoolSourcedId": "s2", "beginDate": "2024-09-02"}
    run = update(bulk(enrollments=[CLASS | {"primary": "true"}, elsewhere], users=[ANA | {"orgSourcedIds": "s1,s2"}]))

    assert stays(ana()) == [("0123456", date(2024, 8, 12), None), ("0123457", date(2024, 9, 2), None)]
    assert ana().school == district.school
    assert run.counts == {"imported": 2}


def test_two_primary_schools_are_a_warning_and_the_later_one_counts(district: District) -> None:
    second = CLASS | {"sourcedId": "e2", "schoolSourcedId": "s2", "primary": "true", "beginDate": "2024-09-02"}
    run = update(bulk(enrollments=[CLASS | {"primary": "true"}, second]))

    assert "0123457" in run.issue("ONE-PRIMARY")["message"]
    assert ana().school == district.other_school


@pytest.mark.parametrize(
    ("end", "exit_date"),
    [("2024-12-02", date(2024, 12, 2)), ("2025-06-13", None), ("2025-06-12", None), ("2025-07-30", None)],
)
def test_a_class_that_ends_with_the_year_is_not_an_exit(district: District, end: str, exit_date: date | None) -> None:
    update(bulk(enrollments=[CLASS | {"endDate": end}], academicSessions=[YEAR]))

    assert stays(ana()) == [("0123456", date(2024, 8, 12), exit_date)]


def test_a_student_in_one_class_still_is_at_the_school(district: District) -> None:
    ended = CLASS | {"sourcedId": "e2", "beginDate": "2024-08-20", "endDate": "2024-10-01"}
    update(bulk(enrollments=[ended, CLASS], academicSessions=[YEAR]))

    assert stays(ana()) == [("0123456", date(2024, 8, 12), None)]


# ---- what changed ----


def test_a_delta_changes_what_it_names_and_calls_nobody_absent(district: District) -> None:
    district.student()
    district.another()
    changed = ANA | CHANGED | {"grades": "08", "orgSourcedIds": "s1"}
    run = update(zipped(mode="delta", users=[changed]))

    made = ana()
    assert (made.grade, made.birth_date, made.gender, made.school) == ("08", date(2012, 6, 30), "F", district.school)
    assert stays(made) == [("0123456", date(2024, 8, 12), None)]
    assert "absent_count" not in run.run.facts
    assert run.run.facts["partial"] is True
    assert run.counts == {"imported": 1}


def test_a_user_marked_as_deleted_stays_and_leaves_the_school(district: District) -> None:
    district.another()
    run = update(zipped(mode="delta", orgs=ORGS, users=[ANA | GONE]))

    assert stays(ana()) == [("0123456", date(2024, 8, 12), date(2025, 1, 17))]
    assert ana().school == district.school
    assert run.issue("ONE-ENDS")["severity"] == "notice"
    again = update(zipped(mode="delta", orgs=ORGS, users=[ANA | GONE | {"dateLastModified": "2025-03-01"}]))
    assert again.counts == {"unchanged": 1}
    assert stays(ana())[0][2] == date(2025, 1, 17)


def test_a_user_marked_as_deleted_who_is_not_on_record_is_skipped(district: District) -> None:
    run = update(zipped(mode="delta", orgs=ORGS, users=[ANA | GONE]))

    assert run.counts == {"skipped": 1}
    assert not Student.objects.exists()


def test_a_user_is_marked_as_deleted_in_any_letter_case_whatever_else_the_zip_says(district: District) -> None:
    district.another()
    marked = ANA | GONE | {"status": "ToBeDeleted"}
    update(
        zipped(mode="delta", orgs=ORGS, users=[marked], enrollments=[CLASS | CHANGED], demographics=[BORN | CHANGED])
    )

    assert stays(ana()) == [("0123456", date(2024, 8, 12), date(2025, 1, 17))]


def test_a_deleted_class_ends_no_stay_while_the_school_is_named(district: District) -> None:
    district.another()
    run = update(zipped(mode="delta", orgs=ORGS, users=[ANA | CHANGED], enrollments=[CLASS | GONE]))

    assert stays(ana()) == [("0123456", date(2024, 8, 12), None)]
    assert run.issue("ONE-CLASSES")["found"] == "1"


def test_a_move_to_another_school_ends_the_stay_at_the_old_one(district: District) -> None:
    district.another()
    arrives = CLASS | CHANGED | {"sourcedId": "e2", "schoolSourcedId": "s2", "beginDate": "2025-01-20"}
    update(
        zipped(
            mode="delta",
            orgs=ORGS,
            users=[ANA | CHANGED | {"orgSourcedIds": "s2"}],
            enrollments=[CLASS | GONE, arrives],
        )
    )

    assert stays(ana()) == [
        ("0123456", date(2024, 8, 12), date(2025, 1, 17)),
        ("0123457", date(2025, 1, 20), None),
    ]
    assert ana().school == district.other_school


def test_a_delta_cannot_make_a_student_without_birth_date(district: District) -> None:
    run = update(zipped(mode="delta", orgs=ORGS, users=[ANA | CHANGED]))

    assert "birth date" in run.issue("ONE-NEW")["message"]
    assert not Student.objects.exists()


def test_a_delta_of_1_2_without_roles_updates_students_on_record_only(district: District) -> None:
    district.another()
    users = [{k: v for k, v in one.items() if k not in {"role", "orgSourcedIds"}} | CHANGED for one in (ANA, BEN)]
    run = update(zipped(version="1.2", mode="delta", users=[users[0] | {"grades": "08"}, users[1]], demographics=[]))

    assert ana().grade == "08"
    assert run.counts == {"imported": 1, "refused": 1}
    assert run.codes(3).count("ONE-NEW") == 2


# ---- damaged and doubtful ones ----


@pytest.mark.parametrize(
    ("tables", "code", "words", "line"),
    [
        (
            {"users": [ANA | {"orgSourcedIds": "s9"}], "enrollments": []},
            "ONE-SCHOOL",
            "s9, which is not in orgs.csv",
            2,
        ),
        ({"orgs": [ORGS[0], CEDAR | {"identifier": "101 A"}, MAPLE]}, "ONE-SCHOOL", "Cedar High (orgs.csv line 3)", 2),
        ({"orgs": [ORGS[0], CEDAR | {"identifier": "062271003245"}]}, "ONE-SCHOOL", "federal (NCES) number", 2),
        ({"enrollments": [CLASS, CLASS | {"userSourcedId": "u7"}]}, "ONE-LOST", "enrollments.csv line 3", 3),
        ({"demographics": [BORN, BORN | {"sourcedId": "x"}]}, "ONE-LOST", "demographics.csv line 3", 3),
        ({"demographics": [BORN, BORN | {"birthDate": "2012-06-03"}]}, "ONE-LOST", "lines 2, 3 have different data", 3),
        ({"enrollments": [CLASS, CLASS | {"role": ""}]}, "ONE-LOST", "enrollments.csv line 3: its role is blank", 3),
        ({"enrollments": [CLASS, CLASS | {"role": "pupil"}]}, "ONE-LOST", "line 3: its role is pupil", 3),
        ({"users": [ANA, ANA | {"identifier": "7"}]}, "ONE-TWICE", "u1 in lines 2, 3", 2),
        ({"users": [ANA | {"role": "learner"}]}, "ONE-ROLE", "the role learner", 2),
        ({"users": [ANA | {"status": "inactive"}]}, "ONE-STATUS", "the status inactive", 2),
        ({"demographics": [BORN, BORN | {"status": "deleted"}]}, "ONE-LOST", "line 3: its status is deleted", 3),
        ({"enrollments": [CLASS, CLASS | {"status": "x"}]}, "ONE-LOST", "enrollments.csv line 3: its status is x", 3),
        (
            {"orgs": [ORGS[0], CEDAR, MAPLE | {"identifier": "0123456"}]},
            "ONE-SCHOOL",
            "which has the same identifier as Maple High",
            2,
        ),
        ({"users": [ANA | {"identifier": ""}]}, "ONE-NUMBER", "no identifier", 2),
        ({"users": [ANA | {"grades": "13"}]}, "FILE-CODE", "12 (grade 12) or AD (adult)", 2),
        ({"users": [ANA | {"grades": "PS"}]}, "FILE-CODE", "postsecondary", 2),
        ({"users": [ANA | {"grades": "07,08"}]}, "FILE-CODE", "07,08", 2),
        (
            {"demographics": [BORN | {"birthDate": "2012-02-31"}]},
            "FILE-DATE",
            "Birth date (birthDate, demographics.csv)",
            2,
        ),
        ({"demographics": [BORN | {"sex": "unknown"}]}, "FILE-CODE", "Gender (sex, demographics.csv)", 2),
        ({"users": [ANA | {"familyName": ""}]}, "FILE-REQUIRED", "Last name (familyName, users.csv) is blank", 2),
    ],
)
def test_what_is_wrong_is_named_with_its_file_and_line(
    district: District, tables: dict[str, list[dict[str, str]]], code: str, words: str, line: int
) -> None:
    run = update(bulk(**tables))

    found = [i for i in run.issues if i["code"] == code and i["line"] == line]
    assert found, run.issues
    assert words in found[0]["message"]
    assert found[0]["severity"] == "error"
    outcome = run.counts
    assert outcome.get("refused", 0) >= 1
    assert Student.objects.count() == outcome.get("imported", 0)


def test_a_guardian_is_not_a_student(district: District) -> None:
    run = update(bulk(users=[ANA, TEACHER | {"role": "guardian"}, TEACHER | {"sourcedId": "t2"}]))

    assert "guardian 1, teacher 1" in run.issue("ONE-OTHERS")["message"]
    assert Student.objects.count() == 1


def test_the_sourced_id_is_the_number_where_somebody_says_so(district: District) -> None:
    data = bulk(users=[ANA | {"identifier": ""}])
    update(data, number="sourcedId")

    assert Student.objects.get().local_number == "u1"


def test_an_ssid_that_two_columns_give_differently_is_refused_alone(district: District) -> None:
    user = ANA | {"userIds": "{SSID:0012345678}", "metadata.stateId": "0012345679", "metadata.note": "kept out"}
    run = update(bulk(users=[user]))

    assert run.issue("SSID-FORMAT")["found"] == "0012345678 or 0012345679"
    assert not ana().ssids.exists()


def test_somebody_with_name_and_birth_date_of_a_student_on_record_waits(district: District) -> None:
    district.another(local_number="5")
    run = update(bulk())

    assert run.codes() == ["STU-ALIKE"]
    assert Student.objects.count() == 1


def test_codes_that_lost_their_zeros_are_given_them_back(district: District) -> None:
    short = CEDAR | {"identifier": "123456"}
    run = update(bulk(orgs=[ORGS[0], short]))

    assert ana().school == district.school
    assert run.issue("CODE-ZEROS")["severity"] == "notice"
    assert School.objects.count() == 2


def test_whoever_works_for_one_school_updates_that_one_only(district: District) -> None:
    data = bulk(users=[ANA, BEN | {"orgSourcedIds": "s2"}], demographics=[BORN, BORN_BEN])
    run = run_zip(data, Work.UPDATE, schools={district.other_school.pk})

    assert run.codes(2) == ["STU-SCOPE"]
    assert run.counts == {"imported": 1, "refused": 1}


def test_a_run_of_one_type_tested_twice_is_not_held_for_a_delta_of_few_lines(district: District) -> None:
    users = [
        ANA
        | {"sourcedId": f"u{n}", "identifier": f"{n:06}", "givenName": f"Ana{'abcdefghij'[n % 10]}{'xyz' * (n // 10)}"}
        for n in range(1, 71)
    ]
    births = [
        BORN | {"sourcedId": one["sourcedId"], "birthDate": f"2012-06-{n % 28 + 1:02}"} for n, one in enumerate(users)
    ]
    whole = run_zip(bulk(users=users, demographics=births, enrollments=[]), Work.UPDATE)
    assert whole.run.status == RunStatus.COMPLETED

    delta = update(zipped(mode="delta", users=[users[0] | CHANGED | {"grades": "08"}]))

    assert delta.run.status == RunStatus.COMPLETED
    assert delta.counts == {"imported": 1}


# ---- what every import type keeps ----


class TestOneRosterJourney(ImportTypeSuite):
    import_type = "oneroster"

    def arrange(self) -> None:
        district = make_district()
        district.student()
        give_ssid(district.another(), "9012345678")
        district.another(local_number="100236", grade="08", first_name="Ida")

    def content(self) -> str:
        users = [
            ANA | {"userIds": "{SSID:9012345670}"},  # another SSID, nothing else new: refused
            BEN,
            ANA | {"sourcedId": "u3", "identifier": "100236", "grades": "08", "givenName": "Ida"},  # as on record
            TEACHER,
            ANA | {"sourcedId": "u4", "identifier": "200001", "givenName": "Rosa", "orgSourcedIds": "s1,s2"},
            ANA | {"sourcedId": "u5", "identifier": "200002", "givenName": "Uma", "orgSourcedIds": "s7"},
            ANA | GONE | {"sourcedId": "u6", "identifier": "100234"},
            ANA | GONE | {"sourcedId": "u7", "identifier": "200009"},
        ]
        born = [BORN | {"sourcedId": f"u{n}"} for n in (1, 3, 4, 5)]
        born += [BORN_BEN | {"identifier": "200003"}]
        starts = [CLASS, *(CLASS | {"sourcedId": f"e{n}", "userSourcedId": f"u{n}"} for n in (3, 4))]
        users[1] = BEN | {"identifier": "200003"}
        return "\n".join(joined(bulk(users=users, demographics=born, enrollments=starts)))
