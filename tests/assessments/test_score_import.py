"""From a score file to scores: what is written, what is compared, what is undone."""

import datetime as dt
from itertools import pairwise

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from assessments.models import Assessment, Score
from assessments.pages.queries import scores_json
from assessments.structure import import_types, last_test_day, school_year
from sisimport.imports.models import ImportRun
from students.models import SSID, School, SSIDReplacement, Student
from tests.assessments.score_files import ALL, SSID_1, SSID_2, counts, dated, ela, report, start, text, undo
from tests.ssid.journey import District, codes, district

pytestmark = pytest.mark.django_db

TYPE, LAYOUT = "caaspp-2023-2024", "caaspp-2023-24"
TYPES = {layout: facts.key for facts in import_types(ALL) for layout in facts.layouts}
WITH_PARTS = {
    "composite_claim_1_score": "2510",
    "composite_claim_1_level": "2",
    "composite_claim_2_level": "3",
    "scale_score_sem": "24",
    "lexile_quantile": "1045L",
}


@pytest.fixture
def home() -> District:
    made = district()
    made.add("100", ssid=SSID_1)
    return made


def scores(number: str = "100") -> dict[str, dict[str, object]]:
    return {score["code"]: score for score in scores_json(Student.objects.get(local_number=number))}


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
    tested = report(TYPE, text(LAYOUT, ela(**WITH_PARTS)))

    assert (tested["planned_count"], tested["import_count"]) == (1, 0)
    assert not Score.objects.exists()
    assert not Assessment.objects.exists()
    planned = {(c["field"], c["after"]) for c in tested["changes"] if c["what"] == "scores"}
    assert ("SBELA scale_score", "2502") in planned
    assert ("SBELA-WR result", "3") in planned


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
    return ela(record_type="06", grade_assessed="12", scale_score="620", achievement_level="2", **facts)


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


def test_two_layouts_in_one_file_are_refused() -> None:
    first, second = text("elpac-summative-2021-22"), text("elpac-summative-2023-24")

    done = report(
        "elpac-summative-2022", first + text("elpac-summative-2021-22", {}).splitlines(keepends=True)[1] + second
    )

    assert done["status"] == "rejected"
    assert done["issues"][0]["code"] == "FILE-MIXED"


def test_two_layouts_of_different_width_in_one_file_are_refused(home: District) -> None:
    done = report(TYPE, text(LAYOUT, ela()) + text("caaspp-2024-25", ela()), work="import")

    assert (done["status"], [i["code"] for i in done["issues"]]) == ("rejected", ["FILE-MIXED"])
    assert "Line 3 begins records with other columns" in done["message"]
    assert not Score.objects.exists()


def test_a_file_that_is_cut_off_is_told_beside_its_last_line(home: District) -> None:
    whole = text(LAYOUT, ela(), ela(record_type="02", uin="2"))

    done = report(TYPE, whole[:-400])

    assert [(i["line"], i["code"], i["severity"]) for i in done["issues"]] == [
        (0, "FILE-CUT", "warning"),
        (3, "FILE-COLUMNS", "error"),
    ]
    assert "The last line (line 3) ends too early" in done["issues"][0]["message"]
    assert counts(done) == {"refused": 1}


def test_a_last_line_with_too_many_columns_is_not_cut_off(home: District) -> None:
    longer = text(LAYOUT, ela(), ela(uin="2"))[:-2] + b"^1^2\r\n"

    assert codes(report(TYPE, longer)) == ["FILE-COLUMNS"]


def test_a_record_without_end_marker_is_told(home: District) -> None:
    done = report(TYPE, text(LAYOUT, ela()).replace(b"^ZZ\r\n", b"^Z\r\n"))

    assert [(i["line"], i["code"], i["severity"]) for i in done["issues"]] == [(2, "FILE-END-MARKER", "warning")]


def without(data: bytes, *names: str) -> bytes:
    """The file as it is after somebody deleted columns."""
    lines = [line.split("^") for line in data.decode().splitlines()]
    left_out = {at for at, name in enumerate(lines[0]) if name in names}
    kept = ["^".join(cell for at, cell in enumerate(cells) if at not in left_out) for cells in lines]
    return "".join(f"{line}\r\n" for line in kept).encode()


