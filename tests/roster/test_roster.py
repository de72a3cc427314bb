"""Import type `students`: the district's roster creates and updates students, enrollments, SSIDs and EL records."""

from datetime import date
from typing import Any

import pytest

from sisimport.imports.models import RunStatus, Work
from students.models import LEA, ELRecord, Enrollment, School, Student
from tests.imports.base_suite import ImportTypeSuite
from tests.imports.evaluating import report_of
from tests.imports.journey import District, Report, give_el, give_ssid, make_district

JOSE = {
    "lea": "1234567",
    "school": "0123456",
    "local_number": "100234",
    "ssid": "",
    "last_name": "García-López",
    "first_name": "José",
    "middle_name": "Luis",
    "birth_date": "2009-02-14",
    "gender": "M",
    "home_language": "spa",
    "grade": "10",
    "enrollment_start": "2024-08-12",
    "enrollment_exit": "",
    "el_status": "",
    "el_identified_date": "",
    "el_tbd_date": "",
    "el_exit_date": "",
}
ANA = JOSE | {
    "local_number": "100235",
    "last_name": "O'Neil",
    "first_name": "Ana",
    "middle_name": "",
    "birth_date": "2012-06-30",
    "gender": "F",
    "home_language": "eng",
    "grade": "07",
}


def csv(*rows: dict[str, str], columns: list[str] | None = None) -> str:
    columns = columns or list(dict.fromkeys(name for row in rows for name in row))
    return "".join(",".join(row.get(name, name) for name in columns) + "\n" for row in ({}, *rows))


def roster(*rows: dict[str, str], columns: list[str] | None = None, **values: Any) -> Report:
    return report_of("students", csv(*rows, columns=columns), name="roster.csv", **values)


def update(*rows: dict[str, str], **values: Any) -> Report:
    return roster(*rows, work=Work.UPDATE, **values)


def student(number: str = "100234") -> Student:
    return Student.objects.get(local_number=number)


# ---- creating ----


def test_a_student_is_created_with_enrollment_ssid_and_el_record(district: District) -> None:
    update(JOSE | {"ssid": "0012345678", "el_status": "EL", "el_identified_date": "2015-09-01", "suffix": "Jr"})
    made = student()
    assert (made.last_name, made.first_name, made.middle_name, made.suffix) == ("García-López", "José", "Luis", "Jr")
    assert (made.birth_date, made.gender, made.grade, made.school) == (date(2009, 2, 14), "M", "10", district.school)
    assert [(e.school, e.start_date, e.exit_date) for e in made.enrollments.all()] == [
        (district.school, date(2024, 8, 12), None)
    ]
    ssid = made.ssids.get()
    assert (ssid.ssid, ssid.origin, ssid.verified) == ("0012345678", "roster", False)
    assert (made.el.program_status, made.el.identified_date) == ("EL", date(2015, 9, 1))


def test_legal_names_aliases_and_legal_gender_are_stored(district: District) -> None:
    update(
        JOSE
        | {"legal_first_name": "Joseph", "legal_last_name": "García", "alias_first_name": "Pepe", "legal_gender": "F"}
    )
    made = student()
    assert (made.legal_first_name, made.alias_first_name, made.legal_gender) == ("Joseph", "Pepe", "F")
    assert made.match_last_name == "García"


def test_only_the_columns_that_are_required_are_needed(district: District) -> None:
    columns = ["lea", "school", "local_number", "last_name", "first_name", "birth_date"]
    report = update(JOSE, columns=columns)
    assert report.counts == {"imported": 1}
    assert student().enrollments.get().start_date is None


@pytest.mark.parametrize("missing", ["local_number", "last_name", "birth_date"])
def test_a_file_without_a_required_column_is_refused(district: District, missing: str) -> None:
    report = roster(JOSE, columns=[name for name in JOSE if name != missing])
    assert report.run.status == RunStatus.REJECTED
    assert missing in report.run.message


def test_an_unknown_column_is_noticed(district: District) -> None:
    report = roster(JOSE | {"shoe_size": "38"})
    assert report.issue("FILE-COLUMN-UNKNOWN")["found"] == "shoe_size"
    assert report.counts == {"imported": 1}


def test_an_unknown_school_is_created_and_reported_once(district: District) -> None:
    report = update(JOSE | {"school": "0000009"}, ANA | {"school": "0000009"})
    assert [(i["line"], i["found"]) for i in report.issues if i["code"] == "NEW-SCHOOL"] == [(2, "0000009")]
    assert student().school == School.objects.get(code="0000009", lea=district.lea)


