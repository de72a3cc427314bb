"""What a run reports is true of the tables, for any file of any import type, however it is damaged.

    imported, unchanged            what the line says is on record afterwards, value by value
    refused, skipped, set aside    nothing of the student, or of the part that has the error, was changed

HYPOTHESIS_EXAMPLES=200 looks for trouble: `few` of tests/imports/properties.py.
"""

import re
from collections.abc import Mapping
from typing import Any

import pytest
from django.db import models
from hypothesis import event, given, settings
from hypothesis import strategies as st

from assessments.research.files import EntitiesFile, ResultsFile
from assessments.scores.import_type import ScoreImport
from sisimport.imports.definition.change_kinds import all_kinds
from sisimport.imports.definition.import_type import ImportType
from sisimport.imports.definition.registry import built_in_types, get_type, layouts_of
from sisimport.imports.definition.rules import RECORD
from sisimport.imports.models import ImportRun, RunStatus, Work
from sisimport.imports.runs import services
from sisimport.imports.runs.report import issue_message
from sisimport.roster.import_type import Roster
from sisimport.roster.oneroster import OneRoster
from ssid.imports.ela import ELAImport
from ssid.imports.match_results import SSIDRequest
from ssid.imports.replacements import ReplacementImport
from ssid.imports.ssid_download import SSIDDownload
from ssid.imports.ssid_list import SSIDList
from ssid.utah.response import UtahResponse
from students.models import Student
from tests.imports.journey import finish, run_file
from tests.imports.properties import OneExample, examples_of_runs, few
from tests.longer import last_years
from tests.truth import research_adapter, student_adapters
from tests.truth.adapter import Adapter
from tests.truth.lines import Line, broken, lines_of
from tests.truth.score_adapter import ScoreAdapter
from tests.truth.sheets import Damage, Sheet, damage, damages

TYPES = [t.key for t in built_in_types()]
ADAPTERS: Mapping[type[ImportType], type[Adapter]] = {
    Roster: student_adapters.RosterAdapter,
    OneRoster: student_adapters.OneRosterAdapter,
    SSIDDownload: student_adapters.DownloadAdapter,
    ELAImport: student_adapters.ELAAdapter,
    SSIDRequest: student_adapters.RequestAdapter,
    ReplacementImport: student_adapters.ReplacementAdapter,
    SSIDList: student_adapters.ListAdapter,
    UtahResponse: student_adapters.UtahAdapter,
    ResultsFile: research_adapter.ResearchAdapter,
    EntitiesFile: research_adapter.EntitiesAdapter,
}
# A type each: the few examples of one are the district's whole supply of bad luck in a usual run of the tests.
fewer = settings(few, max_examples=examples_of_runs(2))
Rows = dict[tuple[str, Any], dict[str, Any]]


def adapter_of(import_type: ImportType) -> Adapter:
    """Raises KeyError: a type that is new needs an adapter, so that what it reports is held against the tables."""
    if isinstance(import_type, ScoreImport):
        return ScoreAdapter(layouts_of(import_type))
    # The roster is one of its own kind once it was read with the mappings in force.
    kind = next((one for one in type(import_type).__mro__ if one in ADAPTERS), type(import_type))
    return ADAPTERS[kind]()


def test_every_import_type_has_an_adapter() -> None:
    without = [t.key for t in built_in_types() if not isinstance(t, ScoreImport) and type(t) not in ADAPTERS]

    assert not without, "what these types report is held against no table (see tests/truth/adapter.py)"


