"""Columns that changed as a whole, and single facts that hardly ever change: nothing of it is written in silence."""

import datetime as dt

import pytest

from sisimport.imports.models import Work
from sisimport.imports.runs.returned_lines import plain_reasons
from students.models import LEA, ELRecord, Enrollment, School, Student
from tests.imports.evaluating import report_of
from tests.imports.journey import Report, make_district, run_file

pytestmark = pytest.mark.django_db
COLUMNS = ("lea", "school", "local_number", "last_name", "first_name", "birth_date", "gender", "birth_country", "home_language",
           "grade", "enrollment_start", "enrollment_exit", "el_status", "ethnicity")  # fmt: skip
TODAY = dt.datetime.now(tz=dt.UTC).date()
TERM = dt.date(TODAY.year - (TODAY.month < 7), 8, 1)  # the open stays of all began in this school year


@pytest.fixture
def people() -> list[dict[str, str]]:
    """Eight students on record, and the roster that says the same."""
    made = make_district()
    lines = []
    for at in range(8):
        facts = {
            "last_name": ("Ade", "Bie", "Ceo", "Dew", "Eep", "Fex", "Gey", "Hez")[at],
            "first_name": ("Ann", "Bob", "Cyd", "Dot", "Eve", "Fay", "Guy", "Hal")[at],
            "gender": "FM"[at % 2],
            "birth_country": ("US", "MX")[at % 2],
            "home_language": ("eng", "spa", "vie", "yue")[at % 4],
            "grade": f"{at % 4 + 4:02}",
            "ethnicity": f"{at % 4 + 1}00",
        }
        born, school = dt.date(TERM.year - 10 - at % 4, at + 1, 11), made.school if at % 2 else made.other_school
        student = Student.objects.create(
            lea=made.lea, school=school, local_number=f"20{at}", birth_date=born, legal_gender="", **facts
        )
        start = TERM + dt.timedelta(days=at)
        Enrollment.objects.create(student=student, school=school, grade=student.grade, start_date=start)
        ELRecord.objects.create(student=student, program_status=("EL", "Not EL", "EO", "Pending")[at % 4])
        status = ("EL", "IFEP", "EO", "TBD")[at % 4]
        lines.append(
            facts
            | {"lea": made.lea.code, "school": school.code, "local_number": f"20{at}", "birth_date": f"{born}"}
            | {"enrollment_start": f"{start}", "enrollment_exit": "", "el_status": status}
        )
    return lines


def roster(lines: list[dict[str, str]], **more: object) -> Report:
    return report_of("students", _text(lines), **more)  # type: ignore[arg-type]


def _text(lines: list[dict[str, str]]) -> str:
    rows = [",".join(line[name] for name in COLUMNS) for line in lines]
    return "\n".join([",".join(COLUMNS), *rows, ""])


def filled(lines: list[dict[str, str]], column: str, value: str) -> list[dict[str, str]]:
    return [line | {column: value} for line in lines]


def test_a_roster_that_says_what_is_on_record_says_nothing(people: list[dict[str, str]]) -> None:
    report = roster(people)

    assert (report.issues, report.run.unchanged_count) == ([], 8)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        *[("home_language", "tgl"), ("ethnicity", "700"), ("birth_country", "PH")],
        *[("grade", "11"), ("el_status", "RFEP")],
    ],
)
def test_a_column_that_was_filled_down_is_a_warning_with_its_value(
    people: list[dict[str, str]], column: str, value: str
) -> None:
    report = roster(filled(people, column, value))

    (said,) = [issue for issue in report.issues if issue["code"] == "COLUMN-OTHER"]
    assert (said["severity"], said["field"], said["line"]) == ("warning", column, 0)
    assert "8 of 8 students on record would get a different" in said["message"]
    assert f"nearly all of them {'Exited EL' if value == 'RFEP' else value}" in said["message"]


@pytest.mark.parametrize("column", ["last_name", "first_name", "birth_date", "gender"])
def test_a_name_birth_date_or_gender_that_was_filled_down_refuses_the_file(
    people: list[dict[str, str]], column: str
) -> None:
    value = "X" if column == "gender" else people[0][column]
    assert roster(filled(people, column, value)).run.status == "rejected"


def test_one_school_for_the_students_of_several_is_a_warning(people: list[dict[str, str]]) -> None:
    lines = [*people[:2], *(line | {"school": "0123458"} for line in people[2:])]

    (said,) = [issue for issue in roster(lines).issues if issue["code"] == "COLUMN-OTHER"]
    assert "6 of 8 students on record would get a different school, nearly all of them 0123458" in said["message"]


def test_a_sorted_column_of_languages_is_a_warning_without_a_value(people: list[dict[str, str]]) -> None:
    values = sorted(line["home_language"] for line in people)
    lines = [line | {"home_language": value} for line, value in zip(people, values, strict=True)]

    (said,) = [issue for issue in roster(lines).issues if issue["code"] == "COLUMN-OTHER"]
    assert "would get a different home language. The" in said["message"]