def test_an_unknown_district_is_created_with_its_school(db: None) -> None:
    report = update(JOSE, ANA)
    assert report.codes() == ["NEW-LEA", "NEW-SCHOOL"]
    assert student().lea == LEA.objects.get(code="1234567")
    assert student("100235").school == School.objects.get(code="0123456")


def test_a_school_that_only_refused_lines_name_is_not_created(district: District) -> None:
    update(JOSE, ANA | {"school": "0000009", "enrollment_exit": "2020-01-01"})
    assert not School.objects.filter(code="0000009").exists()


# ---- updating ----


def test_a_known_student_is_updated(district: District) -> None:
    district.student()
    report = update(JOSE | {"last_name": "García", "grade": "11", "home_language": "eng"})
    assert {(c["what"], c["field"]): (c["before"], c["after"]) for c in report.changes} == {
        ("student", "last_name"): ("García-López", "García"),
        ("student", "grade"): ("10", "11"),
        ("student", "home_language"): ("spa", "eng"),
        ("enrollment", "grade"): ("10", "11"),
    }
    assert student().last_name == "García"


def test_a_student_as_on_record_is_unchanged(district: District) -> None:
    district.student()
    assert update(JOSE).counts == {"unchanged": 1}


def test_a_blank_value_keeps_what_is_on_record(district: District) -> None:
    district.student(alias_first_name="Pepe")
    report = update(JOSE | {"middle_name": "", "home_language": "", "alias_first_name": "", "grade": ""})
    assert report.changes == []
    assert student().alias_first_name == "Pepe"


def test_a_blank_value_clears_when_asked_to(district: District) -> None:
    made = district.student(alias_first_name="Pepe", ethnicity="Asian")
    made.enrollments.update(exit_date=date(2025, 6, 1))
    update(JOSE | {"middle_name": "", "alias_first_name": ""}, options={"blank": "clear"})
    made.refresh_from_db()
    assert (made.middle_name, made.alias_first_name, made.ethnicity) == ("", "", "Asian")
    assert made.enrollments.get().exit_date is None


def test_the_same_local_number_in_another_district_is_another_student(district: District) -> None:
    other = LEA.objects.create(code="7654321")
    district.student(lea=other, school=None, last_name="Else")
    update(JOSE)
    assert Student.objects.filter(local_number="100234").count() == 2
    assert Student.objects.get(lea=other).last_name == "Else"


# ---- enrollments ----


def test_a_new_enrollment_moves_the_student(district: District) -> None:
    district.student()
    update(JOSE | {"school": "0123457", "enrollment_start": "2025-01-06"})
    assert student().school == district.other_school
    assert student().enrollments.count() == 2


def test_an_exit_ends_the_enrollment(district: District) -> None:
    district.student()
    update(JOSE | {"enrollment_exit": "2025-01-10"})
    assert student().enrollments.get().exit_date == date(2025, 1, 10)


def test_a_stay_that_ended_does_not_move_a_student_who_is_enrolled_elsewhere(district: District) -> None:
    district.student()
    update(
        JOSE | {"school": "0123457", "grade": "09", "enrollment_start": "2023-08-14", "enrollment_exit": "2024-06-07"}
    )
    assert (student().school, student().grade) == (district.school, "10")
    assert student().enrollments.count() == 2


def test_several_enrollments_of_one_student_come_on_several_lines(district: District) -> None:
    report = update(
        JOSE | {"school": "0123457", "grade": "09", "enrollment_start": "2023-08-14", "enrollment_exit": "2024-06-07"},
        JOSE,
    )
    assert report.counts == {"imported": 2}
    assert (student().school, student().grade) == (district.school, "10")
    assert Enrollment.objects.filter(student=student()).count() == 2


def test_of_several_open_enrollments_the_latest_is_where_the_student_is(district: District) -> None:
    update(JOSE | {"school": "0123457", "enrollment_start": "2025-01-06"}, JOSE)
    assert student().school == district.other_school


def test_an_exit_before_the_start_is_refused(district: District) -> None:
    report = update(JOSE | {"enrollment_exit": "2024-08-11"})
    assert report.codes() == ["ENR-DATES"]
    assert not Student.objects.exists()


