"""Exports: what leaves as a file is what the records hold, in documented columns, of their own schools only."""

import csv
import datetime as dt
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from openpyxl import load_workbook

from assessments.models import Assessment, Score
from sisimport.audit.models import AuditEntry
from sisimport.imports.models import ImportRun, Work
from sisimport.reporting import writing
from sisimport.reporting.exports import WIDE, Export, ExportRefusedError
from sisimport.reporting.views import VIEWS
from students.models import SSID, Enrollment, RecordEdit, School, Student
from students.school_years import spring_of, year_label
from tests.assessments.score_files import SSID_1, SSID_2, ela, start, text, undo
from tests.factories import LEAFactory, SchoolFactory, SSIDFactory, StudentFactory, UserFactory

pytestmark = pytest.mark.django_db
CONTRACT = [
    "school_year",
    "school_code",
    "local_number",
    "ssid",
    "assessment_code",
    "assessment",
    "parent_code",
    "grade_assessed",
    "test_date",
    "scale_score",
    "raw_score",
    "level",
    "level_name",
    "condition_code",
    "run",
]


@pytest.fixture
def scored() -> list[Student]:
    """Two students of two schools, with their ELA of 2023-24."""
    people = [
        StudentFactory(
            last_name="Lee", first_name="Sam", middle_name="", birth_date=dt.date(2011, 3, 4), local_number=number
        )
        for number in ("000501", "000502")
    ]
    for student, ssid in zip(people, (SSID_1, SSID_2), strict=True):
        SSIDFactory(student=student, ssid=ssid)
    lines = [ela(ssid=SSID_1), ela(ssid=SSID_2, scale_score="2610", achievement_level="4", uin="1000000000000002")]
    run = start("caaspp-2023-2024", text("caaspp-2023-24", *lines), work=Work.IMPORT)
    assert run.import_count == 2, run.message
    return people


def command(name: str, output: Path, *arguments: str, code: int = 0) -> dict[str, Any]:
    """What the command printed as JSON; {} if it ended otherwise."""
    printed, error = io.StringIO(), io.StringIO()
    before, sys.stdout = sys.stdout, printed
    try:
        call_command(name, "--output", str(output), *arguments, "--json", stderr=error)
        ended = 0
    except SystemExit as exit_:
        ended = int(exit_.code or 0)
    finally:
        sys.stdout = before
    assert ended == code, error.getvalue()
    return json.loads(printed.getvalue()) if printed.getvalue() else {"message": error.getvalue()}


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


class TestScores:
    def test_every_score_is_a_row_with_the_columns_of_the_contract(self, scored: list[Student], tmp_path: Path) -> None:
        file = tmp_path / "scores.csv"
        found = command("export_scores", file)
        rows = read(file)
        assert found["columns"][: len(CONTRACT)] == CONTRACT
        expected = {
            "rows": Score.objects.count(),
            "columns": list(rows[0]),
            "file": str(file),
            "version": 1,
            "students": 2,
        }
        assert found == expected
        (row,) = [row for row in rows if row["ssid"] == SSID_1 and row["scale_score"] == "2502"]
        assert {
            name: row[name] for name in ("school_year", "local_number", "grade_assessed", "test_date", "level")
        } == {
            "school_year": "2023-24",
            "local_number": "000501",
            "grade_assessed": "05",
            "test_date": "2024-04-12",
            "level": "3",
        }
        assert row["level_name"] == "Standard Met"
        assert row["assessment_code"] == "SBELA"
        assert row["parent_code"] == ""
        assert row["school_code"] == scored[0].school.code

    def test_by_school_year_and_school(self, scored: list[Student], tmp_path: Path) -> None:
        school = scored[1].school
        assert school is not None
        command("export_scores", tmp_path / "a.csv", "--school", school.code, "--school-year", "2023-24")
        assert {row["ssid"] for row in read(tmp_path / "a.csv")} == {SSID_2}
        assert command("export_scores", tmp_path / "b.csv", "--school-year", "2022-23")["rows"] == 0

    def test_changed_since_takes_what_a_run_wrote_since(self, scored: list[Student], tmp_path: Path) -> None:
        tomorrow = timezone.localdate() + dt.timedelta(days=1)
        assert command("export_scores", tmp_path / "a.csv", "--changed-since", str(timezone.localdate()))["rows"] > 0
        assert command("export_scores", tmp_path / "b.csv", "--changed-since", str(tomorrow))["rows"] == 0

    def test_wide_has_a_row_per_student_and_year(self, scored: list[Student], tmp_path: Path) -> None:
        found = command("export_scores", tmp_path / "wide.csv", "--form", "wide")
        rows = {row["ssid"]: row for row in read(tmp_path / "wide.csv")}
        assert found["rows"] == len(rows) == 2
        assert (rows[SSID_1]["SBELA_scale_score"], rows[SSID_2]["SBELA_level_name"]) == ("2502", "Standard Exceeded")

    def test_what_a_revert_took_back_is_gone(self, scored: list[Student], tmp_path: Path) -> None:
        undo(ImportRun.objects.get(work=Work.IMPORT))
        assert command("export_scores", tmp_path / "a.csv")["rows"] == 0


