"""Numbers and codes that a spreadsheet rounded, or put a formula in place of: told in every import type, and on no record."""

import io

import openpyxl
import pytest

from sisimport.files.issues import Severity
from sisimport.files.spreadsheet import letters_of
from sisimport.files.workbooks import convert
from sisimport.imports.definition.registry import built_in_types, get_type
from sisimport.imports.models import ImportIssue, RunStatus, Work
from tests.imports.journey import run_file
from tests.imports.properties import RolledBack
from tests.longer import earlier_years, last_years, one_in
from tests.truth.lines import lines_of
from tests.truth.sheets import Sheet
from tests.truth.test_reported_is_on_record import TYPES, _known, _rows, _run, adapter_of

IDENTIFIERS = {
    "ssid", "retired_ssid", "replacement_ssid", "local_number", "uin", "lea", "school", "school_code", "tested_school_code",
    "district_code",
}  # fmt: skip
DAMAGED = ("9.00109E+09", "1.97335E+06", "=A2&B2", "=FORMULA(Students!B3)")
# Each field with one of them, in the last year of every third family; `script/test faults` damages each field in every way.
CASES = [
    *one_in(3, [(key, False) for key in TYPES if key not in earlier_years(TYPES)]),
    *(pytest.param(key, True, id=f"{key}, every way", marks=pytest.mark.faults) for key in TYPES),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("key", "every_way"), CASES)
@pytest.mark.long
def test_a_damaged_identifier_is_reported_and_on_no_record(key: str, every_way: bool) -> None:
    untold, kept = [], []
    adapter = adapter_of(get_type(key))
    with RolledBack():
        fields = sorted(IDENTIFIERS & set(adapter.arrange(0).at))
    for number, field in enumerate(fields):
        for damaged in DAMAGED if every_way else [DAMAGED[number % len(DAMAGED)]]:
            with RolledBack():
                sheet = adapter.arrange(0)
                sheet.records[0][sheet.at[field]] = damaged
                if not _told(key, sheet, field):
                    untold.append((field, damaged))
                kept += [(field, damaged, kind) for (kind, _pk), row in _rows().items() if _holds(row, damaged)]

    assert untold == []
    assert kept == []


def _told(key: str, sheet: Sheet, field: str) -> bool:
    """Is there an error, or at least a warning, about the first line or the whole file? Or was the line left out anyway?"""
    run, _before = _run(key, sheet, _known(key, {}), edited=False)
    if run.status != RunStatus.COMPLETED or lines_of(run, sheet)[0].outcome in ("refused", "skipped"):
        return True
    said = ImportIssue.objects.filter(run=run.test_run or run, line__in=[0, sheet.first_line])
    return said.filter(severity__gte=Severity.WARNING).exists()


def _holds(row: dict[str, object], damaged: str) -> bool:
    plain = "".join(sign for sign in damaged if sign.isalnum())
    return any(text in str(value) for value in row.values() for text in (damaged, plain[-7:], plain[:7]))


# Utah's answers have no line of column names.
WITH_WORKBOOKS = [t.key for t in built_in_types() if t.converts_workbooks and t.key != "utah-response"]


@pytest.mark.django_db
@pytest.mark.parametrize("key", last_years(WITH_WORKBOOKS))
@pytest.mark.long
def test_a_formula_in_a_workbook_costs_its_line_and_names_its_cell(key: str) -> None:
    sheet = adapter_of(get_type(key)).arrange(0)
    field = next(name for name in ("ssid", "school") if name in sheet.at)
    sheet.records[0][sheet.at[field]] = "=1+1"
    text = io.BytesIO()
    converted = convert(_workbook(sheet), text)

    run = run_file(key, text.getvalue().decode(), Work.TEST, name="RESP_0001.csv").run

    cell = f"Sheet!{letters_of(sheet.at[field])}2"
    assert cell in " ".join(converted.risks)
    assert run.status == RunStatus.COMPLETED, run.message
    told = ImportIssue.objects.filter(run=run, code="FILE-FORMULA").values_list("line", "field", "found")
    assert list(told) == [(sheet.first_line, field, cell)]
    assert run.record_count == len(sheet.records)
    assert run.refused_count < run.record_count


def _workbook(sheet: Sheet) -> io.BytesIO:
    stream, book = io.BytesIO(), openpyxl.Workbook()
    for line in (sheet.header or [], *sheet.records):
        book.active.append(line)
    book.save(stream)
    return stream