def test_an_undated_line_makes_one_enrollment_at_a_school(district: District) -> None:
    undated = JOSE | {"enrollment_start": ""}
    assert update(undated, undated | {"grade": "10"}).run.status == RunStatus.COMPLETED
    assert student().enrollments.count() == 1
    assert update(undated).counts == {"unchanged": 1}


# ---- lines of one student ----


def test_the_same_line_twice_is_imported_once(district: District) -> None:
    report = update(JOSE, JOSE)
    assert report.issue("DUP-SAME")["line"] == 3
    assert report.counts == {"imported": 1, "unchanged": 1}


@pytest.mark.parametrize("change", [{"last_name": "García"}, {"birth_date": "2009-02-15"}, {"el_status": "EO"}])
def test_lines_that_contradict_each_other_are_refused(district: District, change: dict[str, str]) -> None:
    report = update(JOSE, JOSE | change | {"school": "0123457"})
    assert report.codes() == ["DUP-DIFFERS", "DUP-DIFFERS"]
    assert report.counts == {"refused": 2}


def test_two_lines_that_say_different_things_of_one_enrollment_are_refused(district: District) -> None:
    report = update(JOSE, JOSE | {"grade": "11"})
    assert report.counts == {"refused": 2}


def test_a_refused_line_does_not_keep_the_students_other_lines_out(district: District) -> None:
    report = update(
        JOSE | {"school": "0000009", "enrollment_start": "2025-01-06", "enrollment_exit": "2024-01-01"},
        JOSE | {"ssid": ""},
    )
    assert report.counts == {"imported": 1, "refused": 1}
    assert student().school == district.school


# ---- SSID part ----


@pytest.mark.parametrize("ssid", ["12345", "9.01E+09", "100234", "901234567X"])
def test_id1_a_malformed_ssid_is_refused_and_the_student_imported(district: District, ssid: str) -> None:
    report = update(JOSE | {"ssid": ssid})
    assert report.codes() == ["SSID-FORMAT"]
    assert report.counts == {"imported": 1}
    assert not student().ssids.exists()


def test_d7_a_taken_ssid_is_refused_and_the_student_imported(district: District) -> None:
    give_ssid(district.another(), "9012345678")
    report = update(JOSE | {"ssid": "9012345678"})
    assert report.codes() == ["SSID-TAKEN"]
    assert not student().ssids.exists()


def test_d9_an_ssid_is_never_overwritten(district: District) -> None:
    give_ssid(district.student(), "9012345600")
    assert update(JOSE | {"ssid": "9012345678"}).codes() == ["SSID-CONFLICT"]
    assert student().ssids.get().ssid == "9012345600"


def test_d9_a_former_ssid_is_not_made_current_again(district: District) -> None:
    give_ssid(district.student(), "9012345678", retired_at="2024-01-01T00:00Z")
    assert update(JOSE | {"ssid": "9012345678"}).codes() == ["SSID-FORMER"]


def test_d9_a_former_ssid_is_reported_as_that_though_there_is_a_current_one(district: District) -> None:
    give_ssid(district.student(), "9012345600")
    give_ssid(Student.objects.get(), "9012345678", retired_at="2024-01-01T00:00Z")
    assert update(JOSE | {"ssid": "9012345678"}).codes() == ["SSID-FORMER"]


def test_a_charters_own_code_makes_no_second_district_and_no_second_student(district: District) -> None:
    district.student()
    update(JOSE)

    report = update(JOSE | {"lea": "0123456", "grade": "11"})

    assert report.issue("LEA-CHARTER")["expected"] == "1234567"
    assert list(LEA.objects.values_list("code", flat=True)) == ["1234567"]
    assert School.objects.filter(code="0123456").count() == 1
    assert Student.objects.count() == 1
    assert student().grade == "11"


def test_id5_an_ssid_for_two_students_is_given_to_neither(district: District) -> None:
    report = update(JOSE | {"ssid": "9012345678"}, ANA | {"ssid": "9012345678"})
    assert report.codes() == ["DUP-DIFFERS", "DUP-DIFFERS"]
    assert report.counts == {"imported": 2}
    assert not student().ssids.exists()


def test_a_blank_ssid_takes_none_away(district: District) -> None:
    give_ssid(district.student(), "9012345678")
    update(JOSE, options={"blank": "clear"})
    assert student().ssids.get().retired_at is None


