"""CAASPP files of 2015-16 and 2016-17, whose column lists are published: recognized, read, and under the names of their years."""

import io

import pytest

from assessments import structure
from assessments.models import Assessment, Score
from sisimport.files.detection import recognise
from sisimport.imports.definition.registry import known_layouts
from tests.assessments.score_files import ALL, SSID_1, cells, counts, ela, report, text
from tests.ssid.journey import District, codes, district


@pytest.fixture
def home() -> District:
    made = district()
    made.add("100", ssid=SSID_1)
    return made


def of_2015_16(**facts: str) -> dict[str, str]:
    """A line as a district's export has it: the zeros gone, day and time of the test without a space between them."""
    row = {
        "record_type": "1",
        "grade_assessed": "5",
        "test_completed_date_1": "2016-05-0312:41:31",
        "test_completed_date_2": "2016-05-0314:00:18",
        "claim_1_level": "2",
        "claim_4_level": "1",
        "scale_score_sem": "23",
    }
    found = {**ela("caaspp-2015-16"), **row, **facts}
    del found["final_test_completed_date"]
    return found


def of_2016_17(**facts: str) -> dict[str, str]:
    row = {"test_completed_date_1": "2017-04-11", "test_completed_date_2": "2017-04-12", "claim_1_level": "2"}
    found = {**ela("caaspp-2016-17"), **row, **facts}
    del found["final_test_completed_date"]
    return found


@pytest.mark.django_db
def test_a_file_of_2015_16_is_imported_with_its_claims(home: District) -> None:
    done = report("caaspp-2015-2016", text("caaspp-2015-16", of_2015_16(), delimiter=","), work="import")

    assert counts(done) == {"import": 1}, done["issues"]
    score = Score.objects.get(assessment__state_code="SBELA")
    assert (score.school_year, str(score.date), score.grade, score.scale_score, score.result, score.error_band) == (
        2016, "2016-05-03", "05", "2502", "3", "23",
    )  # fmt: skip
    assert score.assessment.name == "Smarter Balanced for ELA 2014-2017"
    assert set(Score.objects.values_list("assessment__state_code", flat=True)) == {"SBELA", "SBELA-R", "SBELA-I"}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("record_type", "name"), [("05", "CST for Science"), ("06", "CMA for Science"), ("07", "CAPA for Science")]
)
def test_science_on_paper_is_of_tests_of_its_own(home: District, record_type: str, name: str) -> None:
    line = of_2015_16(record_type=record_type, scale_score="360", achievement_level="", performance_level="4",
                      raw_score_1="41", claim_1_level="", claim_4_level="", scale_score_sem="")  # fmt: skip

    done = report("caaspp-2015-2016", text("caaspp-2015-16", line), work="import")

    assert (counts(done), codes(done)) == ({"import": 1}, [])
    score = Score.objects.get()
    assert (score.assessment.name, score.scale_score, score.raw_score, score.result_name) == (
        name,
        "360",
        "41",
        "Proficient",
    )


@pytest.mark.django_db
@pytest.mark.long
def test_a_file_of_2016_17_is_imported_under_the_same_set_up(home: District) -> None:
    report("caaspp-2015-2016", text("caaspp-2015-16", of_2015_16(), delimiter=","), work="import")

    done = report("caaspp-2016-2017", text("caaspp-2016-17", of_2016_17()), work="import")

    assert counts(done) == {"import": 1}, done["issues"]
    assert Assessment.objects.filter(parent=None).count() == 1
    assert set(Score.objects.filter(assessment__parent=None).values_list("school_year", "date")) == {
        (2016, Score.objects.get(school_year=2016, assessment__parent=None).date),
        (2017, Score.objects.get(school_year=2017, assessment__parent=None).date),
    }
    assert str(Score.objects.get(school_year=2017, assessment__parent=None).date) == "2017-04-12"


@pytest.mark.django_db
@pytest.mark.parametrize("record_type", ["05", "06"])
@pytest.mark.long
def test_science_pilots_of_2016_17_are_skipped_and_no_error(home: District, record_type: str) -> None:
    line = of_2016_17(record_type=record_type, scale_score="", achievement_level="", claim_1_level="")

    done = report("caaspp-2016-2017", text("caaspp-2016-17", line), work="import")

    assert (counts(done), codes(done)) == ({"skipped": 1}, ["SKIP-UNSCORED"])


@pytest.mark.django_db
def test_the_fixed_width_twin_of_2016_17_says_the_same(home: District) -> None:
    layout = ALL["caaspp-2016-17"]
    assert layout.record_length == 2101
    record = ""
    for column, value in zip(layout.columns, cells(layout, **of_2016_17()), strict=True):
        assert column.span is not None
        record += value.ljust(column.span[1] - column.span[0] + 1)

    done = report("caaspp-2016-2017", f"{record}\r\n".encode(), work="import", name="scores.dat")

    assert counts(done) == {"import": 1}, done["issues"]
    assert Score.objects.get(assessment__parent=None).scale_score == "2502"


@pytest.mark.parametrize(
    ("key", "delimiter"), [("caaspp-2015-16", ","), ("caaspp-2015-16", "^"), ("caaspp-2016-17", "^")]
)
def test_they_are_distinguished_from_all_other_layouts(key: str, delimiter: str) -> None:
    lines = of_2015_16() if key == "caaspp-2015-16" else of_2016_17()

    found = recognise(io.BytesIO(text(key, lines, delimiter=delimiter)), known_layouts())

    assert found.layout is not None
    assert found.layout.key == key


def test_each_record_type_of_a_year_is_of_one_test() -> None:
    for key in ("caaspp-2015-16", "caaspp-2016-17", "caaspp-2017-18"):
        types = [code for test in structure.tests_of(ALL[key]) for code in test.record_types]
        assert len(types) == len(set(types)), key
        assert {"01", "02", "03", "04", "05", "06", "08"} <= set(types), key
