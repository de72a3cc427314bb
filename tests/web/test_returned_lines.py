"""Refused lines leave as a table that names each line and what is wrong with it, and come back as they are, by every way in."""

import csv
import datetime as dt
import io
import re
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from sisimport.imports.models import CorrectedLine, ImportFile, ImportRun, LineDraft, SetAside, Work
from sisimport.imports.runs import returned_lines, services
from sisimport.imports.runs.refused_lines import lines_of_outcome
from sisimport.imports.runs.uploads import RunRefusedError
from sisimport.web.views import downloads
from students.models import SSID, Student
from tests.api.client import Program
from tests.factories import UserFactory
from tests.imports.commandline import CommandLine
from tests.imports.journey import District, finish, run_file
from tests.roster.test_roster import ANA, JOSE
from tests.roster.test_roster import csv as roster
from tests.web.test_line_editor import GOOD, TYPE, UNKNOWN, WRONG_NAME

pytestmark = pytest.mark.django_db
Rows = list[list[str]]
_DAY = re.compile(r"\d{1,2}/\d{1,2}/\d{4}")


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(capsys)


@pytest.fixture
def tested(district: District, registrar: User) -> ImportRun:
    """A Test with one line to import and two refused: lines 2 and 4; line 3 is blank."""
    district.student()
    district.another()
    run = run_file(TYPE, f"{GOOD}\n{WRONG_NAME}\n\n{UNKNOWN}\n").run
    ImportRun.objects.filter(pk=run.pk).update(created_by=registrar)
    return ImportRun.objects.get(pk=run.pk)


def table(client: Client, run: ImportRun) -> bytes:
    answer = client.post(reverse("export", args=[run.pk]), {"what": "correct"})
    assert answer.status_code == 200
    assert f"-run-{run.pk}-correct.csv" in answer["Content-Disposition"]
    return b"".join(answer)  # type: ignore[arg-type]


def rows_of(data: bytes) -> Rows:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))


def written(rows: Rows, delimiter: str = ",", encoding: str = "utf-8-sig") -> bytes:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows(rows)
    return out.getvalue().encode(encoding)


def corrected(client: Client, run: ImportRun) -> Rows:
    """The table with line 2 repaired."""
    rows = rows_of(table(client, run))
    assert rows[1][2 + run.facts["positions"]["last_name"]] == "Nobody"
    birth = Student.objects.get(local_number="100235").birth_date.strftime("%Y%m%d")
    rows[1] = [{"Nobody": "O'Neil", "Luis": "", "20090214": birth}.get(cell, cell) for cell in rows[1]]
    return rows


def send(client: Client, data: bytes, name: str = "table.csv") -> Any:
    """Dropped on the first page, and tested."""
    return client.post(reverse("choose_files"), {"files": [SimpleUploadedFile(name, data)]}, follow=True)


def test_the_table_names_each_line_and_what_is_wrong_with_it(client: Client, tested: ImportRun) -> None:
    head, *rows = rows_of(table(client, tested))
    assert head[:2] == ["Original line", "What is wrong"]
    assert [row[0] for row in rows] == [f"Line 2 of run {tested.pk}", f"Line 4 of run {tested.pk}"]
    assert "Nobody" in rows[0][1]
    assert rows[0][2:] == WRONG_NAME.split("^")
    assert rows[1][2:] == UNKNOWN.split("^")


def test_it_comes_back_dropped_on_the_first_page(client: Client, tested: ImportRun) -> None:
    answer = send(client, written(corrected(client, tested)))
    text = answer.content.decode()
    assert f"run {tested.pk}</a> uploaded again" in text
    token = answer.context["cards"][0].held.token
    client.post(
        reverse("upload", args=["calpads-ssid"]),
        {"held": token, "work": "test", "defaults": "1", "import_type": TYPE},
    )

    child = finish(tested.corrected_by.get()).run

    assert (child.record_count, child.planned_count, child.refused_count) == (2, 1, 1)
    assert "absent_count" not in child.facts, "nobody counts as absent"
    assert set(child.changes.values_list("line", flat=True)) == {2}
    assert set(child.issues.filter(line__gt=0).values_list("line", flat=True)) >= {4}
    noted = CorrectedLine.objects.get()
    assert noted.line == 2
    assert {"Nobody", "O'Neil"} <= {value for field in noted.fields for value in field.values()}
    shown = client.get(reverse("run", args=[child.pk])).content.decode()
    assert "Corrected lines of" in shown
    assert '<td data-label="In the file">Nobody</td>' in shown


