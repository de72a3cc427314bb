"""Composing each comparison once gives the very SQL that Django gives without."""

from collections import OrderedDict
from typing import Any

import pytest
from django.db.models import Case, F, Q, QuerySet, Value, When

from sisimport.imports.definition.registry import get_type
from sisimport.imports.engine import kept_selects
from sisimport.imports.engine.composing import with_each_comparison_once
from sisimport.imports.engine.sql import compiled
from sisimport.imports.engine.staging import create_table
from students.models import Student
from tests.imports.test_kept_selects import TYPES, sent, ways


def plainly(rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows


@pytest.mark.django_db
@pytest.mark.parametrize("key", TYPES)
def test_the_statements_of_a_type_are_those_that_django_composes(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    create_table(get_type(key).row_model)
    monkeypatch.setattr(kept_selects, "_kept", OrderedDict())
    found = sent(ways(key)[0])
    monkeypatch.setattr(kept_selects, "with_each_comparison_once", plainly)
    kept_selects._kept.clear()

    assert found == sent(ways(key)[0])
    assert len("".join(found)) > 10_000


@pytest.mark.django_db
@pytest.mark.parametrize(
    "condition",
    [
        Q(grade="05") & ~Q(grade="05"),
        ~(Q(school__code="1") | ~Q(school__code="1")),
        Q(grade__in=["05"]) & ~Q(grade__in=("05",)),
        Q(school__id__isnull=True) | ~Q(school__id__isnull=True),
        Q(last_name=F("first_name")) & Q(last_name=F("grade")) & Q(grade="1") & Q(grade=1),
    ],
)
def test_what_looks_alike_is_distinguished(condition: Q) -> None:
    def composed(rows: QuerySet[Any]) -> tuple[str, tuple[Any, ...]]:
        steps = {"a": Case(When(condition, then=Value(1))), "b": Case(When(~condition & Q(grade="05"), then=Value(2)))}
        return compiled(rows.annotate(**steps).filter(condition).values_list("a", "b"))

    assert composed(with_each_comparison_once(Student.objects.all())) == composed(Student.objects.all())
