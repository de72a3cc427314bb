"""Research files whose figures cannot be true: within a line, beside each other, and beside those on record."""

from collections.abc import Callable
from typing import Any

import pytest

from assessments.demo.research_files import places_of, sample_lines
from assessments.models import PublicPlace, PublicResult
from assessments.research.files import FOLDER
from sisimport.files.layouts import load_layouts
from tests.assessments.test_research_files import COUNTY, DISTRICT, SCHOOL, STATE, entities, imported, new, result
from tests.imports.journey import Report, make_district, run_file

pytestmark = pytest.mark.django_db
GRADES = ("03", "04", "05", "06", "07", "08", "11")


def figures(number: int) -> dict[str, Any]:
    """Of the grade in that place: no two alike."""
    four = 20 + number
    levels = (f"{100 - four - 55}.00", "25.00", "30.00", f"{four}.00")
    return {"scored": str(380 - number), "mean": f"{2400 + 10 * number}.5", "levels": levels, "met": f"{four + 30}.00"}


def lines(year: str = "2025", *, turn: int = 0, places: Any = (STATE, COUNTY, DISTRICT)) -> list[str]:
    """A line for each place and grade; `turn` shifts the column of the grades by so many lines."""
    turned = GRADES[turn:] + GRADES[:turn]
    return [result(place, year=year, grade=turned[n], **figures(n)) for place in places for n in range(len(GRADES))]


def look_at(content: str, **options: str) -> Report:
    return run_file("research-results", content, options=options)


def refusal(report: Report) -> tuple[str, list[str]]:
    return report.run.status, [issue["code"] for issue in report.issues]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"scored": "421"}, "scored"),
        ({"levels": ("20.00", "25.00", "30.00", "35.00")}, "level_1"),
        ({"levels": ("0.20", "0.25", "0.30", "0.25")}, "level_1"),
        ({"levels": ("*", "50.00", "40.00", "25.00")}, "level_1"),
        ({"levels": ("20.00", "", "30.00", "25.00")}, "level_1"),
        ({"scored": "0"}, "scored"),
        ({"test": "3", "levels": ("20.00", "25.00", "30.00", "25.00"), "mean": "345"}, "level_4"),
    ],
)
def test_pr7_figures_of_a_line_that_contradict_each_other_are_refused(wrong: dict[str, Any], field: str) -> None:
    make_district()

    report = imported(new(result(STATE), result(DISTRICT, **wrong)))

    assert [(i["line"], i["code"], i["field"]) for i in report.issues] == [(3, "RES-NONSENSE", field)]
    assert PublicResult.objects.count() == 1


@pytest.mark.parametrize("mean", ["24.5", "99999", "0"])
def test_pr7_a_mean_that_is_not_a_scale_score_of_the_test_is_reported(mean: str) -> None:
    make_district()

    report = imported(new(result(STATE), result(DISTRICT, mean=mean)))

    assert [(i["line"], i["code"], i["field"]) for i in report.issues] == [(3, "RES-NONSENSE", "mean")]
    assert report.issues[0]["severity"] == "warning"


@pytest.mark.parametrize("met", ["45.00", "0.55"])
def test_pr7_a_percent_that_is_not_its_levels_is_reported(met: str) -> None:
    make_district()

    report = imported(new(result(STATE), result(DISTRICT, met=met)))

    assert [(i["line"], i["code"], i["severity"]) for i in report.issues] == [(3, "RES-NONSENSE", "warning")]
    assert PublicResult.objects.count() == 2


@pytest.mark.parametrize(
    "right",
    [
        {"scored": "*", "mean": "*", "levels": ("*", "*", "*", "*"), "met": "*"},
        {"levels": ("20.01", "25.00", "30.00", "25.00")},
        {"levels": ("0.00", "0.00", "0.00", "0.00"), "met": "0.00", "scored": "0", "mean": ""},
        {"test": "18", "levels": ("20.00", "35.00", "45.00", ""), "met": "45.00"},
        {"levels": ("*", "25.00", "30.00", "*"), "met": "55.00"},
    ],
)
def test_pr7_what_the_state_hides_or_rounds_is_not_a_contradiction(right: dict[str, Any]) -> None:
    make_district()

    assert imported(new(result(DISTRICT, **right))).issues == []


@pytest.mark.parametrize("year", ["2062", "2001"])
def test_pr8_a_year_of_no_results_is_refused(year: str) -> None:
    make_district()

    report = imported(new(result(STATE), result(DISTRICT, year=year)))

    assert [(i["line"], i["code"]) for i in report.issues] == [(3, "RES-YEAR")]


