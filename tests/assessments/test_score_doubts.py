"""Lines that say something of another test, and files most of whose scores do not go with their levels."""

from typing import Any

import pytest

from assessments.models import Score
from tests.assessments.score_files import counts, ela, report, start, text
from tests.ssid.journey import District, district

pytestmark = pytest.mark.django_db
STUDENTS = 12


@pytest.fixture
def home() -> District:
    made = district()
    made.add("100", ssid="9012345678", first_name="Sam")
    for n in range(STUDENTS):
        made.add(f"2{n:02}", ssid=ssid_of(n), first_name="Sam")
    return made


def ssid_of(n: int) -> str:
    return f"90000002{n:02}"


def found(done: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(i["code"], i["severity"], i["field"]) for i in done["issues"]]


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"record_type": "02", "claim_4_level": "2"}, "record_type"),
        ({"record_type": "06", "claim_1_level": "2", "grade_assessed": "05", "scale_score": "220", "achievement_level": "3"},
         "record_type"),
    ],
)  # fmt: skip
def test_ca_e_19_columns_of_another_test(home: District, facts: dict[str, str], field: str) -> None:
    done = report("caaspp-2018-2019", text("caaspp-2018-19", undated(facts)), work="import")

    assert ("EXC-OTHER-TEST", "warning", field) in found(done)
    assert counts(done) == {"import": 1}


def undated(facts: dict[str, str]) -> dict[str, str]:
    """A line of 2018-19, which has no final date."""
    row = ela("caaspp-2018-19", **facts)
    row["test_completed_date_1"] = row.pop("final_test_completed_date")
    return row


@pytest.mark.parametrize(
    ("record_type", "measure", "codes"),
    [
        ("01", "1025L", []),
        ("01", "BR120L", []),
        ("01", "945Q", ["EXC-MEASURE"]),
        ("02", "945Q", []),
        ("02", "1025L", ["EXC-MEASURE"]),
        ("02", "", []),
    ],
)
def test_ca_e_20_the_measure_of_another_test(home: District, record_type: str, measure: str, codes: list[str]) -> None:
    row = ela(record_type=record_type, lexile_quantile=measure, scale_score="2530")

    done = report("caaspp-2023-2024", text("caaspp-2023-24", row))

    assert [i["code"] for i in done["issues"]] == codes


def file_of(*, shifted: int = 0, lines: int = STUDENTS) -> bytes:
    """A line for each student, levels 1 and 4 by turns; the scale scores are shifted by so many lines."""
    facts = [("2300", "1"), ("2700", "4")]
    rows = [
        ela(ssid=ssid_of(n), uin=f"{n}", scale_score=facts[(n + shifted) % 2][0], achievement_level=facts[n % 2][1])
        for n in range(lines)
    ]
    return text("caaspp-2023-24", *rows)


def held() -> list[str]:
    return list(
        Score.objects.filter(assessment__state_code="SBELA").order_by("student").values_list("scale_score", flat=True)
    )


def test_a_file_most_of_whose_scores_do_not_go_with_their_levels_says_so(home: District) -> None:
    done = report("caaspp-2023-2024", file_of(shifted=1), work="import")

    first, *others = done["issues"]
    assert (first["code"], first["severity"], first["line"]) == ("EXC-SORTED", "warning", 0)
    assert "12 of 12 scale scores" in first["message"]
    assert {i["code"] for i in others} == {"EXC-LEVEL-RANGE"}
    assert counts(done) == {"import": STUDENTS}


def test_lines_refused_for_another_reason_are_none_of_these(home: District) -> None:
    rows = file_of(shifted=1).decode().splitlines()
    gone = [row.replace(ssid_of(n), f"80000000{n:02}") for n, row in enumerate(rows[1:])]
    right = file_of(lines=2).decode().splitlines()[1:]

    done = report("caaspp-2023-2024", "\r\n".join([rows[0], *gone, *right, ""]).encode(), work="import")

    assert counts(done) == {"import": 2, "refused": STUDENTS}
    assert [i["code"] for i in done["issues"]].count("EXC-LEVEL-RANGE") == STUDENTS
    assert "EXC-SORTED" not in [i["code"] for i in done["issues"]]


