"""Column mappings below the page: what is suggested, what is refused, and how files are read by them."""

import io
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sisimport.files.issues import FileError
from sisimport.imports.engine.replanning import plan_again
from sisimport.imports.models import ImportRun, RunStatus, Work
from sisimport.imports.runs.report import changes_json
from sisimport.imports.runs.report import layout_of as layout_of_run
from sisimport.roster.import_type import Roster
from sisimport.roster.mapping import services, sharing
from sisimport.roster.mapping.content import Content, MappingError, flaws, from_text, to_toml
from sisimport.roster.mapping.layouts import kept_layout, layout_of, roster_layout
from sisimport.roster.mapping.looking import look_at
from sisimport.roster.mapping.proposing import Proposal, Records, propose
from sisimport.roster.models import ColumnMapping, MappingVersion
from students.models import LEA, SSID, School, Student
from tests.factories import LEAFactory, SchoolFactory
from tests.imports.commandline import CommandLine
from tests.imports.journey import LEA_CODE, SCHOOL_CODE, District, Report, run_file

CASE = Path(__file__).parents[1] / "cases" / "15-vendor-exports-taken-for-a-school-list"
POWERSCHOOL = (CASE / "student-export.text").read_text()
AERIES = (CASE / "query-result.csv").read_text()
HEADER = ("ID No", "Family", "Given", "Born", "Sex", "Gr", "Site")
CONTENT = Content(
    name="Our export",
    lea=LEA_CODE,
    header=HEADER,
    columns=dict(
        zip(("local_number", "last_name", "first_name", "birth_date", "gender", "grade", "school"), HEADER, strict=True)
    ),
    constants={"lea": LEA_CODE},
    values={"school": {"Cedar": SCHOOL_CODE}, "grade": {"Grade 9": "09"}, "gender": {"w": "F", "?": ""}},
    dates=("M/D/CCYY",),
)
LINES = (
    "ID No,Family,Given,Born,Sex,Gr,Site\n7001,Quist,Nel,3/4/2011,w,Grade 9,CEDAR\n7002,Ruiz,Ana,5/6/2012,?,8,Cedar\n"
)


def proposed(text: str | bytes, **values: Any) -> Proposal:
    stream = io.BytesIO(text.encode() if isinstance(text, str) else text)
    records = Records(list(School.objects.select_related("lea")), list(LEA.objects.all()))
    return propose(stream, look_at(stream), records, **values)


def kept(content: Content = CONTENT, **values: Any) -> MappingVersion:
    return services.save(content, user=None, **values)


def read_by_itself(text: str = LINES, **values: Any) -> Report:
    return run_file("students", text, name="export.csv", **values)


# ---- what is suggested ----


@pytest.mark.parametrize(("text", "title"), [(POWERSCHOOL, "PowerSchool"), (AERIES, "Aeries")])
def test_the_exports_of_case_15_have_ready_mappings(district: District, text: str, title: str) -> None:
    """Point 6: fixed ready mappings; which school 101 is tell the students on record."""
    district.student(local_number="115001")
    made = proposed(text)
    assert made.ready is not None
    assert title in made.content.name
    assert set(map(str, made.scores.values())) == {"sure"}
    assert made.content.constants == {"lea": LEA_CODE}
    assert made.content.values == {"school": {"101": SCHOOL_CODE}}
    assert not made.flaws
    assert made.preview[0].values[made.fields.index("birth_date")] == "2015-03-04"


def test_a_school_that_nothing_tells_is_asked_for(district: District) -> None:
    assert [flaw.about for flaw in proposed(POWERSCHOOL).flaws] == ["school"]


def test_suggestions_say_in_words_how_sure_they_are(district: District) -> None:
    text = "Pupil,Surname,Given Name,Born on,x1,Kind,School Name\n" + "".join(
        f"P{n},Quist,Nel,3/{n}/2011,F,,Cedar High\n" for n in range(1, 9)
    )
    made = proposed(text)
    scores = {key: str(made.scores[place]) for key, place in made.places.items()}
    assert scores["last_name"] == scores["first_name"] == scores["school"] == "sure"
    assert scores["birth_date"] == scores["gender"] == "guess"  # by their values alone
    assert made.content.values["school"] == {"Cedar High": SCHOOL_CODE}
    assert "Kind" in made.content.unread


