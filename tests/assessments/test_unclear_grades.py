"""The grade of a score: read where it can be, else left blank with a warning. It never keeps a score out."""

import pytest

from assessments.models import Score
from tests.assessments.score_files import ALL, SSID_1, counts, ela, report, text
from tests.longer import one_in
from tests.ssid.journey import District, district

INITIAL = "elpac-initial-2023-24"


@pytest.fixture
def home() -> District:
    made = district()
    made.add("100", ssid=SSID_1)
    return made


def imported(grade: str) -> tuple[str, list[tuple[str, str]]]:
    """The grade on record, and the findings about it."""
    row = ela(
        INITIAL, record_type="22", scale_score="200", achievement_level="Novice English Learner", grade_assessed=grade
    )
    done = report("elpac-initial-2023-2024", text(INITIAL, row), work="import")
    assert counts(done) == {"import": 1}
    return Score.objects.get().grade, [(i["code"], i["severity"]) for i in done["issues"]]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("written", "grade"),
    one_in(2, [
        ("K", "KN"), ("KG", "KN"), ("Kindergarten", "KN"), ("5", "05"), ("5th", "05"), ("fifth", "05"), ("Fifth Grade", "05"),
        ("GRADE 5", "05"), ("5.0", "05"), ("05.0", "05"), ("11th grade", "11"),
    ]),
)  # fmt: skip
def test_a_grade_in_other_words_is_read(home: District, written: str, grade: str) -> None:
    found, said = imported(written)

    assert found == grade
    assert set(said) <= {("FILE-CODE-SPELLING", "notice")}


@pytest.mark.django_db
@pytest.mark.parametrize("written", one_in(2, ["0", "-1", "T1", "13", "UN", "Ungraded"]))
def test_a_grade_with_several_meanings_is_left_out_with_a_warning(home: District, written: str) -> None:
    assert imported(written) == ("", [("FILE-CODE", "warning")])


@pytest.mark.django_db
@pytest.mark.parametrize("written", one_in(2, ["ZZ", "12+", "1.5", "Grade", "x" * 70]))
def test_no_part_of_what_is_not_a_grade_is_kept(home: District, written: str) -> None:
    assert imported(written) == ("", [("EXC-GRADE", "warning")])


@pytest.mark.django_db
@pytest.mark.parametrize(("written", "grade"), [("PK", "PS"), ("Preschool", "PS"), ("AD", "AD"), ("TD", "TD")])
def test_a_grade_that_takes_no_test_is_kept_with_a_warning(home: District, written: str, grade: str) -> None:
    found, said = imported(written)

    assert found == grade
    assert ("EXC-TEST-GRADE", "warning") in said


@pytest.mark.parametrize("key", sorted(ALL))
def test_no_layout_refuses_a_line_for_its_grade(key: str) -> None:
    assert ALL[key].fields["grade_assessed"].severity.name == "WARNING"