# ---- EL part ----


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("EL", "EL"),
        ("EO", "EO"),
        ("Exited EL", "Exited EL"),
        ("exited el", "Exited EL"),
        ("Not EL", "Not EL"),
        ("Pending", "Pending"),
        ("RFEP", "Exited EL"),
        ("IFEP", "Not EL"),
        ("TBD", "Pending"),
    ],
)
def test_program_statuses_and_the_states_codes_are_known(district: District, code: str, status: str) -> None:
    report = update(JOSE | {"el_status": code})
    assert report.codes() == []
    assert student().el.program_status == status


def test_an_unknown_status_is_refused_and_the_student_imported(district: District) -> None:
    report = update(JOSE | {"el_status": "Fluent"})
    assert report.run.error_count == 1
    assert report.counts == {"imported": 1}
    assert not ELRecord.objects.exists()


def test_an_el_record_is_updated(district: District) -> None:
    give_el(district.student(), "EL", identified_date=date(2015, 9, 1))
    update(JOSE | {"el_status": "Exited EL", "el_exit_date": "2021-06-01"})
    el = student().el
    assert (el.program_status, el.identified_date, el.exit_date) == ("Exited EL", date(2015, 9, 1), date(2021, 6, 1))


def test_el_dates_alone_update_a_record_that_is_there(district: District) -> None:
    give_el(district.student(), "EL", identified_date=date(2015, 9, 1))
    update(JOSE | {"el_identified_date": "2015-10-01"})
    assert student().el.identified_date == date(2015, 10, 1)


def test_el_dates_without_status_and_record_are_left_out_with_a_warning(district: District) -> None:
    report = update(JOSE | {"el_identified_date": "2015-10-01"})
    assert report.issue("EL-NO-STATUS")["severity"] == "warning"
    assert not ELRecord.objects.exists()


# ---- values ----


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"birth_date": "2009-02-30"}, "FILE-DATE"),
        ({"birth_date": ""}, "FILE-REQUIRED"),
        ({"last_name": ""}, "FILE-REQUIRED"),
        ({"gender": "Q"}, "FILE-CODE"),
        ({"grade": "13"}, "FILE-CODE"),
        ({"last_name": "A" * 51}, "FILE-LENGTH"),
        ({"home_language": "Klingon"}, "FILE-LENGTH"),
        ({"local_number": "1" * 17}, "FILE-LENGTH"),
    ],
)
def test_a_line_with_a_bad_value_is_refused_and_the_others_are_not(
    district: District, change: dict[str, str], code: str
) -> None:
    report = update(JOSE | change, ANA)
    assert report.codes(2) == [code]
    assert report.counts == {"imported": 1, "refused": 1}


def test_a_quoted_value_may_hold_commas_and_line_ends(district: District) -> None:
    update(JOSE | {"last_name": '"García, ""Pepe"""'}, ANA | {"alias_last_name": '"Two\nlines"'})
    assert student().last_name == 'García, "Pepe"'


# ---- schools ----


def test_a_registrar_of_one_school_imports_no_student_of_another(district: District) -> None:
    district.another(school=district.other_school)
    report = update(JOSE, ANA, JOSE | {"local_number": "7", "school": "0123457"}, schools=[district.school.pk])
    assert [(i["line"], i["code"]) for i in report.issues] == [(3, "STU-SCOPE"), (4, "STU-SCOPE")]
    assert report.counts == {"imported": 1, "refused": 2}


class TestRosterJourney(ImportTypeSuite):
    import_type = "students"

    def arrange(self) -> None:
        district = make_district()
        give_el(district.student(), "EL", identified_date=date(2015, 9, 1))
        give_ssid(district.another(), "9012345678")
        district.another(local_number="100236", grade="08")

    def content(self) -> str:
        return csv(
            JOSE | {"ssid": "9012345679", "el_status": "Exited EL", "el_exit_date": "2021-06-01"},
            ANA | {"ssid": "9012345670"},  # another SSID, nothing else new: refused
            ANA | {"local_number": "100236", "grade": "08"},  # as on record
            ANA | {"local_number": "200001", "school": "0000009", "ssid": "9012345671", "el_status": "EO"},
            JOSE | {"local_number": "200002", "enrollment_exit": "2024-12-20"},
            JOSE | {"local_number": "200002", "school": "0123457", "enrollment_start": "2025-01-06"},
            JOSE | {"local_number": "200003", "lea": "7654321", "school": "0000001"},
            JOSE | {"local_number": "200004", "birth_date": "2009-13-01"},
        )
