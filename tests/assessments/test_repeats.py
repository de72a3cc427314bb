"""Lines of one student and test: what is called unchanged says what is on record, what says something else is left out."""

from typing import Any

import pytest

from assessments.models import ResultCount, Score
from students.models import Student
from tests.assessments.score_files import SSID_1, counts, ela, report, text
from tests.ssid.journey import District, codes, district

pytestmark = pytest.mark.django_db
TYPE, LAYOUT = "caaspp-2023-2024", "caaspp-2023-24"
INITIAL = "elpac-initial-2023-24"


@pytest.fixture(autouse=True)
def home() -> District:
    made = district()
    made.add("100", ssid=SSID_1)
    return made


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"final_test_completed_date": "2024-04-19"}, "test date 2024-04-19 instead of 2024-04-12"),
        ({"final_test_completed_date": ""}, "test date blank instead of 2024-04-12"),
        ({"grade_assessed": "06"}, "grade 6 instead of 5"),
        ({"condition_code": "LOSS"}, "condition code LOSS instead of blank"),
        ({"scale_score_sem": "24"}, "standard error 24 instead of blank"),
        ({"lexile_quantile": "1045L"}, "measure 1045L instead of blank"),
        ({"gender": "X"}, "school or group of the student"),
    ],
)
@pytest.mark.long
def test_the_same_scores_with_another_detail_are_left_out_and_named(changed: dict[str, str], words: str) -> None:
    done = report(TYPE, text(LAYOUT, ela(), ela(**changed)), work="import")

    assert counts(done) == {"import": 1, "skipped": 1}
    (issue,) = [i for i in done["issues"] if i["code"].startswith("AMB")]
    assert (issue["line"], issue["code"], issue["severity"], issue["found"]) == (
        3,
        "AMB-REPEAT-OTHER",
        "warning",
        words,
    )
    assert "Line 2 has the same scores" in issue["message"]
    assert str(Score.objects.get().date) == "2024-04-12"


@pytest.mark.parametrize("changed", [{"uin": "2"}, {"scale_score": "02502"[1:]}, {"grade_assessed": "5"}])
def test_what_is_kept_alike_is_a_plain_repeat(changed: dict[str, str]) -> None:
    done = report(TYPE, text(LAYOUT, ela(), ela(**changed)), work="import")

    assert (counts(done), codes(done)) == ({"import": 1, "unchanged": 1}, ["AMB-REPEAT"])


def test_levels_spelled_in_two_ways_are_the_same_level() -> None:
    row = ela(INITIAL, record_type="22", scale_score="520", achievement_level="IFEP")
    other = {**row, "achievement_level": "Initial Fluent English Proficient (IFEP)"}

    done = report("elpac-initial-2023-2024", text(INITIAL, row, other), work="import")

    assert (counts(done), codes(done)) == ({"import": 1, "unchanged": 1}, ["AMB-REPEAT"])


def test_after_a_refused_line_the_others_are_compared_with_the_one_that_counts_now() -> None:
    other_day = {"final_test_completed_date": "2024-04-19"}
    lines = [ela(last_name="Stranger"), ela(**other_day), ela(), ela(**other_day)]

    done = report(TYPE, text(LAYOUT, *lines), work="import")

    assert counts(done) == {"import": 1, "refused": 1, "skipped": 1, "unchanged": 1}
    told = {i["line"]: (i["code"], i["found"]) for i in done["issues"] if i["code"].startswith("AMB")}
    assert told == {
        4: ("AMB-REPEAT-OTHER", "test date 2024-04-12 instead of 2024-04-19"),
        5: ("AMB-REPEAT", SSID_1),
    }
    assert str(Score.objects.get().date) == "2024-04-19"


def test_a_status_that_only_the_repeat_has_is_not_called_imported() -> None:
    row = ela(INITIAL, record_type="22", scale_score="200", achievement_level="Novice English Learner")

    done = report(
        "elpac-initial-2023-2024", text(INITIAL, row, {**row, "calculated_elas": "EL"}), work="import", ela_status="1"
    )

    assert counts(done) == {"import": 1, "skipped": 1}
    assert [i["found"] for i in done["issues"] if i["code"] == "AMB-REPEAT-OTHER"] == [
        "calculated status EL instead of blank"
    ]


# -- the score of record: the line that counts by the state's include indicator ------------------------------------------

OTHER = {"scale_score": "2390", "achievement_level": "1"}


