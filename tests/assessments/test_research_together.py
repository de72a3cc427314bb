"""Research files whose lines show only together that a column was damaged: nothing is on record that contradicts them."""

from collections.abc import Callable
from typing import Any

import pytest

from assessments.demo.research_files import places_of, sample_lines
from assessments.research.files import FOLDER
from sisimport.files.layouts import load_layouts
from students.models import School
from tests.assessments.test_research_files import COUNTY, DISTRICT, SCHOOL, STATE, entities
from tests.imports.evaluating import evaluated
from tests.imports.journey import Report, make_district
from tests.longer import one_in

pytestmark = pytest.mark.django_db
SCHOOLS = [("0123456", "Cedar High"), ("0123457", "Maple High"), ("0123458", "Oak Elementary")]
Records = list[dict[str, str]]


def sheet(key: str = "research-caaspp") -> tuple[list[str], Records]:
    """The names of the columns, and the lines by field: of all students and of English learners."""
    layout = load_layouts(FOLDER)[key]
    head, *lines = [line.split("^") for line in sample_lines(layout, places_of("1234567", "Lincoln Unified", SCHOOLS))]
    fields = [column.field or str(at) for at, column in enumerate(layout.columns)]
    records = [dict(zip(fields, line, strict=True)) for line in lines]
    for record in records:
        for level in (name for name in record if name.startswith("count_")):
            percent = record[level.replace("count", "level")]
            record[level] = percent if percent == "*" else f"{float(percent) * int(record['scored']) / 100:.0f}"
    return head, [record for record in records if record.get("student_group", "1") in ("1", "160")]


def look_at(change: Callable[[Records], Any], key: str = "research-caaspp") -> Report:
    made = make_district()
    School.objects.create(lea=made.lea, code="0123458", name="Oak Elementary")
    made.other_school.name = "Maple High"
    made.other_school.save()
    head, records = sheet(key)
    changed = change(records)
    lines = changed if isinstance(changed, list) else records
    content = "\n".join("^".join(cells) for cells in [head, *(line.values() for line in lines)]) + "\n"
    return evaluated("research-entities" if "entities" in key else "research-results", content)


def each(
    field: str, change: Callable[[str], str], when: Callable[[dict[str, str]], bool] = lambda _record: True
) -> Any:
    def changed(records: Records) -> None:
        for record in records:
            if when(record):
                record[field] = change(record[field])

    return changed


def column(field: str, change: Callable[[list[str]], list[str]]) -> Any:
    def changed(records: Records) -> None:
        for record, value in zip(records, change([record[field] for record in records]), strict=True):
            record[field] = value

    return changed


def exchanged(one: tuple[str, ...], other: tuple[str, ...]) -> Any:
    def changed(records: Records) -> None:
        for record in records:
            place = (record["county"], record["district"], record["school"])
            if place in (one, other):
                record["county"], record["district"], record["school"] = other if place == one else one

    return changed


def number(change: Callable[[float], str]) -> Callable[[str], str]:
    return lambda value: change(float(value)) if value.replace(".", "").isdigit() else value


def turned(values: list[str]) -> list[str]:
    return [values[-1], *values[:-1]]


def mixed(values: list[str]) -> list[str]:
    return [values[at * 89 % len(values)] for at in range(len(values))]