def test_as_it_is_it_is_tested_again_and_nothing_counts_as_corrected(client: Client, tested: ImportRun) -> None:
    send(client, table(client, tested))
    file = ImportFile.objects.get(lines_of=tested)
    assert not CorrectedLine.objects.exists()
    with file.file.open() as stream:
        assert stream.read().decode().splitlines() == ["", WRONG_NAME, "", UNKNOWN]


def test_the_screen_of_its_tool_takes_it_too(client: Client, tested: ImportRun) -> None:
    data = written(corrected(client, tested))
    said = client.post(
        reverse("recognise", args=["calpads-ssid"]),
        {"import_type": TYPE, "name": "t.csv", "size": str(len(data)), "part": SimpleUploadedFile("part", data)},
    ).content.decode()
    assert f"Lines of run {tested.pk} to be tested again" in said
    client.post(
        reverse("upload", args=["calpads-ssid"]),
        {"import_type": "ela", "work": "test", "file": SimpleUploadedFile("t.csv", data)},
    )
    child = tested.corrected_by.get()
    assert (child.import_type, child.options) == (TYPE, tested.options), (
        "what the lines are goes before what was chosen"
    )


@pytest.mark.parametrize(
    ("delimiter", "encoding"), [(";", "utf-8"), ("\t", "utf-16"), (",", "cp1252")], ids=["Europe", "Unicode", "ANSI"]
)
def test_it_comes_back_as_spreadsheets_save_it(
    delimiter: str, encoding: str, client: Client, tested: ImportRun
) -> None:
    rows = corrected(client, tested)
    send(client, written([*rows, [""] * 40], delimiter, encoding))
    assert CorrectedLine.objects.get().line == 2


def _as_day(cell: str) -> dt.date | str:
    month, day, year = cell.split("/") if _DAY.fullmatch(cell) else ("", "", "")
    return dt.date(int(year), int(month), int(day)) if year else cell


def as_workbook(rows: Rows) -> bytes:
    """As a spreadsheet saves it: the table pasted in, days as days where it takes them for such."""
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append([_as_day(cell) for cell in row])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _taken_by_home(client: Client, run: ImportRun, data: bytes, _folder: Path) -> None:
    answer = send(client, data, "table.xlsx")
    assert f"run {run.pk}</a> uploaded again" in answer.content.decode()
    token = answer.context["cards"][0].held.token
    sent = {"held": token, "work": "test", "defaults": "1", "import_type": TYPE}
    client.post(reverse("upload", args=["calpads-ssid"]), sent)


def _taken_by_its_screen(client: Client, _run: ImportRun, data: bytes, _folder: Path) -> None:
    file = SimpleUploadedFile("table.xlsx", data)
    client.post(reverse("upload", args=["calpads-ssid"]), {"import_type": TYPE, "work": "test", "file": file})


def _taken_by_command(_client: Client, _run: ImportRun, data: bytes, folder: Path) -> None:
    (folder / "table.xlsx").write_bytes(data)
    with pytest.raises(SystemExit):  # one of its lines is refused still
        call_command("import_file", "auto", str(folder / "table.xlsx"), "--work", "test", "--json")


def _taken_by_api(_client: Client, _run: ImportRun, data: bytes, _folder: Path) -> None:
    file = SimpleUploadedFile("table.xlsx", data)
    Program().post("imports", {"file": file, "type": "auto", "work": "test"})


WAYS = [_taken_by_home, _taken_by_its_screen, _taken_by_command, _taken_by_api]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__[10:])
def test_saved_as_a_workbook_it_comes_back_by_every_way_in(
    client: Client, tested: ImportRun, way: Any, tmp_path: Path, capsys: Any
) -> None:
    rows = corrected(client, tested)

    way(client, tested, as_workbook(rows), tmp_path)

    assert [one.line for one in CorrectedLine.objects.all()] == [2]
    assert ImportRun.objects.filter(corrects=tested).count() == 1