@pytest.mark.parametrize("name", ["ScaleScore", "AchievementLevels", "UIN", "FinalTestCompletedDate"])
def test_a_missing_column_of_scores_is_refused_and_overwrites_nothing(home: District, name: str) -> None:
    start(TYPE, text(LAYOUT, ela()), work="import")

    done = report(TYPE, without(text(LAYOUT, ela()), name), work="import")

    assert (done["status"], done["issues"][0]["code"]) == ("rejected", "FILE-COLUMN-MISSING")
    assert name in done["message"]
    assert scores()["SBELA"]["scale_score"] == "2502"


def test_a_part_whose_columns_were_all_deleted_keeps_its_scores(home: District) -> None:
    start(TYPE, text(LAYOUT, ela(**WITH_PARTS)), work="import")
    before = scores()

    data = without(text(LAYOUT, ela(**WITH_PARTS)), "SmarterCompClaim1PL", "SmarterCompClaim1Score")
    done = report(TYPE, data, work="import")

    assert counts(done) == {"unchanged": 1}
    assert scores() == before


def test_the_same_header_twice_is_one_bad_line(home: District) -> None:
    data = text(LAYOUT, ela())

    done = report(TYPE, data + data.splitlines(keepends=True)[0])

    assert counts(done) == {"refused": 1}
    assert {issue["line"] for issue in done["issues"]} == {3}
    assert "EXC-RECORD-TYPE" in codes(done)
    assert done["planned_count"] == 1


# -- matching ----------------------------------------------------------------------------------------------------------


def test_a_retired_ssid_finds_the_student_with_a_notice(home: District) -> None:
    SSID.objects.update(ssid=SSID_2)
    SSID.objects.create(
        student=Student.objects.get(), ssid=SSID_1, origin="staff", retired_at=dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    )

    done = report(TYPE, text(LAYOUT, ela()), work="import")

    assert (counts(done), codes(done)) == ({"import": 1}, ["DIS-RETIRED"])


def test_records_by_the_current_and_a_former_ssid_are_two_of_one_student(home: District) -> None:
    SSID.objects.create(
        student=Student.objects.get(), ssid=SSID_2, origin="staff", retired_at=dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    )

    done = report(TYPE, text(LAYOUT, ela(), ela(ssid=SSID_2, scale_score="2510", uin="2")), work="import")

    assert done["status"] == "completed"
    assert counts(done) == {"refused": 2}
    assert codes(done).count("AMB-RECORDS") == 2


def test_a_replaced_ssid_finds_the_student_with_a_notice(home: District) -> None:
    SSIDReplacement.objects.create(retired_ssid=SSID_2, replacement_ssid=SSID_1)

    done = report(TYPE, text(LAYOUT, ela(ssid=SSID_2)), work="import")

    assert (counts(done), codes(done)) == ({"import": 1}, ["DIS-RETIRED"])
    assert done["issues"][0]["found"] == SSID_2


def test_a_chain_of_replaced_ssids_is_followed_to_its_end(home: District) -> None:
    chain = ["9000000001", "9000000002", "9000000003", SSID_1]
    for retired, replacement in pairwise(chain):
        SSIDReplacement.objects.create(retired_ssid=retired, replacement_ssid=replacement)

    done = report(TYPE, text(LAYOUT, ela(ssid=chain[0])), work="import")

    assert (counts(done), codes(done)) == ({"import": 1}, ["DIS-RETIRED"])
    assert done["issues"][0]["found"] == chain[0]


def test_a_chain_of_replaced_ssids_ends_at_the_first_number_somebody_holds(home: District) -> None:
    home.add("101", ssid=SSID_2, first_name="Kim")
    SSIDReplacement.objects.create(retired_ssid="9000000001", replacement_ssid=SSID_1)
    SSIDReplacement.objects.create(retired_ssid=SSID_1, replacement_ssid=SSID_2)

    done = report(TYPE, text(LAYOUT, ela(ssid="9000000001")))

    assert {change["student"] for change in done["changes"] if change["line"]} == {"100"}


