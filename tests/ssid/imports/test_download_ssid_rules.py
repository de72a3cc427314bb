"""SSID download file: whose record a line is, and whether its SSID may be given (rules ID-1 to ID-8, D-1 to D-13, section 10)."""

from datetime import date

import pytest
from django.db import IntegrityError, transaction

from sisimport.imports.definition.student_issue_codes import SSID_CAUSES
from students.models import LEA, SSID, Enrollment, School, SSIDReplacement, Student
from students.models.identifiers import mask_ssid
from tests.files.samples import line
from tests.imports.evaluating import report_of
from tests.imports.journey import District, give_el, give_ssid, merge_ssids, run_file
from tests.ssid.downloads import download, update


def current_ssid(student: Student) -> str | None:
    return student.ssids.filter(retired_at=None).values_list("ssid", flat=True).first()


# ---- the SSID itself ----


@pytest.mark.parametrize("ssid", ["9012345678", "0012345678", "1111111111", "9999999999"])
def test_id1_id2_any_ten_digits_are_an_ssid(district: District, ssid: str) -> None:
    student = district.student()
    report = update(line(ssid=ssid))
    assert report.codes() == []
    assert current_ssid(student) == ssid


@pytest.mark.parametrize(
    ("ssid", "cause"),
    [
        ("901234567", "short"),
        ("1", "short"),
        ("90123456789", "long"),
        ("1.23457E+09", "spreadsheet"),
        ("9.01235e+9", "spreadsheet"),
        ("9E+09", "spreadsheet"),
        ("901234567X", "characters"),
        ("90-1234567", "characters"),
        ("٩٠١٢٣٤٥٦٧٨", "characters"),
        ("", "blank"),
    ],
)
def test_id3_d6_what_is_not_an_ssid_is_refused_with_its_likely_cause(district: District, ssid: str, cause: str) -> None:
    student = district.student()
    report = update(line(ssid=ssid, elas="", elas_date="", language=""))
    issue = report.issue("SSID-FORMAT")
    assert (issue["severity"], issue["field"], issue["found"]) == ("error", "ssid", ssid)
    assert issue["message"].endswith(SSID_CAUSES[cause])
    assert current_ssid(student) is None


def test_id4_the_students_own_local_number_is_not_an_ssid(district: District) -> None:
    student = district.student(local_number="9012345678")
    report = update(line(ssid="9012345678", local_number="9012345678"))
    assert "own local number" in report.issue("SSID-FORMAT")["message"]
    assert current_ssid(student) is None


def test_id5_one_ssid_belongs_to_one_student(district: District) -> None:
    give_ssid(district.student(), "9012345678")
    with pytest.raises(IntegrityError, match="ssid_belongs_to_one_student"), transaction.atomic():
        give_ssid(district.another(), "9012345678")


def test_id5_a_student_has_one_current_ssid(district: District) -> None:
    student = district.student()
    give_ssid(student, "9012345678")
    with pytest.raises(IntegrityError, match="student_has_one_current_ssid"), transaction.atomic():
        give_ssid(student, "9012345679")


def test_id6_screens_mask_an_ssid() -> None:
    assert mask_ssid("9012345678") == "90•• ••• 678"
    assert str(SSID(ssid="9012345678")) == "90•• ••• 678"


def test_id7_a_preschool_child_may_have_an_ssid(district: District) -> None:
    student = district.student(grade="PS")
    report = update(line(grade="PS", elas="", elas_date="", language=""))
    assert report.codes() == []
    assert current_ssid(student) == "9012345678"


@pytest.mark.parametrize(("ssid", "codes"), [("1234567", []), ("1", []), ("12345678901", ["SSID-FORMAT"])])
def test_id8_a_utah_ssid_has_one_to_ten_digits(db: None, ssid: str, codes: list[str]) -> None:
    School.objects.create(lea=LEA.objects.create(code="0000001", state="UT"), code="0000101")
    report = report_of(
        "students",
        "lea,school,local_number,ssid,last_name,first_name,birth_date\n"
        f"0000001,0000101,77,{ssid},Young,Zoë,2015-03-01\n",
        name="utah.csv",
    )
    assert report.codes() == codes


# ---- D-1, D-2: finding the student ----


def test_d1_an_unknown_local_number_is_refused(district: District) -> None:
    report = download(line(local_number="999"))
    assert (report.codes(), report.counts) == (["STU-NOTFOUND"], {"refused": 1})
    assert report.issue("STU-NOTFOUND")["found"] == "999"


def test_d2_a_local_number_on_students_of_several_districts_is_ambiguous(district: District) -> None:
    district.student()
    second = LEA.objects.create(code="7654321")
    district.student(lea=second, school=None)
    report = download(line(), line(lea="1111111", ssid="9012345679"))
    issue = report.issue("STU-AMBIGUOUS")
    assert (issue["line"], issue["severity"]) == (2, "error")
    assert "1234567" in issue["message"]
    assert "7654321" in issue["message"]


