"""Adding a year from a header line: comparing, asking, and an import type of its own in every process at once."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assessments.models import AddedLayout, Assessment, Score
from assessments.new_year import services
from assessments.new_year.proposing import Answers
from assessments.pages.queries import scores_json
from sisimport.files.layouts import parse_layout
from sisimport.imports.definition import registry
from sisimport.imports.definition.recognition import recognise_type
from students.models import Student
from students.school_years import read_school_year
from tests.assessments import score_files
from tests.assessments.score_files import ALL, SSID_1, counts, ela, report, start, text, undo
from tests.imports.commandline import CommandLine
from tests.ssid.journey import District, district

pytestmark = pytest.mark.usefixtures("newest_is_2024_25")
LAST, NEXT = "caaspp-2024-25", "caaspp-2025-26"
TYPE = "caaspp-2025-2026"
Change = Callable[[list[str]], None]


@pytest.fixture
def home(db: None) -> District:
    found = district()
    found.add("100", ssid=SSID_1)
    return found


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(capsys)


def names(layout: str = LAST, **renamed: str) -> list[str]:
    """The header of a layout, some fields under other names; blank: without the column."""
    layout_ = ALL[layout]
    header = [column.name for column in layout_.columns]
    for field, name in renamed.items():
        header[layout_.fields[field].position - 1] = name
    return [name for name in header if name]


def header_file(folder: Path, header: list[str], *records: str, delimiter: str = "^") -> Path:
    path = folder / "header.csv"
    path.write_text("\r\n".join([delimiter.join(header), *records, ""]), encoding="utf-8")
    return path


def records(header: list[str], *rows: dict[str, str], layout: str = LAST) -> list[str]:
    """Records by field of the old layout, under the new header."""
    lines = []
    for row in rows:
        old = {ALL[layout].fields[field].name: value for field, value in row.items()}
        lines.append("^".join(old.get(name, "ZZ" if name == "EndofRecord" else "") for name in header))
    return lines


def add(path: Path, year: str = "2025-26", **more: Any) -> AddedLayout:
    with path.open("rb") as stream:
        look = services.take_look(stream)
    spring = read_school_year(year)
    like = services.choose_like(look, spring)
    made = services.proposal(look=look, like=like, year=spring, name=path.name, answers=Answers(**more))
    return services.add(made, name=path.name, user=None)


def file_of(key: str, *rows: dict[str, str]) -> bytes:
    score_files.ALL[key] = parse_layout(key, AddedLayout.objects.get(key=key).text)
    try:
        return text(key, *rows)
    finally:
        del score_files.ALL[key]


# -- the command -------------------------------------------------------------------------------------------------------


def test_the_same_columns_need_no_answer(home: District, command: CommandLine, tmp_path: Path) -> None:
    said = command("add_layout", header_file(tmp_path, names()), "--school-year", "2025-26", "--json")

    assert said.code == 0, said.out
    found = said.json
    assert (found["layout"], found["import_type"], found["school_year"]) == (NEXT, TYPE, "2025-26")
    assert (found["added"], found["missing"], found["renamed"], found["questions"]) == ([], [], [], [])
    assert found["kept"] == sum(not column.name.startswith("Blank") for column in ALL[LAST].columns)
    row = AddedLayout.objects.get()
    assert parse_layout(row.key, row.text).source == "Header line of header.csv"


def test_a_renamed_column_is_asked_for_and_accepted(home: District, command: CommandLine, tmp_path: Path) -> None:
    header = [*names(scale_score="Overall Scale Score", raw_score_1="")[:-1], "BrandNew", "EndofRecord"]
    path = header_file(tmp_path, header)

    asked = command("add_layout", path, "--school-year", "2025-26", "--json")

    assert asked.code == 2
    assert not AddedLayout.objects.exists()
    assert [one["to"] for one in asked.json["renamed"]] == ["Overall Scale Score"]
    assert any("ScaleScore" in text and "Overall Scale Score" in text for text in asked.json["questions"])
    assert any("RawScore1" in text for text in asked.json["questions"])
    assert [text.partition(": ")[0] for text in asked.json["questions"]] == ["raw_score_1", "scale_score"]
    assert "--column FIELD=NAME" in asked.err

    done = command("add_layout", path, "--school-year", "2025-26", "--accept-suggestions", "--json")

    assert done.code == 0
    (renamed,) = done.json["renamed"]
    assert (renamed["from"], renamed["to"]) == ("ScaleScore", "Overall Scale Score")
    assert 60 <= renamed["score"] < 100
    assert (done.json["added"], done.json["missing"], done.json["questions"]) == (["BrandNew"], ["RawScore1"], [])


@pytest.mark.parametrize("layout", ALL)
def test_the_names_of_every_year_can_be_looked_at(layout: str) -> None:
    """Some of the state's names are sentences."""
    header = [column.name for column in ALL[layout].columns]

    look = services.take_look(io.BytesIO("^".join(header).encode() + b"\r\n"))

    assert len(look.header) == len(header)


