"""The command contract: exact keys, exit codes, and nothing but one JSON object on standard output."""

import io
import zipfile
from datetime import date
from pathlib import Path

import pytest

from sisimport.imports.models import ImportRun
from students.models import Student
from tests.files.samples import line
from tests.imports.commandline import CommandLine
from tests.imports.journey import District, give_el, give_ssid

RUN_KEYS = [
    "run",
    "type",
    "work",
    "status",
    "reverted",
    "corrects",
    "file_name",
    "layout",
    "mapping",
    "options",
    "district_options",
    "record_count",
    "import_count",
    "unchanged_count",
    "refused_count",
    "set_aside_count",
    "skipped_count",
    "error_count",
    "warning_count",
    "notice_count",
    "planned_count",
    "message",
    "crash",
    "issues",
    "changes",
]
ISSUE_KEYS = ["line", "severity", "code", "field", "found", "expected", "message", "data"]
CHANGE_KEYS = ["line", "student", "what", "field", "before", "after"]


@pytest.fixture
def download(tmp_path: Path) -> Path:
    """A download file of one new SSID."""
    path = tmp_path / "March download.txt"
    path.write_text(line() + "\n", encoding="utf-8")
    return path


# ---- import_file ----


def test_import_file_prints_exactly_the_keys_of_the_contract(
    district: District, command: CommandLine, download: Path
) -> None:
    district.student(home_language="vie")
    said = command("import_file", "ssid-download", download, "--work", "test", "--json")
    assert list(said.json) == RUN_KEYS
    assert [list(issue) for issue in said.json["issues"]] == [ISSUE_KEYS]
    assert {tuple(change) for change in said.json["changes"]} == {tuple(CHANGE_KEYS)}


def test_import_file_says_what_it_found(district: District, command: CommandLine, download: Path) -> None:
    district.student(home_language="vie")
    said = command("import_file", "ssid-download", download, "--work", "test", "--json").json
    assert (said["type"], said["work"], said["status"]) == ("ssid-download", "test", "completed")
    assert (said["file_name"], said["layout"]) == ("March download.txt", "calpads-ssid-download")
    assert (said["record_count"], said["import_count"], said["planned_count"]) == (1, 0, 1)
    (issue,) = said["issues"]
    assert (issue["line"], issue["severity"], issue["code"]) == (1, "warning", "ELA-LANG")
    assert (issue["field"], issue["found"], issue["expected"]) == ("language", "spa", "vie")
    assert issue["data"] == line()
    assert {"line": 1, "student": "100234", "what": "ssid", "field": "ssid", "before": None, "after": "9012345678"} in (
        said["changes"]
    )


def test_import_file_names_students_by_local_number_even_before_they_exist(
    district: District, command: CommandLine, tmp_path: Path
) -> None:
    path = tmp_path / "new.csv"
    path.write_text("lea,school,local_number,last_name,first_name,birth_date\n1234567,0123456,77,Lee,Sam,2015-03-01\n")
    said = command("import_file", "students", path, "--work", "test", "--json").json
    assert {change["student"] for change in said["changes"]} == {"77"}


def test_exit_code_0_without_errors(district: District, command: CommandLine, download: Path) -> None:
    district.student(home_language="vie")
    assert command("import_file", "ssid-download", download, "--work", "test", "--json").code == 0


def test_exit_code_1_with_record_errors(district: District, command: CommandLine, download: Path) -> None:
    assert command("import_file", "ssid-download", download, "--work", "test", "--json").code == 1


