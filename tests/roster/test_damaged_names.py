"""Names that another program's encoding damaged never replace those on record (kind 3)."""

from pathlib import Path
from typing import Any

import pytest

from sisimport.files import beginnings
from tests.imports.commandline import CommandLine

HEADER = "lea,school,local_number,ssid,last_name,first_name,birth_date,enrollment_start\n"
SCHOOL = "1234567,0123456"


def _roster(*names: tuple[str, str]) -> str:
    lines = (
        f"{SCHOOL},{number},9000000{number * 37 % 1000:03},{last},{first},2011-03-04,2024-08-15"
        for number, (last, first) in enumerate(names, start=11)
    )
    return HEADER + "\n".join(lines) + "\n"


@pytest.fixture
def loaded(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Any:
    """Put a roster on record and test another over it; the answer of the command."""
    command = CommandLine(capsys)

    def run(before: str, after: bytes, work: str = "test") -> dict[str, Any]:
        path = tmp_path / "roster.csv"
        path.write_text(before, encoding="utf-8")
        assert command("import_file", "students", path, "--work", "test").code == 0
        assert command("import_file", "students", path, "--work", "update").code == 0
        path.write_bytes(after)
        return command("import_file", "students", path, "--work", work, "--json").json

    return run


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("record", "encoding"),
    [
        *[(("Raúl", "Nuria"), "mac_roman"), (("Gómez", "Zoë"), "mac_roman"), (("Gömez", "Ana"), "mac_roman")],
        *[(("Šimek", "Žofie"), "cp1252"), (("Bœuf", "Ana"), "cp1252"), (("MARTÍNEZ", "ANA"), "cp1252")],
    ],
)
def test_the_encoding_is_the_one_in_which_names_are_those_on_record(
    record: tuple[str, str], encoding: str, loaded: Any
) -> None:
    same = _roster(record)

    run = loaded(same, same.encode(encoding))

    assert (run["unchanged_count"], run["error_count"], run["changes"]) == (1, 0, []), run["issues"]


@pytest.mark.django_db
def test_names_far_down_in_the_file_decide_as_well(loaded: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beginnings, "_SAMPLE_BYTES", 400)
    names = [(f"Ruiz {n}", "Ana") for n in range(20)]
    same = _roster(*names, ("Raúl", "Ana"))

    run = loaded(same, same.encode("mac_roman"))

    assert (run["unchanged_count"], run["changes"]) == (21, [])
    assert ["Mac Roman" in issue["message"] for issue in run["issues"]] == [True]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("record", "file"),
    [
        *[("Raúl", "Raœl"), ("Pérez", "PŽrez"), ("Gómez", "Gšmez"), ("García", "Garc’a"), ("Núñez", "Nœ’ez")],
        *[("Peña", "PeÒa"), ("José", "JosÈ"), ("López", "LÛpez")],
        *[("José", "Jos"), ("Peña", "Pea"), ("García", "Garc a")],  # the letter is gone
        *[("Erdoğan", "Erdoðan"), ("Şahin", "Þahin"), ("Barić", "Bariæ")],  # Turkish and Croatian, read as Windows-1252
    ],
)
def test_a_sign_in_place_of_a_letter_with_accent_is_an_error_and_the_record_stays(
    record: str, file: str, loaded: Any
) -> None:
    run = loaded(_roster((record, "Ana")), _roster((file, "Ana")).encode())

    said = [(issue["code"], issue["severity"], issue["field"], issue["line"]) for issue in run["issues"]]
    assert ("FILE-DAMAGED", "error", "last_name", 2) in said
    assert record in next(issue["message"] for issue in run["issues"] if issue["code"] == "FILE-DAMAGED")
    assert run["changes"] == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("record", "file"),
    [("Renée", "Renèe"), ("Muller", "Müller"), ("Müller-Šimek", "Möller-Šimek"), ("OBrien", "O’Brien"), ("Oe", "Œ")],
)
def test_a_corrected_name_is_written(record: str, file: str, loaded: Any) -> None:
    run = loaded(_roster((record, "Ana")), _roster((file, "Ana")).encode())

    assert [change["field"] for change in run["changes"]] == ["last_name"], run["issues"]


@pytest.mark.django_db
def test_where_nobody_on_record_tells_the_doubt_is_a_warning(loaded: Any) -> None:
    run = loaded(_roster(("Ruiz", "Ana")), _roster(("Ruiz", "Ana"), ("Raúl", "Ana")).encode("mac_roman"))

    assert [(i["code"], i["severity"]) for i in run["issues"] if i["line"] == 0] == [("FILE-ENCODING", "warning")]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "name",
    ["Pe#a", "Pe_a", "Pe@a", "PeÒa", "LÛpez", "PŽrez", "Nœ’ez", "Quist1", "<Quist>", "[Quist]", "a\\b"],
)
def test_an_odd_name_of_a_new_student_is_taken_with_a_warning(name: str, loaded: Any) -> None:
    run = loaded(_roster(("Ruiz", "Ana")), _roster(("Ruiz", "Ana"), (name, "Eva")).encode())

    assert [(i["code"], i["severity"], i["line"]) for i in run["issues"] if i["line"]] == [("NAME-ODD", "warning", 3)]
    assert name in {change["after"] for change in run["changes"]}


@pytest.mark.django_db
@pytest.mark.parametrize(
    "name",
    ["Peña", "O’Brien", "Bœuf", "Šimek", "Ñúñez", "McDonald", "D'Ávila", "GARCÍA", "José-Ángel", "Øre", "St. John"],
)
def test_names_of_all_kinds_are_not_odd_ones(name: str, loaded: Any) -> None:
    run = loaded(_roster(("Ruiz", "Ana")), _roster(("Ruiz", "Ana"), (name, "Eva")).encode())

    assert [issue for issue in run["issues"] if issue["line"]] == []


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["Pe?a", "Pe\ufffda", "Pe–a", "Pe\x1ba", "Pen~a", "<b>Quist</b>"])
def test_a_damaged_name_of_a_new_student_makes_no_student(name: str, loaded: Any) -> None:
    run = loaded(_roster(("Ruiz", "Ana")), _roster(("Ruiz", "Ana"), (name, "Eva")).encode())

    assert [(i["code"], i["severity"]) for i in run["issues"] if i["line"]] == [("FILE-DAMAGED", "error")]
    assert run["changes"] == []