def test_columns_are_named_by_hand_where_nothing_is_alike(home: District, command: CommandLine, tmp_path: Path) -> None:
    path = header_file(tmp_path, names(ssid="Zwq"))

    asked = command("add_layout", path, "--school-year", "2025-26", "--accept-suggestions", "--json")
    done = command("add_layout", path, "--school-year", "2025-26", "--column", "ssid=Zwq", "--json")

    assert asked.code == 2
    assert "SSID" in asked.json["questions"][0]
    assert done.code == 0
    assert done.json["renamed"] == [{"from": "SSID", "to": "Zwq", "score": 100}]


@pytest.mark.parametrize(
    ("make", "year", "reason"),
    [
        (lambda: "a,b,c,d\n", "2025-26", "shares almost no columns"),
        (lambda: "", "2025-26", "empty"),
        (lambda: "^".join(names()) + "\n", "2026", "not a school year"),
        (lambda: "^".join(names()) + "\n", "2024-25", "already"),
        (lambda: "^".join([*names(), "SSID"]) + "\n", "2025-26", "appears twice"),
        (lambda: "01^9012345678^Lee^Sam\n", "2025-26", "is a record, not column names"),
        (lambda: "\0\1\2\3", "2025-26", ""),
    ],
)
def test_what_cannot_be_added_is_refused_with_the_reason(
    home: District, command: CommandLine, tmp_path: Path, make: Callable[[], str], year: str, reason: str
) -> None:
    path = tmp_path / "header.csv"
    path.write_text(make(), encoding="utf-8")

    said = command("add_layout", path, "--school-year", year, "--json")

    assert said.code == 2
    assert reason in said.json["questions"][0]
    assert not AddedLayout.objects.exists()


def test_values_of_another_kind_are_asked_about_and_never_shown(
    home: District, command: CommandLine, tmp_path: Path
) -> None:
    header = names()
    rows = [ela(LAST, scale_score="Secretvalue", final_test_completed_date="2026-04-12") for _ in range(5)]

    said = command(
        "add_layout", header_file(tmp_path, header, *records(header, *rows)), "--school-year", "2025-26",
        "--accept-suggestions", "--json",
    )  # fmt: skip

    assert said.code == 2
    assert (
        "“ScaleScore” (Scale score): most of the first 5 records with a value do not have numbers"
        in said.json["questions"][0]
    )
    assert "Secretvalue" not in said.out


def test_a_file_of_another_year_is_not_added_under_this_one(
    home: District, command: CommandLine, tmp_path: Path
) -> None:
    header = names()
    path = header_file(tmp_path, header, *records(header, ela(LAST), ela(LAST, uin="2")))

    said = command("add_layout", path, "--school-year", "2025-26", "--json")

    assert said.code == 2
    assert "are mostly in 2024-25, not in 2025-26" in said.json["questions"][0]
    assert "--column" not in said.err, "no column answers this"


# -- what was added ----------------------------------------------------------------------------------------------------