def test_a_grade_or_group_with_more_students_than_all_speaks_of_the_whole_file() -> None:
    """A column of grades or of groups that was shifted."""
    make_district()
    wholes = [result(place, grade="13", scored="40") for place in (STATE, COUNTY, DISTRICT)]
    many = [line.replace("^450^420^", "^4500^4200^") for line in lines()]

    report = look_at(new(*wholes, *many))

    assert refusal(report) == ("rejected", ["RES-PARTS"])
    assert "21 of 21 lines" in report.run.message
    assert "line 5 is the first" in report.run.message
    assert look_at(new(*wholes, *many), figures="write").run.status == "completed"


DAMAGED: dict[str, Callable[[], list[str]]] = {
    "grades shifted": lambda: lines(turn=1),
    "all hidden": lambda: [result(p, grade=g, mean="*") for p in (STATE, COUNTY, DISTRICT) for g in GRADES],
    "all blank": lambda: [result(p, grade=g, mean="", met="") for p in (STATE, COUNTY, DISTRICT) for g in GRADES],
}


@pytest.mark.parametrize("damaged", DAMAGED)
def test_a_file_by_which_most_figures_on_record_would_change_is_refused(damaged: str) -> None:
    make_district()
    imported(new(*lines()))
    file = new(*DAMAGED[damaged]())

    report = look_at(file)

    assert refusal(report) == ("rejected", ["RES-REPLACED"])
    assert look_at(file, figures="write").run.planned_count == 21


def test_some_new_figures_and_new_places_are_imported() -> None:
    make_district()
    imported(new(*lines()))
    corrected = [result(SCHOOL, grade="03"), *lines()[:14], *lines(turn=1)[14:]]

    assert imported(new(*corrected)).run.import_count == 8


def test_last_years_figures_under_another_year_are_refused() -> None:
    make_district()
    imported(new(*lines("2024")))

    report = look_at(new(*lines("2025")))

    assert refusal(report) == ("rejected", ["RES-OTHER-YEAR"])
    assert "on record for 2024" in report.run.message
    assert look_at(new(*lines("2025", turn=1))).run.planned_count == 21


@pytest.mark.parametrize("name", ["Pe\ufffda High", "Pe?a High", "Pe%E9a?"])
def test_a_damaged_name_of_a_place_is_refused(name: str) -> None:
    make_district()
    report = run_file("research-entities", entities((*SCHOOL, "Lake County", "Lincoln Unified", name)))

    assert [(i["code"], i["severity"]) for i in report.issues] == [("FILE-DAMAGED", "error")]
    assert report.run.planned_count == 0


@pytest.mark.parametrize("name", ["Pe&ntilde;a High", "PeÃ±a High"])
def test_a_name_of_a_place_that_can_be_read_is_repaired(name: str) -> None:
    make_district()
    imported(entities((*SCHOOL, "Lake County", "Lincoln Unified", name)), "research-entities")

    assert PublicPlace.objects.get().name == "Peña High"


def test_pr11_a_number_is_not_a_name_of_a_school() -> None:
    make_district()

    report = run_file("research-entities", entities((*SCHOOL, "Lake County", "Lincoln Unified", "95000")))

    assert [(i["code"], i["field"]) for i in report.issues] == [("RES-NONSENSE", "school_name")]


@pytest.mark.parametrize(
    "row",
    [(*SCHOOL, "Lake County", "Lincoln Unified", ""), (*DISTRICT, "Lake County", "", "")],
)
def test_pr10_a_school_without_a_name_is_not_called_as_its_district(row: tuple[str, ...]) -> None:
    make_district()
    report = run_file("research-entities", entities(row))

    assert [(i["code"], i["severity"]) for i in report.issues] == [("FILE-REQUIRED", "error")]


def test_pr9_what_is_replaced_is_reported() -> None:
    make_district()
    imported(entities((*SCHOOL, "Lake County", "Lincoln Unified", "Cedar High")), "research-entities")
    imported(new(result(SCHOOL)))

    renamed = imported(entities((*SCHOOL, "Lake County", "Lincoln Unified", "Elm High")), "research-entities")
    changed = imported(new(result(SCHOOL, mean="2512.0")))

    assert [i["message"] for i in renamed.issues] == ["Name is Elm High; on record it is Cedar High. It is replaced."]
    assert [(i["code"], i["field"], i["severity"]) for i in changed.issues] == [("RES-CHANGED", "mean", "warning")]


@pytest.mark.parametrize("first", ["research-caaspp", "research-caaspp-2023"])
def test_samples_of_two_years_both_go_in(first: str) -> None:
    make_district()
    places, layouts = places_of("1234567", "Lincoln Unified", [("0123456", "Cedar High")]), load_layouts(FOLDER)
    for key in sorted(("research-caaspp", "research-caaspp-2023"), key=lambda key: key != first):
        imported("\n".join(sample_lines(layouts[key], places)) + "\n")
    assert set(PublicResult.objects.values_list("school_year", flat=True)) == {2023, 2025}