class TestFiles:
    def test_csv_workbook_and_parquet_hold_the_same(self, scored: list[Student], tmp_path: Path) -> None:
        import pyarrow.parquet as pq

        for ending in ("csv", "xlsx", "parquet"):
            command("export_students", tmp_path / f"students.{ending}")
        rows = read(tmp_path / "students.csv")
        sheet = load_workbook(tmp_path / "students.xlsx").active
        assert sheet is not None
        head, *body = [[cell or "" for cell in row] for row in sheet.iter_rows(values_only=True)]
        numbers = ["000501", "000502"]
        assert [row["local_number"] for row in rows] == numbers
        assert [row[head.index("local_number")] for row in body] == numbers
        assert pq.read_table(tmp_path / "students.parquet").column("local_number").to_pylist() == numbers

    def test_without_the_package_parquet_is_refused_in_words(
        self, scored: list[Student], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "pyarrow", None)
        found = command("export_students", tmp_path / "students.parquet", code=2)
        assert "pyarrow" in found["message"]
        assert not list(tmp_path.glob("*students*"))

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["--school", "9999999"], "No school has the code 9999999"),
            (["--changed-since", "yesterday"], "yesterday is not a date"),
            (["--changed-since", "2026-02-30"], "is not a date"),
            (["--lea", "7777777"], "No LEA on record has the code 7777777"),
        ],
    )
    def test_what_cannot_be_meant_is_refused_and_nothing_written(
        self, tmp_path: Path, arguments: list[str], words: str
    ) -> None:
        assert words in command("export_ssids", tmp_path / "a.csv", *arguments, code=2)["message"]
        assert list(tmp_path.iterdir()) == []

    def test_a_school_year_of_another_form_is_refused(self, tmp_path: Path) -> None:
        for text_ in ("2023", "2023-25", "23-24"):
            message = command("export_scores", tmp_path / "a.csv", "--school-year", text_, code=2)["message"]
            assert message.strip() == f"{text_} is not a school year. Enter it as 2025-26."

    def test_another_ending_is_refused(self, tmp_path: Path) -> None:
        assert "a.txt" in command("export_ssids", tmp_path / "a.txt", code=2)["message"]

    def test_a_place_that_cannot_be_written_keeps_the_old_file(self, scored: list[Student], tmp_path: Path) -> None:
        assert "cannot be written" in command("export_ssids", tmp_path / "none" / "a.csv", code=3)["message"]

    def test_an_export_that_breaks_leaves_the_file_of_before(
        self, scored: list[Student], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file = tmp_path / "a.csv"
        file.write_text("of yesterday", encoding="utf-8")

        def broken(self: Export) -> Iterator[Any]:
            yield tuple("1234567890")
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(Export, "rows", broken)
        command("export_ssids", file, code=3)
        assert file.read_text(encoding="utf-8") == "of yesterday"
        assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["a.csv"]

    def test_more_rows_than_a_workbook_holds_are_refused_not_cut(
        self, scored: list[Student], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(writing, "MAX_WORKBOOK_ROWS", 1)
        assert "choose CSV" in command("export_students", tmp_path / "a.xlsx", code=2)["message"]


class TestSSIDsAndStudents:
    def test_former_ssids_are_there_and_marked(self, scored: list[Student], tmp_path: Path) -> None:
        SSIDFactory(student=scored[0], ssid="9099999999", retired_at=timezone.now())
        command("export_ssids", tmp_path / "a.csv")
        found = {row["ssid"]: row["is_current"] for row in read(tmp_path / "a.csv")}
        assert found == {SSID_1: "True", SSID_2: "True", "9099999999": "False"}

    def test_changed_students_are_those_that_an_update_or_a_person_changed(
        self, scored: list[Student], tmp_path: Path
    ) -> None:
        """Scores are not changes of a student."""
        assert command("export_students", tmp_path / "a.csv", "--changed-since", "2000-01-01")["rows"] == 0
        RecordEdit.objects.create(student=StudentFactory(), what="Student", field="grade", reason="Moved up")
        assert command("export_students", tmp_path / "c.csv", "--changed-since", "2000-01-01")["rows"] == 1

    def test_only_scores_have_a_wide_form(self) -> None:
        with pytest.raises(ExportRefusedError, match="wide"):
            Export(what="ssids", form=WIDE)

    def test_a_school_year_takes_who_was_enrolled_in_it(self, scored: list[Student], tmp_path: Path) -> None:
        first, second = scored
        Enrollment.objects.filter(student=first).update(start_date="2022-08-15", exit_date="2024-06-06")
        Enrollment.objects.filter(student=second).delete()  # a district that brings none: enrolled today

        def numbers(year: str) -> dict[str, set[str]]:
            found = {}
            for what in ("students", "ssids"):
                command(f"export_{what}", tmp_path / "a.csv", "--school-year", year)
                found[what] = {row["local_number"] for row in read(tmp_path / "a.csv")}
            assert found["students"] == found["ssids"]
            return found["students"]

        assert numbers("2023-24") == {"000501"}
        assert numbers("2021-22") == numbers("2024-25") == set()
        assert numbers(year_label(spring_of(timezone.localdate()))) == {"000502"}


class TestPage:
    def ask(self, client: Client, **values: str) -> Any:
        return client.post(reverse("exports"), {"what": "scores", "file_type": "csv", **values})

    def rows(self, response: Any) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode("utf-8-sig"))))

    def test_a_registrar_exports_their_own_schools_and_it_is_logged(
        self, client: Client, scored: list[Student]
    ) -> None:
        school = scored[0].school
        client.force_login(UserFactory(registrar=True, schools=[school]))
        for what in ("scores", "students", "ssids"):
            rows = self.rows(self.ask(client, what=what))
            assert rows
            assert {row["local_number"] for row in rows} == {"000501"}
        assert list(AuditEntry.looks.filter(kind="export").values_list("subject", flat=True)) == [
            f"{what} of all years of 1 school: 1 student, page" for what in ("ssids", "students", "scores")
        ]

    def test_another_school_cannot_be_chosen(self, client: Client, scored: list[Student]) -> None:
        client.force_login(UserFactory(registrar=True, schools=[scored[0].school]))
        other: School | None = scored[1].school
        assert other is not None
        response = self.ask(client, school=str(other.pk))
        assert "text/html" in response["Content-Type"]
        assert AuditEntry.looks.count() == 0

    def test_somebody_without_any_school_gets_no_row(self, client: Client, scored: list[Student]) -> None:
        client.force_login(UserFactory(registrar=True))
        assert self.rows(self.ask(client, what="students")) == []

    def test_someone_who_may_not_export_is_refused(self, client: Client, scored: list[Student]) -> None:
        client.force_login(UserFactory(viewer=True, schools=[scored[0].school]))
        assert client.get(reverse("exports")).status_code == 403
        assert self.ask(client).status_code == 403

    def test_a_workbook_comes_too_and_the_page_says_what_columns_mean(
        self, client: Client, scored: list[Student]
    ) -> None:
        client.force_login(UserFactory(import_admin=True))
        response = self.ask(client, file_type="xlsx", school_year="2023-24", shape="wide")
        book = load_workbook(io.BytesIO(b"".join(response.streaming_content)))
        assert book.active is not None
        assert book.active["A2"].value == "2023-24"
        page = client.get(reverse("exports")).content.decode()
        assert all(
            column.meaning.split(":")[0][:20] in page for column in VIEWS[0].columns if "'" not in column.meaning
        )

    def test_the_shape_is_left_out_for_other_than_scores(self, client: Client, scored: list[Student]) -> None:
        client.force_login(UserFactory(import_admin=True))
        assert len(self.rows(self.ask(client, what="students", shape="wide"))) == 2

    def test_the_version_of_the_columns_comes_along(self, client: Client, scored: list[Student]) -> None:
        client.force_login(UserFactory(import_admin=True))
        assert self.ask(client)["X-Columns-Version"] == "1"

    def test_parquet_is_offered_where_its_package_is(self, client: Client, scored: list[Student]) -> None:
        import pyarrow.parquet as pq

        client.force_login(UserFactory(import_admin=True))
        made = io.BytesIO(b"".join(self.ask(client, what="ssids", file_type="parquet").streaming_content))
        table = pq.read_table(made)
        assert sorted(table.column("ssid").to_pylist()) == sorted([SSID_1, SSID_2])
        assert table.schema.metadata[b"sisimport.version"] == b"1"

    def test_the_log_of_the_server_tells_of_large_exports(
        self, client: Client, scored: list[Student], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        user = UserFactory(import_admin=True)
        client.force_login(user)
        self.ask(client)
        assert "an export of" not in caplog.text
        monkeypatch.setattr(writing, "MANY", 1)
        self.ask(client)
        assert f"an export of 2 students: scores of all years of all schools, user {user.pk}" in caplog.text


def test_values_stay_as_they_are_and_are_text_in_a_workbook(scored: list[Student], tmp_path: Path) -> None:
    """Data teams get what is on record; a workbook's own types keep zeros and let nothing become a formula."""
    Student.objects.filter(pk=scored[0].pk).update(
        last_name='=HYPERLINK("x")', first_name="'Ana", local_number="000501"
    )
    SSID.objects.filter(student=scored[0]).update(ssid="0012345678")
    command("export_students", tmp_path / "a.csv")
    row = next(row for row in read(tmp_path / "a.csv") if row["local_number"] == "000501")
    assert (row["last_name"], row["first_name"], row["ssid"]) == ('=HYPERLINK("x")', "'Ana", "0012345678")
    command("export_students", tmp_path / "a.xlsx")
    book = load_workbook(tmp_path / "a.xlsx")
    sheet = book.active
    assert sheet is not None
    head = [cell.value for cell in sheet[1]]
    cells = {name: sheet.cell(2, head.index(name) + 1) for name in ("last_name", "first_name", "ssid", "local_number")}
    assert {cell.data_type for cell in cells.values()} == {"s"}
    assert [cell.value for cell in cells.values()] == ['=HYPERLINK("x")', "'Ana", "0012345678", "000501"]
    assert "version 1" in book.properties.description


def test_an_export_by_command_is_on_record(scored: list[Student], tmp_path: Path) -> None:
    command("export_scores", tmp_path / "a.csv", "--school-year", "2023-24")
    view = AuditEntry.looks.get()
    assert (view.user, view.subject) == (None, "scores 2023-24 of all schools: 2 students, command")


def test_set_ups_of_one_code_share_the_columns_of_the_wide_form(scored: list[Student], tmp_path: Path) -> None:
    """Whatever years a set-up is for, a column is named by the code: the later test of one year is there."""
    score = Score.objects.get(student=scored[0], assessment__state_code="SBELA")
    other = Assessment.objects.create(state_code="SBELA", name="ELA, another set-up")
    early, late = dt.date(2024, 4, 1), dt.date(2024, 5, 1)
    for year, day, scale in ((2024, late, "2600"), (2023, early, "2300")):
        Score.objects.create(student=scored[0], assessment=other, school_year=year, date=day, scale_score=scale)
    found = command("export_scores", tmp_path / "wide.csv", "--wide")
    rows = {(row["local_number"], row["school_year"]): row for row in read(tmp_path / "wide.csv")}
    assert [name for name in found["columns"] if name.startswith("SBELA") and name.endswith("_scale_score")].count(
        "SBELA_scale_score"
    ) == 1
    assert len(rows) == found["rows"] == 3
    assert score.date is not None
    assert rows["000501", "2023-24"]["SBELA_scale_score"] == "2600"
    assert rows["000501", "2022-23"]["SBELA_scale_score"] == "2300"
    assert rows["000502", "2023-24"]["SBELA_scale_score"] == "2610"


def test_changed_scores_are_also_those_that_a_revert_put_back(scored: list[Student], tmp_path: Path) -> None:
    lines = [ela(ssid=SSID_1, scale_score="2503")]
    again = start("caaspp-2023-2024", text("caaspp-2023-24", *lines), work=Work.IMPORT)
    assert again.import_count == 1
    undo(again)
    ImportRun.objects.exclude(work=Work.REVERT).update(finished_at=timezone.now() - dt.timedelta(days=3))
    command("export_scores", tmp_path / "a.csv", "--changed-since", str(timezone.localdate() - dt.timedelta(days=1)))
    assert {row["ssid"] for row in read(tmp_path / "a.csv")} == {SSID_1}


def test_a_school_of_two_districts_must_be_distinguished(scored: list[Student], tmp_path: Path) -> None:
    code = School.objects.values_list("code", flat=True)[0]
    SchoolFactory(lea=LEAFactory(code="7654321"), code=code)
    assert "--lea" in command("export_ssids", tmp_path / "a.csv", "--school", code, code=2)["message"]
    assert command("export_ssids", tmp_path / "a.csv", "--school", code, "--lea", "7654321")["rows"] == 0