def test_an_ssid_that_somebody_holds_is_not_replaced(home: District) -> None:
    home.add("101", ssid=SSID_2)
    SSIDReplacement.objects.create(retired_ssid=SSID_1, replacement_ssid=SSID_2)

    done = report(TYPE, text(LAYOUT, ela()))

    assert codes(done) == []
    assert {change["student"] for change in done["changes"] if change["line"]} == {"100"}


@pytest.mark.parametrize("end", ["9000000003", "9000000001"], ids=["nobody has the last", "in a circle"])
def test_a_chain_of_replaced_ssids_that_leads_nowhere_finds_nobody(home: District, end: str) -> None:
    SSIDReplacement.objects.create(retired_ssid="9000000001", replacement_ssid="9000000002")
    SSIDReplacement.objects.create(retired_ssid="9000000002", replacement_ssid=end)

    done = report(TYPE, text(LAYOUT, ela(ssid="9000000001", first_name="Kim")))

    assert (codes(done), done["issues"][0]["found"]) == (["DIS-NOTFOUND"], "9000000001")


@pytest.mark.parametrize(
    ("facts", "code", "field", "found", "expected"),
    [
        ({"last_name": "Li"}, "DIS-NAME", "last_name", "Li", "Lee"),
        ({"first_name": "Tom"}, "DIS-NAME", "first_name", "Tom", "Sam"),
        ({"birth_date": "2011-04-03"}, "DIS-BIRTH", "birth_date", "2011-04-03", "2011-03-04"),
    ],
)
def test_a_discrepancy_names_both_values(
    home: District, facts: dict[str, str], code: str, field: str, found: str, expected: str
) -> None:
    done = report(TYPE, text(LAYOUT, ela(**facts)), work="import")

    assert counts(done) == {"refused": 1}
    issue = done["issues"][0]
    assert (issue["code"], issue["severity"], issue["field"]) == (code, "error", field)
    assert (issue["found"], issue["expected"]) == (found, expected)


@pytest.mark.parametrize("first_name", ["Samuel", "Sam", "Sammy"])
def test_first_names_are_compared_with_legal_everyday_and_alias_names(first_name: str) -> None:
    district().add("100", ssid=SSID_1, legal_first_name="Samuel", legal_last_name="Lee", alias_first_name="Sammy")

    done = report(TYPE, text(LAYOUT, ela(first_name=first_name)))

    assert (done["planned_count"], done["issues"]) == (1, [])


def test_nobody_has_the_ssid(home: District) -> None:
    done = report(TYPE, text(LAYOUT, ela(ssid=SSID_2, first_name="Kim")))

    assert (counts(done), codes(done)) == ({"refused": 1}, ["DIS-NOTFOUND"])


def test_a_partial_match_is_told_and_not_imported(home: District) -> None:
    done = report(TYPE, text(LAYOUT, ela(ssid=SSID_2)))

    assert (counts(done), codes(done)) == ({"refused": 1}, ["DIS-PARTIAL"])
    assert "100" in done["issues"][0]["message"]


def test_several_students_of_that_name_are_an_ambiguity(home: District) -> None:
    home.add("101")

    done = report(TYPE, text(LAYOUT, ela(ssid=SSID_2)))

    assert (counts(done), codes(done)) == ({"refused": 1}, ["AMB-STUDENTS"])


def test_two_records_of_one_student_and_test_are_an_ambiguity(home: District) -> None:
    done = report(TYPE, text(LAYOUT, ela(), ela(scale_score="2503", uin="2")))

    assert (counts(done), codes(done)) == ({"refused": 2}, ["AMB-RECORDS", "AMB-RECORDS"])


def test_the_same_record_twice_counts_once(home: District) -> None:
    done = report(TYPE, text(LAYOUT, ela(), ela()), work="import")

    assert (counts(done), codes(done)) == ({"import": 1, "unchanged": 1}, ["AMB-REPEAT"])


def test_one_uin_on_lines_of_two_students_keeps_nobody_out(home: District) -> None:
    home.add("101", ssid=SSID_2, first_name="Kim")

    done = report(TYPE, text(LAYOUT, ela(), ela(ssid=SSID_2, first_name="Kim")), work="import")

    assert counts(done) == {"import": 2}
    assert [(i["line"], i["code"], i["severity"]) for i in done["issues"]] == [(0, "AMB-UIN", "notice")]
    assert {score["uin"] for score in scores_json(Student.objects.get(local_number="100"))} == {None}


