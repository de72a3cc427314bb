"""Sample research files: invented numbers of a state, a county, a district and its schools, in the state's layouts."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import IO

from assessments.research.files import FOLDER
from sisimport.demo.district import Sample, register_samples
from sisimport.files.layouts import Layout, load_layouts
from students.models import LEA, School

_YEAR = 2025
_GRADES = ("3", "4", "5", "6", "7", "8", "11", "13")
_GROUPS = (("1", 0), ("3", -4), ("4", 4), ("31", -11), ("78", -8), ("80", 12), ("128", -30), ("160", -35))
_TESTS = {"research-caaspp": ("1", "2"), "research-caaspp-2023": ("1", "2"), "research-caaspp-2019": ("1", "2"),
          "research-elpac": ("21",)}  # fmt: skip
_YEARS = {"research-caaspp-2023": 2023, "research-caaspp-2019": 2019}
_ENTITIES = "research-entities"
_SCHOOLS = 3  # of the district
Place = tuple[str, str, str, str]  # codes of county, district and school, and the name


def places_of(lea: str, name: str, schools: Sequence[tuple[str, str]]) -> list[Place]:
    county, district = lea.zfill(7)[:2], lea.zfill(7)[2:]
    own = [(county, district, code.zfill(7), label) for code, label in schools]
    state: Place = ("00", "00000", "0000000", "State of California")
    return [state, (county, "00000", "0000000", "Lake County"), (county, district, "0000000", name), *own]


def sample_lines(layout: Layout, places: Sequence[Place]) -> Iterator[str]:
    """A header and lines of a layout; the smallest groups are hidden, as in the state's files."""
    yield _joined(layout, [column.name for column in layout.columns])
    if layout.key.startswith(_ENTITIES):
        districts = {(county, code): name for county, code, school, name in places if school == "0000000"}
        for place in places:
            yield _line(layout, _codes(place, layout.key) | _names(place, districts.get(place[:2], "")))
        return
    for test in _TESTS[layout.key]:
        for at, place in enumerate(places):
            for group, ahead in _GROUPS:
                for grade in _GRADES:
                    figures = _result(at, test, group, ahead, grade, years_ago=_YEAR - _year(layout.key))
                    yield _line(layout, _codes(place, layout.key) | figures)


def _year(key: str) -> int:
    return _YEARS.get(key, _YEAR)


def _codes(place: Place, key: str = "") -> dict[str, str]:
    county, district, school, _name = place
    return {"county": county, "district": district, "school": school, "test_year": str(_year(key))}


def _names(place: Place, district_name: str) -> dict[str, str]:
    _county, district, school, name = place
    if school != "0000000":
        return {"county_name": "Lake County", "district_name": district_name, "school_name": name}
    return {"county_name": "Lake County", "district_name": name} if district != "00000" else {"county_name": name}


def _result(at: int, test: str, group: str, ahead: int, grade: str, *, years_ago: int) -> dict[str, str]:
    """Numbers that follow from place, test, group, grade and year: close to those of a typical district, and adding up
    to a hundred.

    They differ each year, since a file with another year's figures is refused.
    """
    keys = {"test_id": test, "student_group": group, "grade": grade}
    tested = (2_900_000, 41_000, 5_200, 380, 290, 9)[at] // (1 if grade == "13" else 7) // (1 if group == "1" else 4)
    tested += tested * years_ago // 100
    if tested < 11:
        return keys | dict.fromkeys(
            ("tested", "scored", "mean", "level_1", "level_2", "level_3", "level_4", "met"), "*"
        )
    met = max(
        6, min(90, 47 + ahead - years_ago - (11 if test == "2" else 0) + (3, 1, 0, 5, -6)[at % 5] + int(grade) % 4)
    )
    best, low = met * 2 // 5, (100 - met) * 11 // 20
    levels = {"level_4": best, "level_3": met - best, "level_2": 100 - met - low, "level_1": low}
    numbers = {name: f"{n:.2f}" for name, n in levels.items()} | {"met": f"{met:.2f}"}
    mean = f"{2450 + 2 * met + 6 * int(grade):.1f}" if grade != "13" and test != "21" else ""
    return (
        keys | numbers | {"enrolled": str(tested + 9), "tested": str(tested + 2), "scored": str(tested), "mean": mean}
    )


def _line(layout: Layout, values: dict[str, str]) -> str:
    return _joined(layout, [values.get(column.field or "", "") for column in layout.columns])


def _joined(layout: Layout, cells: Sequence[str]) -> str:
    """Cells joined as the state writes them: with carets unquoted, with commas in quotes."""
    return "^".join(cells) if layout.delimiter == "^" else ",".join(f'"{cell}"' for cell in cells)


def _write(layout: Layout, stream: IO[str], lea: LEA) -> None:
    schools = School.objects.filter(lea=lea).order_by("code").values_list("code", "name")[:_SCHOOLS]
    for line in sample_lines(layout, places_of(lea.code, lea.name, list(schools))):
        stream.write(f"{line}\n")


def _register() -> None:
    layouts = load_layouts(FOLDER)
    notes = {
        "research-caaspp": "State results of Smarter Balanced 2024-25: state, county, district and three schools; no students.",
        "research-caaspp-2023": "State results of Smarter Balanced 2022-23, in the layout of that year.",
        "research-caaspp-2019": "State results of Smarter Balanced 2018-19, with commas and quotes.",
        "research-elpac": "State results of the Summative ELPAC 2024-25.",
        "research-entities": "Names of the county, district and schools of the state's research files.",
    }
    for key, note in notes.items():
        kind = _ENTITIES if key.startswith(_ENTITIES) else "research-results"
        write: Callable[[IO[str], LEA], None] = partial(_write, layouts[key])
        register_samples(Sample(f"{key}.txt", kind, note, write))


_register()