@pytest.mark.combinations
@pytest.mark.parametrize("indicator", ["N", "T", "R", "E"])
@pytest.mark.parametrize("counting", ["Y", ""])
@pytest.mark.parametrize("first", [True, False], ids=["first", "second"])
def test_of_two_scores_that_of_the_line_that_counts_is_the_score_of_record(
    counting: str, indicator: str, first: bool
) -> None:
    counted, not_counted = ela(include_indicator=counting), ela(include_indicator=indicator, **OTHER)
    done = report(TYPE, text(LAYOUT, *((counted, not_counted) if first else (not_counted, counted))), work="import")

    assert counts(done) == {"import": 1, "skipped": 1}
    (issue,) = [i for i in done["issues"] if i["code"].startswith("AMB")]
    assert (issue["code"], issue["severity"], issue["line"], issue["found"]) == (
        "AMB-NOT-COUNTED",
        "warning",
        3 if first else 2,
        indicator,
    )
    assert f"Line {2 if first else 3} has the score of record" in issue["message"]
    assert Score.objects.get(assessment__state_code="SBELA").scale_score == "2502"
    assert ResultCount.objects.get(student_group="all").tested == 1


def test_an_indicator_that_is_none_of_the_states_makes_no_score_of_record() -> None:
    done = report(TYPE, text(LAYOUT, ela(include_indicator="*", **OTHER), ela(include_indicator="Y")), work="import")
    assert Score.objects.get(assessment__state_code="SBELA").scale_score == "2502"
    assert [i["found"] for i in done["issues"] if i["code"] == "AMB-NOT-COUNTED"] == ["not one of the state's"]


@pytest.mark.parametrize("indicators", [("Y", "Y", "N"), ("", "Y", "T"), ("N", "T", "R"), ("", "", "")])
def test_two_scores_that_both_count_or_none_of_which_does_contradict_each_other(indicators: tuple[str, ...]) -> None:
    lines = [
        ela(include_indicator=indicator, scale_score=scale)
        for indicator, scale in zip(indicators, ("2502", "2510", "2520"), strict=True)
    ]
    done = report(TYPE, text(LAYOUT, *lines), work="import")

    assert counts(done) == {"refused": 3}
    assert [i["code"] for i in done["issues"]] == ["AMB-RECORDS"] * 3
    assert not Score.objects.exists()


def test_of_the_same_scores_the_line_that_counts_is_kept() -> None:
    """Kept as the first line says it, nobody would count."""
    lines = [ela(include_indicator="T"), ela(include_indicator="Y"), ela(include_indicator="N", **OTHER)]
    done = report(TYPE, text(LAYOUT, *lines), work="import")

    assert counts(done) == {"import": 1, "skipped": 2}
    told = {i["line"]: i["code"] for i in done["issues"]}
    assert told == {2: "AMB-REPEAT-OTHER", 4: "AMB-NOT-COUNTED"}
    assert (ResultCount.objects.get(student_group="all").scored, Score.objects.count()) == (1, 1)


# -- the English learner status of several lines -----------------------------------------------------------------------


def initial(**facts: str) -> dict[str, str]:
    """A line of a student who took the Initial ELPAC and is an English learner by it."""
    row = {
        "record_type": "22",
        "scale_score": "200",
        "achievement_level": "Novice English Learner",
        "calculated_elas": "EL",
    }
    return ela(INITIAL, **{**row, **facts})


def imported(*rows: dict[str, str]) -> dict[str, Any]:
    return report("elpac-initial-2023-2024", text(INITIAL, *rows), work="import", ela_status="1")


UNSCORED = {"scale_score": "", "achievement_level": "", "condition_code": "NT"}
ALTERNATE = {"record_type": "24", "scale_score": "150", "achievement_level": "1"}


@pytest.mark.parametrize("other", [UNSCORED, ALTERNATE], ids=["unscored", "alternate"])
def test_two_lines_that_say_the_same_status_give_it_once(other: dict[str, str]) -> None:
    done = imported(initial(), initial(**other), initial(**other))

    assert done["status"] == "completed"
    assert Student.objects.get().el.program_status == "EL"
    assert "AMB-ELAS" not in codes(done)


def test_lines_without_score_that_say_the_same_status_give_it_once() -> None:
    done = imported(initial(**UNSCORED), initial(**UNSCORED))

    assert counts(done) == {"import": 1, "skipped": 1}
    assert Student.objects.get().el.program_status == "EL"


def test_lines_that_say_two_statuses_give_none_and_their_scores_come_in() -> None:
    done = imported(initial(), initial(**ALTERNATE, calculated_elas="IFEP"))

    assert counts(done) == {"import": 2}
    told = [(i["line"], i["severity"], i["found"], i["expected"]) for i in done["issues"] if i["code"] == "AMB-ELAS"]
    assert told == [(2, "error", "EL", "IFEP"), (3, "error", "IFEP", "EL")]
    assert not hasattr(Student.objects.get(), "el")


def test_of_unscored_lines_with_two_statuses_none_is_called_imported() -> None:
    done = imported(initial(**UNSCORED), initial(**UNSCORED, calculated_elas="IFEP"))

    assert counts(done) == {"refused": 2}


@pytest.mark.long
def test_a_refused_line_has_no_say_in_the_status() -> None:
    done = imported(initial(last_name="Stranger", calculated_elas="IFEP"), initial())

    assert counts(done) == {"import": 1, "refused": 1}
    assert Student.objects.get().el.program_status == "EL"