def test_one_uin_on_two_tests_of_a_student_is_kept(home: District) -> None:
    done = report(TYPE, text(LAYOUT, ela(), ela(record_type="02")), work="import")

    assert (counts(done), "AMB-UIN" in codes(done)) == ({"import": 2}, False)
    assert {score["uin"] for score in scores_json(Student.objects.get())} == {ela()["uin"]}


@pytest.mark.parametrize("repeats", [1, 2, 7])
def test_a_repeat_takes_the_place_of_a_refused_line(home: District, repeats: int) -> None:
    done = report(TYPE, text(LAYOUT, ela(last_name="Stranger"), *[ela()] * repeats), work="import")

    assert counts(done) == {"import": 1, "refused": 1} | ({"unchanged": repeats - 1} if repeats > 1 else {})
    assert scores()["SBELA"]["scale_score"] == "2502"


@pytest.mark.parametrize("lines", [2, 5, 9])
def test_repeats_of_refused_lines_are_refused_as_well(home: District, lines: int) -> None:
    done = report(TYPE, text(LAYOUT, *[ela(last_name="Stranger")] * lines), work="import")

    assert counts(done) == {"refused": lines}
    assert not scores()


# -- the school year ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [-1, 1], ids=["year before", "year after"])
@pytest.mark.parametrize("layout", [key for key in TYPES if "preliminary" not in key])
def test_a_file_of_another_school_year_is_refused_as_a_whole(home: District, layout: str, step: int) -> None:
    year = school_year(layout) + step

    done = report(TYPES[layout], dated(layout, f"{year}-04-15", f"{year}-04-16"), work="import")

    assert (done["status"], codes(done)) == ("rejected", ["EXC-FILE-YEAR"])
    chosen, found = f"{year - 1 - step}-{(year - step) % 100:02}", f"{year - 1}-{year % 100:02}"
    assert done["message"].startswith(
        f"The import type is that of {chosen}, but the tests in this file were taken in {found}: "
    )
    assert done["message"].endswith(f"Upload the file again with the import type of {found}.")


@pytest.mark.parametrize("layout", [key for key in TYPES if "preliminary" not in key])
def test_one_line_of_another_school_year_is_an_error_of_the_line(home: District, layout: str) -> None:
    year = school_year(layout)
    after = last_test_day(layout, year) + dt.timedelta(days=1)
    days = (f"{year - 1}-07-01", f"{year}-06-30", f"{after}", f"{year - 1}-06-30")

    done = report(TYPES[layout], dated(layout, *days))

    told = {i["line"] for i in done["issues"] if i["code"] == "EXC-YEAR"}
    assert (done["status"], told) == ("completed", {4, 5})


def test_scores_of_another_year_do_not_overwrite_this_years(home: District) -> None:
    start(TYPE, text(LAYOUT, ela()), work="import")

    report(TYPE, text(LAYOUT, ela(scale_score="2600", final_test_completed_date="2025-04-12")), work="import")

    assert [(s["school_year"], s["scale_score"]) for s in scores_json(Student.objects.get())] == [("2023-24", "2502")]


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"final_test_completed_date": "2062-04-15"}, "EXC-FUTURE"),
        ({"final_test_completed_date": "2011-03-03"}, "EXC-BEFORE-BIRTH"),
    ],
)
def test_a_test_date_that_cannot_be_is_an_error_of_the_line(home: District, facts: dict[str, str], code: str) -> None:
    done = report(TYPE, text(LAYOUT, ela(**facts)))

    assert (done["status"], counts(done), codes(done)) == ("completed", {"refused": 1}, [code])


