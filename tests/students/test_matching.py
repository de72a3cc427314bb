"""How alike two identities are (rule D-13 and the match desk): kinds of difference, and what is never accepted by the many."""

import datetime as dt
from dataclasses import replace

import pytest

from students.matching.candidates import find_candidates
from students.matching.scores import DEFAULT_THRESHOLD, Identity, compare, fold, safe_best
from students.models import LEA, School, Student

EVA = Identity(
    last_name="García-López",
    first_name="José",
    middle_name="Luis",
    birth_date=dt.date(2009, 2, 4),
    gender="M",
    local_number="100234",
)


@pytest.mark.parametrize(
    ("field", "given", "kind"),
    [
        ("last_name", "GARCÍA-LÓPEZ", "case"),
        ("last_name", "Garcia-Lopez", "accents, hyphen, apostrophe, period or spaces"),
        ("last_name", "García López", "accents, hyphen, apostrophe, period or spaces"),
        ("last_name", "García-López Jr.", "suffix"),
        ("last_name", "García", "part of a compound name"),
        ("last_name", "Garcío-López", "one letter"),
        ("first_name", "José Luis", "middle name in the first name field"),
        ("first_name", "José L", "middle name in the first name field"),
        ("first_name", "Pepe", "nickname"),
        ("first_name", "Jose", "accents, hyphen, apostrophe, period or spaces"),
        ("birth_date", dt.date(2009, 4, 2), "day and month swapped"),
        ("birth_date", dt.date(2009, 2, 14), "one digit, or two neighbors swapped"),
        ("birth_date", dt.date(2008, 2, 4), "one digit, or two neighbors swapped"),
        ("birth_date", dt.date(1996, 2, 4), "year"),
        ("local_number", "100243", "one digit, or two neighbors swapped"),
        ("local_number", "0100234", "leading zeros"),
        ("middle_name", "L.", "initial"),
        ("gender", "F", "differs"),
    ],
)
def test_d13_the_kind_of_difference_is_named(field: str, given: object, kind: str) -> None:
    found = compare(replace(EVA, **{field: given}), EVA).of(field)

    assert found is not None
    assert found.kind == kind


@pytest.mark.parametrize(
    ("near", "far"),
    [
        (dt.date(2009, 4, 15), dt.date(2011, 3, 27)),
        (dt.date(2011, 3, 27), dt.date(2017, 11, 30)),
        (dt.date(2010, 2, 4), dt.date(2015, 2, 4)),
        (dt.date(2009, 2, 5), dt.date(1999, 2, 4)),
    ],
)
def test_the_farther_the_birth_dates_are_apart_the_lower_is_the_score(near: dt.date, far: dt.date) -> None:
    scores = [compare(replace(EVA, birth_date=day), EVA) for day in (EVA.birth_date, near, far)]

    births = [found.of("birth_date").score for found in scores]  # type: ignore[union-attr]
    totals = [found.total for found in scores]
    assert births == sorted(births, reverse=True)
    assert len(set(births)) == len(set(totals)) == 3
    assert totals == sorted(totals, reverse=True)


def test_dates_ten_years_apart_have_nothing_in_common() -> None:
    found = compare(replace(EVA, birth_date=dt.date(2019, 9, 27)), EVA).of("birth_date")

    assert (found.score, found.kind) == (0.0, "differs")  # type: ignore[union-attr]


def test_a_slip_of_one_digit_contradicts_nothing_whatever_the_distance() -> None:
    assert not compare(replace(EVA, birth_date=dt.date(2019, 2, 4)), EVA).contradicts


def test_birth_country_and_state_count_where_both_sides_have_them() -> None:
    born = replace(EVA, birth_country="US", birth_state="US-CA")

    assert (
        compare(EVA, born).total
        == compare(born, EVA).total
        == compare(born, replace(born, birth_state="CA")).total
        == 100.0
    )
    elsewhere = [replace(born, birth_country="MX"), replace(born, birth_state="NV")]
    totals = [compare(given, born).total for given in elsewhere]
    assert all(total < 100.0 for total in totals)
    assert compare(replace(born, birth_country="MX", birth_state="NV"), born).total < min(totals)
    assert compare(EVA, born).of("birth_state") is None


def test_equal_identities_score_one_hundred() -> None:
    assert compare(EVA, EVA).total == 100.0


def test_names_in_each_others_field_are_recognised() -> None:
    swapped = replace(EVA, last_name=EVA.first_name, first_name=EVA.last_name)

    found = compare(swapped, EVA).of("first_name")

    assert found is not None
    assert found.kind == "first and last name swapped"