def test_local_numbers_on_record_give_their_column_away(district: District) -> None:
    for number in ("9101", "9102", "9103"):
        district.student(local_number=number)
    text = "Zug,Last Name,First Name,DOB\n" + "".join(f"{n},Quist,Nel,3/4/2011\n" for n in (9101, 9102, 9103))
    made = proposed(text)
    assert made.look.header[made.places["local_number"]] == "Zug"
    assert str(made.scores[0]) == "likely"


def test_a_column_whose_values_are_of_another_kind_is_not_sure(district: District) -> None:
    """A column called Birth Date that holds no dates, and one called SSID that holds local numbers."""
    made = proposed("Student ID,Last Name,First Name,Birth Date,SSID\n1,Quist,Nel,blue,17\n2,Ruiz,Ana,red,18\n")
    assert "birth_date" not in made.places
    assert "ssid" not in made.places


# ---- bad input ----


def test_a_name_that_comes_twice_is_read_from_neither(district: District) -> None:
    made = proposed("Student ID,Last Name,Last_Name,First Name,DOB\n1,Quist,Quest,Nel,3/4/2011\n")
    assert made.look.twice == ("Last Name", "Last_Name")
    assert "last_name" in {flaw.about for flaw in made.flaws}


def test_of_two_header_lines_the_one_with_the_names_is_taken(district: District) -> None:
    made = proposed("Student,,,Other,\nStudent ID,Last Name,First Name,DOB,Grade\n1,Quist,Nel,3/4/2011,5\n")
    assert made.look.line == 2
    assert made.look.records[0][1] == "Quist"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("7001,Quist,Nel,3/4/2011,9001150001\n7002,Ruiz,Ana,5/6/2012,9001150002\n", "line of column names"),
        ("just a sentence\nand another\n", "no column names"),
        (",".join(f"c{n}" for n in range(601)) + "\n1\n", "600"),
        ("\n\n", "empty"),
    ],
)
def test_a_file_without_column_names_is_refused_with_the_way_on(district: District, text: str, says: str) -> None:
    with pytest.raises(MappingError, match=says):
        look_at(io.BytesIO(text.encode()))


def test_what_is_not_text_is_refused_by_its_kind() -> None:
    with pytest.raises(FileError):
        look_at(io.BytesIO(b"%PDF-1.7\n"))


def test_three_hundred_columns_are_looked_at(district: District) -> None:
    more = [f"Extra {n}" for n in range(296)]
    text = (
        ",".join(["Student ID", "Last Name", "First Name", "DOB", *more]) + "\n1,Quist,Nel,3/4/2011" + "," * 296 + "\n"
    )
    made = proposed(text)
    assert made.places["birth_date"] == 3
    assert len(made.content.unread) == 296


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "neither TOML nor JSON"),
        ("[1, 2]", "neither TOML nor JSON"),
        ('{"format": "something else"}', "not a column mapping"),
        ('{"format": "sis-import column mapping", "version": 9}', "version 9"),
        ('{"format": "sis-import column mapping", "version": 1, "columns": ["a"]}', "columns is not a table"),
        ('{"format": "sis-import column mapping", "version": 1, "colums": {}}', "colums"),
        ('{"format": "sis-import column mapping", "version": 1, "name": 5}', "name is not text"),
        ('{"format": "sis-import column mapping", "version": 1, "values": {"school": {"1": 2}}}', "not text"),
    ],
)
def test_a_shared_file_of_another_form_is_refused(text: str, says: str) -> None:
    with pytest.raises(MappingError, match=says):
        from_text(text)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"columns": {**CONTENT.columns, "shoe_size": "Sex"}}, "no field shoe_size"),
        ({"columns": {**CONTENT.columns, "grade": "Level"}}, "no column “Level”"),
        ({"columns": {**CONTENT.columns, "suffix": "Sex"}}, "Choose one"),
        ({"columns": {"local_number": "ID No"}}, "Last name is not read from any column"),
        ({"constants": {}}, "LEA is not read from any column"),
        ({"constants": {"lea": "12345"}}, "seven digits|7 digits"),
        ({"constants": {"lea": LEA_CODE, "last_name": "Quist"}}, "cannot be the same for all lines"),
        ({"constants": {"lea": LEA_CODE, "grade": "05"}}, "a column and a value"),
        ({"values": {"school": {"Cedar": "101"}}}, "7 digits"),
        ({"values": {"grade": {"nine": "9th"}}}, "not a code of Grade"),
        ({"values": {"last_name": {"Quist": "Quest"}}}, "cannot be translated"),
        ({"name": ""}, "name"),
        ({"dates": ("DD.MM.YY",)}, "date format"),
        ({"delimiter": "!"}, "separator"),
    ],
)
def test_a_mapping_that_cannot_work_says_why(changes: dict[str, Any], says: str) -> None:
    texts = " ".join(flaw.text for flaw in flaws(replace(CONTENT, **changes), roster_layout()))
    assert re.search(says, texts), texts