def test_a_date_that_no_score_needs_keeps_no_line_out(home: District) -> None:
    home.add("101", ssid=SSID_2, first_name="Kim")
    dated = {"test_completed_date_1": "15-03-2024", "test_completed_date_2": "15-03-2024"}
    other = {"test_completed_date_1": "05-03-2024", "test_completed_date_2": "never"}
    rows = [ela(**dated), ela(ssid=SSID_2, first_name="Kim", uin="2", **other)]

    done = report(TYPE, text(LAYOUT, *rows), work="import")

    assert (done["import_count"], done["error_count"]) == (2, 0)
    unread = {(i["field"], i["severity"], i["line"]) for i in done["issues"] if i["code"] == "FILE-DATE"}
    assert unread == {("test_completed_date_1", "warning", 3), ("test_completed_date_2", "warning", 3)}
    assert {score.date.isoformat() for score in Score.objects.all() if score.date} == {"2024-04-12"}


@pytest.mark.parametrize("layout", [key for key in TYPES if "preliminary" not in key])
def test_ca_e_13_a_line_whose_only_date_cannot_be_read_is_refused(home: District, layout: str) -> None:
    done = report(TYPES[layout], dated(layout, "15-16-2020", f"{school_year(layout)}-04-15"))

    about = {i["code"]: i["severity"] for i in done["issues"] if i["line"] == 2 and "DATE" in i["code"]}
    assert about in ({"FILE-DATE": "error"}, {"FILE-DATE": "warning", "EXC-DATE": "error"})
    assert not [i for i in done["issues"] if i["line"] == 3 and "DATE" in i["code"]]


def test_only_science_lines_may_be_flagged_as_of_an_earlier_year(home: District) -> None:
    flagged = ela(record_type="02", current_year_flag="N", final_test_completed_date="2023-04-12")

    done = report(TYPE, text(LAYOUT, ela(), flagged))

    assert (counts(done), "EXC-YEAR" in codes(done)) == ({"refused": 1}, True)


def test_a_uin_that_comes_again_under_another_student_is_told_once(home: District) -> None:
    home.add("101", ssid=SSID_2, first_name="Kim")
    report(TYPE, text(LAYOUT, ela(uin="7001")), work="import")
    moved = text(LAYOUT, ela(ssid=SSID_2, first_name="Kim", uin="7001"))

    done = report(TYPE, moved, work="import")
    again = report(TYPE, moved, work="import")

    assert (counts(done), codes(done)) == ({"import": 1}, ["AMB-UIN-ELSEWHERE"])
    assert [i["severity"] for i in done["issues"]] == ["warning"]
    assert (counts(again), codes(again)) == ({"unchanged": 1}, [])


def test_a_uin_that_comes_again_under_its_own_student_is_no_matter(home: District) -> None:
    report(TYPE, text(LAYOUT, ela(uin="7001")), work="import")

    done = report(TYPE, text(LAYOUT, ela(uin="7001", scale_score="2510")), work="import")

    assert (counts(done), codes(done)) == ({"import": 1}, [])


def test_an_ssid_that_a_spreadsheet_rounded_is_an_exception(home: District) -> None:
    done = report(TYPE, text(LAYOUT, ela(ssid="9.01E+09")))

    assert (counts(done), codes(done)) == ({"refused": 1}, ["EXC-SSID"])


# -- values ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "code", "severity"),
    [
        ({"record_type": "08"}, "EXC-RECORD-TYPE", "error"),
        ({"condition_code": "QQ"}, "EXC-CONDITION", "warning"),
        ({"grade_assessed": "31"}, "EXC-GRADE", "warning"),
        ({"grade_assessed": "09"}, "EXC-TEST-GRADE", "warning"),
        ({"scale_score": "24O2"}, "EXC-SCORE", "error"),
        ({"achievement_level": "X"}, "EXC-LEVEL", "error"),
        ({"achievement_level": "7"}, "EXC-LEVEL", "warning"),
        ({"scale_score": "3900"}, "EXC-RANGE", "warning"),
        ({"scale_score": "3900", "grade_assessed": "5"}, "EXC-RANGE", "warning"),
        ({"scale_score_sem": "2;1|2400"}, "EXC-SCORE", "error"),
        ({"achievement_level": "1"}, "EXC-LEVEL-RANGE", "warning"),
        ({"birth_date": "2011-13-41"}, "FILE-DATE", "error"),
    ],
)
def test_invalid_values_are_exceptions(home: District, facts: dict[str, str], code: str, severity: str) -> None:
    done = report(TYPE, text(LAYOUT, ela(**facts)))

    assert [(i["code"], i["severity"]) for i in done["issues"]] == [(code, severity)]
    assert counts(done) == ({"refused": 1} if severity == "error" else {})