def test_a_day_that_a_workbook_writes_otherwise_is_not_a_correction(district: District, registrar: User) -> None:
    run = run_file("students", roster(ANA, JOSE | {"birth_date": "2/14/2009", "grade": "ZZ"}), name="roster.csv").run
    reasons = returned_lines.plain_reasons(run)
    rows = list(returned_lines.refused_table(run, [3], reasons))
    rows[1][rows[0].index("grade")] = "10"

    file = returned_lines.take_in(io.BytesIO(as_workbook(rows)), user=None, may_correct=lambda _run: True)

    assert file is not None
    [noted] = CorrectedLine.objects.all()
    assert [(field["before"], field["after"]) for field in noted.fields] == [("ZZ", "10")]


def test_another_workbook_is_not_one_and_a_large_one_gets_advice(
    client: Client, tested: ImportRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = as_workbook([["School", "Local Student Number", "SSID"], ["Cedar", "1", "2"]])
    assert returned_lines.take_in(io.BytesIO(other), user=None, may_correct=lambda _run: True) is None
    text = as_workbook([["Say", "Original line, What is wrong"], ["1", "2"]])  # the words, and no such table
    assert returned_lines.take_in(io.BytesIO(text), user=None, may_correct=lambda _run: True) is None
    monkeypatch.setattr(returned_lines, "MAX_WORKBOOK", 10)
    with pytest.raises(RunRefusedError, match="Save the table as CSV"):
        returned_lines.take_in(
            io.BytesIO(as_workbook(corrected(client, tested))), user=None, may_correct=lambda _r: True
        )


def _as_excel(client: Client, run: ImportRun) -> Any:
    return client.post(reverse("export", args=[run.pk]), {"what": "correct-xlsx"})


def test_the_workbook_has_every_cell_as_text_and_comes_back(client: Client, tested: ImportRun) -> None:
    answer = _as_excel(client, tested)
    assert answer["Content-Disposition"].endswith(f'-run-{tested.pk}-correct.xlsx"')
    book = openpyxl.load_workbook(io.BytesIO(answer.getvalue()))
    rows = [["" if cell is None else cell for cell in row] for row in book.active.iter_rows(values_only=True)]
    assert rows == rows_of(table(client, tested))
    assert {type(cell) for row in rows for cell in row} == {str}  # 0123456 stays a school

    for number, row in enumerate(corrected(client, tested), 1):
        for column, cell in enumerate(row, 1):
            book.active.cell(row=number, column=column, value=cell)
    out = io.BytesIO()
    book.save(out)
    send(client, out.getvalue(), "table.xlsx")
    assert [one.line for one in CorrectedLine.objects.all()] == [2]


@pytest.mark.parametrize("limit", ["MOST_CELLS", "MAX_WORKBOOK"])
def test_a_workbook_that_could_not_come_back_is_not_made_and_csv_is(
    client: Client, tested: ImportRun, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(downloads, limit, 5)
    answer = _as_excel(client, tested)
    assert answer["Location"] == reverse("run", args=[tested.pk])
    page = client.get(answer["Location"]).content.decode()
    assert "Download the lines as CSV, which can be any size" in page
    assert len(rows_of(table(client, tested))) == 3


def test_its_update_writes_the_corrected_line(client: Client, tested: ImportRun) -> None:
    send(client, written(corrected(client, tested)))
    file = ImportFile.objects.get(lines_of=tested)
    test = finish(_start(file)).run
    update = run_file(TYPE, "", Work.UPDATE, test_run=test).run
    assert (update.import_count, update.corrects_id) == (1, tested.pk)
    assert SSID.objects.get(student__local_number="100235").ssid == "9012345679"


def _start(file: ImportFile, work: Work = Work.TEST) -> ImportRun:
    return services.start_run(
        file=file, import_type=TYPE, work=work, options={}, user=None, schools=None, enqueue=False
    )


# ---- the other ways in ----


def test_the_command_line_writes_the_table_and_takes_it_back(
    command: CommandLine, client: Client, tested: ImportRun, tmp_path: Path
) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(written(corrected(client, tested)))
    test = command("import_file", "auto", path, "--work", "test", "--json").json
    assert (test["type"], test["corrects"], test["record_count"], test["planned_count"]) == (TYPE, tested.pk, 2, 1)
    assert {change["line"] for change in test["changes"]} == {2}
    update = command("import_file", TYPE, path, "--work", "update", "--json").json
    assert (update["corrects"], update["import_count"]) == (tested.pk, 1)


def test_the_command_line_writes_what_the_page_sends(client: Client, tested: ImportRun, capsysbinary: Any) -> None:
    call_command("refused_lines", str(tested.pk))
    assert [row[2:] for row in rows_of(capsysbinary.readouterr().out)] == [
        row[2:] for row in rows_of(table(client, tested))
    ]
    call_command("refused_lines", str(tested.pk), "--as-they-came", "success")
    assert capsysbinary.readouterr().out.decode().splitlines() == [GOOD]


def test_the_api_sends_the_table_and_takes_it_back(client: Client, tested: ImportRun) -> None:
    program = Program()
    answer = program.client.get(f"/api/v1/runs/{tested.pk}/refused-lines?form=table", headers=program.headers())
    assert [row[2:] for row in rows_of(b"".join(answer))] == [row[2:] for row in rows_of(table(client, tested))]  # type: ignore[arg-type]
    data = written(corrected(client, tested))
    test = program.post("imports", {"file": SimpleUploadedFile("t.csv", data), "type": "auto", "work": "test"})
    assert (test["type"], test["corrects"]) == (TYPE, tested.pk)
    finish(ImportRun.objects.get(pk=test["run"]))
    update = program.post("imports", {"file": SimpleUploadedFile("t.csv", data), "work": "update"})
    assert (update["corrects"], update["work"]) == (tested.pk, "update")


# ---- what cannot be taken ----


def damaged(rows: Rows, how: str) -> Rows:
    if how == "no line":
        rows[1][0] = "2"
    elif how == "twice":
        rows.append(rows[1])
    elif how == "another run":
        rows[2][0] = rows[2][0].replace(" of run ", " of run 9")
    elif how == "no such line":
        rows[1][0] = rows[1][0].replace("Line 2", "Line 200")
    elif how == "blank line":
        rows[1][0] = rows[1][0].replace("Line 2", "Line 3")
    elif how == "empty":
        del rows[1:]
    return rows


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("no line", "Row 2 of the table does not show which line it was"),
        ("twice", "Line 2 is in the table twice"),
        ("another run", "has lines of runs"),
        ("no such line", "has no record in line 200"),
        ("blank line", "has no record in line 3"),
        ("empty", "has no line below the first one"),
    ],
)
def test_a_table_that_cannot_be_taken_says_why_and_nothing_is_kept(
    how: str, said: str, client: Client, tested: ImportRun
) -> None:
    files = ImportFile.objects.count()
    answer = send(client, written(damaged(rows_of(table(client, tested)), how)))
    assert said in answer.content.decode()
    assert ImportFile.objects.count() == files


