"""Levels in words are read, and judged, like the state's numbers."""

import pytest

from assessments import structure
from tests.assessments.score_files import ALL, counts, ela, report, start, text
from tests.assessments.score_home import TYPE, WITH_PARTS, scores
from tests.ssid.journey import District, codes
from tests.ssid.journey import district as made_district

pytestmark = pytest.mark.django_db
LAYOUT = "caaspp-2023-24"


@pytest.fixture
def home() -> District:
    made = made_district()
    made.add("100", ssid="9012345678")
    return made


@pytest.mark.parametrize("layout", list(ALL))
def test_every_numbered_level_may_be_written_as_level_and_number(layout: str) -> None:
    for test in structure.tests_of(ALL[layout]):
        for part in test.parts:
            numbers = [code for code in part.results or {} if code.isdigit() and code != "9"]
            assert {part.spellings()[f"LEVEL {code}"] for code in numbers} == set(numbers), part


@pytest.mark.parametrize("written", ["3", "03", "Standard Met", "Level 3", "LEVEL 3"])
def test_a_level_is_read_however_it_is_written(home: District, written: str) -> None:
    done = report(TYPE, text(LAYOUT, ela(achievement_level=written)), work="import")

    assert (codes(done), scores()["SBELA"]["result"]) == ([], "3")


@pytest.mark.parametrize("written", ["4", "04", "Standard Exceeded", "Level 4"])
def test_ca_e_7_a_level_that_contradicts_the_score_is_reported_however_it_is_written(
    home: District, written: str
) -> None:
    done = report(TYPE, text(LAYOUT, ela(achievement_level=written)))

    assert codes(done) == ["EXC-LEVEL-RANGE"]


@pytest.mark.parametrize("written", ["9", "NS", "No score", "09"])
def test_ca_e_26_no_score_beside_a_score_is_reported_however_it_is_written(home: District, written: str) -> None:
    done = report(TYPE, text(LAYOUT, ela(achievement_level=written)))

    assert codes(done) == ["EXC-NO-SCORE"]


@pytest.mark.parametrize("written", ["9", "NS", "No score", "09"])
def test_a_line_that_only_says_that_there_is_no_score_has_none(home: District, written: str) -> None:
    done = report(TYPE, text(LAYOUT, ela(scale_score="", achievement_level=written)), work="import")

    assert (counts(done), scores()) == ({"skipped": 1}, {})


def test_an_exempt_domain_in_words(home: District) -> None:
    layout = "elpac-summative-2023-24"
    facts = {
        "record_type": "21",
        "scale_score": "1500",
        "achievement_level": "3",
        "uin": "1",
        "listening_level": "Exempt",
    }
    row = {**ela(layout, **facts), "final_test_completed_date": "2024-04-12"}

    done = report("elpac-summative-2024", text(layout, row), work="import")

    assert (done["error_count"], scores()["ELPACS-L"]["result"]) == (0, "E")


@pytest.mark.parametrize("written", ["9", "NS", "No score"])
def test_a_level_on_record_that_becomes_no_score_is_reported(home: District, written: str) -> None:
    start(TYPE, text(LAYOUT, ela(**WITH_PARTS)), work="import")
    before = scores()["SBELA"]["result"]

    done = report(TYPE, text(LAYOUT, ela(**WITH_PARTS, achievement_level=written)), work="import")

    (told,) = [i["message"] for i in done["issues"] if i["code"] == "EXC-BLANKED"]
    assert f"level {before}" in told
