"""Headings of a research file that were exchanged with each other: the figures tell, or nothing does."""

import random
from itertools import combinations
from statistics import NormalDist

import pytest

from assessments.models import PublicResult
from tests.assessments.test_research_files import COUNTY, DISTRICT, NEW, STATE, imported, new, result
from tests.assessments.test_research_sense import GRADES, lines
from tests.imports.journey import Report, make_district, run_file

pytestmark = pytest.mark.django_db
OLD = (
    "County Code,District Code,School Code,Test Year,Subgroup ID,Grade,Test Id,CAASPP Reported Enrollment,Students Tested,"
    "Mean Scale Score,Percentage Standard Exceeded,Percentage Standard Met,Percentage Standard Met and Above,"
    "Percentage Standard Nearly Met,Percentage Standard Not Met,Students with Scores"
)
EXCEEDED, MET, NEARLY, NOT = (f"Percentage Standard {what}" for what in ("Exceeded", "Met", "Nearly Met", "Not Met"))
STARTS = (2442, 2502, 2582)  # levels 2 to 4 of Smarter Balanced for ELA in grade 5


def exchanged(content: str, one: str, other: str, delimiter: str) -> str:
    head, rest = content.split("\n", 1)
    names = {one: other, other: one}
    return delimiter.join(names.get(name, name) for name in head.split(delimiter)) + "\n" + rest


def counted() -> str:
    """A file with the number of students at each level."""
    rows = []
    for n, grade in enumerate(GRADES):
        levels = (20 + n, 26 - n, 31 - 2 * n, 23 + 2 * n)
        cells = result(DISTRICT, grade=grade, levels=tuple(f"{p}.00" for p in levels), met="54.00", mean="*").split("^")
        at = NEW.split("^").index("Count Standard Exceeded")
        for place, percent in zip((at, at + 2, at + 6, at + 8), reversed(levels), strict=True):
            cells[place] = str(4 * percent)
        rows.append("^".join(cells))
    return new(*rows)


def measured(count: int = 40, seed: int = 1) -> str:
    """A file of means and percents without counts: groups of a district with students around a mean of their own."""
    draw, rows = random.Random(seed), []
    for group in range(1, count + 1):
        mean = draw.gauss(2500, 35)
        spread = NormalDist(mean, draw.uniform(80, 110))
        below = [spread.cdf(start) for start in STARTS]
        one, two, three, four = (100 * p for p in (below[0], below[1] - below[0], below[2] - below[1], 1 - below[2]))
        percents = ",".join(f"{percent:.2f}" for percent in (four, three, three + four, two, one))
        size = 399 - 3 * group
        rows.append(f"12,34567,0000000,2019,{group},5,1,{size + 50},{size + 20},{mean:.1f},{percents},{size}")
    return "\n".join([OLD, *rows]) + "\n"


def look_at(content: str, **options: str) -> Report:
    return run_file("research-results", content, options=options)


def refusal(report: Report) -> tuple[str, list[str]]:
    return report.run.status, [issue["code"] for issue in report.issues]


@pytest.mark.parametrize(("one", "other"), [*combinations((EXCEEDED, MET, NEARLY, NOT), 2)])
def test_headings_of_percents_that_are_each_others_counts_refuse_the_file(one: str, other: str) -> None:
    make_district()
    assert imported(counted()).run.planned_count == len(GRADES)
    PublicResult.objects.all().delete()

    report = look_at(exchanged(counted(), one, other, "^"))

    assert refusal(report) == ("rejected", ["RES-HEADINGS"])
    assert f"“{one}”" in report.run.message
    assert f"“{other}”" in report.run.message


@pytest.mark.parametrize(
    ("one", "other"), [(EXCEEDED, MET), (NEARLY, NOT), (EXCEEDED, NEARLY), (MET, NOT), (EXCEEDED, NOT)]
)
def test_headings_that_means_contradict_refuse_the_file(one: str, other: str) -> None:
    make_district()
    assert refusal(look_at(measured())) == ("completed", [])

    report = look_at(exchanged(measured(), one, other, ","))

    assert refusal(report) == ("rejected", ["RES-HEADINGS"])
    assert f"“{one}”" in report.run.message
    assert f"“{other}”" in report.run.message


@pytest.mark.parametrize("seed", range(2, 8))
def test_means_under_the_right_headings_accuse_nobody(seed: int) -> None:
    make_district()

    assert refusal(look_at(measured(30, seed))) == ("completed", [])


@pytest.mark.parametrize("other", [EXCEEDED, MET])
def test_a_percent_met_that_is_not_a_sum_in_most_lines_refuses_the_file(other: str) -> None:
    make_district()
    content = "\n".join([NEW, *lines(places=(STATE, COUNTY, DISTRICT))]) + "\n"

    report = look_at(exchanged(content, "Percentage Standard Met and Above", other, "^"))

    assert refusal(report) == ("rejected", ["RES-HEADINGS"])
    assert "is not the sum of the two highest levels" in report.run.message


def test_more_tested_than_enrolled_in_most_lines_refuses_the_file_unless_somebody_says_that_it_is_right() -> None:
    make_district()
    content = exchanged(counted(), "Total Students Enrolled", "Total Students Tested", "^")

    report = look_at(content)

    assert refusal(report) == ("rejected", ["RES-HEADINGS"])
    assert "more students were tested than enrolled" in report.run.message
    assert look_at(content, figures="write").run.status == "completed"


def test_few_lines_without_counts_show_no_exchange() -> None:
    """What nothing shows is imported: 20 means do not tell one level from the next."""
    make_district()

    assert refusal(look_at(exchanged(measured(20), EXCEEDED, MET, ","))) == ("completed", [])