ELPAC = {"record_type": "21", "scale_score": "1500", "achievement_level": "2"}


@pytest.mark.parametrize("column", ["scale_score", "oral_scale_score", "written_scale_score"])
def test_scores_of_elpac_composites_have_the_range_of_the_whole(home: District, column: str) -> None:
    row = ela(**{**ELPAC, column: "1149"})

    done = report("elpac-summative-2024", text("elpac-summative-2023-24", row))

    assert [(i["code"], i["field"], i["expected"]) for i in done["issues"]] == [("EXC-RANGE", column, "1150 to 1800")]


@pytest.mark.parametrize(
    "written",
    ["2011-03-14", "3/14/11", "03/14/2011", "03-14-2011", "14-03-2011", "2011-03-14 00:00:00"],
)
def test_dates_as_spreadsheets_write_them_are_read_where_there_is_one_way_to(written: str) -> None:
    district().add("100", ssid=SSID_1, birth_date=dt.date(2011, 3, 14))

    done = report(TYPE, text(LAYOUT, ela(birth_date=written)), work="import")

    assert (counts(done), {issue["severity"] for issue in done["issues"]} <= {"notice"}) == ({"import": 1}, True)


def padded(data: bytes) -> bytes:
    return data.replace(b"^", b"  ^")


def quoted(data: bytes, delimiter: str) -> bytes:
    lines = [line.split("^") for line in data.decode().splitlines()]
    return "".join(delimiter.join(f'"{cell}"' for cell in cells) + "\n" for cells in lines).encode()


DATA = text(LAYOUT, ela(**WITH_PARTS))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(padded(DATA), id="padded"),
        pytest.param(quoted(DATA, "^"), id="quoted, caret"),
        pytest.param(quoted(DATA, ","), id="quoted, comma"),
        pytest.param(DATA.replace(b"\r\n", b"^\r\n"), id="trailing delimiter"),
        pytest.param(DATA.replace(b"\r\n", b"\n"), id="other line ends"),
        pytest.param(b"\xef\xbb\xbf" + DATA, id="byte order mark"),
        pytest.param(DATA + b"\r\n\r\n", id="blank lines"),
    ],
)
def test_a_file_as_programs_leave_it_gives_the_same_scores(home: District, data: bytes) -> None:
    start(TYPE, DATA, work="import")
    before = scores()

    done = report(TYPE, data)

    assert (counts(done), done["planned_count"]) == ({"unchanged": 1}, 0)
    assert {issue["severity"] for issue in done["issues"]} <= {"notice"}
    assert scores() == before


def test_day_first_dates_make_unclear_ones_an_error(home: District) -> None:
    rows = [ela(birth_date="03/04/2011"), ela(ssid=SSID_2, birth_date="25/12/2011", uin="2")]

    done = report(TYPE, text(LAYOUT, *rows))

    assert "FILE-DATE" in [i["code"] for i in done["issues"] if i["line"] == 2]


# -- options -----------------------------------------------------------------------------------------------------------


def test_an_assessment_that_is_not_chosen_is_skipped(home: District) -> None:
    done = report(TYPE, text(LAYOUT, ela()), work="import", SBELA="skip")

    assert (counts(done), codes(done)) == ({"skipped": 1}, ["SKIP-OPTION"])


def test_new_makes_a_second_set_up_under_its_own_name(home: District) -> None:
    start(TYPE, text(LAYOUT, ela()), work="import")

    start(TYPE, text(LAYOUT, ela()), work="import", SBELA="new")

    parents = Assessment.objects.filter(parent__isnull=True).order_by("pk")
    assert [a.name for a in parents] == [
        "Smarter Balanced for ELA 2021-2024",
        "Smarter Balanced for ELA 2021-2024 (2)",
    ]
    assert Score.objects.count() == 2


