"""Small inputs as the world makes them, each with its right outcome: a folder with the files and a `case.toml`. Folders `more-…`
are further examples of a kind, for `script/test faults`.

kind = "what is wrong with files of this kind, in one line"
pending = true                      the kind is not mended yet: the case must fail (optional)

[[steps]]                           in order, in one empty installation
load = "roster.csv"                 Test and Update of a roster, both without an error
[[steps]]
type = "ssid-download"              a run of import_file …
file = "line.txt"
work = "test"                       test, update or import
options = ["excel=convert"]         (optional)
[steps.expect]                      … and what must be true of it; every key is optional
exit = 0                            exit code
status = "completed"
planned = 1                         and unchanged, refused, skipped, set_aside, imported: the counts of lines
errors = 1                          and warnings, notices: the counts of issues
codes = ["SSID-FORMAT"]             codes that must occur
no_codes = ["DUP-DIFFERS"]          codes that must not
only_codes = ["SSID-FORMAT"]        no other code occurs
issues = [{line = 2, severity = "error", field = "birth_date"}]       each must be met by some issue
changes = [{student = "1", field = "grade", after = "06"}]            each must be met by some change
unchanged_fields = ["last_name"]    fields that no change names
no_changes = true                   nothing is planned at all
says = ["2025-26"]                  texts that are in the message or in some issue's message
says_not = ["looks like"]           texts that appear in none
[[steps]]
student = "101001"                  show_student …
[steps.expect]                      … contains this; lists by their members
ssid = "9001010001"
[[steps]]
no_student = "451"                  nobody has this number
"""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from students.models import Student
from tests.imports.commandline import CommandLine

FOLDER = Path(__file__).parent
CASES = sorted(path.name for path in FOLDER.iterdir() if path.is_dir() and not path.name.startswith("_"))
COUNTS = {
    **{name: f"{name}_count" for name in ("planned", "unchanged", "refused", "skipped", "set_aside")},
    "imported": "import_count",
    "errors": "error_count",
    "warnings": "warning_count",
    "notices": "notice_count",
}
OTHER_OUTCOMES = ("unchanged", "refused", "skipped", "set_aside")


def _params() -> list[Any]:
    return [pytest.param(name, marks=list(_marks(name))) for name in CASES]


def _marks(name: str) -> Iterator[pytest.MarkDecorator]:
    if name.startswith("more-"):
        yield pytest.mark.faults
    if _case(name).get("pending"):
        yield pytest.mark.xfail(strict=True, reason="pending")


def _case(name: str) -> dict[str, Any]:
    return tomllib.loads((FOLDER / name / "case.toml").read_text(encoding="utf-8"))


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(capsys)


@pytest.mark.django_db
@pytest.mark.parametrize("name", _params())
def test_case_ends_as_it_should(name: str, command: CommandLine) -> None:
    for number, step in enumerate(_case(name)["steps"], start=1):
        wrong = _wrong_with(step, FOLDER / name, command)

        assert not wrong, f"step {number} {_title(step)}: " + "; ".join(wrong)


def _title(step: dict[str, Any]) -> str:
    return " ".join(str(step[key]) for key in ("load", "type", "file", "work", "student", "no_student") if key in step)


def _wrong_with(step: dict[str, Any], folder: Path, command: CommandLine) -> list[str]:
    if "load" in step:
        said = [
            command("import_file", "students", folder / step["load"], "--work", work) for work in ("test", "update")
        ]
        return [f"the roster was not loaded: {one.out}" for one in said if one.code]
    if "no_student" in step:
        return (
            [f"{step['no_student']} exists"] if Student.objects.filter(local_number=step["no_student"]).exists() else []
        )
    if "student" in step:
        shown = command("show_student", step["student"], "--json").json
        return [] if _contains(shown, step["expect"]) else [f"shown {shown}"]
    options = [word for option in step.get("options", []) for word in ("--option", option)]
    said = command("import_file", step["type"], folder / step["file"], "--work", step["work"], "--json", *options)
    return _wrong_with_run(said.json, said.code, step["expect"])


def _wrong_with_run(run: dict[str, Any], code: int, expect: dict[str, Any]) -> list[str]:
    unknown = set(expect) - {*COUNTS, *CHECKS, "exit", "status"}
    assert not unknown, f"keys that mean nothing: {unknown}"
    run = run | {"issues": run.get("issues") or [], "changes": run.get("changes") or []}
    wrong = [
        f"{key} {run[COUNTS[key]]}, not {expect[key]}"
        for key in COUNTS.keys() & expect
        if run[COUNTS[key]] != expect[key]
    ]
    if expect.get("exit", code) != code:
        wrong.append(f"exit code {code}, not {expect['exit']}")
    if expect.get("status", run["status"]) != run["status"]:
        wrong.append(f"status {run['status']}, not {expect['status']}")
    best = "planned" if run["work"] == "test" else "imported"
    if run["status"] == "completed" and sum(run[COUNTS[key]] for key in (best, *OTHER_OUTCOMES)) != run["record_count"]:
        wrong.append("outcomes do not add up to the record count")
    wrong += [f"{key} {expect[key]}" for key, check in CHECKS.items() if key in expect and not check(run, expect[key])]
    return [*wrong, f"the run: {run}"] if wrong else []


def _codes(run: dict[str, Any]) -> set[str]:
    return {issue["code"] for issue in run["issues"]}


def _texts(run: dict[str, Any]) -> str:
    return "\n".join([run["message"] or "", *(issue["message"] for issue in run["issues"])])


CHECKS = {
    "codes": lambda run, wanted: set(wanted) <= _codes(run),
    "no_codes": lambda run, unwanted: not set(unwanted) & _codes(run),
    "only_codes": lambda run, allowed: _codes(run) <= set(allowed),
    "issues": lambda run, wanted: all(any(_contains(issue, one) for issue in run["issues"]) for one in wanted),
    "changes": lambda run, wanted: all(any(_contains(change, one) for change in run["changes"]) for one in wanted),
    "unchanged_fields": lambda run, fields: not {change["field"] for change in run["changes"]} & set(fields),
    "no_changes": lambda run, yes: bool(yes) and not run["changes"],
    "says": lambda run, texts: all(text in _texts(run) for text in texts),
    "says_not": lambda run, texts: not any(text in _texts(run) for text in texts),
}


def _contains(whole: Any, part: Any) -> bool:
    """Every key of `part` is in `whole` with that value; a list contains others by members, in any order."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(key in whole and _contains(whole[key], part[key]) for key in part)
    if isinstance(part, list):
        return isinstance(whole, list) and all(any(_contains(one, wanted) for one in whole) for wanted in part)
    return bool(whole == part)


def test_every_case_folder_says_its_kind_and_its_steps() -> None:
    for name in CASES:
        case = _case(name)
        assert case["kind"], name
        assert case["steps"], name
