"""A change that adds a table, a text column, a kind of file or a folder must say what erasing a student does to it."""

import pytest
from django.apps import apps
from django.db import models

from sisimport.erasing.personal_data import FILES, TABLES, refers, tables, unclassed
from students.models import Student


def test_every_table_and_every_column_of_text_is_classed() -> None:
    assert unclassed() == []


def test_no_entry_is_about_something_that_is_not_there() -> None:
    for model, table in tables():
        names = {field.name for field in model._meta.concrete_fields}
        named = {*table.texts, *table.plain, *table.goes_if, *filter(None, [table.of_student, table.of_line])}
        assert named <= names, model._meta.label
    for label in FILES:
        model_name, column = label.rsplit(".", 1)
        assert isinstance(apps.get_model(model_name)._meta.get_field(column), models.FileField)


def test_a_column_that_is_not_classed_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TABLES, "imports.RunHold", TABLES["students.LEA"])
    monkeypatch.delitem(TABLES, "api.StartedRun")

    assert {"imports.RunHold.why", "imports.RunHold.reasons", "api.StartedRun"} <= set(unclassed())


def test_a_table_that_would_lose_its_student_and_keep_the_row_is_classed_like_any_other() -> None:
    assert refers(Student)
    for model in apps.get_models():
        if model._meta.managed and refers(model):
            assert model._meta.label not in TABLES