def test_a_column_that_many_have_blank_is_judged_by_the_others(people: list[dict[str, str]]) -> None:
    for line in people[:6]:
        Student.objects.filter(local_number=line["local_number"]).update(alias_last_name="Lund", middle_name="Ida")
    text = _text(people).splitlines()
    middle = [f"{line},{name}" for line, name in zip(text, ["middle_name", *["Rosa"] * 8], strict=True)]

    (said,) = report_of("students", "\n".join([*middle, ""])).issues
    assert (said["code"], said["field"]) == ("COLUMN-OTHER", "middle_name")
    assert "6 of 6 students on record would get a different middle name" in said["message"]


def test_a_second_school_on_record_is_not_another_school(people: list[dict[str, str]]) -> None:
    second = School.objects.create(lea=LEA.objects.get(), code="0123458", name="Third")
    for student in Student.objects.all():
        Enrollment.objects.create(student=student, school=second, start_date=TERM)
    report = roster([line | {"school": "0123458"} for line in people])

    assert "COLUMN-OTHER" not in report.codes()


def test_the_next_grade_for_everybody_is_what_a_new_year_brings(people: list[dict[str, str]]) -> None:
    report = roster([line | {"grade": f"{int(line['grade']) + 1:02}"} for line in people])

    assert (report.issues, report.run.planned_count) == ([], 8)


def test_one_exit_date_for_all_who_are_enrolled_is_a_warning(people: list[dict[str, str]]) -> None:
    day = TERM + dt.timedelta(days=30)
    (said,) = roster(filled(people, "enrollment_exit", f"{day}")).issues

    assert (said["code"], said["severity"], said["field"]) == ("COLUMN-DAY", "warning", "enrollment_exit")
    assert f"{day}, but on record 8 of these 8" in said["message"]


def test_one_start_date_beside_the_stays_of_that_year_is_a_warning(people: list[dict[str, str]]) -> None:
    day = TERM + dt.timedelta(days=40)
    codes = [i["code"] for i in roster(filled(people, "enrollment_start", f"{day}")).issues]

    assert codes == ["COLUMN-DAY", *["ENR-OVERLAP"] * 8]


def test_the_first_day_of_the_next_school_year_is_not_a_filled_column(people: list[dict[str, str]]) -> None:
    day = TERM.replace(year=TERM.year + 1)
    assert roster(filled(people, "enrollment_start", f"{day}")).issues == []


def test_one_birth_date_for_all_new_students_is_a_warning() -> None:
    make_district()
    names = [(f"Ade{one}{two}", f"Ann{two}{one}") for one in "abcde" for two in "fghi"]
    rows = [f"1234567,0123456,{300 + at},{last},{first},2014-05-06" for at, (last, first) in enumerate(names)]
    report = report_of("students", "\n".join(["lea,school,local_number,last_name,first_name,birth_date", *rows, ""]))

    assert [(i["code"], i["severity"]) for i in report.issues] == [("COLUMN-BORN", "warning")]


@pytest.mark.parametrize(
    ("column", "given"),
    [("last_name", "{:.2}"), ("first_name", "{:.2}"), ("first_name", "{:.1}"), ("last_name", "{0} {0}")],
)
def test_names_that_were_cut_off_or_doubled_in_nearly_all_lines_refuse_the_file(
    people: list[dict[str, str]], column: str, given: str
) -> None:
    rows = [person | {column: given.format(person[column])} for person in people]

    report = roster(rows)

    assert (report.run.status, [i["code"] for i in report.issues]) == ("rejected", ["COLUMN-SORTED"])
    assert not Student.objects.exclude(**{f"{column}__in": [person[column] for person in people]}).exists()


@pytest.mark.parametrize(
    ("given", "told"),
    [("De", ["NAME-PART"]), ("Dew Dew", ["NAME-PART"]), ("D", ["NAME-INITIAL"]), ("Dew Lee", []), ("Dewey", [])],
)
def test_one_name_that_was_cut_off_or_doubled_is_a_warning(
    people: list[dict[str, str]], given: str, told: list[str]
) -> None:
    """A second surname, or a longer name, is neither."""
    report = roster([*people[:3], people[3] | {"last_name": given}, *people[4:]])

    assert [(i["line"], i["code"], i["severity"]) for i in report.issues] == [(5, code, "warning") for code in told]


def test_a_name_cut_off_between_its_words_may_be_the_one_that_is_used(people: list[dict[str, str]]) -> None:
    Student.objects.filter(local_number="203").update(last_name="Dew Lee")

    assert roster(people).issues == []


@pytest.mark.parametrize(("column", "value"), [("birth_date", "2001-01-30"), ("gender", "X")])
def test_a_single_changed_fact_is_a_warning_with_both_values(
    people: list[dict[str, str]], column: str, value: str
) -> None:
    old = people[3][column]
    report = roster([*people[:3], people[3] | {column: value, "grade": "AD"}, *people[4:]], work=Work.UPDATE)

    (said,) = [issue for issue in report.issues if issue["code"] == "FACT-CHANGED"]
    assert (said["line"], said["severity"], said["field"]) == (5, "warning", column)
    assert f"{value}; on record it is {old}." in said["message"]
    assert str(Student.objects.values_list(column, flat=True).get(local_number="203")) == value


