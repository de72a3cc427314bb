"""A blank says nothing: whatever column of whatever import type is blank in a file that comes again, the record keeps its value.

scores     a score or level that is blank is the state's word that there is none: the record becomes blank with the warning
           EXC-BLANKED; a blank condition code says that none applies any more
roster     only the option `blank=clear` takes values away
"""

from typing import Any

import pytest
from django.db import models

from assessments.scores.import_type import ScoreImport
from sisimport.imports.definition.change_kinds import all_kinds
from sisimport.imports.definition.registry import built_in_types, get_type
from sisimport.imports.models import ImportIssue, ImportRun, RunStatus, Work
from sisimport.imports.runs import services
from tests.imports.journey import finish, run_file
from tests.truth.sheets import Sheet
from tests.truth.test_reported_is_on_record import adapter_of

# A line without them is refused, or about nobody.
KEYS = frozenset({
    "lea", "school", "district", "county", "local_number", "last_name", "first_name", "birth_date", "record_type", "selection",
    "category", "score", "retired_ssid", "replacement_ssid", "test_id", "test_year", "student_group", "grade_level", "type_id",
})  # fmt: skip
LOST_WITH_A_WARNING = {"scale_score", "raw_score", "result", "error_band", "measure"}
MEANT = {"status"}
# Score types differ by layouts: one of each family stands for the others where time is short, and so do rosters, which have the
# most columns, where the other half of them is blank.
FAMILIES = ("caaspp-2024-2025", "elpac-summative-2025", "elpac-initial-2024-2025")
# The lines of a score file are so many that each column is blank in some of them, whichever half is blanked first.
CASES = [
    pytest.param(
        t.key,
        odd,
        marks=[pytest.mark.faults]
        if (isinstance(t, ScoreImport) and t.key not in FAMILIES) or (odd and t.key != "students")
        else [],
    )
    for t in built_in_types()
    for odd in (0, 1)
]
Values = dict[tuple[str, Any, str], Any]


def _apply(key: str, text: str) -> ImportRun:
    name = "RESP_0001.csv" if key == "utah-response" else "file.txt"
    if Work.UPDATE not in get_type(key).works:
        return run_file(key, text, Work.IMPORT, name=name).run
    test = run_file(key, text, name=name).run
    assert test.status == RunStatus.COMPLETED, test.message
    return finish(services.start_update(test_run=test, user=None, enqueue=False)).run


def _values() -> Values:
    """Every value that an import may write and that is not blank, by kind, key and field."""
    return {
        (kind.key, tuple(row[name] for name in _key_of(kind.model)), field): value
        for kind in all_kinds()
        for row in kind.model._default_manager.values()
        for field, value in row.items()
        if value is not None and value != ""
    }


def _key_of(model: type[models.Model]) -> list[str]:
    return [f.attname for f in model._meta.pk_fields]


def _blanked(sheet: Sheet, keys: frozenset[str], odd: int) -> Sheet:
    """Every second column blank, beginning with another in every record."""
    fields = sorted(set(sheet.at) - keys)
    records = [list(record) for record in sheet.records]
    for number, record in enumerate(records):
        for place, field in enumerate(fields):
            if (place + number + odd) % 2:
                record[sheet.at[field]] = ""
    return Sheet(sheet.delimiter, sheet.at, records, sheet.header)


@pytest.mark.django_db
@pytest.mark.parametrize(("key", "odd"), CASES)
def test_a_blank_value_replaces_nothing_on_record(key: str, odd: int) -> None:
    adapter = adapter_of(get_type(key))
    sheet = adapter.arrange(0)
    assert _apply(key, sheet.text()).status == RunStatus.COMPLETED
    before = _values()
    keys = KEYS | {"ssid"} if isinstance(get_type(key), ScoreImport) else KEYS

    run = _apply(key, _blanked(sheet, keys, odd).text())

    assert run.status == RunStatus.COMPLETED, run.message
    after = _values()
    lost = {one: value for one, value in before.items() if one not in after}
    warned = ImportIssue.objects.filter(run_id=run.plan_run_id, code="EXC-BLANKED").exists()
    silent = {
        one: value
        for one, value in lost.items()
        if one[2] not in MEANT and not (warned and one[2] in LOST_WITH_A_WARNING)
    }
    assert silent == {}
