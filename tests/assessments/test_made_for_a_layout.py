"""What depends on a layout alone is made once for it and kept; another layout, other set-ups and other options get their own."""

from dataclasses import replace
from typing import Any, cast

import pytest
from django.db import connection, models
from django.test.utils import CaptureQueriesContext

from assessments import structure
from assessments.models import Assessment, ScoreRow
from assessments.scores import columns, fast_path, rules
from assessments.scores.setups import SKIP, Target, targets
from sisimport.files.layouts import Layout
from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.definition.progress import Progress
from sisimport.imports.definition.registry import get_type
from sisimport.imports.engine.staging import create_table
from sisimport.imports.models import ImportRun
from tests.assessments.score_files import ALL

LAYOUT = ALL["caaspp-2024-25"]
NAMES = {"1": "Seed", "2": "Sprout", "3": "Sapling", "4": "Oak"}
# As an import admin adds a layout with the same columns whose levels have other names.
RENAMED = replace(LAYOUT, answers={"levels": {"SBELA": NAMES}})

pytestmark = pytest.mark.django_db


def context_of(layout: Layout, **options: str) -> RunContext:
    import_type = get_type("caaspp-2024-2025")
    run = ImportRun(import_type=import_type.key, options=options)
    fields = tuple(name for name in import_type.fields if name in layout.fields)
    return RunContext(run, import_type, cast(Progress, None), layout=layout, fields=fields)


def said(context: RunContext) -> dict[str, Any]:
    """Everything that is kept for a layout."""
    tests = structure.tests_of(cast(Layout, context.layout))
    computed = columns.generated_columns(context)
    return {
        "tests": tests,
        "plain": computed["plain"].sql,
        "rules": rules._rules_of_layout(tests, 2025),
        "range": fast_path._scores_in_range(tests, tuple(test.code for test in tests), 2025),
    }


def test_a_layout_with_other_answers_has_its_own() -> None:
    usual, renamed, again = said(context_of(LAYOUT)), said(context_of(RENAMED)), said(context_of(LAYOUT))

    assert [name for name in usual if usual[name] == renamed[name]] == []
    assert [name for name in usual if usual[name] is not again[name]] == []
    assert "SAPLING" in renamed["plain"]
    assert "SAPLING" not in usual["plain"]
    assert rules._rules_of_layout(usual["tests"], 2024) is not usual["rules"]


def test_scores_go_to_the_set_ups_of_this_run() -> None:
    def packed(first: int) -> str:
        context = context_of(LAYOUT)
        chosen = [test for test in structure.tests_of(LAYOUT) if test.code in {"SBELA", "CAST"}]
        context.notes["targets"] = [
            Target(test, {part.code: first + place for place, part in enumerate(test.parts)}, ()) for test in chosen
        ]
        return str(columns.generated_columns(context)["packed"].sql)

    one, other = packed(7_000_000), packed(8_000_000)

    assert ("'7000000'" in one, "'8000000'" in one) == (True, False)
    assert one.replace("'700000", "'800000") == other


def test_a_test_that_is_not_chosen_is_left_out_of_what_is_kept() -> None:
    chosen = columns.generated_columns(context_of(LAYOUT))
    without = columns.generated_columns(context_of(LAYOUT, SBELA=SKIP))

    assert len(without["packed"].sql) < len(chosen["packed"].sql)
    assert without["skipped"].sql != chosen["skipped"].sql


def test_for_the_next_file_nothing_is_composed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    said(context_of(LAYOUT))
    for module, name in (
        (columns, "_plain_expression"),
        (columns, "_packed_by_name"),
        (rules, "_value_rules"),
        (fast_path, "_in_range"),
    ):
        monkeypatch.setattr(module, name, None)

    said(context_of(LAYOUT))


def test_all_set_ups_are_read_at_once() -> None:
    for code in ("SBELA", "SBMATH", "CAST", "CAASCI"):
        setup = Assessment.objects.create(state_code=code, name=code)
        Assessment.objects.create(state_code=f"{code}-R", name="A part", parent=setup)

    with CaptureQueriesContext(connection) as queries:
        found = targets(context_of(LAYOUT))

    assert len(found) >= 7
    read = [query["sql"] for query in queries if 'FROM "assessments_assessment"' in query["sql"]]
    assert len(read) == 2, read


def test_columns_that_the_file_fills_have_no_default_and_cannot_be_null() -> None:
    context = context_of(LAYOUT)
    create_table(ScoreRow, of_file=context.fields, computed=columns.generated_columns(context))

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attname, attnotnull, atthasdef FROM pg_attribute"
            " WHERE attrelid = 'staged_score'::regclass AND attnum > 0"
        )
        found = {name: (filled, default) for name, filled, default in cursor.fetchall()}
        cursor.execute("DISCARD TEMP")
    texts = {f.name for f in ScoreRow._meta.concrete_fields if isinstance(f, models.TextField | models.CharField)}
    assert {found[name] for name in texts & {*context.fields}} == {(True, False)}
    assert found["replaced_ssid"] == (True, True)