APART: dict[str, Any] = {
    "enrolled sorted": column("enrolled", sorted),
    "enrolled reversed": column("enrolled", lambda values: values[::-1]),
    "enrolled filled down": column("enrolled", lambda values: values[:1] * len(values)),
    "enrolled filled down from half": column("enrolled", lambda v: v[: len(v) // 2] + [v[len(v) // 2]] * (len(v) // 2)),
    "mean filled down": column("mean", lambda values: values[:1] * len(values)),
    "mean mixed": column("mean", mixed),
    "mean sorted": column("mean", sorted),
    "tens of means": each("mean", number(lambda value: f"{round(value, -1):.1f}")),
    "tens of enrolled": each("enrolled", number(lambda value: f"{round(value, -1):.0f}")),
    "tested blank": each("tested", lambda _: ""),
    "scored hidden": each("scored", lambda _: "*"),
    "scored cut": each("scored", lambda value: value[:-1] or value),
    "met blank": each("met", lambda _: ""),
    "level 3 hidden": each("level_3", lambda _: "*"),
    "mean hidden": each("mean", lambda _: "*"),
    "level 2 too high": each("level_2", number(lambda value: f"{value + 1:.2f}")),
    "met too high": each("met", number(lambda value: f"{value + 1:.2f}")),
    "tests exchanged": each("test_id", lambda test: {"1": "2", "2": "1"}[test]),
    "year of other columns": each("test_year", lambda _: "2019"),
}


@pytest.mark.parametrize("damage", one_in(3, [*APART]))
def test_columns_that_do_not_go_together_are_a_warning(damage: str) -> None:
    report = look_at(APART[damage])

    found = [issue for issue in report.issues if issue["code"] == "RES-APART"]
    assert (report.run.status, {issue["severity"] for issue in found}) == ("completed", {"warning"})


@pytest.mark.parametrize("key", ["research-caaspp", "research-caaspp-2023", "research-elpac"])
def test_a_file_as_the_state_writes_it_says_nothing(key: str) -> None:
    assert look_at(lambda _records: None, key).issues == []


def test_whole_percents_are_not_taken_for_damage() -> None:
    def rounded(records: Records) -> None:
        for at, record in enumerate(records):
            for level in ("level_1", "level_2", "level_3", "level_4", "met"):
                record[level] = number(lambda value, at=at: f"{round(value + (at % 10 - 4.5) / 20):.0f}")(record[level])  # type: ignore[misc]

    assert look_at(rounded).issues == []


@pytest.mark.parametrize(
    ("one", "other"), [(STATE, COUNTY), (STATE, DISTRICT), (COUNTY, DISTRICT), (DISTRICT, SCHOOL), (STATE, SCHOOL)]
)
def test_places_with_more_students_than_the_place_that_they_are_part_of_refuse_the_file(
    one: tuple[str, ...], other: tuple[str, ...]
) -> None:
    report = look_at(exchanged(one, other))

    assert (report.run.status, [issue["code"] for issue in report.issues]) == ("rejected", ["RES-PARTS"])


ERRORS: dict[str, tuple[Any, str, str]] = {
    "a school of no district": (each("school", lambda code: f"{int(code) + 1:07}"), "RES-CODE", "school"),
    "a district of no county": (each("county", lambda _: "00"), "RES-CODE", "district"),
    "students in parts": (each("scored", number(lambda value: f"{value / 10:.2f}")), "RES-NUMBER", "scored"),
    "grades in which the test is not given": (each("grade", lambda _: "12"), "RES-NONSENSE", "grade"),
    "a group without number": (each("student_group", lambda _: "0"), "RES-CODE", "student_group"),
}


@pytest.mark.parametrize("damage", ERRORS)
def test_codes_and_counts_that_cannot_be_are_errors_of_their_lines(damage: str) -> None:
    change, code, field = ERRORS[damage]

    found = [i for i in look_at(change).issues if i["code"] == code and i["line"] > 0]

    assert {(i["field"], i["severity"]) for i in found} == {(field, "error")}


@pytest.mark.parametrize("key", ["research-caaspp", "research-entities"])
def test_a_file_about_other_districts_is_a_warning(key: str) -> None:
    report = look_at(each("district", lambda code: "34568" if code == "34567" else code), key)

    assert report.issue("RES-NONE")["severity"] == "warning"


@pytest.mark.parametrize("key", ["research-caaspp", "research-entities"])
def test_a_file_whose_schools_are_all_unknown_is_a_warning(key: str) -> None:
    report = look_at(each("school", lambda code: f"{int(code) + 5:07}", lambda record: int(record["school"]) > 0), key)

    assert "3 schools" in report.issue("RES-SCHOOLS")["message"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (column("county_name", turned), "county_name"),
        (column("county_name", lambda values: values[:1] * len(values)), "county_name"),
        (column("district_name", lambda v: [*v[:4], v[2] + " North", *v[5:]]), "district_name"),
        (column("school_name", lambda v: [*v[:3], v[4], v[5], v[3]]), "school_name"),
        (exchanged(SCHOOL, ("12", "34567", "0123457")), "school_name"),
        (exchanged(STATE, COUNTY), "county_name"),
    ],
    ids=["turned", "filled down", "two names of a district", "schools turned", "schools exchanged", "state and county"],
)
def test_names_that_contradict_each_other_are_a_warning(change: Any, field: str) -> None:
    found = [i for i in look_at(change, "research-entities").issues if i["code"] == "RES-NAMES"]

    assert field in [i["field"] for i in found]
    assert {i["severity"] for i in found} == {"warning"}


def test_names_of_the_state_say_nothing() -> None:
    assert look_at(lambda _records: None, "research-entities").issues == []


def test_a_new_name_of_a_school_says_nothing() -> None:
    make_district()

    report = evaluated("research-entities", entities((*SCHOOL, "Lake County", "Lincoln Unified", "Cedar Grove High")))

    assert report.issues == []
