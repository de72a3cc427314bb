"""The demo district: deterministic, of any size, and made by its command. What is in it: tests/demo/test_made_district.py."""

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import transaction

from sisimport.demo import district
from sisimport.demo.people import state_ssid
from students.models import SSID, ELRecord, Student
from tests.imports.commandline import CommandLine
from tests.imports.journey import drop_temporary_tables

PEOPLE = (
    "local_number",
    "last_name",
    "first_name",
    "middle_name",
    "suffix",
    "birth_date",
    "gender",
    "grade",
    "home_language",
)


@pytest.fixture(autouse=True)
def _own_data_folder(settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path


def people() -> list[tuple[Any, ...]]:
    rows = list(Student.objects.order_by("local_number").values_list(*PEOPLE, "school__code"))
    ssids = SSID.objects.order_by("ssid").values_list("ssid", "student__local_number", "retired_at")
    records = ELRecord.objects.order_by("student__local_number").values_list("student__local_number", "program_status")
    return [*rows, *ssids, *records]


def made_with(**values: int) -> list[tuple[Any, ...]]:
    """The people that a command would make; nothing stays."""
    with transaction.atomic():
        district.make_district(**values)
        found = people()
        transaction.set_rollback(True)
    drop_temporary_tables()
    return found


# ---- the same again ----


def test_the_same_size_and_seed_make_the_same_people(db: None) -> None:
    assert made_with(students=200, seed=7) == made_with(students=200, seed=7)


def test_another_seed_makes_other_people(db: None) -> None:
    assert made_with(students=200, seed=7) != made_with(students=200, seed=8)


@pytest.mark.parametrize("students", [1, 2, 17])
def test_a_district_may_be_very_small(db: None, students: int) -> None:
    assert district.make_district(students=students, seed=1).counts["students"] == students


@pytest.mark.parametrize("values", [{"students": 0}, {"students": 10**9}, {"students": 5, "ssid_percent": 101}])
def test_an_impossible_size_is_refused(db: None, values: dict[str, int]) -> None:
    with pytest.raises(district.DemoRefusedError):
        district.make_district(**({"seed": 1} | values))


def test_about_the_asked_share_has_an_ssid(db: None) -> None:
    made = district.make_district(students=3_000, seed=7, ssid_percent=25)
    assert 600 < made.counts["ssids"] < 900


def test_nobody_has_an_ssid_when_asked_so(db: None) -> None:
    counts = district.make_district(students=300, seed=7, ssid_percent=0).counts
    assert (counts["ssids"], counts["retired_ssids"], counts["ssid_replacements"]) == (0, 0, 0)


def test_the_states_ssids_are_ten_digits_and_all_different() -> None:
    numbers = [state_ssid(i) for i in range(1, 5_001)]
    assert len(set(numbers)) == 5_000
    assert all(len(number) == 10 and number.isdigit() for number in numbers)


# ---- the command ----


def test_make_demo_prints_one_json_object(db: None, command: CommandLine) -> None:
    said = command("make_demo", "--students", 50, "--seed", 3, "--json")
    assert said.code == 0
    assert (said.json["created"], said.json["lea"], said.json["students"], said.json["seed"]) == (
        True,
        "1234567",
        50,
        3,
    )
    names = {Path(file["file"]).name for file in said.json["samples"]}
    assert names >= {"ssid-download-new.txt", "ssid-download-findings.txt", "students-roster.csv"}


def test_make_demo_says_when_the_district_is_there(db: None, command: CommandLine) -> None:
    command("make_demo", "--students", 50, "--json", "--no-samples")
    said = command("make_demo", "--students", 70, "--json", "--no-samples")
    assert (said.code, said.json["created"], said.json["students"]) == (0, False, 50)
    assert "already exists" in said.json["message"]


def test_make_demo_prints_the_sign_in_on_standard_error_only(db: None, command: CommandLine) -> None:
    said = command("make_demo", "--students", 20, "--users", "--no-samples", "--json")
    password = (Path(django_settings.DATA_DIR) / "first-sign-in.txt").read_text().strip()
    assert password in said.err
    assert password not in said.out


def test_make_demo_refuses_a_production_installation(db: None, command: CommandLine, settings: Any) -> None:
    settings.PRODUCTION = True
    said = command("make_demo", "--students", 20, "--json")
    assert (said.code, said.json["created"]) == (2, False)
    assert not Student.objects.exists()
