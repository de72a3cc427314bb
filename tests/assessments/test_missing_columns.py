"""Columns that a score file does not have: what no score is made of may be missing, in every type, and takes nothing away."""

from typing import Any

import pytest

from assessments import structure
from assessments.models import Score
from assessments.scores.as_tested import FACTS
from assessments.structure import LayoutTest
from sisimport.imports.models import ImportRun
from sisimport.imports.runs.report import run_json
from tests.assessments.damaged_columns import ALL, ScoreFile, score_file, students_of
from tests.assessments.score_files import counts, ela, report, start, text, undo
from tests.assessments.score_home import LAYOUT, TYPE, TYPES, WITH_PARTS, scores
from tests.assessments.test_score_file_shape import of_2019, without
from tests.imports.properties import RolledBack
from tests.longer import one_in
from tests.ssid.journey import District, codes, district

pytestmark = pytest.mark.django_db
Row = tuple[Any, ...]


def beside(test: LayoutTest) -> list[str]:
    return [name for part in test.parts for name in (part.error, part.measure) if name]


BESIDE = [(layout, test.code) for layout in ALL for test in structure.tests_of(ALL[layout]) if beside(test)]
EVERY = [(layout, test.code) for layout in ALL for test in structure.tests_of(ALL[layout])]


def lacking(file: ScoreFile, *fields: str) -> bytes:
    """The file without the columns of these fields."""
    left_out = {file.at[name] for name in fields}
    lines = [file.names, *file.records]
    kept = ([cell for at, cell in enumerate(cells) if at not in left_out] for cells in lines)
    return "".join(f"{file.layout.delimiter.join(cells)}\r\n" for cells in kept).encode()


def on_record() -> list[Row]:
    names = (
        "student",
        "assessment__state_code",
        "scale_score",
        "raw_score",
        "result",
        "error_band",
        "measure",
        "as_tested",
    )
    return list(Score.objects.order_by("student", "assessment__state_code").values_list(*names, "date", "grade"))


def ended(run: ImportRun) -> dict[str, Any]:
    assert run.status == "completed", run.message
    return run_json(run)


@pytest.mark.parametrize(("layout", "code"), one_in(12, BESIDE[::-1]))
def test_a_column_that_no_score_is_made_of_may_be_missing(layout: str, code: str) -> None:
    file = score_file(layout, students_of(district(), layout, code, 6), code)
    test = next(one for one in file.tests if one.code == code)
    names = [ALL[layout].fields[name].name for name in beside(test)]

    first = start(TYPES[layout], lacking(file, *beside(test)), work="import")
    told = [issue["message"] for issue in ended(first)["issues"] if issue["code"] == "EXC-NOT-BESIDE"]
    bare = on_record()
    whole = start(TYPES[layout], file.text(), work="import")
    full = on_record()
    again = start(TYPES[layout], lacking(file, *beside(test)), work="import")

    assert len(told) == 1
    assert all(name in told[0] for name in names)
    assert first.import_count == len(file.of(test))
    assert not [row for row in bare if row[5] or row[6]]
    assert whole.import_count == sum(any(row[n] for n in map(file.at.get, beside(test))) for row in file.of(test))
    assert [row for row in full if row[5] or row[6]]
    assert (again.import_count, again.unchanged_count) == (0, len(file.of(test)))
    assert on_record() == full
    undo(whole)
    assert on_record() == bare


@pytest.mark.parametrize(("layout", "code"), one_in(48, EVERY[::-1]))
def test_a_missing_column_of_who_was_tested_takes_nothing_from_the_record(layout: str, code: str) -> None:
    file = score_file(layout, students_of(district(), layout, code, 4), code)
    facts = [fact.field for fact in FACTS if fact.field in file.at]
    start(TYPES[layout], file.text(), work="import")
    full = on_record()

    for missing in (*([fact] for fact in facts), facts):
        with RolledBack():
            done = start(TYPES[layout], lacking(file, *missing), work="import")

            assert on_record() == full
            if missing is facts and "looks like" in done.message:  # they alone tell it from another year's: refused
                continue
            assert (done.status, done.import_count, done.unchanged_count) == (
                "completed",
                0,
                done.record_count - done.skipped_count,
            ), missing


def test_a_missing_column_leaves_what_it_would_say_beside_what_another_column_changes(home: District) -> None:
    start(TYPE, text(LAYOUT, ela(gender="F", elas="EL")), work="import")

    done = start(TYPE, without(text(LAYOUT, ela(gender="F", elas="RFEP")), "Gender"), work="import")

    assert done.import_count == 1, run_json(done)
    assert [score.as_tested for score in Score.objects.all()] == [",,,,F,,RFEP,,,,,,"]
    undo(done)
    assert [score.as_tested for score in Score.objects.all()] == [",,,,F,,EL,,,,,,"]


def test_another_score_without_its_standard_error_and_measure_says_that_they_go(home: District) -> None:
    start(TYPE, text(LAYOUT, ela(**WITH_PARTS)), work="import")

    data = without(
        text(LAYOUT, ela(**WITH_PARTS, scale_score="2510")),
        "StandardErrorMeasurement",
        "LexileorQuantileMeasure",
    )
    done = report(TYPE, data, work="import")

    (told,) = [i["message"] for i in done["issues"] if i["code"] == "EXC-BLANKED"]
    assert "standard error 24 and measure 1045L" in told
    assert (scores()["SBELA"]["scale_score"], scores()["SBELA"]["measure"]) == ("2510", None)


@pytest.mark.parametrize(
    "name", ["ConditionCode", "GradeAssessed", "AchievementLevels", "FinalTestCompletedDate", "SSID", "RecordType"]
)
def test_a_column_that_scores_are_made_of_may_not_be_missing(home: District, name: str) -> None:
    done = report(TYPE, without(text(LAYOUT, ela()), name))

    assert (done["status"], [i["code"] for i in done["issues"]]) == ("rejected", ["FILE-COLUMN-MISSING"])
    assert name in done["message"]


def test_a_fallback_date_may_be_missing(home: District) -> None:
    data = text("caaspp-2018-19", of_2019())

    done = report("caaspp-2018-2019", without(data, "Paper and Pencil Test Completion Date  (PAPER)"), work="import")

    assert (counts(done), codes(done)) == ({"import": 1}, ["FILE-COLUMN-ABSENT"])


def test_a_paper_test_without_its_date_is_reported(home: District) -> None:
    record = {**of_2019(), "paper_test_completion_date": "2019-04-12"} | {"test_completed_date_1": ""}

    done = report(
        "caaspp-2018-2019", without(text("caaspp-2018-19", record), "Paper and Pencil Test Completion Date  (PAPER)")
    )

    assert "EXC-NO-DATE" in codes(done)


def test_a_date_that_decides_may_not_be_missing(home: District) -> None:
    done = report("caaspp-2018-2019", without(text("caaspp-2018-19", of_2019()), "Test Completion Date 2"))

    assert (done["status"], done["issues"][0]["code"]) == ("rejected", "FILE-COLUMN-MISSING")