def test_an_added_year_imports_at_once_and_auto_picks_it(home: District, tmp_path: Path) -> None:
    row = add(header_file(tmp_path, names(scale_score="Overall Scale Score")), accepts=True)
    data = file_of(row.key, ela(NEXT, scale_score="2555", achievement_level="4"))

    assert recognise_type(io.BytesIO(data)).key == TYPE
    done = report(TYPE, data, work="import")

    assert (counts(done), done["layout"]) == ({"import": 1}, NEXT)
    score = scores_json(Student.objects.get())[0]
    assert (score["school_year"], score["scale_score"], score["result_name"]) == ("2025-26", "2555", "Advanced")
    assert score["assessment"] == "Smarter Balanced for ELA 2025-"


def test_of_two_years_with_the_same_columns_auto_picks_that_of_the_dates(home: District, tmp_path: Path) -> None:
    row = add(header_file(tmp_path, names()))

    assert recognise_type(io.BytesIO(file_of(row.key, ela(NEXT)))).key == TYPE
    assert recognise_type(io.BytesIO(text(LAST, ela(LAST)))).key == "caaspp-2024-2025"


def test_the_types_are_listed_in_the_order_of_their_years(home: District, tmp_path: Path) -> None:
    add(header_file(tmp_path, names()))

    keys = [t.key for t in registry.listed_types("caaspp")]

    assert keys[keys.index("caaspp-2024-2025") + 1] == TYPE
    assert TYPE not in [t.key for t in registry.built_in_types()]  # the reference tells of what the release brings


def test_level_names_and_ranges_are_those_that_were_given(home: District, tmp_path: Path) -> None:
    levels = {"CAAELA": {"3": "Understands", "2": "Some", "1": "Little", "9": "No score"}}
    row = add(header_file(tmp_path, names()), levels=levels, without_ranges=("SBELA",))
    other = {"record_type": "03", "scale_score": "360", "achievement_level": "3", "uin": "2"}
    start(TYPE, file_of(row.key, ela(NEXT, scale_score="9", achievement_level="4"), ela(NEXT, **other)), work="import")

    found = {score.assessment.state_code: score for score in Score.objects.filter(assessment__parent=None)}

    assert found["CAAELA"].result_name == "Understands"
    assert found["CAAELA"].assessment.name == "California Alternate Assessment for ELA 2025-2026"
    assert not found["SBELA"].assessment.ranged
    assert Assessment.objects.get(state_code="CAAELA").ranged


def test_a_layout_is_removed_while_no_run_used_it(home: District, tmp_path: Path) -> None:
    row = add(header_file(tmp_path, names()))
    services.remove(row)

    with pytest.raises(registry.UnknownImportTypeError):
        registry.get_type(TYPE)
    assert not AddedLayout.objects.exists()

    row = add(header_file(tmp_path, names()))
    run = start(TYPE, file_of(row.key, ela(NEXT)), work="import")
    undo(run)
    with pytest.raises(services.NotAddedError, match="2 runs use caaspp-2025-26"):
        services.remove(row)


@pytest.mark.django_db(transaction=True)
def test_other_processes_see_an_added_year_without_a_restart(tmp_path: Path) -> None:
    """A process that has run for a while knows the new type at its next request or run, and forgets what was undone."""
    older, header = "caaspp-2014-2015", header_file(tmp_path, names("caaspp-2015-16"))  # which no release will have
    registry.look_again()
    assert older not in [t.key for t in registry.all_types()]
    program = (
        "import os, sys, django; django.setup()\n"
        "from django.core.management import call_command\n"
        f"call_command('add_layout', {str(header)!r}, '--school-year', '2014-15')\n"
    )
    from django.db import connection

    of = connection.settings_dict
    url = f"postgresql://{of['USER']}:{of['PASSWORD'] or ''}@/{of['NAME']}?host={of['HOST']}&port={of['PORT']}"
    environment = {**os.environ, "DATABASE_URL": url}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment, capture_output=True, timeout=120)

    assert registry.get_type(older).screen.label == "CAASPP 2014-2015"  # asked for by name: looked up at once
    AddedLayout.objects.all().delete()
    registry.look_again()  # as each request and each run does
    assert older not in [t.key for t in registry.all_types()]


# -- older years -------------------------------------------------------------------------------------------------------