def test_d2_an_unknown_district_does_not_matter_when_one_student_has_the_number(district: District) -> None:
    student = district.student()
    district.another()
    report = update(line(lea="1111111"), line(local_number="100235", ssid=""))
    assert "ENR-LEA" in report.codes(1)
    assert current_ssid(student) == "9012345678"


# ---- D-3 to D-5: names, birth date, gender ----


@pytest.mark.parametrize(
    ("field", "value"), [("last_name", "Gómez"), ("first_name", "Pepe"), ("middle_name", "Mario"), ("middle_name", "")]
)
def test_d3_a_differing_name_is_refused_naming_field_and_both_values(
    district: District, field: str, value: str
) -> None:
    student = district.student()
    report = update(line(**{field: value}))
    issue = report.issue("DEMO-MISMATCH")
    assert (issue["severity"], issue["field"], issue["found"]) == ("error", field, value)
    assert issue["expected"] == getattr(student, field)
    assert current_ssid(student) is None


def test_d3_a_missing_middle_name_on_record_differs_too(district: District) -> None:
    district.student(middle_name="")
    assert download(line()).issue("DEMO-MISMATCH")["field"] == "middle_name"


def test_d3_the_legal_name_counts_where_one_is_recorded(district: District) -> None:
    student = district.student(
        first_name="Pepe",
        middle_name="",
        legal_last_name="García-López",
        legal_first_name="José",
        legal_middle_name="Luis",
    )
    assert update(line()).codes() == []
    assert current_ssid(student) == "9012345678"


def test_d3_the_everyday_name_does_not_count_beside_a_legal_one(district: District) -> None:
    district.student(legal_first_name="Josefina", legal_last_name="García-López", legal_middle_name="Luis")
    assert download(line()).issue("DEMO-MISMATCH")["expected"] == "Josefina"


def test_d3_a_legal_first_name_alone_goes_with_the_everyday_last_name(district: District) -> None:
    district.student(first_name="Pepe", middle_name="", legal_first_name="José", legal_middle_name="Luis")
    assert download(line()).codes() == []


def test_d4_a_differing_birth_date_is_refused(district: District) -> None:
    district.student()
    issue = download(line(birth_date="20090215")).issue("DEMO-MISMATCH")
    assert (issue["field"], issue["found"], issue["expected"]) == ("birth_date", "2009-02-15", "2009-02-14")


def test_d4_swapped_day_and_month_are_hinted_at(district: District) -> None:
    district.student(birth_date=date(2009, 2, 11))
    assert "swapped" in download(line(birth_date="20091102")).issue("DEMO-MISMATCH")["message"]


def test_d4_no_swap_is_hinted_at_where_there_is_none(district: District) -> None:
    district.student()
    assert "swapped" not in download(line(birth_date="20090314")).issue("DEMO-MISMATCH")["message"]


def test_d5_a_differing_gender_is_refused(district: District) -> None:
    district.student()
    issue = download(line(gender="F")).issue("DEMO-MISMATCH")
    assert (issue["field"], issue["found"], issue["expected"]) == ("gender", "F", "M")


@pytest.mark.parametrize(
    ("gender", "legal", "in_file", "fits"),
    [
        ("X", "M", "M", True),
        ("X", "F", "F", True),
        ("X", "M", "X", True),
        ("X", "M", "F", False),
        ("X", "", "X", True),
        ("X", "", "M", False),
        ("F", "M", "M", True),
        ("F", "M", "F", False),
        ("M", "X", "X", True),
        ("M", "X", "M", False),
    ],
)
def test_d5_section_10_the_legal_gender_counts_and_x_fits_a_student_who_is_x(
    district: District, gender: str, legal: str, in_file: str, fits: bool
) -> None:
    district.student(gender=gender, legal_gender=legal)
    assert download(line(gender=in_file)).codes() == ([] if fits else ["DEMO-MISMATCH"])


def test_w8_every_difference_of_a_line_is_reported(district: District) -> None:
    district.student()
    report = download(line(last_name="Gómez", birth_date="20100101", gender="F"))
    assert sorted(i["field"] for i in report.issues) == ["birth_date", "gender", "last_name"]
    assert report.counts == {"refused": 1}


# ---- D-7 to D-10: may this SSID be given ----


def test_d7_an_ssid_of_another_student_is_refused_naming_them(district: District) -> None:
    student = district.student()
    give_ssid(district.another(), "9012345678")
    report = update(line())
    issue = report.issue("SSID-TAKEN")
    assert (issue["severity"], issue["found"]) == ("error", "9012345678")
    assert "100235" in issue["message"]
    assert current_ssid(student) is None