def test_such_a_file_never_replaces_scores_on_record(home: District) -> None:
    report("caaspp-2023-2024", file_of(), work="import")
    before = held()

    run = start("caaspp-2023-2024", file_of(shifted=1), work="import")

    assert run.status == "rejected"
    assert "12 of 12 scale scores do not go with the level" in run.message
    assert held() == before


@pytest.mark.parametrize(
    ("value", "kept"),
    [("*", "X"), ("XXXX", "X"), ("Y.5", "X"), ("1", "X"), ("Yes", "Y"), ("n", "N"), ("T", "T"), ("", "")],
)
def test_an_include_indicator_that_is_none_of_the_states_is_reported_and_counts_nowhere(
    home: District, value: str, kept: str
) -> None:
    done = report("caaspp-2023-2024", text("caaspp-2023-24", ela(include_indicator=value)), work="import")

    told = [("EXC-INCLUDE", "warning", "include_indicator")] if kept == "X" else []
    assert (found(done), counts(done)) == (told, {"import": 1})
    as_tested = Score.objects.get(assessment__state_code="SBELA").as_tested
    assert (as_tested.split(",") + [""] * 4)[3] == kept


@pytest.mark.parametrize("field", ["last_name", "first_name"])
def test_a_name_of_signs_alone_is_near_nobody(home: District, field: str) -> None:
    done = report("caaspp-2023-2024", text("caaspp-2023-24", ela(**{field: "***"})), work="import")

    assert ([i["code"] for i in done["issues"]], counts(done)) == (["DIS-NAME"], {"refused": 1})


def test_few_such_lines_are_warnings_as_before(home: District) -> None:
    report("caaspp-2023-2024", file_of(), work="import")

    done = report("caaspp-2023-2024", file_of(shifted=1, lines=9), work="import")

    assert {i["code"] for i in done["issues"]} == {"EXC-LEVEL-RANGE"}
    assert counts(done) == {"import": 9}


def test_the_file_as_it_was_says_nothing(home: District) -> None:
    report("caaspp-2023-2024", file_of(), work="import")

    assert report("caaspp-2023-2024", file_of())["issues"] == []


@pytest.mark.parametrize(
    ("score", "level", "codes"),
    [
        ("300", "Novice English Learner", []),
        ("500", "Initial Fluent English Proficient", []),
        ("500", "Novice English Learner", ["EXC-LEVEL-RANGE"]),
        ("300", "Initial Fluent English Proficient (IFEP)", ["EXC-LEVEL-RANGE"]),
    ],
)
def test_ca_e_7_levels_in_words_go_with_their_scores_too(
    home: District, score: str, level: str, codes: list[str]
) -> None:
    row = ela("elpac-initial-2024-25", record_type="22", scale_score=score, achievement_level=level)

    done = report("elpac-initial-2024-2025", text("elpac-initial-2024-25", row))

    assert [i["code"] for i in done["issues"]] == codes


def test_a_column_in_which_many_values_are_not_levels_is_reported_for_those_that_are(home: District) -> None:
    """Raw scores under the heading of levels: 1 to 3 are both."""
    rows = [ela(ssid=ssid_of(n), uin=f"{n}", achievement_level="3" if n < 2 else f"{n + 8}") for n in range(STUDENTS)]

    done = report("caaspp-2023-2024", text("caaspp-2023-24", *rows), work="import")

    assert [(i["code"], i["severity"], i["field"]) for i in done["issues"] if i["line"] == 0] == [
        ("EXC-LEVELS", "warning", "achievement_level")
    ]
    assert counts(done) == {"import": 2, "refused": 10}