def test_a_shared_mapping_says_the_same_again() -> None:
    assert from_text(to_toml(CONTENT)) == CONTENT
    assert from_text(json.dumps(CONTENT.data())) == CONTENT
    assert not flaws(CONTENT, roster_layout())


# ---- reading by it ----


def test_a_file_is_read_by_columns_constants_and_values(district: District) -> None:
    """Values are compared without regard to case; “?” says nothing."""
    version = kept()
    report = read_by_itself(work=Work.UPDATE)
    assert report.counts == {"imported": 2}
    nel, ana = Student.objects.order_by("local_number")
    assert (nel.local_number, nel.last_name, nel.gender, nel.grade, nel.birth_date.isoformat()) == (
        "7001", "Quist", "F", "09", "2011-03-04",
    )  # fmt: skip
    assert (ana.gender, ana.grade, ana.lea.code) == ("", "08", LEA_CODE)
    assert {student.school.code for student in (nel, ana) if student.school} == {SCHOOL_CODE}
    assert report.run.facts["mapping"] == {"name": "Our export", "number": 1, "version": version.sha}
    assert not [issue for issue in report.issues if issue["severity"] == "error"]


def test_an_ssid_of_such_a_file_is_not_verified(district: District) -> None:
    """As in the roster: what another system says is not what the state said."""
    content = replace(CONTENT, header=(*HEADER, "State ID"), columns={**CONTENT.columns, "ssid": "State ID"})
    kept(content)
    text = "ID No,Family,Given,Born,Sex,Gr,Site,State ID\n7001,Quist,Nel,3/4/2011,w,9,Cedar,9001150001\n"
    assert read_by_itself(text, work=Work.UPDATE).counts == {"imported": 1}
    ssid = SSID.objects.get()
    assert (ssid.ssid, ssid.origin, ssid.verified) == ("9001150001", "roster", False)


def test_a_school_that_nobody_has_said_is_refused_line_by_line(district: District) -> None:
    kept()
    report = read_by_itself(LINES + "7003,Oh,Lee,1/2/2013,w,7,Maple\n")
    assert [(issue["line"], issue["field"]) for issue in report.issues if issue["severity"] == "error"] == [
        (4, "school")
    ]
    assert not School.objects.filter(code="Maple").exists()


def test_a_mapped_column_that_is_gone_is_named(district: District) -> None:
    kept()
    report = read_by_itself(LINES.replace("Born", "Birth"))
    assert report.run.status == RunStatus.REJECTED
    assert (report.issues[0]["code"], report.issues[0]["found"]) == ("ROSTER-GONE", "Born")
    assert "Our export" in report.run.message


def test_more_columns_and_another_order_still_fit(district: District) -> None:
    kept()
    text = "Site,Born,Given,Family,ID No,Gr,Sex,Bus\nCedar,3/4/2011,Nel,Quist,7001,9,w,12\n"
    assert read_by_itself(text).run.planned_count == 1