def test_editing_a_set_up_does_not_break_later_imports(home: District) -> None:
    start(TYPE, text(LAYOUT, ela(**WITH_PARTS)), work="import")
    Assessment.objects.filter(state_code="SBELA").update(
        name="Our ELA test", passing_score="2500", shown_to_families=True
    )

    again = report(TYPE, text(LAYOUT, ela(**WITH_PARTS)), work="import")

    assert counts(again) == {"unchanged": 1}
    assert Assessment.objects.filter(parent__isnull=True).count() == 1


def test_new_set_ups_carry_results_and_children(home: District) -> None:
    start(TYPE, text(LAYOUT, ela()), work="import")

    parent = Assessment.objects.get(state_code="SBELA")
    assert [r["code"] for r in parent.results] == ["4", "3", "2", "1", "9"]
    assert [c.name for c in parent.children.all()] == ["Reading and Listening", "Writing and Research"]
    assert not parent.shown_to_families


def test_no_set_up_is_made_when_no_line_is_imported(home: District) -> None:
    done = report(TYPE, text(LAYOUT, ela(first_name="Tom")), work="import")

    assert counts(done) == {"refused": 1}
    assert not Assessment.objects.exists()


@pytest.mark.parametrize(("chosen", "found"), [("", []), ("7654321", ["EXC-SCHOOL"]), ("7654321,0123456", [])])
def test_schools_limit_the_import(home: District, chosen: str, found: list[str]) -> None:
    done = report(TYPE, text(LAYOUT, ela()), options={"schools": chosen})

    assert codes(done) == found


WRITTEN = ["'{}", '="{}"', "{}.0", "9.000000110E+09", "\u200b{}", "90000 00110", "9000-000-110"]


@pytest.mark.parametrize(("place", "layout"), enumerate(TYPES))
def test_id9_an_ssid_is_read_without_the_marks_of_a_spreadsheet(home: District, place: int, layout: str) -> None:
    written = WRITTEN[place % len(WRITTEN)].format("9000000110").encode()

    done = report(TYPES[layout], dated(layout, f"{school_year(layout)}-04-12").replace(b"9000000110", written))

    assert done["status"] == "completed", done["message"]
    assert "EXC-SSID" not in codes(done)
    assert "FILE-MARKS" in codes(done) or "FILE-HIDDEN" in codes(done)


def test_id9_a_chosen_school_is_found_though_its_code_lost_the_zero(home: District) -> None:
    School.objects.filter(pk=home.school.pk).update(code="0123456")

    assert codes(report(TYPE, text(LAYOUT, ela()), options={"schools": "123456"})) == []


def test_a_run_limited_to_other_schools_does_not_name_the_student(home: District) -> None:
    done = report(TYPE, text(LAYOUT, ela()), schools=[0])

    assert codes(done) == ["DIS-NOTFOUND"]


# -- Initial ELPAC -----------------------------------------------------------------------------------------------------

INITIAL = {
    "record_type": "22",
    "ssid": SSID_1,
    "last_name": "Lee",
    "first_name": "Sam",
    "birth_date": "2011-03-04",
    "grade_assessed": "05",
    "final_test_completed_date": "2023-09-05",
    "scale_score": "420",
    "achievement_level": "INTERMEDIATE ENGLISH LEARNER",
    "oral_level": "Well developed",
    "written_level": "beginning to develop",
    "raw_score_1": "14",
    "calculated_elas": "EL",
}


def initial(work: str = "import", ela_status: str = "1", **facts: str) -> dict[str, object]:
    data = text("elpac-initial-2023-24", {**INITIAL, **facts})
    return report("elpac-initial-2023-2024", data, work=work, ela_status=ela_status)


def test_initial_elpac_levels_are_kept_in_words(home: District) -> None:
    initial()

    found = scores()
    assert found["ELPACI"]["result"] == "Intermediate English Learner"
    assert found["ELPACI-O"]["result"] == "Well developed"
    assert found["ELPACI-N"]["result"] == "Beginning to develop"
    assert found["ELPACI-L"]["raw_score"] == "14"
    assert "ELPACI-S" not in found


def test_el_status_is_imported_when_chosen_and_there_is_none(home: District) -> None:
    initial()

    el = Student.objects.get().el
    assert (el.program_status, el.identified_date, el.state_elas) == ("EL", dt.date(2023, 9, 5), "EL")