# Invented, in the manner of the files of those years: other spellings, underscores, numbers of levels in words.
OLDER = [
    "RecordType", "UIN", "Statewide_Student_Identifier_(SSID)", "Student_Last_Name", "Student_First_Name",
    "Student_Middle_Name", "Date_of_Birth", "Gender", "Grade_Assessed", "District_Code", "School_Code", "Condition_Code",
    "Test_Completion_Date", "Scale_Score", "Standard_Error_Measurement", "Achievement_Level", "Claim_1_Level",
    "Claim_2_Level", "Claim_3_Level", "Claim_4_Level", "End_of_Record",
]  # fmt: skip


@pytest.mark.parametrize("year", ["2015-16", "2016-17"])
def test_an_older_year_is_added_from_its_header_line(
    home: District, command: CommandLine, tmp_path: Path, year: str
) -> None:
    path = header_file(tmp_path, OLDER, delimiter=",")
    asked = command("add_layout", path, "--school-year", year, "--json")
    assert asked.code == 2

    said = command(
        "add_layout", path, "--school-year", year, "--accept-suggestions",
        "--column", "test_completed_date_1=Test_Completion_Date", "--json",
    )  # fmt: skip

    assert said.code == 0, said.json["questions"]
    spring = int(year[:4]) + 1
    layout = parse_layout(said.json["layout"], AddedLayout.objects.get().text)
    read = {field: column.name for field, column in layout.fields.items()}
    assert read["ssid"] == "Statewide_Student_Identifier_(SSID)"
    assert read["birth_date"] == "Date_of_Birth"
    assert (read["scale_score"], read["achievement_level"], read["claim_4_level"]) == (
        "Scale_Score", "Achievement_Level", "Claim_4_Level",
    )  # fmt: skip
    row = {"RecordType": "01", "UIN": "7", "Statewide_Student_Identifier_(SSID)": SSID_1, "Student_Last_Name": "Lee",
           "Student_First_Name": "Sam", "Date_of_Birth": "2011-03-04", "Grade_Assessed": "03", "Scale_Score": "2402",
           "Test_Completion_Date": f"{spring}-04-12", "Achievement_Level": "2", "Claim_1_Level": "1"}  # fmt: skip
    data = "\r\n".join([",".join(OLDER), ",".join(row.get(name, "") for name in OLDER), ""]).encode()
    done = report(said.json["import_type"], data, work="import")
    assert counts(done) == {"import": 1}, json.dumps(done["issues"])
    assert {score["code"]: score["school_year"] for score in scores_json(Student.objects.get())} == {
        "SBELA": year, "SBELA-R": year,
    }  # fmt: skip


def test_other_columns_of_a_known_year_are_a_type_beside_that_of_the_year(
    home: District, command: CommandLine, tmp_path: Path
) -> None:
    """Files of one year circulate in several forms; one that is read already is not added again."""
    said = [
        command(
            "add_layout", header_file(tmp_path, [*columns, "End_of_Record"], delimiter=","), "--school-year", "2015-16",
            "--accept-suggestions", "--column", "test_completed_date_1=Test_Completion_Date", "--json",
        )
        for columns in (OLDER[:-1], OLDER[:-1], [*OLDER[:9], *(f"Note_{n}" for n in range(12)), *OLDER[9:-1]])
    ]  # fmt: skip

    assert [one.code for one in said] == [0, 2, 0]
    assert "already" in said[1].json["questions"][0]
    assert [one.json["import_type"] for one in said] == [
        "caaspp-2015-2016-other-columns", None, "caaspp-2015-2016-other-columns-2",
    ]  # fmt: skip
    assert registry.get_type("caaspp-2015-2016-other-columns-2").screen.label == "CAASPP 2015-2016 (other columns 2)"
    assert registry.get_type("caaspp-2015-2016").layouts == ("caaspp-2015-16",)