def test_a_file_of_another_kind_with_these_columns_is_not_taken_for_it(district: District) -> None:
    """Issue 12, point 4: a list that happens to have the columns, among many others."""
    kept()
    names = [*HEADER, *(f"Question {n}" for n in range(20))]
    text = ",".join(names) + "\n7001,Quist,Nel,3/4/2011,w,9,Cedar" + ",1" * 20 + "\n"
    report = read_by_itself(text)
    assert report.run.status == RunStatus.REJECTED
    assert report.issues[0]["code"] in Roster.columns_codes


def test_two_mappings_that_fit_equally_have_to_be_chosen_from(district: District) -> None:
    kept()
    kept(replace(CONTENT, name="Twin"))
    report = read_by_itself()
    assert report.issues[0]["code"] == "ROSTER-WHICH"
    assert "Our export" in report.run.message
    assert "Twin" in report.run.message
    assert read_by_itself(options={"mapping": "Twin"}).run.facts["mapping"]["name"] == "Twin"


def test_auto_knows_a_mapped_file(district: District, command: CommandLine, tmp_path: Path) -> None:
    kept()
    path = tmp_path / "export.csv"
    path.write_text(LINES)
    said = command("import_file", "auto", path, "--work", "test", "--json").json
    assert (said["type"], said["planned_count"]) == ("students", 2)
    assert said["mapping"]["name"] == "Our export"


def test_a_mapping_changed_between_does_not_change_what_test_showed(district: District) -> None:
    """The Update applies the plan of the Test; lines that are read again are read by the version of the Test."""
    version = kept()
    test = read_by_itself().run
    other = replace(CONTENT, columns={**CONTENT.columns, "last_name": "Given", "first_name": "Family"})
    kept(other, replaces=version)
    update = run_file("students", LINES, work=Work.UPDATE, test_run=test)
    assert update.run.test_run_id == test.pk
    assert Student.objects.get(local_number="7001").last_name == "Quist"
    assert Student.objects.count() == 2
    assert read_by_itself().run.facts["mapping"]["number"] == 2


def test_lines_planned_again_are_read_by_the_version_of_the_test(district: District) -> None:
    version = kept()
    run = read_by_itself().run
    other = replace(CONTENT, columns={**CONTENT.columns, "last_name": "Given", "first_name": "Family"})
    kept(other, replaces=version)
    plan_again(run, None)
    names = run_changes(run)
    assert ("last_name", "Quist") in names


def run_changes(run: ImportRun) -> list[tuple[str, str]]:
    return [(change["field"], change["after"]) for change in changes_json(run)]


def test_reports_of_runs_outlive_the_mapping(district: District) -> None:
    version = kept()
    run = read_by_itself(LINES + "7003,Oh,,1/2/2013,w,7,Cedar\n").run
    services.remove(version, user=None)
    layout = layout_of_run(run)
    assert layout is not None
    assert layout.fields["first_name"].name == "Given"
    assert read_by_itself().run.status == RunStatus.REJECTED


def test_a_version_that_says_the_same_is_none(district: District) -> None:
    version = kept()
    assert kept(replaces=version) == version
    assert MappingVersion.objects.count() == 1


def test_versions_are_the_journal(district: District) -> None:
    version = services.rename(kept(), "Their export", user=None)
    services.remove(version, user=None)
    assert [one.what for one in MappingVersion.objects.order_by("number")] == ["made", "renamed", "removed"]
    assert ColumnMapping.objects.get().name == "Their export"
    kept()  # the name is free again


def test_a_mapping_changed_by_somebody_else_meanwhile_is_not_overwritten(district: District) -> None:
    version = kept()
    services.rename(version, "Their export", user=None)
    with pytest.raises(MappingError, match="in the meantime"):
        services.remove(version, user=None)


def test_names_are_taken_once(district: District) -> None:
    kept()
    with pytest.raises(MappingError, match="already"):
        kept(replace(CONTENT, name="OUR EXPORT"))


def test_another_district_begins_without_our_schools() -> None:
    content = sharing.adopted(CONTENT, lea="7654321", schools={"Cedar": "0000001"})
    assert (content.lea, content.constants["lea"]) == ("7654321", "7654321")
    assert content.values["school"] == {"Cedar": "0000001"}
    assert content.values["grade"] == CONTENT.values["grade"]


