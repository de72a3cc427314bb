"""From a score file to scores: what is written, what is compared, what is undone."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from assessments.models import Assessment, Score
from assessments.pages.queries import scores_json
from sisimport.imports.runs.report import run_json
from sisimport.imports.runs.services import start_revert
from students.models import Student
from tests.assessments.score_files import SSID_2, counts, ela, finish, report, start, text, undo
from tests.assessments.score_home import LAYOUT, TYPE, WITH_PARTS, scores
from tests.imports.ranges import of_several_ranges, partitions_read
from tests.ssid.journey import District, codes

pytestmark = pytest.mark.django_db


def test_a_record_becomes_parent_and_child_scores(home: District) -> None:
    done = report(TYPE, text(LAYOUT, ela(**WITH_PARTS)), work="import")

    assert counts(done) == {"import": 1}
    found = scores()
    assert set(found) == {"SBELA", "SBELA-RL", "SBELA-WR"}
    parent = found["SBELA"]
    assert (parent["scale_score"], parent["result"], parent["date"], parent["grade"]) == (
        "2502",
        "3",
        "2024-04-12",
        "05",
    )
    assert (parent["error_band"], parent["measure"], parent["uin"]) == ("24", "1045L", "1000000000000001")
    assert parent["school_year"] == "2023-24"
    assert (found["SBELA-RL"]["scale_score"], found["SBELA-RL"]["result"]) == ("2510", "2")
    assert (found["SBELA-WR"]["scale_score"], found["SBELA-WR"]["date"]) == (None, "2024-04-12")


def test_a_test_writes_nothing_and_says_what_import_would(home: District) -> None:
    tested = run_json(start(TYPE, text(LAYOUT, ela(**WITH_PARTS))))

    assert (tested["planned_count"], tested["import_count"]) == (1, 0)
    assert not Score.objects.exists()
    assert not Assessment.objects.exists()
    planned = {(c["field"], c["after"]) for c in tested["changes"] if c["what"] == "scores"}
    assert ("SBELA scale_score", "2502") in planned
    assert ("SBELA-WR result", "3") in planned


def test_statements_read_the_range_of_their_run(home: District) -> None:
    data = text(LAYOUT, ela(**WITH_PARTS))
    with partitions_read() as found:
        start(TYPE, data)
        run = start(TYPE, data, work="import")
        undo(run)

    assert len(found) > 10
    assert of_several_ranges(found) == {}


def test_import_after_a_test_applies_the_plan_of_that_test(home: District) -> None:
    data = text(LAYOUT, ela())
    tested = start(TYPE, data)

    done = start(TYPE, data, work="import")

    assert done.test_run_id == tested.pk
    assert done.import_count == 1


def test_a_line_whose_student_changed_since_test_is_set_aside(home: District) -> None:
    data = text(LAYOUT, ela())
    start(TYPE, data)
    Student.objects.update(last_name="Leigh")

    done = report(TYPE, data, work="import")

    assert counts(done) == {"set_aside": 1}
    assert not Score.objects.exists()


def test_a_score_written_since_test_is_not_overwritten(home: District) -> None:
    start(TYPE, text(LAYOUT, ela()), work="import")
    changed = text(LAYOUT, ela(scale_score="2510"))
    start(TYPE, changed)
    Score.objects.update(scale_score="2600")

    done = report(TYPE, changed, work="import")

    assert counts(done) == {"set_aside": 1}
    assert scores()["SBELA"]["scale_score"] == "2600"


def test_the_same_file_again_is_unchanged_and_writes_nothing(home: District) -> None:
    data = text(LAYOUT, ela(**WITH_PARTS))
    first = start(TYPE, data, work="import")

    again = report(TYPE, data, work="import")

    assert counts(again) == {"unchanged": 1}
    assert again["changes"] == []
    assert set(Score.objects.values_list("run_id", flat=True)) == {first.pk}


def test_a_rescored_row_updates_and_only_what_differs_is_planned(home: District) -> None:
    start(TYPE, text(LAYOUT, ela(**WITH_PARTS)), work="import")

    again = start(
        TYPE, text(LAYOUT, ela(**{**WITH_PARTS, "scale_score": "2520", "composite_claim_2_level": "1"})), work="import"
    )

    assert again.facts["score_counts"] == {"added": 0, "updated": 2, "unchanged": 1}
    assert scores()["SBELA"]["scale_score"] == "2520"
    assert Score.objects.count() == 3


def test_revert_takes_away_scores_and_new_set_ups(home: District) -> None:
    run = start(TYPE, text(LAYOUT, ela(**WITH_PARTS)), work="import")

    undone = undo(run)

    assert (undone.import_count, undone.set_aside_count) == (1, 0)
    assert not Score.objects.exists()
    assert not Assessment.objects.exists()


def test_revert_of_a_rescore_restores_the_former_scores(home: District) -> None:
    start(TYPE, text(LAYOUT, ela(**WITH_PARTS)), work="import")
    before = scores()
    run = start(TYPE, text(LAYOUT, ela(scale_score="2520", composite_claim_1_level="1")), work="import")

    undo(run)

    assert scores() == before


def test_revert_keeps_scores_that_changed_since(home: District) -> None:
    run = start(TYPE, text(LAYOUT, ela()), work="import")
    Score.objects.update(scale_score="2600", run_id=None)

    undone = undo(run)

    assert (undone.import_count, undone.set_aside_count) == (0, 1)
    assert scores()["SBELA"]["scale_score"] == "2600"
    assert Assessment.objects.filter(state_code="SBELA").exists()


def test_revert_knows_what_it_wrote_by_run_and_line(home: District) -> None:
    """Scores that nobody wrote since are not taken apart and compared one by one."""
    run = start(TYPE, text(LAYOUT, ela(**WITH_PARTS)), work="import")
    with CaptureQueriesContext(connection) as asked:
        undone = undo(run)

    assert (undone.import_count, undone.set_aside_count) == (1, 0)
    assert not Score.objects.exists()
    statements = [query["sql"] for query in asked.captured_queries]
    assert not [sql for sql in statements if "AS judged" in sql]
    # What it planned and did not keep is all that stood: the journal is not compared with it once more.
    assert undone.reverts.reverted == "wholly"
    assert not [sql for sql in statements if "imports_importchange rv" in sql and "INSERT" not in sql]
    assert not [sql for sql in statements if sql.startswith("DELETE FROM assessments_score") and "unnest" in sql]


def test_revert_of_some_lines_keeps_the_scores_of_the_others(home: District) -> None:
    home.add("200", ssid=SSID_2)
    of_second = {"ssid": SSID_2, "local_student_id": "200", "uin": "1000000000000002"}
    run = start(TYPE, text(LAYOUT, ela(**WITH_PARTS), ela(**of_second)), work="import")

    finish(start_revert(run=run, user=None, enqueue=False, lines=[2]))
    assert set(Score.objects.values_list("student__local_number", flat=True)) == {"200"}

    undo(run)
    assert not Score.objects.exists()


def test_revert_of_a_line_that_was_written_over_takes_no_other_of_as_many_scores(home: District) -> None:
    home.add("200", ssid=SSID_2)
    of_second = {"ssid": SSID_2, "local_student_id": "200", "uin": "1000000000000002"}
    run = start(TYPE, text(LAYOUT, ela(), ela(**of_second)), work="import")
    start(TYPE, text(LAYOUT, ela(scale_score="2520")), work="import")

    finish(start_revert(run=run, user=None, enqueue=False, lines=[2]))

    assert set(Score.objects.values_list("student__local_number", flat=True)) == {"100", "200"}
    assert scores()["SBELA"]["scale_score"] == "2520"


def test_revert_takes_all_that_a_run_wrote_at_once(home: District) -> None:
    """Where nothing else stands of the run, no score is looked for by its line."""
    run = start(TYPE, text(LAYOUT, ela(**WITH_PARTS)), work="import")
    with CaptureQueriesContext(connection) as asked:
        undo(run)

    removals = [query["sql"] for query in asked.captured_queries if "DELETE FROM assessments_score" in query["sql"]]
    assert removals == [
        f"DELETE FROM assessments_score WHERE run_id = {run.pk} AND school_year = ANY('{{2024}}'::smallint[])"
    ]
    assert not [query for query in asked.captured_queries if "INSERT INTO moved_line" in query["sql"]]


def test_revert_keeps_a_line_of_which_one_score_was_written_since(home: District) -> None:
    home.add("200", ssid=SSID_2)
    of_second = {"ssid": SSID_2, "local_student_id": "200", "uin": "1000000000000002"}
    run = start(TYPE, text(LAYOUT, ela(**WITH_PARTS), ela(**of_second)), work="import")
    Score.objects.filter(assessment__state_code="SBELA-RL").update(result="1", run_id=None)

    undone = undo(run)

    assert (undone.import_count, undone.set_aside_count, undone.reverts.reverted) == (1, 1, "partly")
    assert set(Score.objects.values_list("student__local_number", flat=True)) == {"100"}
    assert set(scores()) == {"SBELA", "SBELA-RL", "SBELA-WR"}


def test_revert_takes_scores_of_another_run_by_their_values(home: District) -> None:
    """A journal of 1.0.0 put scores back without the run that wrote them."""
    run = start(TYPE, text(LAYOUT, ela(**WITH_PARTS)), work="import")
    Score.objects.filter(assessment__state_code="SBELA-RL").update(run_id=None)

    undone = undo(run)

    assert (undone.import_count, undone.set_aside_count) == (1, 0)
    assert not Score.objects.exists()


def test_scores_of_another_year_stand_beside(home: District) -> None:
    start(TYPE, text(LAYOUT, ela()), work="import")

    start("caaspp-2024-2025", text("caaspp-2024-25", ela("caaspp-2024-25", scale_score="2550")), work="import")

    assert [s["school_year"] for s in scores_json(Student.objects.get())] == ["2024-25", "2023-24"]


@pytest.mark.parametrize("code", ["NT", "PGE", "NTE", "NEL"])
def test_a_record_without_score_is_skipped_with_its_code(home: District, code: str) -> None:
    row = ela(condition_code=code, scale_score="", achievement_level="", final_test_completed_date="")

    done = report(TYPE, text(LAYOUT, row), work="import")

    assert counts(done) == {"skipped": 1}
    assert [(i["code"], i["severity"], i["found"]) for i in done["issues"]] == [("SKIP-UNSCORED", "notice", code)]


@pytest.mark.parametrize("code", ["NT", "PGE", "NTE", "NEL"])
def test_the_code_of_a_student_not_tested_goes_before_a_stray_score(home: District, code: str) -> None:
    done = report(TYPE, text(LAYOUT, ela(condition_code=code)), work="import")

    assert counts(done) == {"skipped": 1}
    assert not Score.objects.exists()


def test_a_record_of_a_stranger_without_score_is_skipped_not_refused(home: District) -> None:
    done = report(TYPE, text(LAYOUT, ela(ssid=SSID_2, condition_code="NT", scale_score="", achievement_level="")))

    assert counts(done) == {"skipped": 1}


@pytest.mark.parametrize("code", ["LOSS", "INC0", "INC1"])
def test_lowest_scores_by_rule_are_imported_with_their_code(home: District, code: str) -> None:
    report(TYPE, text(LAYOUT, ela(condition_code=code)), work="import")

    assert scores()["SBELA"]["status"] == code


def test_history_columns_are_not_this_years_score(home: District) -> None:
    layout_text = text(LAYOUT, ela(scale_score="", achievement_level=""))
    header, row = layout_text.decode().splitlines()[:2]
    at = header.split("^").index("ScaleScoreMinus1")
    with_history = row.split("^")
    with_history[at] = "2400"

    done = report(TYPE, f"{header}\r\n{'^'.join(with_history)}\r\n".encode(), work="import")

    assert counts(done) == {"skipped": 1}


def test_a_cohort_row_goes_to_the_year_of_its_test(home: District) -> None:
    row = {**ela(), "record_type": "06", "grade_assessed": "12", "scale_score": "620", "current_year_flag": "N",
           "final_test_completed_date": "2022-05-02"}  # fmt: skip

    start(TYPE, text(LAYOUT, row), work="import")

    assert scores()["CAST"]["school_year"] == "2021-22"


def science(**facts: str) -> dict[str, str]:
    return ela(record_type="06", grade_assessed="12", scale_score="600", achievement_level="2", **facts)


def test_records_of_two_years_of_one_student_are_not_repeats(home: District) -> None:
    earlier = science(current_year_flag="N", final_test_completed_date="2022-05-02", uin="2")

    done = report(TYPE, text(LAYOUT, science(current_year_flag="Y"), earlier), work="import")

    assert (counts(done), codes(done)) == ({"import": 2}, [])
    assert [s["school_year"] for s in scores_json(Student.objects.get())] == ["2023-24", "2021-22"]


@pytest.mark.parametrize("date", ["2024-05-02", ""], ids=["tested this year", "no date"])
def test_a_cohort_record_that_belongs_to_this_year_after_all_is_a_repeat(home: District, date: str) -> None:
    cohort = {**science(current_year_flag="N", final_test_completed_date=date, uin="2"), "scale_score": "610"}

    done = report(TYPE, text(LAYOUT, science(), cohort), work="import")

    of_repeats = [code for code in codes(done) if code != "EXC-NO-DATE"]
    assert (counts(done), of_repeats) == ({"refused": 2}, ["AMB-RECORDS", "AMB-RECORDS"])


def test_07_is_another_name_of_the_california_spanish_assessment(home: District) -> None:
    start(TYPE, text(LAYOUT, ela(record_type="07", scale_score="520", achievement_level="1")), work="import")

    assert scores()["CSA"]["scale_score"] == "520"


@pytest.mark.parametrize("spelling", ["1", "ELA"])
def test_record_types_that_a_spreadsheet_or_a_person_changed(home: District, spelling: str) -> None:
    start(TYPE, text(LAYOUT, ela(record_type=spelling)), work="import")

    assert set(scores()) == {"SBELA"}


def test_lost_zeros_of_the_grade_come_back(home: District) -> None:
    start(TYPE, text(LAYOUT, ela(grade_assessed="5")), work="import")

    assert scores()["SBELA"]["grade"] == "05"


def test_test_date_is_the_latest_part_where_there_is_no_final_date(home: District) -> None:
    row = ela()
    del row["final_test_completed_date"]
    row |= {"test_completed_date_1": "2019-04-02", "test_completed_date_2": "2019-05-09"}

    start("caaspp-2018-2019", text("caaspp-2018-19", row), work="import")

    assert Score.objects.get().date == dt.date(2019, 5, 9)
