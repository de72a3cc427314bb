"""As tested: who was tested, kept with the score of the test, from the layouts' own columns."""

import pytest

from assessments.models import Assessment, ResultCount, Score
from assessments.scores.as_tested import FACTS
from assessments.structure import family_of, school_year
from sisimport.imports.runs.report import run_json
from tests.assessments.score_files import ALL, ela, start, text, undo
from tests.ssid.journey import district

TYPE = "caaspp-2023-2024"
TESTED = {
    "district_code": "12345670000000",
    "school_code": "12345670000123",
    "tested_school_code": "12345670000124",
    "include_indicator": "Y",
    "gender": "F",
    "ethnicity": "500",
    "elas": "RFEP",
    "disadvantaged": "Yes",
    "disability": "No",
    "homeless": "No",
    "foster": "",
    "migrant": "No",
    "military": "Yes",
}
KEPT = "1234567,0000123,0000124,Y,F,500,RFEP,Y,N,N,,N,Y"


def home() -> None:
    district().add("100", ssid="9012345678")


def kept_fact() -> str:
    return Score.objects.get(assessment__state_code="SBELA").as_tested


@pytest.mark.parametrize("key", sorted(ALL))
def test_every_layout_names_the_columns_it_has(key: str) -> None:
    missing = {fact.field for fact in FACTS} - set(ALL[key].fields)
    if "preliminary" in key:
        assert missing == {
            "ethnicity",
            "elas",
            "disadvantaged",
            "disability",
            "homeless",
            "foster",
            "migrant",
            "military",
        }
    elif school_year(key) <= 2018 or key == "elpac-initial-2018-19":
        assert missing == {"homeless", "foster", "military"}
    else:
        assert not missing, family_of(key)


@pytest.mark.django_db
def test_a_score_says_who_was_tested_in_test_import_and_revert() -> None:
    home()
    file = text("caaspp-2023-24", ela(**TESTED))

    told = run_json(start(TYPE, file))
    assert not Score.objects.exists()
    (change,) = (c for c in told["changes"] if c["field"] == "SBELA as_tested")
    assert change["after"].startswith(
        "district 1234567, school 0000123, tested at 0000124, include indicator Y, gender F"
    )

    run = start(TYPE, file, work="import")
    assert kept_fact() == KEPT
    assert Score.objects.exclude(assessment__state_code="SBELA").exclude(as_tested="").count() == 0
    again = start(TYPE, file, work="import")
    assert (again.import_count, again.unchanged_count) == (0, 1)

    undo(run)
    assert not Score.objects.exists()
    assert not ResultCount.objects.exists()


@pytest.mark.django_db
def test_what_changed_of_it_is_an_update_and_revert_puts_it_back() -> None:
    home()
    start(TYPE, text("caaspp-2023-24", ela(**TESTED)), work="import")

    second = start(TYPE, text("caaspp-2023-24", ela(**TESTED | {"elas": "EL"})), work="import")
    assert second.import_count == 1
    assert kept_fact() == KEPT.replace("RFEP", "EL")
    assert set(ResultCount.objects.filter(student_group__startswith="l:").values_list("student_group", flat=True)) == {
        "l:EL"
    }

    undo(second)
    assert kept_fact() == KEPT
    assert set(ResultCount.objects.filter(student_group__startswith="l:").values_list("student_group", flat=True)) == {
        "l:RFEP"
    }


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"gender": "Female"}, ",,,,F,,,,,,,,"),
        ({"gender": "Nonbinary"}, ",,,,X,,,,,,,,"),
        ({"school_code": "123"}, ",0000123,,,,,,,,,,,"),
        ({"district_code": "1234567000000"}, "0123456,,,,,,,,,,,,"),  # a spreadsheet took the zero at the front
        ({"ethnicity": "5;0|0,1", "elas": "e,l"}, ",,,,,500,EL,,,,,,"),
        ({}, ""),
    ],
)
def test_values_are_kept_in_one_form_and_separators_in_none(given: dict[str, str], kept: str) -> None:
    home()
    start(TYPE, text("caaspp-2023-24", ela(**given)), work="import")
    assert kept_fact() == kept


@pytest.mark.django_db
def test_a_score_of_parts_alone_and_scores_from_before_count_without_school() -> None:
    home()
    run = start(TYPE, text("caaspp-2023-24", ela()), work="import")
    (count,) = ResultCount.objects.all()
    assert (count.student_group, count.lea, count.school, count.grade, count.level_3) == ("all", "", "", "05", 1)
    assert count.assessment_id == Assessment.objects.get(state_code="SBELA").pk
    undo(run)
    assert not ResultCount.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "given", "kept", "told"),
    [
        ("gender", "Q", "", "EXC-TESTED-ODD"),
        ("gender", "Male", "M", ""),
        ("gender", "nonbinary", "X", ""),
        ("elas", "ZZ", "", "EXC-TESTED-ODD"),
        ("elas", "TVD", "TBD", "EXC-TESTED-TVD"),
        ("elas", "adel", "ADEL", ""),
    ],
)
def test_a_gender_or_status_that_the_state_does_not_have_is_reported_and_not_kept(
    field: str, given: str, kept: str, told: str
) -> None:
    home()

    done = run_json(start(TYPE, text("caaspp-2023-24", ela(**TESTED | {field: given})), work="import"))

    place = [fact.field for fact in FACTS].index(field)
    assert kept_fact().split(",")[place] == kept
    assert kept_fact().split(",")[: place - 1] == KEPT.split(",")[: place - 1]
    assert [i["code"] for i in done["issues"]] == ([told] if told else [])