def test_another_name_of_the_student_counts() -> None:
    student = replace(EVA, other_first_names=("Nicky",))

    found = compare(replace(EVA, first_name="Nicky"), student).of("first_name")

    assert found is not None
    assert (found.score, found.kind) == (96.0, "another name of the student")


_NAMES = [
    "Nguyễn",
    "O'Neil",
    "De La Cruz",
    "Søren-Marie",
    "Łukasz",
    "D’Asia",
    "St. John",
    "OʻNeil",
    "Sa‛id",
    "Kaʿana",
    "O′Neil",
]


@pytest.mark.parametrize("name", _NAMES)
@pytest.mark.django_db
def test_names_fold_as_the_database_folds_them(name: str) -> None:
    lea = LEA.objects.create(code="1234567")
    Student.objects.create(lea=lea, local_number="1", last_name=name, first_name="A", birth_date="2011-03-04")

    assert Student.objects.extra(where=["sis_loose(match_last_name) = %s"], params=[fold(name)]).exists()


def test_a_near_match_alone_may_be_accepted_with_others() -> None:
    comparisons = [compare(replace(EVA, last_name="Garcia Lopez"), EVA)]

    assert safe_best(comparisons, threshold=DEFAULT_THRESHOLD) == 0


def test_nothing_below_the_threshold_is_accepted() -> None:
    comparisons = [compare(replace(EVA, last_name="Garcia Lopez"), EVA)]

    assert safe_best(comparisons, threshold=99.9) is None


def test_twins_of_nearly_the_same_name_are_left_to_a_person() -> None:
    twin = replace(EVA, first_name="Josué", local_number="100235")
    given = replace(EVA, local_number="100299")

    assert safe_best([compare(given, EVA), compare(given, twin)], threshold=50) == 0
    assert safe_best([compare(replace(given, first_name="Josu"), s) for s in (EVA, twin)], threshold=50) is None


def test_the_names_of_one_twin_with_the_number_of_the_other_are_left_to_a_person() -> None:
    twin = replace(EVA, first_name="Ana", local_number="100235")
    given = replace(EVA, local_number="100235")

    assert safe_best([compare(given, EVA), compare(given, twin)], threshold=50) is None


def test_a_contradicting_birth_date_is_left_to_a_person() -> None:
    given = replace(EVA, birth_date=dt.date(2013, 11, 30))

    assert safe_best([compare(given, EVA)], threshold=10) is None


@pytest.fixture
def schools() -> list[School]:
    lea = LEA.objects.create(code="1234567")
    return [School.objects.create(lea=lea, code=code) for code in ("0123456", "0123457")]


def add(school: School, number: str, **values: object) -> Student:
    held = {
        "last_name": "García-López",
        "first_name": "José",
        "birth_date": dt.date(2009, 2, 4),
        "gender": "M",
        **values,
    }
    return Student.objects.create(lea=school.lea, school=school, local_number=number, **held)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "changed",
    [
        {"last_name": "Garcia Lopez", "local_number": "999"},
        {"first_name": "Pepe", "local_number": "999"},
        {"birth_date": dt.date(2009, 4, 2), "local_number": "999"},
        {"birth_date": dt.date(2012, 6, 9), "local_number": "999"},
        {"last_name": "Josee", "first_name": "Garzía"},
    ],
)
def test_candidates_are_found_by_number_by_birth_date_or_by_names(
    schools: list[School], changed: dict[str, object]
) -> None:
    student = add(schools[0], "100234")
    add(schools[0], "100300", last_name="Tran", first_name="Minh", birth_date=dt.date(2011, 1, 1))

    found = find_candidates({1: replace(EVA, **changed)}, schools=None)

    assert found[1][0].student_id == student.pk


@pytest.mark.django_db
def test_birth_places_on_record_tell_two_of_one_name_apart(schools: list[School]) -> None:
    add(schools[0], "1", birth_country="MX", birth_state="MX-BCN")
    here = add(schools[0], "2", birth_country="US", birth_state="CA")

    found = find_candidates({1: replace(EVA, local_number="9", birth_country="US", birth_state="CA")}, schools=None)

    assert found[1][0].student_id == here.pk
    assert found[1][0].total > found[1][1].total


@pytest.mark.django_db
def test_candidates_of_other_schools_are_not_found(schools: list[School]) -> None:
    add(schools[1], "100234")

    assert find_candidates({1: EVA}, schools=[schools[0].pk]) == {1: []}


@pytest.mark.django_db
def test_candidates_of_many_lines_take_one_query(schools: list[School], django_assert_num_queries: object) -> None:
    for n in range(20):
        add(schools[0], str(100300 + n))

    with django_assert_num_queries(1):  # type: ignore[operator]
        find_candidates(dict.fromkeys(range(50), EVA), schools=None)
