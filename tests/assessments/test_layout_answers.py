"""Answers by hand about a new year: they are compared with the values of the first records before the year is added."""

from pathlib import Path

import pytest

from assessments.models import AddedLayout
from tests.assessments.score_files import ALL, ela
from tests.assessments.test_add_layout import LAST, NEXT, command, header_file, home, names, records
from tests.imports.commandline import CommandLine
from tests.ssid.journey import District

pytestmark = pytest.mark.usefixtures("newest_is_2024_25")
__all__ = ["command", "home"]  # fixtures


def scored(*levels: str, score: int = 2500, **more: str) -> list[dict[str, str]]:
    day = "2026-04-12"
    return [
        ela(
            NEXT, achievement_level=level, scale_score=f"{score + n}", final_test_completed_date=day, uin=f"{n}", **more
        )
        for n, level in enumerate(levels)
    ]


@pytest.mark.parametrize(
    ("field", "other", "needed"),
    [
        ("scale_score", "last_name", "numbers"),
        ("ssid", "last_name", "ten-digit SSIDs"),
        ("birth_date", "last_name", "dates"),
        ("grade_assessed", "last_name", "grades"),
        ("record_type", "first_name", "known record types"),
        ("last_name", "ssid", "names"),
    ],
)
def test_a_column_named_by_hand_must_hold_what_the_field_needs(
    home: District, command: CommandLine, tmp_path: Path, field: str, other: str, needed: str
) -> None:
    header = names(**{field: "Zwq"})
    path = header_file(tmp_path, header, *records(header, *scored("3", "4", "2", "1")))
    wrong = ALL[LAST].fields[other].name

    said = command(
        "add_layout",
        path,
        "--school-year",
        "2025-26",
        "--column",
        f"{field}={wrong}",
        "--column",
        f"{other}=",
        "--json",
    )

    assert said.code == 2
    assert any(
        f"“{wrong}”" in text and f"do not have {needed}. Choose another" in text for text in said.json["questions"]
    )
    assert not AddedLayout.objects.exists()


@pytest.mark.parametrize(
    ("levels", "named", "reason"),
    [
        (["3", "2", "1"] * 8, [], ""),
        (["Met", "Nearly", "Not yet"] * 8, [], "24 of the first 24 values are not a level"),
        (["Met", "Nearly", "Not yet"] * 8, ["3=Met", "2=Nearly", "1=Not yet"], ""),
        (
            ["Met", "Nearly", "Not yet"] * 8,
            ["3=Met", "2=Near", "1=Not yet"],
            "8 of the first 24 values are not a level",
        ),
        (["3", "2", "1"] * 8, ["5=Mastered"], "Level 5 (Mastered) of Smarter Balanced for ELA 2025-"),
        (["3", "2", "1", "5"] * 8, ["5=Mastered"], ""),
        (["3", "2", "1", "5"] * 8, [], "8 of the first 32 values are not a level"),
    ],
)
def test_names_of_levels_are_compared_with_the_values(
    home: District, command: CommandLine, tmp_path: Path, levels: list[str], named: list[str], reason: str
) -> None:
    header = names()
    path = header_file(tmp_path, header, *records(header, *scored(*levels)))
    flags = [flag for one in named for flag in ("--level", f"SBELA.{one}")]
    accepted = ["--column", "achievement_level=AchievementLevels"]

    said = command("add_layout", path, "--school-year", "2025-26", *accepted, *flags, "--json")

    assert (said.code, reason in " ".join(said.json["questions"])) == (2 if reason else 0, True), said.json


def test_score_ranges_that_do_not_contain_the_scores_are_asked_about(
    home: District, command: CommandLine, tmp_path: Path
) -> None:
    header = names()
    path = header_file(tmp_path, header, *records(header, *scored(*["3"] * 10, score=500)))

    asked = command("add_layout", path, "--school-year", "2025-26", "--json")
    done = command("add_layout", path, "--school-year", "2025-26", "--without-ranges", "SBELA", "--json")

    assert asked.code == 2
    assert (
        "10 of the first 10 scores of Smarter Balanced for ELA 2025- are outside of its published ranges (2,115 to 2,900)"
        in asked.json["questions"][0]
    )
    assert done.code == 0
    assert AddedLayout.objects.get().text.count('without_ranges = ["SBELA"]') == 1


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (["--level", "Advanced"], "Write it as TEST.CODE=NAME"),
        (["--level", "XYZ.4=Advanced"], "no test or part XYZ"),
        (["--without-ranges", "XYZ"], "no test or part XYZ"),
    ],
)
def test_an_answer_about_a_test_that_is_not_there_is_refused(
    home: District, command: CommandLine, tmp_path: Path, flags: list[str], reason: str
) -> None:
    said = command("add_layout", header_file(tmp_path, names()), "--school-year", "2025-26", *flags, "--json")

    assert said.code == 2
    assert reason in said.json["questions"][0]