def test_d7_a_retired_ssid_of_another_student_is_taken_too(district: District) -> None:
    district.student()
    give_ssid(district.another(), "9012345678", retired_at="2024-01-01T00:00Z")
    assert download(line()).codes() == ["SSID-TAKEN"]


def test_d7_the_other_student_is_not_named_to_somebody_of_another_school(district: District) -> None:
    from sisimport.imports.runs.report import issues_json

    district.student()
    give_ssid(district.another(school=district.other_school), "9012345678")
    report = run_file("ssid-download", line(), schools=[district.school.pk])
    (issue,) = issues_json(report.run, schools={district.school.pk})
    assert issue["code"] == "SSID-TAKEN"
    assert "100235" not in str(issue)


def test_d8_an_ssid_that_is_there_already_is_a_notice_and_no_change(district: District) -> None:
    student = district.student()
    give_el(student, "EL", identified_date=date(2015, 9, 1))
    give_ssid(student, "9012345678")
    report = update(line())
    assert report.issue("SSID-PRESENT")["severity"] == "notice"
    assert (report.changes, report.counts) == ([], {"unchanged": 1})


def test_d8_w10_the_el_part_continues_where_the_ssid_is_there_already(district: District) -> None:
    student = district.student()
    give_ssid(student, "9012345678")
    report = update(line())
    assert report.codes() == ["SSID-PRESENT"]
    assert student.el.program_status == "EL"
    assert report.counts == {"imported": 1}


def test_d9_a_different_ssid_is_never_overwritten(district: District) -> None:
    student = district.student()
    give_ssid(student, "9012345600")
    report = update(line())
    issue = report.issue("SSID-CONFLICT")
    assert (issue["severity"], issue["found"], issue["expected"]) == ("error", "9012345678", "9012345600")
    assert current_ssid(student) == "9012345600"


def test_d9_a_former_ssid_of_the_student_is_not_made_current_again(district: District) -> None:
    student = district.student()
    give_ssid(student, "9012345678", retired_at="2024-01-01T00:00Z")
    assert update(line()).codes() == ["SSID-FORMER"]
    assert current_ssid(student) is None


def test_d9_a_former_ssid_is_reported_as_that_and_not_as_a_conflict(district: District) -> None:
    student = district.student()
    give_ssid(student, "9012345600")
    give_ssid(student, "9012345678", retired_at="2024-01-01T00:00Z")

    report = update(line())

    assert report.codes() == ["SSID-FORMER"]
    message = report.issue("SSID-FORMER")["message"]
    assert "former number of this student" in message
    assert "9012345600" in message
    assert current_ssid(student) == "9012345600"


def test_d10_a_former_ssid_is_not_written_for_a_merge_either(district: District) -> None:
    student = district.student()
    give_ssid(student, "9012345600")
    give_ssid(student, "9012345678", retired_at="2024-01-01T00:00Z")
    merge_ssids("9012345600", "9012345678")

    assert update(line(), options={"replace_retired": "1"}).codes() == ["SSID-FORMER"]
    assert current_ssid(student) == "9012345600"


def test_d12_a_charter_that_reports_under_its_own_code_is_not_a_foreign_district(district: District) -> None:
    student = district.student()

    report = update(line(lea="0123456"))

    notice = report.issue("LEA-CHARTER")
    assert (notice["severity"], notice["found"], notice["expected"]) == ("notice", "0123456", "1234567")
    assert "ENR-LEA" not in report.codes()
    assert current_ssid(student) == "9012345678"


def test_d12_a_code_of_schools_in_two_districts_names_neither(district: District) -> None:
    district.student()
    School.objects.create(lea=LEA.objects.create(code="1111111"), code="0123456", name="Other")

    report = download(line(lea="0123456"))

    assert "neither a district on record nor a charter school" in report.run.message


def test_d10_a_retired_ssid_waits_for_confirmation(district: District) -> None:
    student = district.student()
    give_ssid(student, "9012345600")
    merge_ssids("9012345600", "9012345678")
    report = update(line())
    assert report.issue("SSID-RETIRED")["severity"] == "error"
    assert current_ssid(student) == "9012345600"


def test_d10_a_confirmed_replacement_is_written_and_the_old_ssid_kept(district: District) -> None:
    student = district.student()
    give_ssid(student, "9012345600")
    merge_ssids("9012345600", "9012345678")
    report = update(line(), options={"replace_retired": "1"})
    assert report.issue("SSID-REPLACED")["severity"] == "warning"
    assert current_ssid(student) == "9012345678"
    assert student.ssids.get(ssid="9012345600").retired_at is not None