def test_lines_of_a_run_that_is_not_ones_own_are_refused(client: Client, tested: ImportRun, district: District) -> None:
    data = table(client, tested)
    client.force_login(UserFactory(registrar=True, schools=[district.school]))
    assert "which you cannot correct" in send(client, data).content.decode()
    assert not ImportFile.objects.filter(lines_of=tested).exists()


def test_a_table_longer_than_comes_back_at_once_is_refused(
    monkeypatch: pytest.MonkeyPatch, client: Client, tested: ImportRun
) -> None:
    data = table(client, tested)
    monkeypatch.setattr(returned_lines, "MOST_LINES", 1)
    with pytest.raises(RunRefusedError, match="up to 1 lines can be sent back at a time"):
        returned_lines.take_in(io.BytesIO(data), user=None, may_correct=lambda _run: True)


# ---- forms of a file ----


def test_header_quotes_formulas_and_several_lines_of_a_record(client: Client, registrar: User) -> None:
    bad = JOSE | {"birth_date": "2009-13-40", "last_name": '"García, ""Pepe""\nLópez"', "first_name": "=1+1"}
    short = "1234567,0123456,5,"
    content = roster(ANA, bad) + f"{short}\n"
    run = run_file("students", content, name="roster.csv").run
    rows = rows_of(table(client, run))
    assert rows[0][2:] == content.splitlines()[0].split(","), "the names of the columns as the file has them"
    assert [row[0] for row in rows[1:]] == [f"Line 3 of run {run.pk}", f"Line 5 of run {run.pk}"]
    assert rows[1][rows[0].index("first_name")] == "'=1+1", "no cell is taken for a formula"
    rows[1][rows[0].index("birth_date")] = "2009-02-14"
    rows[2][2:] = roster(JOSE | {"local_number": "5"}).splitlines()[1].split(",")

    file = returned_lines.take_in(io.BytesIO(written(rows)), user=None, may_correct=lambda _run: True)

    assert file is not None
    with file.file.open() as stream:
        lines = stream.read().decode().split("\n")
    assert lines[0] == content.split("\n")[0]
    assert lines[1] == ""
    assert "=1+1" in lines[3]
    assert "'=1+1" not in lines[3]
    assert lines[4].startswith("1234567,0123456,5,")
    labels = {one.line: [field["label"] for field in one.fields] for one in CorrectedLine.objects.all()}
    assert labels[5] == ["Whole line"]
    assert len(labels[3]) == 1


