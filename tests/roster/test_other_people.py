"""A number that belongs to someone else on record: a column of the file was sorted separately, or is under another heading."""

import datetime as dt

import pytest

from sisimport.imports.models import Work
from students.models import Student
from tests.imports.evaluating import report_of
from tests.imports.journey import District, Report, make_district

pytestmark = pytest.mark.django_db
HEADER = "lea,school,local_number,last_name,first_name,birth_date,gender,grade"
PEOPLE = {
    "101": ("Peña", "Ana", "2014-02-03", "F", "06"),
    "102": ("Quist", "Ben", "2013-05-09", "M", "07"),
    "103": ("Quist", "Cleo", "2013-05-09", "F", "07"),
    "104": ("Rask", "Dana", "2012-11-30", "F", "08"),
}


@pytest.fixture
def district() -> District:
    made = make_district()
    for number, (last, first, born, gender, grade) in PEOPLE.items():
        made.student(local_number=number, last_name=last, first_name=first, middle_name="", gender=gender, grade=grade,
                     birth_date=dt.date.fromisoformat(born))  # fmt: skip
    return made


def roster(people: dict[str, tuple[str, ...]], **more: object) -> Report:
    lines = [",".join(("1234567", "0123456", number, *facts)) for number, facts in people.items()]
    return report_of("students", "\n".join([HEADER, *lines, ""]), **more)  # type: ignore[arg-type]


def said(report: Report) -> list[tuple[int, str, str]]:
    codes = {"STU-OTHER", "STU-MIXED", "STU-DOUBT", "NAME-EXCHANGED", "GRADE-LOWER"}
    return [(i["line"], i["code"], i["severity"]) for i in report.issues if i["code"] in codes]


def names() -> set[tuple[str, str, str]]:
    return set(Student.objects.values_list("local_number", "last_name", "first_name"))


def test_a_column_of_numbers_that_was_sorted_separately_changes_nobody(district: District) -> None:
    before, numbers = names(), [*PEOPLE]
    shifted = dict(zip([*numbers[1:], numbers[0]], PEOPLE.values(), strict=True))

    report = roster(shifted, work=Work.UPDATE)

    assert {(code, severity) for _line, code, severity in said(report) if code != "GRADE-LOWER"} == {
        ("STU-MIXED", "error")
    }
    assert (report.counts, names()) == ({"refused": 4}, before)


@pytest.mark.parametrize("written", ["OʻNeil", "O‛Neil", "Oʽneil", "O’NEIL", "O Neil", "ONeil"])
def test_any_sign_for_an_apostrophe_is_the_same_name(district: District, written: str) -> None:
    district.student(local_number="105", last_name="O'Neil", first_name="Eve", birth_date=dt.date(2012, 1, 30))

    report = roster({"105": (written, "Eve", "2012-01-30", "M", "10")})

    assert not {"NAME-CHANGED", "STU-OTHER", "STU-DOUBT"} & set(report.codes())


def test_twins_whose_numbers_were_exchanged_are_an_error(district: District) -> None:
    report = roster({"102": PEOPLE["103"], "103": PEOPLE["102"]}, work=Work.UPDATE)

    assert said(report) == [(2, "STU-MIXED", "error"), (3, "STU-MIXED", "error")]


def test_columns_of_names_under_each_others_heading_change_nobody(district: District) -> None:
    before = names()

    report = roster({number: (first, last, *rest) for number, (last, first, *rest) in PEOPLE.items()}, work=Work.UPDATE)

    assert [code for _line, code, _severity in said(report)] == ["NAME-EXCHANGED"] * 4
    assert names() == before


def test_a_number_of_somebody_else_is_an_error(district: District) -> None:
    report = roster({"104": ("Ibarra", "Eva", "2015-01-01", "F", "08")}, work=Work.UPDATE)

    assert said(report) == [(2, "STU-OTHER", "error")]
    assert report.changes == []


@pytest.mark.parametrize(
    "facts",
    [
        ("Rask", "Eva", "2012-01-01", "F", "08"),
        ("Ibarra", "Dana", "2012-01-01", "F", "08"),
        ("Ibarra", "Eva", "2012-11-30", "F", "08"),
    ],
)
def test_two_other_facts_of_three_are_a_warning(district: District, facts: tuple[str, ...]) -> None:
    report = roster({"104": facts}, work=Work.UPDATE)

    assert said(report) == [(2, "STU-DOUBT", "warning")]
    assert report.counts == {"imported": 1}