@pytest.mark.django_db
@pytest.mark.parametrize("key", last_years(TYPES))
@fewer
@given(turn=st.integers(0, 29), done=damages(), choice=st.integers(0, 3), edited=st.booleans())
@pytest.mark.long
def test_what_is_reported_of_a_line_is_true_of_the_tables(
    key: str, turn: int, done: list[Damage], choice: int, edited: bool
) -> None:
    with OneExample():
        adapter = adapter_of(get_type(key))
        sheet = adapter.arrange(turn)
        damage(sheet, done, adapter.values)
        options = adapter.options[choice % len(adapter.options)]

        run, before = _run(key, sheet, _known(key, options), edited=edited)

        event(f"{key}: {run.status}")
        if run.status != RunStatus.COMPLETED:
            assert run.status == RunStatus.REJECTED, run.message
            assert _rows() == before
            return
        lines = lines_of(run, sheet)
        if edited:
            # That a line changes nothing was true at the time of the Test.
            edited_student = set(Student.objects.filter(last_name="Edited").values_list("pk", flat=True))
            for line in lines:
                if line.outcome == "unchanged" and adapter.concerned(line) & edited_student:
                    line.outcome = "as tested"
        assert broken(lines, lambda line: adapter.claims(line, options)) == []
        assert _strangers(adapter, lines, before, _rows()) == []
        assert _said_of_refused(lines) == []


def _known(key: str, options: Mapping[str, str]) -> dict[str, str]:
    names = {option.name for option in get_type(key).options}
    return {name: value for name, value in options.items() if name in names}


def _run(key: str, sheet: Sheet, options: Mapping[str, str], *, edited: bool) -> tuple[ImportRun, Rows]:
    """Test and Update, or Import, to the end; and what was on record right before it was written."""
    if Work.UPDATE not in get_type(key).works:
        before = _rows()
        return run_file(key, sheet.text(), Work.IMPORT, options=options, name="file.csv").run, before
    before = _rows()
    test = run_file(
        key, sheet.text(), options=options, name="RESP_0001.csv" if key == "utah-response" else "file.txt"
    ).run
    if test.status != RunStatus.COMPLETED:
        return test, before
    assert _rows() == before
    if edited:
        Student.objects.filter(local_number="102").update(last_name="Edited")
        before = _rows()
    return finish(services.start_update(test_run=test, user=None, enqueue=False)).run, before


def _rows() -> Rows:
    """Every record that an import may write, by kind and key."""
    return {
        (kind.key, tuple(row[name] for name in _key_of(kind.model))): row
        for kind in all_kinds()
        for row in kind.model._default_manager.values()
    }


def _key_of(model: type[models.Model]) -> list[str]:
    return [f.attname for f in model._meta.pk_fields]


_SAYS_WRITTEN = re.compile(
    r"\b(?<!not )(?:is|are) (?:imported|written|replaced|noted)\b(?! to none)|will be created|ends on"
)


def _said_of_refused(lines: list[Line]) -> list[str]:
    """What is reported as imported or written on lines that an error keeps out."""
    return [
        message
        for line in lines
        if line.is_faulty(RECORD)
        for issue in line.issues
        if _SAYS_WRITTEN.search(message := issue_message(issue, None))
    ]


def _strangers(adapter: Adapter, lines: list[Line], before: Rows, after: Rows) -> list[str]:
    """Records that were changed although no imported line is about them."""
    imported = [line for line in lines if line.outcome == "imported"]
    by_part: dict[str, set[int]] = {}
    tables = {table: part for part, names in adapter.parts.items() for table in names}
    for part in ("record", *adapter.parts):
        by_part[part] = {pk for line in imported if not line.is_faulty(part) for pk in adapter.concerned(line)}
    found = []
    for kind, pk in sorted({key for key in {*before, *after} if before.get(key) != after.get(key)}, key=str):
        was, now = before.get((kind, pk), {}), after.get((kind, pk), {})
        student = pk[0] if kind == "student" else (now or was).get("student_id")
        for name in sorted(field for field in {*was, *now} if was.get(field) != now.get(field)):
            part = tables.get(f"{kind}.{name}", tables.get(kind, "record"))
            about = student in by_part[part] if student else adapter.may_add(kind, now, imported)
            if not about:
                found.append(f"{kind} {pk}: {name} was {was.get(name)!r}, is {now.get(name)!r}")
    return found