def test_a_line_set_aside_by_the_update_does_not_say_that_its_value_is_written(people: list[dict[str, str]]) -> None:
    """The Test said so before anybody knew; other lines still say it."""
    rows = [person | {"gender": "X", "grade": "AD"} if n in (2, 3) else person for n, person in enumerate(people)]
    test = run_file("students", _text(rows))
    Student.objects.filter(local_number=people[3]["local_number"]).update(last_name="Edited")

    update = run_file("students", b"", Work.UPDATE, test_run=test.run)

    said = {i["line"]: i["message"] for i in update.issues if i["code"] == "FACT-CHANGED"}
    assert "The value in the file is written." in said[4]
    assert "is written" not in said[5]
    assert [i["line"] for i in update.issues if i["code"] == "CHANGED-SINCE-TEST"] == [5]
    reasons = plain_reasons(update.run)([4, 5])
    assert "is written" in reasons[4]
    assert "is written" not in reasons[5]


def test_a_gender_where_none_was_on_record_is_not_a_change(people: list[dict[str, str]]) -> None:
    Student.objects.filter(local_number="203").update(gender="")

    assert roster(people).issues == []


@pytest.mark.combinations
@pytest.mark.parametrize("column", ["middle_name", "alias_first_name", "suffix", "legal_last_name", "ethnicity"])
@pytest.mark.parametrize("word", ["NULL,", "N/A;", ",null"])
def test_a_word_that_means_blank_with_a_separator_takes_no_value(column: str, word: str) -> None:
    made = make_district()
    made.student(**{column: {"suffix": "Jr"}.get(column, "Luis")})
    header = f"lea,school,local_number,last_name,first_name,birth_date,{column}"
    line = f'1234567,0123456,100234,García-López,José,2009-02-14,"{word}"'

    report = report_of("students", f"{header}\n{line}\n", work=Work.UPDATE)

    assert Student.objects.values_list(column, flat=True).get() == {"suffix": "Jr"}.get(column, "Luis")
    assert report.issues


def test_d13_the_code_of_another_district_makes_no_second_record_of_students(people: list[dict[str, str]]) -> None:
    report = roster([line | {"lea": "7654321"} for line in people], work=Work.UPDATE)

    assert [i["code"] for i in report.issues if i["severity"] == "error"] == ["STU-ALIKE"] * 8
    assert "of district 1234567" in report.issues[-1]["message"] + report.issues[1]["message"]
    assert Student.objects.count() == 8


def test_d13_who_moved_to_a_district_on_record_is_a_new_student_there(people: list[dict[str, str]]) -> None:
    LEA.objects.create(code="7654321")
    moved = people[0] | {"lea": "7654321", "local_number": "991"}
    report = roster([*people, moved], work=Work.UPDATE)

    assert "STU-ALIKE" not in report.codes()
    assert Student.objects.filter(local_number="991").exists()


def test_district_and_school_under_each_others_heading_are_errors(people: list[dict[str, str]]) -> None:
    report = roster([line | {"lea": line["school"], "school": line["lea"]} for line in people], work=Work.UPDATE)

    assert [i["code"] for i in report.issues if i["severity"] == "error"] == ["SCHOOL-LEA"] * 8
    assert report.changes == []


@pytest.mark.parametrize("column", ["lea", "school"])
def test_codes_that_go_up_line_by_line_refuse_the_file(column: str) -> None:
    header = "lea,school,local_number,last_name,first_name,birth_date"
    rows = [
        [
            f"{1234567 + (column == 'lea') * at}",
            f"{223456 + (column == 'school') * at:07}",
            f"{300 + at}",
            f"Ade{at}",
            "Ann",
        ]
        for at in range(6)
    ]
    content = "\n".join([header, *(",".join([*row, f"201{at}-05-06"]) for at, row in enumerate(rows)), ""])

    report = report_of("students", content)

    assert (report.run.status, report.issues[0]["code"]) == ("rejected", "PLACES-MANY")
    assert report_of("students", content, options={"other_people": "write"}).run.status == "completed"


def test_schools_that_change_for_four_in_ten_without_a_new_grade_are_a_warning(people: list[dict[str, str]]) -> None:
    """Of two schools half of the students stay by chance."""
    twelve = [
        *people,
        *(line | {"local_number": f"21{at}", "birth_date": f"201{at}-01-02"} for at, line in enumerate(people[:4])),
    ]
    report_of("students", _text(twelve), Work.UPDATE, options={"new_students": "yes"})
    lines = [line | {"school": "0123456"} for line in twelve]

    (said,) = [issue for issue in roster(lines).issues if issue["code"] == "COLUMN-OTHER"]
    assert "6 of 12 students on record would get a different school, nearly all of them 0123456" in said["message"]


def test_a_new_year_with_new_grades_and_schools_is_not_a_filled_column(people: list[dict[str, str]]) -> None:
    lines = [line | {"school": "0123458", "grade": f"{int(line['grade']) + 1:02}"} for line in people]

    assert "COLUMN-OTHER" not in [i["code"] for i in roster(lines).issues]