def test_exit_code_2_for_a_rejected_file(district: District, command: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "book.txt"
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as book:
        book.writestr("[Content_Types].xml", "")
        book.writestr("xl/workbook.xml", "")
    path.write_bytes(stream.getvalue())
    said = command("import_file", "ssid-download", path, "--work", "test", "--json")
    assert (said.code, said.json["status"]) == (2, "rejected")
    assert list(said.json) == RUN_KEYS
    assert said.json["message"]


def test_exit_code_2_for_an_update_without_a_test(district: District, command: CommandLine, download: Path) -> None:
    district.student()
    said = command("import_file", "ssid-download", download, "--work", "update", "--json")
    assert said.code == 2
    assert list(said.json) == RUN_KEYS
    assert "Run the Test first" in said.json["message"]
    assert not ImportRun.objects.exists()


def test_exit_code_3_when_we_broke(
    district: District, command: CommandLine, download: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("sisimport.imports.engine.planning.plan", broken)
    district.student()
    said = command("import_file", "ssid-download", download, "--work", "test", "--json")
    assert (said.code, said.json["status"]) == (3, "failed")
    assert ImportRun.objects.get().reference in said.json["message"]
    assert "a bug" not in said.out + said.err


@pytest.mark.parametrize(
    "words",
    [
        ("nonsense", "--work", "test"),
        ("ssid-download", "--work", "import"),
        ("ssid-download", "--work", "test", "--option", "unknown=1"),
        ("ssid-download", "--work", "test", "--option", "rfep_date=someday"),
        ("ssid-download", "--work", "update", "--test-run", "4711"),
    ],
)
def test_exit_code_2_with_a_sentence_for_what_cannot_be_done(
    district: District, command: CommandLine, download: Path, words: tuple[str, ...]
) -> None:
    said = command("import_file", words[0], download, *words[1:], "--json")
    assert said.code == 2
    assert said.json["message"].endswith((".", "?"))


def test_exit_code_2_for_a_file_that_is_not_there(district: District, command: CommandLine, tmp_path: Path) -> None:
    said = command("import_file", "ssid-download", tmp_path / "none.txt", "--work", "test", "--json")
    assert (said.code, said.json["message"]) == (2, "There is no file none.txt. Check its name and its folder.")


def test_an_update_finds_the_newest_test_of_exactly_this_file(
    district: District, command: CommandLine, download: Path
) -> None:
    student = district.student()
    command("import_file", "ssid-download", download, "--work", "test", "--json")
    said = command("import_file", "ssid-download", download, "--work", "update", "--json")
    assert (said.code, said.json["import_count"]) == (0, 1)
    assert student.ssids.get().ssid == "9012345678"


def test_an_update_may_name_its_test(district: District, command: CommandLine, download: Path) -> None:
    district.student()
    first = command("import_file", "ssid-download", download, "--work", "test", "--json").json["run"]
    command("import_file", "ssid-download", download, "--work", "test", "--json")
    said = command("import_file", "ssid-download", download, "--work", "update", "--test-run", first, "--json").json
    assert ImportRun.objects.get(pk=said["run"]).test_run_id == first


def test_an_update_may_not_name_the_test_of_another_file(
    district: District, command: CommandLine, download: Path, tmp_path: Path
) -> None:
    district.student()
    run = command("import_file", "ssid-download", download, "--work", "test", "--json").json["run"]
    other = tmp_path / "other.txt"
    other.write_text(line(grade="11") + "\n", encoding="utf-8")
    said = command("import_file", "ssid-download", other, "--work", "update", "--test-run", run, "--json")
    assert (said.code, said.json["run"]) == (2, None)


def test_options_reach_the_run(district: District, command: CommandLine, download: Path) -> None:
    district.student()
    said = command("import_file", "ssid-download", download, "--work", "test", "--option", "rfep_date=exit", "--json")
    assert ImportRun.objects.get(pk=said.json["run"]).options["rfep_date"] == "exit"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (line() + "\n", "ssid-download"),
        ("lea,school,local_number,last_name,first_name,birth_date\n1234567,0123456,7,Lee,Sam,2015-03-01\n", "students"),
    ],
)
def test_auto_finds_the_type(
    district: District, command: CommandLine, tmp_path: Path, content: str, expected: str
) -> None:
    path = tmp_path / "file"
    path.write_text(content, encoding="utf-8")
    said = command("import_file", "auto", path, "--work", "test", "--json").json
    assert (said["type"], said["status"]) == (expected, "completed")