@pytest.mark.parametrize(
    "facts",
    [
        ("Rask-Ibarra", "Dana", "2012-11-30", "F", "08"),
        ("Ibarra", "Dana", "2012-11-30", "F", "08"),
        ("RASK", "Dan", "2012-11-03", "F", "08"),
        ("Rask", "Dana", "2012-11-29", "M", "09"),
    ],
)
def test_what_changes_in_the_life_of_one_person_is_written(district: District, facts: tuple[str, ...]) -> None:
    assert said(roster({"104": facts})) == []


@pytest.mark.parametrize(("at", "field", "name"), [(0, "last_name", "Ibarra"), (1, "first_name", "Eva")])
def test_another_name_alone_is_a_warning_with_both(district: District, at: int, field: str, name: str) -> None:
    facts = [*PEOPLE["104"]]
    old, facts[at] = facts[at], name
    report = roster({"104": tuple(facts)}, work=Work.UPDATE)

    (issue,) = report.issues
    assert (issue["code"], issue["severity"], issue["field"]) == ("NAME-CHANGED", "warning", field)
    assert f"{name}; on record it is {old}," in issue["message"]
    assert report.counts == {"imported": 1}


def test_a_longer_form_of_a_name_is_not_another_name(district: District) -> None:
    facts = {"104": ("Rask-Ibarra", *PEOPLE["104"][1:]), "101": ("PENA", "Ana Maria", *PEOPLE["101"][2:])}

    assert "NAME-CHANGED" not in roster(facts).codes()


def test_the_option_writes_such_lines_with_warnings(district: District) -> None:
    lines = {
        "102": PEOPLE["103"],
        "104": ("Ibarra", "Eva", "2015-01-01", "F", "08"),
        "101": ("Ana", "Peña", *PEOPLE["101"][2:]),
    }

    report = roster(lines, work=Work.UPDATE, options={"other_people": "write"})

    assert {severity for _line, _code, severity in said(report)} == {"warning"}
    assert {("104", "Ibarra", "Eva"), ("101", "Ana", "Peña")} <= names()


def test_a_list_of_last_year_is_reported_line_by_line(district: District) -> None:
    older = {number: (*facts[:4], f"{int(facts[4]) - 1:02}") for number, facts in PEOPLE.items()}

    assert said(roster(older)) == [(line, "GRADE-LOWER", "warning") for line in (2, 3, 4, 5)]


@pytest.mark.parametrize(
    ("record", "file", "lower"), [("KN", "TK", 1), ("01", "KN", 1), ("TK", "01", 0), ("UE", "01", 0), ("10", "AD", 0)]
)
def test_which_grade_is_below_another(district: District, record: str, file: str, lower: int) -> None:
    Student.objects.filter(local_number="104").update(grade=record)

    assert len(said(roster({"104": (*PEOPLE["104"][:4], file)}))) == lower


@pytest.mark.parametrize(("at", "what"), [(0, "last name"), (1, "first name"), (2, "birth date"), (3, "gender")])
def test_a_column_that_was_sorted_separately_refuses_the_file(district: District, at: int, what: str) -> None:
    people = _many(district)
    values = [facts[at] for facts in people.values()]
    other = dict(zip(people, [*values[1:], values[0]], strict=True))

    def roster_of(**more: object) -> Report:
        return roster({n: (*facts[:at], other[n], *facts[at + 1 :]) for n, facts in people.items()}, **more)

    report = roster_of()

    assert (report.run.status, [i["code"] for i in report.issues]) == ("rejected", ["COLUMN-SORTED"])
    assert f"would get a different {what}." in report.run.message
    assert roster_of(options={"other_people": "write"}).run.status == "completed"


def test_better_spellings_and_a_few_corrections_refuse_no_file(district: District) -> None:
    people = _many(district)
    better = {number: (facts[0].replace("e", "é"), *facts[1:]) for number, facts in people.items()}
    better["201"] = ("Another", *better["201"][1:])

    report = roster(better)

    assert (report.run.status, report.run.planned_count) == ("completed", 8)


def _many(district: District) -> dict[str, tuple[str, ...]]:
    """Eight more students on record, each with other facts than the next."""
    lasts, firsts = (
        ("Ade", "Bie", "Ceo", "Dew", "Eep", "Fex", "Gey", "Hez"),
        ("Ann", "Bob", "Cyd", "Dot", "Eve", "Fay", "Guy", "Hal"),
    )
    people: dict[str, tuple[str, ...]] = {
        f"{number}": (lasts[number - 201], firsts[number - 201], f"2013-0{number - 200}-11", "FM"[number % 2], "07")
        for number in range(201, 209)
    }
    for number, (last, first, born, gender, grade) in people.items():
        district.student(local_number=number, last_name=last, first_name=first, middle_name="", gender=gender, grade=grade,
                         birth_date=dt.date.fromisoformat(born))  # fmt: skip
    return people