def test_the_status_for_testing_is_never_taken(home: District) -> None:
    data = text("elpac-initial-2023-24", {**INITIAL, "calculated_elas": ""}).decode()
    header, row = (line.split("^") for line in data.splitlines())
    row[header.index("ELASforTesting")] = "EL"

    done = report(
        "elpac-initial-2023-2024",
        "\r\n".join(["^".join(header), "^".join(row)]).encode(),
        work="import",
        ela_status="1",
    )

    assert counts(done) == {"import": 1}
    assert not hasattr(Student.objects.get(), "el")


def test_el_status_is_left_alone_when_not_chosen(home: District) -> None:
    initial(ela_status="")

    assert not hasattr(Student.objects.get(), "el")


def test_an_el_status_that_is_there_stays(home: District) -> None:
    home.add("101", ssid=SSID_2, el={"program_status": "EO"})

    done = initial(ssid=SSID_2)

    assert counts(done) == {"import": 1}
    assert {change["what"] for change in done["changes"]} == {"assessment", "scores"}
    assert Student.objects.get(local_number="101").el.program_status == "EO"


def test_revert_takes_the_el_status_back(home: District) -> None:
    done = initial()

    undo(ImportRun.objects.get(pk=done["run"]))

    assert not hasattr(Student.objects.get(), "el")


def of_2019(**facts: str) -> dict[str, str]:
    """The record in the layout of 2018-19, which has dates of its parts only."""
    record = ela("caaspp-2018-19", **facts)
    date = record.pop("final_test_completed_date")
    return {**record, "test_completed_date_1": date}


def test_a_column_that_only_tests_without_records_are_made_of_may_be_missing(home: District) -> None:
    data = text("caaspp-2018-19", of_2019())

    done = report("caaspp-2018-2019", without(data, "CAA Science Percent Correct"), work="import")

    assert (done["status"], done["import_count"], done["error_count"]) == ("completed", 1, 0)
    (told,) = [i for i in done["issues"] if i["code"] == "FILE-COLUMN-ABSENT"]
    assert "CAA Science Percent Correct" in told["message"]


def test_a_column_of_a_districts_own_in_its_place_is_told_and_left_out(home: District) -> None:
    data = text("caaspp-2018-19", of_2019())

    done = report(
        "caaspp-2018-2019", data.replace(b"CAA Science Percent Correct", b"Our Science Points"), work="import"
    )

    assert (done["status"], done["import_count"]) == ("completed", 1)
    assert {"FILE-COLUMN-ABSENT", "FILE-COLUMN-UNKNOWN"} <= set(codes(done))


def test_a_column_that_a_record_needs_is_named_with_its_test(home: District) -> None:
    record = of_2019(
        record_type="05", scale_score="", achievement_level="", percent_correct="88", preliminary_indicator="2"
    )

    done = report("caaspp-2018-2019", without(text("caaspp-2018-19", record), "CAA Science Percent Correct"))

    assert (done["status"], done["issues"][0]["code"]) == ("rejected", "FILE-COLUMN-MISSING")
    assert "CAA Science Percent Correct" in done["message"]


@pytest.mark.parametrize("layout", ["caaspp-2018-19", "caaspp-2021-22", "caaspp-2024-25"])
def test_a_score_file_without_its_line_of_column_names_is_read_by_position(home: District, layout: str) -> None:
    row = ela(layout) if layout != "caaspp-2018-19" else of_2019()
    data = text(layout, row)

    whole = report(TYPES[layout], data)
    done = report(TYPES[layout], data.split(b"\r\n", 1)[1])

    assert done["planned_count"] == whole["planned_count"]
    assert "FILE-HEADERLESS" in codes(done)


def test_what_is_as_wide_but_holds_something_else_is_not_taken_for_scores(home: District) -> None:
    width = len(ALL[LAYOUT].columns)

    done = report(TYPE, b"\r\n".join([b"^".join([b"x1"] * width)] * 3))

    assert (done["status"], done["issues"][0]["code"]) == ("rejected", "FILE-NO-HEADER")