def test_auto_says_when_a_file_fits_nothing(district: District, command: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear registrar,\n\nplease find no data here.\n")
    said = command("import_file", "auto", path, "--work", "test", "--json")
    assert (said.code, said.json["run"]) == (2, None)
    assert said.json["message"]


def test_without_json_the_report_is_for_people(district: District, command: CommandLine, download: Path) -> None:
    said = command("import_file", "ssid-download", download, "--work", "test")
    assert "Record Count: 1\nImport Count: 0\n" in said.out
    assert "STU-NOTFOUND" in said.out


# ---- revert_run ----


def test_revert_run_prints_the_run_and_restores(district: District, command: CommandLine, download: Path) -> None:
    student = district.student()
    command("import_file", "ssid-download", download, "--work", "test", "--json")
    run = command("import_file", "ssid-download", download, "--work", "update", "--json").json["run"]
    said = command("revert_run", run, "--json")
    assert (said.code, said.json["work"], said.json["status"]) == (0, "revert", "completed")
    assert list(said.json) == RUN_KEYS
    assert not student.ssids.exists()


def test_the_report_calls_lines_imported_only_where_they_were(
    district: District, command: CommandLine, download: Path
) -> None:
    district.student()
    told = command("import_file", "ssid-download", download, "--work", "test").out
    assert "Lines: to import 1," in told
    assert "Lines: imported 1," in command("import_file", "ssid-download", download, "--work", "update").out
    undone = command("revert_run", ImportRun.objects.latest("pk").pk).out
    assert "Put back: 1\n" in undone
    assert "Lines: put back 1, put back before 0," in undone


def test_revert_run_says_what_was_kept(district: District, command: CommandLine, download: Path) -> None:
    student = district.student(home_language="vie")
    command("import_file", "ssid-download", download, "--work", "test", "--json")
    run = command("import_file", "ssid-download", download, "--work", "update", "--json").json["run"]
    Student.objects.update(home_language="kor")
    said = command("revert_run", run, "--json")
    student.refresh_from_db()
    assert student.home_language == "kor"
    assert [issue["code"] for issue in said.json["issues"]] == ["CHANGED-SINCE-TEST"]
    assert said.code == 1


def test_revert_run_refuses_a_test_and_what_is_not_there(
    district: District, command: CommandLine, download: Path
) -> None:
    run = command("import_file", "ssid-download", download, "--work", "test", "--json").json["run"]
    for number in (run, 4711):
        said = command("revert_run", number, "--json")
        assert (said.code, said.json["status"]) == (2, "rejected")
        assert said.json["message"]


# ---- show_student ----


def test_show_student_prints_exactly_the_keys_of_the_contract(district: District, command: CommandLine) -> None:
    student = district.student(legal_first_name="Joseph", suffix="Jr", gender="X", legal_gender="M")
    give_ssid(student, "9012345678")
    give_ssid(student, "9012345600", retired_at="2024-01-01T00:00Z")
    give_el(student, "EL", identified_date=date(2015, 9, 1))
    said = command("show_student", "100234", "--json")
    assert said.code == 0
    shown = said.json
    assert list(shown) == [
        "local_number",
        "ssid",
        "retired_ssids",
        "names",
        "birth_date",
        "gender",
        "legal_gender",
        "school",
        "grade",
        "home_language",
        "el",
        "scores",
    ]
    assert (shown["ssid"], shown["retired_ssids"]) == ("9012345678", ["9012345600"])
    assert (shown["names"]["last_name"], shown["names"]["legal_first_name"]) == ("García-López", "Joseph")
    assert (shown["birth_date"], shown["gender"], shown["legal_gender"]) == ("2009-02-14", "X", "M")
    assert (shown["school"], shown["grade"], shown["home_language"]) == ("0123456", "10", "spa")
    assert (shown["el"]["program_status"], shown["el"]["identified_date"]) == ("EL", "2015-09-01")
    assert shown["scores"] == []


def test_show_student_without_ssid_and_el_record(district: District, command: CommandLine) -> None:
    district.student()
    shown = command("show_student", "100234", "--json").json
    assert (shown["ssid"], shown["retired_ssids"], shown["el"]) == (None, [], None)


def test_show_student_who_is_not_there(district: District, command: CommandLine) -> None:
    said = command("show_student", "4711", "--json")
    assert (said.code, said.out) == (1, "")
    assert said.err