def test_the_layout_of_equal_content_is_the_same_one() -> None:
    assert kept_layout(to_toml(CONTENT), 1) == layout_of(CONTENT, 1)


# ---- commands ----


def test_a_mapping_goes_from_one_installation_to_the_next(
    district: District, command: CommandLine, tmp_path: Path
) -> None:
    kept()
    for ending in ("toml", "json"):
        path = tmp_path / f"ours.{ending}"
        assert command("export_mapping", "our export", "--output", path, "--json").json["file"] == str(path)
        said = command("add_mapping", path, "--name", f"Copy {ending}", "--json")
        assert (said.code, said.json["columns"], said.json["questions"]) == (0, dict(CONTENT.columns), [])
    names = [one["mapping"] for one in command("mappings", "--json").json["mappings"]]
    assert names == ["Copy json", "Copy toml", "Our export"]
    assert command("add_mapping", tmp_path / "ours.toml", "--replace", "--json").code == 0


def test_an_export_becomes_a_mapping_on_the_command_line(
    district: District, command: CommandLine, tmp_path: Path
) -> None:
    path = tmp_path / "students.text"
    path.write_text(POWERSCHOOL)
    asked = command("add_mapping", path, "--json")
    assert asked.code == 2
    assert "101" in asked.json["questions"][0]
    added = command("add_mapping", path, "--school", f"101={SCHOOL_CODE}", "--json")
    assert (added.code, added.json["mapping"]) == (0, "Student export of PowerSchool")
    said = command("import_file", "auto", path, "--work", "test", "--json")
    assert (said.code, said.json["planned_count"]) == (0, 1)


def test_a_school_that_is_only_likely_is_asked_on_the_command_line(
    district: District, command: CommandLine, tmp_path: Path
) -> None:
    """One student on record tells little; nothing is kept unless somebody says so."""
    district.student(local_number="115001")
    path = tmp_path / "students.text"
    path.write_text(POWERSCHOOL)
    asked = command("add_mapping", path, "--json")
    assert (asked.code, MappingVersion.objects.count()) == (2, 0)
    assert f"--school 101={SCHOOL_CODE}" in asked.json["questions"][0]
    assert command("add_mapping", path, "--accept-suggestions", "--json").code == 0


def test_commands_refuse_with_a_sentence(district: District, command: CommandLine, tmp_path: Path) -> None:
    assert "No column mapping is called nothing" in command("export_mapping", "nothing").err
    assert command("add_mapping", tmp_path / "none.toml", "--json").code == 2
    path = tmp_path / "cut.json"
    path.write_text('{"format": "sis-import column mapping", "version": 1}')
    refused = command("add_mapping", path, "--json")
    assert refused.code == 2
    assert "name" in refused.json["questions"][0]


def test_codes_of_a_system_that_is_known_are_read_by_its_tables(district: District) -> None:
    """0 leaves a choice elsewhere; in PowerSchool it is kindergarten."""
    text = POWERSCHOOL.replace("\t5\t101", f"\t0\t{SCHOOL_CODE}")
    made = proposed(text)
    assert made.content.values["grade"] == {"0": "KN"}
    assert [(one.becomes, str(one.score)) for one in made.unread["grade"]] == [("KN", "sure")]


def test_each_district_reads_its_files_by_its_own_mapping(district: District) -> None:
    """Two districts of one system: the header lines are equal, and neither has to choose."""
    other = SchoolFactory(lea=LEAFactory(code="7654321"), code="7654399")
    kept()
    kept(
        replace(
            CONTENT,
            name="Theirs",
            lea="7654321",
            constants={"lea": "7654321"},
            values={"school": {"Cedar": other.code}, "grade": {"Grade 9": "09"}, "gender": {"w": "F", "?": ""}},
        )
    )
    ours = read_by_itself(schools=[district.school.pk]).run
    theirs = read_by_itself(schools=[other.pk]).run
    assert (ours.facts["mapping"]["name"], theirs.facts["mapping"]["name"]) == ("Our export", "Theirs")
    assert (ours.planned_count, theirs.planned_count) == (2, 2)