# -- what the next state file may look like ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("ssid", "Statewide Student Identifier"),
        ("achievement_level", "PerformanceLevel"),
        ("scale_score", "Overall Scaled Score"),
    ],
)
def test_what_a_field_is_called_elsewhere_is_offered(
    home: District, command: CommandLine, tmp_path: Path, field: str, name: str
) -> None:
    path = header_file(tmp_path, names(**{field: name}))

    asked = command("add_layout", path, "--school-year", "2025-26", "--json")
    done = command("add_layout", path, "--school-year", "2025-26", "--accept-suggestions", "--json")

    assert (asked.code, done.code) == (2, 0)
    assert [(one["from"], one["to"]) for one in done.json["renamed"]] == [(ALL[LAST].fields[field].name, name)]


@pytest.mark.parametrize("field", ["scale_score", "achievement_level"])
def test_that_scores_have_no_number_or_level_is_never_accepted_unsaid(
    home: District, command: CommandLine, tmp_path: Path, field: str
) -> None:
    path = header_file(tmp_path, names(**{field: "Zwq"}))

    accepted = command("add_layout", path, "--school-year", "2025-26", "--accept-suggestions", "--json")
    said = command(
        "add_layout", path, "--school-year", "2025-26", "--accept-suggestions", "--column", f"{field}=", "--json"
    )

    assert (accepted.code, said.code) == (2, 0)
    assert ALL[LAST].fields[field].name in accepted.json["questions"][0]


@pytest.mark.parametrize(("level", "code"), [("Advanced", "4"), ("proficient", "3"), ("Minimal", "1")])
def test_levels_in_the_words_of_the_new_year_are_known(
    home: District, command: CommandLine, tmp_path: Path, level: str, code: str
) -> None:
    header, scores = names(), {"4": "2600", "3": "2550", "1": "2300"}
    row = ela(NEXT, achievement_level=level, scale_score=scores[code])
    path = header_file(tmp_path, header, *records(header, row))

    added = command("add_layout", path, "--school-year", "2025-26", "--json")
    done = command("import_file", "auto", path, "--work", "import", "--json")

    assert (added.code, done.code) == (0, 0), added.json
    score = Score.objects.get(assessment__parent=None)
    assert (score.school_year, score.result, score.result_name) == (2026, code, level.capitalize())


def test_columns_of_a_known_year_under_other_names_are_added_if_scores_need_them(
    home: District, tmp_path: Path
) -> None:
    """Otherwise the refusal of the file would lead here, and this page back to it."""
    header = names(LAST, scale_score="OverallScore")
    data = "".join(
        f"{line}\r\n" for line in ["^".join(header), *renamed_records(header, LAST, "OverallScore")]
    ).encode()
    refused = report("caaspp-2024-2025", data)

    made = add(header_file(tmp_path, header), "2024-25", accepts=True)
    done = report("caaspp-2024-2025-other-columns", data, work="import")

    assert (refused["status"], refused["issues"][0]["code"]) == ("rejected", "FILE-COLUMN-MISSING")
    assert "Add a school year" in refused["message"]
    assert made.key == "caaspp-2024-25-other-columns"
    assert counts(done) == {"import": 1}


def renamed_records(header: list[str], year: str, scale_score: str) -> list[str]:
    """One record of a year, its scale score in a column of that name."""
    row = ela(year)
    lines = records(header, {name: value for name, value in row.items() if name != "scale_score"})
    cells = lines[0].split("^")
    cells[header.index(scale_score)] = row["scale_score"]
    return ["^".join(cells)]


def test_files_of_a_new_year_with_the_names_of_the_year_before_are_recognized_by_their_dates(
    home: District, tmp_path: Path
) -> None:
    """The year was added from a file that named one column in another way."""
    add(header_file(tmp_path, names(LAST, achievement_level="PerformanceLevel")), accepts=True)
    lines = ["^".join(names()), *records(names(), ela(NEXT))]
    data = "".join(f"{line}\r\n" for line in lines).encode()

    assert recognise_type(io.BytesIO(data)).key == TYPE
    assert "OTHER-TYPE" not in str(report(TYPE, data)["issues"])


def test_files_of_the_year_before_stay_of_that_year(home: District, tmp_path: Path) -> None:
    add(header_file(tmp_path, names(LAST, achievement_level="PerformanceLevel")), accepts=True)

    assert recognise_type(io.BytesIO(text(LAST, ela(LAST)))).key == "caaspp-2024-2025"
