"""One export is the same whatever it comes as: file, download or answer of the API; and it is what the reference says."""

import csv
import datetime as dt
import io
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from openpyxl import load_workbook

from sisimport.reporting.views import SCORES, SSIDS, STUDENTS, VERSION, View
from students.models import SSID, Student
from tests.api.client import Program
from tests.factories import UserFactory
from tests.reporting.conftest import Scored
from tests.reporting.test_exports import command, read

pytestmark = pytest.mark.django_db
EXPORTED = [STUDENTS, SSIDS, SCORES]
VIEWS = pytest.mark.parametrize("view", EXPORTED, ids=[view.name for view in EXPORTED])
REFERENCE = Path(settings.BASE_DIR) / "docs/reference/exports.md"
PARQUET = {"text": pa.string(), "date": pa.date32(), "moment": pa.timestamp("us", tz="UTC"), "boolean": pa.bool_()}


def documented(view: View) -> dict[str, str]:
    """Column -> type, as the reference has it."""
    section = REFERENCE.read_text().split(f"\n### {view.name}\n")[1].split("\n### ")[0]
    return dict(re.findall(r"^\| `(\w+)` \| (\w+) \|", section, re.MULTILINE))


def plain(value: Any) -> str:
    """A value without its type: nothing is empty, a moment is one of UTC to the second."""
    if isinstance(value, str) and "T" in value and (moment := parse_datetime(value)):
        value = moment
    if isinstance(value, dt.datetime):
        return f"{value.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S}"
    if isinstance(value, dt.date):
        return value.isoformat()
    return "" if value is None else str(value)


def of_csv(value: str) -> str:
    moment = parse_datetime(value) if " " in value and "+" in value else None
    return plain(moment) if moment else value


def of_api(name: str, program: Program) -> list[dict[str, Any]]:
    """All pages."""
    found: list[dict[str, Any]] = []
    asked: dict[str, Any] = {"limit": 3}
    while True:
        page = program.get(name, asked)
        found += page["items"]
        if page["next"] is None:
            return found
        asked = {"limit": 3, "cursor": page["next"]}


@pytest.fixture
def people(two_scored: Scored) -> list[Student]:
    """With zeros in front, a former SSID, blank and odd values."""
    first, second = two_scored.people
    Student.objects.filter(pk=first.pk).update(local_number="000501", first_name='=1+1,"ä"', school=None)
    SSID.objects.filter(student=first).update(ssid="0012345678")
    SSID.objects.create(student=second, ssid="0000000012", origin="staff", retired_at=dt.datetime.now(dt.UTC))
    return [first, second]


@VIEWS
def test_all_forms_hold_the_same_rows(view: View, people: list[Student], tmp_path: Path, client: Client) -> None:
    name = view.name
    told = {ending: command(f"export_{name}", tmp_path / f"a.{ending}") for ending in ("csv", "xlsx", "parquet")}
    rows = [{key: of_csv(value) for key, value in row.items()} for row in read(tmp_path / "a.csv")]
    assert len(rows) > 1
    assert {one["rows"] for one in told.values()} == {len(rows)}
    assert {one["students"] for one in told.values()} == {2}

    parquet = pq.read_table(tmp_path / "a.parquet").to_pylist()
    assert [{key: plain(value) for key, value in row.items()} for row in parquet] == rows

    sheet = load_workbook(tmp_path / "a.xlsx").active
    assert sheet is not None
    head, *cells = sheet.iter_rows(values_only=True)
    dates = {column for column, kind in documented(view).items() if kind == "date"}
    moments = {column for column, kind in documented(view).items() if kind == "moment"}
    for row, expected in zip(cells, rows, strict=True):
        found = dict(zip(head, row, strict=True))
        told_as_text = {key: plain(value)[: 10 if key in dates else None] for key, value in found.items()}
        assert all(isinstance(found[column], dt.date | None) for column in dates)
        assert all(isinstance(found[column], dt.datetime | None) for column in moments)
        assert [(key, told_as_text[key]) for key in expected if key not in moments] == [
            (key, value) for key, value in expected.items() if key not in moments
        ]

    listed = of_api(name, Program())
    whole = Program(name="files").client.get(f"/api/v1/exports/{name}", headers=Program(name="file").headers())
    client.force_login(UserFactory(import_admin=True))
    page: Any = client.post(reverse("exports"), {"what": name, "file_type": "csv"})
    for answer in (whole, page):
        text = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
        assert [{k: of_csv(v) for k, v in row.items()} for row in csv.DictReader(io.StringIO(text))] == rows
    by_text = lambda row: sorted(row.items())  # noqa: E731 - two lists in one order
    assert sorted([{k: plain(v) for k, v in row.items()} for row in listed], key=by_text) == sorted(rows, key=by_text)


@VIEWS
def test_leading_zeros_are_in_every_form(view: View, people: list[Student], tmp_path: Path) -> None:
    for ending in ("csv", "xlsx", "parquet"):
        command(f"export_{view.name}", tmp_path / f"a.{ending}")
    sheet = load_workbook(tmp_path / "a.xlsx").active
    assert sheet is not None
    head, *cells = sheet.iter_rows(values_only=True)
    for rows in (
        read(tmp_path / "a.csv"),
        pq.read_table(tmp_path / "a.parquet").to_pylist(),
        [dict(zip(head, row, strict=True)) for row in cells],
        of_api(view.name, Program()),
    ):
        assert {"000501", "000502"} == {row["local_number"] for row in rows}
        assert "0012345678" in {row["ssid"] for row in rows}


@VIEWS
def test_columns_and_types_are_those_of_the_reference(view: View, people: list[Student], tmp_path: Path) -> None:
    types = documented(view)
    assert list(types) == [column.name for column in view.columns]
    assert f"\nVersion {VERSION}. " in REFERENCE.read_text()
    told = command(f"export_{view.name}", tmp_path / "a.parquet")
    schema = pq.read_schema(tmp_path / "a.parquet")
    assert told["version"] == int(schema.metadata[b"sisimport.version"]) == VERSION
    assert told["columns"] == schema.names == list(types) == list(of_api(view.name, Program())[0])
    for name, kind in types.items():
        found = schema.field(name).type
        assert pa.types.is_integer(found) if kind == "number" else found == PARQUET[kind], name


def test_a_typed_file_of_nothing_has_the_types_of_one_with_rows(people: list[Student], tmp_path: Path) -> None:
    """Warehouses read many files as one table: a column that is empty in one of them must not have another type there."""
    for form in ("long", "wide"):
        command("export_scores", tmp_path / "all.parquet", "--form", form)
        command("export_scores", tmp_path / "none.parquet", "--form", form, "--school-year", "2015-16")
        whole, none = (pq.read_schema(tmp_path / name) for name in ("all.parquet", "none.parquet"))
        assert all(none.field(name).type == whole.field(name).type for name in none.names)
    table = pq.read_table(tmp_path / "all.parquet")
    assert table.schema.field("SBELA_test_date").type == pa.date32()
    assert table.schema.field("SBELA_scale_score").type == pa.string()
    assert table.column("SBELA_test_date").to_pylist() == [dt.date(2024, 4, 12)] * 2