def test_d10_confirming_replaces_only_what_the_state_merged(district: District) -> None:
    student = district.student()
    give_ssid(student, "9012345600")
    merge_ssids("9012345600", "9012345699")
    report = update(line(), options={"replace_retired": "1"})
    assert report.codes() == ["SSID-CONFLICT"]
    assert current_ssid(student) == "9012345600"


@pytest.mark.parametrize("chosen", ["", "1"])
def test_d10_a_replacement_that_another_student_holds_is_taken(district: District, chosen: str) -> None:
    student = district.student()
    give_ssid(student, "9012345600")
    give_ssid(district.another(), "9012345678")
    merge_ssids("9012345600", "9012345678")
    assert update(line(), options={"replace_retired": chosen}).codes() == ["SSID-TAKEN"]
    assert current_ssid(student) == "9012345600"


def test_d10_a_replacement_of_another_state_does_not_count(district: District) -> None:
    give_ssid(district.student(), "9012345600")
    SSIDReplacement.objects.create(state="UT", retired_ssid="9012345600", replacement_ssid="9012345678")
    assert download(line()).codes() == ["SSID-CONFLICT"]


def test_a_new_ssid_remembers_where_it_came_from(district: District) -> None:
    student = district.student()
    report = update("", line())
    ssid = student.ssids.get()
    assert (ssid.origin, ssid.origin_run, ssid.origin_line, ssid.verified) == ("state_file", report.run.pk, 2, True)


# ---- D-11: twice in the file ----


def test_d11_equal_lines_are_imported_once_with_a_warning(district: District) -> None:
    student = district.student()
    report = update(line(), line())
    issue = report.issue("DUP-SAME")
    assert (issue["line"], issue["severity"]) == (2, "warning")
    assert report.counts == {"imported": 1, "unchanged": 1}
    assert current_ssid(student) == "9012345678"


def test_d11_lines_that_differ_in_school_only_are_equal(district: District) -> None:
    district.student()
    report = download(line(), line(school="0123457", grade="11", enrollment_start="20250101"))
    assert "DUP-SAME" in report.codes(2)
    assert report.counts == {"imported": 1, "unchanged": 1}


def test_d11_differing_lines_of_one_local_number_are_all_refused(district: District) -> None:
    student = district.student()
    report = update(line(), line(ssid="9012345679"))
    assert [(i["line"], i["code"], i["severity"]) for i in report.issues] == [
        (1, "DUP-DIFFERS", "error"),
        (2, "DUP-DIFFERS", "error"),
    ]
    assert report.counts == {"refused": 2}
    assert current_ssid(student) is None


def test_d11_an_ssid_for_two_students_is_given_to_neither(district: District) -> None:
    first, second = district.student(), district.another()
    report = update(
        line(),
        line(
            local_number="100235", last_name="O'Neil", first_name="Ana", middle_name="", gender="F", birth_date="20120630",
            language="eng", elas="EO", elas_date="",
        ),
    )  # fmt: skip
    assert report.codes() == ["DUP-DIFFERS", "DUP-DIFFERS"]
    assert (current_ssid(first), current_ssid(second)) == (None, None)


def test_d11_w11_an_ssid_for_two_students_leaves_their_el_part_free(district: District) -> None:
    first, second = district.student(), district.another()
    report = update(
        line(),
        line(
            local_number="100235", last_name="O'Neil", first_name="Ana", middle_name="", gender="F", birth_date="20120630",
            language="eng", elas="EO", elas_date="",
        ),
    )  # fmt: skip
    assert (first.el.program_status, second.el.program_status) == ("EL", "EO")
    assert report.counts == {"imported": 2}


# ---- D-12: where ----


def test_d12_an_unknown_district_is_a_warning(district: District) -> None:
    student = district.student()
    district.another()
    report = update(line(lea="1111111"), line(local_number="100235", ssid="9012345679"))
    assert report.issue("ENR-LEA")["severity"] == "warning"
    assert current_ssid(student) == "9012345678"


def test_d12_an_unknown_school_is_a_warning(district: District) -> None:
    student = district.student()
    report = update(line(school="0999999"))
    assert report.issue("ENR-SCHOOL")["severity"] == "warning"
    assert current_ssid(student) == "9012345678"


def test_d12_a_student_who_is_not_enrolled_there_is_a_warning(district: District) -> None:
    student = district.student()
    report = update(line(school="0123457"))
    assert report.issue("ENR-OTHER")["severity"] == "warning"
    assert current_ssid(student) == "9012345678"


def test_d12_a_second_enrollment_counts_as_enrolled(district: District) -> None:
    student = district.student()
    Enrollment.objects.create(student=student, school=district.other_school, start_date=date(2025, 1, 6))
    assert download(line(school="0123457")).codes() == []


def test_d12_a_student_without_a_school_is_enrolled_nowhere(district: District) -> None:
    district.student(school=None)
    assert download(line()).codes() == ["ENR-OTHER"]
