"""The finished SQL of every change kind is in tests/imports/sql, one file per kind and operation, so that a reviewer of a
change of the engine, or of a kind, sees the statements that PostgreSQL gets.

After a change on purpose, write the files again and commit what differs with the change:

    WRITE_SQL=1 script/test tests/imports/test_change_sql.py
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import sqlparse
from django.db import connection
from django.db.backends.postgresql.base import Cursor

from assessments.scores import change_kinds
from sisimport.imports.definition.change_kinds import ChangeKind, all_kinds, get_kind
from sisimport.imports.engine import set_aside
from sisimport.imports.engine.applying import ORDER, WRITES
from sisimport.imports.engine.change_sql import CREATE, REMOVE, UPDATE, Plan
from sisimport.imports.engine.change_writing import let_go, write_rows
from sisimport.imports.engine.set_aside import record_set_aside
from sisimport.imports.models import ImportRun

FOLDER = Path(__file__).parent / "sql"
WRITTEN_BY = ("INSERT", "UPDATE", "DELETE", "WITH write0")
# Run 2 applies the plan of run 1, which holds every kind and operation.
PLAN, RUN = 1, 2
UNDONE = 3  # what run 2 reverts, where only a Revert does such a thing

pytestmark = pytest.mark.django_db


@contextmanager
def caught() -> Iterator[list[str]]:
    """The statements that would have written something, with their parameters; none of them is executed."""
    statements: list[str] = []

    def catch(execute: Any, sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        if not sql.lstrip().startswith(WRITTEN_BY):
            return execute(sql, params, many, context)
        return statements.append(context["cursor"].mogrify(sql, params) if params else sql)

    really_copy = Cursor.copy

    def copy(cursor: Cursor, sql: str) -> Any:
        statements.append(sql)
        return really_copy(cursor, sql)  # harmless: the tables are empty

    years = mock.patch.object(
        change_kinds, "years_of_plan", return_value=[2024]
    )  # looked up in the plan, which is empty
    with connection.execute_wrapper(catch), mock.patch.object(Cursor, "copy", copy), years:
        yield statements


def statements_of(kind: ChangeKind, operation: str) -> str:
    """What the engine sends for changes of this kind and operation, as a readable text."""
    run = ImportRun(pk=RUN)
    if kind.writer is not None and operation == REMOVE:  # scores are removed by a Revert alone
        run.reverts_id = UNDONE
    present = {(k.key, op) for k in all_kinds() for op in ORDER}
    with caught() as aside:
        if kind.writer is not None:
            kind.writer.set_aside(run=run, plan_run_id=PLAN, operation=operation)
            if operation == CREATE:  # compares with scores only where there are any of these years
                with mock.patch.object(change_kinds, "_are_in_use", return_value=True):
                    kind.writer.set_aside(run=run, plan_run_id=PLAN, operation=operation)
        else:
            record_set_aside(Plan(run=run, plan_run_id=PLAN, present=present), kind, operation)
    with caught() as written:
        if kind.writer is not None:
            kind.writer.write(run=run, plan_run_id=PLAN, operation=operation, aside=True)
            if operation == REMOVE:  # in one go where all that the undone run wrote stands
                with mock.patch.object(change_kinds, "_is_all_it_wrote", return_value=True):
                    kind.writer.write(run=run, plan_run_id=PLAN, operation=operation, aside=False)
        else:
            work = Plan(run=run, plan_run_id=PLAN, present=present)
            if operation == REMOVE:
                let_go(work, kind, aside=True)
            write_rows([WRITES[operation](work, kind, aside=True)])
    return (
        f"-- {kind.label}: {operation}. Run {RUN} applies the plan of run {PLAN}. "
        "Written by tests/imports/test_change_sql.py.\n\n"
        f"-- What no longer holds is set aside.\n{readable(aside)}\n"
        f"-- What still holds is written. (Without the last NOT EXISTS when nothing was set aside.)\n{readable(written)}"
    )


def readable(statements: list[str]) -> str:
    assert statements, "the engine sent no statement"
    return "".join(sqlparse.format(" ".join(sql.split()), reindent=True).strip() + ";\n" for sql in statements)


def file_of(key: str, operation: str) -> Path:
    return FOLDER / f"{key}-{operation}.sql"


CASES = [(kind.key, operation) for kind in all_kinds() for operation in (CREATE, UPDATE, REMOVE)]


@pytest.mark.parametrize(("key", "operation"), CASES, ids=[f"{key}-{operation}" for key, operation in CASES])
def test_the_sql_of_a_change_is_the_reviewed_one(key: str, operation: str) -> None:
    found, file = statements_of(get_kind(key), operation), file_of(key, operation)
    if os.environ.get("WRITE_SQL"):
        file.write_text(found)
    assert file.is_file(), f"{file.name} is missing: WRITE_SQL=1 script/test {Path(__file__).name} writes it"
    assert found == file.read_text(), (
        "the statement changed: read the difference, then write the files with WRITE_SQL=1"
    )


def test_no_file_is_left_of_a_kind_that_is_gone() -> None:
    assert {f.name for f in FOLDER.iterdir()} == {file_of(key, operation).name for key, operation in CASES}


def test_every_statement_names_the_run_and_its_plan() -> None:
    for key, operation in CASES:
        text = file_of(key, operation).read_text()
        assert "INSERT INTO imports_setaside" in text
        assert f"c.run_id = {PLAN}" in text
        assert "%s" not in text


def test_no_change_makes_the_database_read_the_plan_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether another row has a unique value is asked for each change; which rows make room for it is listed once and hashed.

    As a join in the question itself it was done again for every change of a large plan, which took hours.
    """
    explained: list[str] = []

    def explain(sql: str, params: Any) -> int:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_nestloop = off")  # as for any large plan
            cursor.execute(f"EXPLAIN {sql}", params)
            explained.extend(line for (line,) in cursor.fetchall())
        return 0

    monkeypatch.setattr(set_aside, "execute", explain)
    kind = get_kind("ssid")
    record_set_aside(
        Plan(run=ImportRun(pk=RUN), plan_run_id=PLAN, present={("ssid", UPDATE), ("ssid", REMOVE)}), kind, UPDATE
    )

    hashed = set(re.findall(r"hashed SubPlan (\d+)", "\n".join(explained)))
    begins = {line.split()[-1]: after for line, after in pairwise(explained) if re.fullmatch(r"\s*SubPlan \d+", line)}
    assert hashed
    assert set(begins) > hashed
    for number, first_step in begins.items():
        assert number in hashed or "Scan" in first_step, explained