def test_no_other_file_is_taken_for_such_a_table() -> None:
    for data in (
        b"",
        b"\xff\xfe\x00\x00\x00\x00",
        GOOD.encode(),
        b"Original line\nx",
        b"PK\x03\x04",
        bytes(range(256)),
    ):
        assert not returned_lines.is_returned(io.BytesIO(data))


# ---- three files that add up ----


@pytest.mark.parametrize("work", [Work.TEST, Work.UPDATE])
def test_success_refused_and_unprocessed_lines_add_up_to_the_input(work: Work, district: District) -> None:
    """Also with records over several lines, a skipped line, and one set aside after the Test."""
    quoted = ANA | {"last_name": '"O\nNeil"', "local_number": "77"}
    bad = JOSE | {"birth_date": "?", "last_name": '"Gar\ncía"', "local_number": "78"}
    content = roster(ANA, quoted, bad, JOSE) + "\n"
    test = run_file("students", content, name="roster.csv").run
    run = test
    if work == Work.UPDATE:
        run = run_file("students", "", Work.UPDATE, test_run=test).run
        again = run_file("students", roster(ANA | {"grade": "01"}, JOSE | {"grade": "02"}), name="r.csv").run
        Student.objects.filter(local_number=ANA["local_number"]).update(last_name="Changed")
        run, content = (
            run_file("students", "", Work.UPDATE, test_run=again).run,
            roster(ANA | {"grade": "01"}, JOSE | {"grade": "02"}),
        )
        assert SetAside.objects.filter(run=run).exists()
    files = {name: b"".join(lines_of_outcome(run, name)).decode() for name in ("success", "refused", "unprocessed")}
    header = content.splitlines()[0]
    bodies = {name: text.removeprefix(f"{header}\n") for name, text in files.items()}
    body = content.removeprefix(f"{header}\n").rstrip("\n")
    assert sorted("".join(bodies.values()).rstrip("\n").split("\n")) == sorted(body.split("\n"))
    counts = run.outcome_counts
    records = {name: len(list(csv.reader(io.StringIO(text)))) for name, text in bodies.items()}
    assert records == {
        "success": counts["imported"] + counts["unchanged"],
        "refused": counts["refused"],
        "unprocessed": counts["set_aside"] + counts["skipped"],
    }
    assert sum(records.values()) == run.record_count


def test_drafts_of_the_editor_are_not_touched_by_a_table(client: Client, tested: ImportRun) -> None:
    send(client, written(corrected(client, tested)))
    assert not LineDraft.objects.exists()
