"""Expressions for rules and plans that the ORM does not provide."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Func, Value
from django.db.models.expressions import Combinable

Operand = Combinable | str


class Differs(Func):
    """`a IS DISTINCT FROM b`: true when one is empty and the other not, never unknown."""

    template = "(%(expressions)s)"
    arg_joiner = " IS DISTINCT FROM "
    output_field = models.BooleanField()
    conditional = True

    def __init__(self, left: Operand, right: Operand, **extra: Any) -> None:
        super().__init__(left, right, **extra)


class Matches(Func):
    """`text ~ pattern` as a condition on any expression."""

    template = "(%(expressions)s)"
    arg_joiner = " ~ "
    output_field = models.BooleanField()
    conditional = True

    def __init__(self, text: Operand, pattern: str, **extra: Any) -> None:
        super().__init__(text, Value(pattern) if isinstance(pattern, str) else pattern, **extra)


class FiredRules(Func):
    """Array of those of its arguments that are not null."""

    template = "array_remove(ARRAY[%(expressions)s]::int[], NULL)"
    output_field = ArrayField(models.IntegerField())


class Cardinality(Func):
    function = "cardinality"
    output_field = models.IntegerField()


class NextId(Func):
    """A fresh primary key for a row of `model`, so that a plan can name what it will create."""

    template = "nextval('%(sequence)s'::regclass)"
    output_field = models.BigIntegerField()

    def __init__(self, model: type[models.Model], **extra: Any) -> None:
        # The name PostgreSQL gives the sequence of an identity column; looking it up per row would cost more than the row itself.
        super().__init__(sequence=f"{model._meta.db_table}_id_seq", **extra)

    def get_source_expressions(self) -> list[Any]:
        return []


class Jsonb(Func):
    """`jsonb_build_object` over names and expressions."""

    function = "jsonb_build_object"
    output_field = models.JSONField()

    def __init__(self, **values: Any) -> None:
        arguments: list[Any] = []
        for name, value in values.items():
            # The cast gives the name a type: the function accepts arguments of any type.
            arguments += [Func(Value(name), template="%(expressions)s::text"), value]
        super().__init__(*arguments)


class ChangedFields(Func):
    """JSON of those fields whose new value differs from the old: `take` says which values are kept, old or new."""

    output_field = models.JSONField()
    arg_joiner = " || "
    template = "(%(expressions)s)"

    def __init__(self, fields: dict[str, tuple[Any, Any]], *, take: str) -> None:
        position = {"before": 0, "after": 1}[take]
        super().__init__(*(_OneField(name, pair[0], pair[1], pair[position]) for name, pair in fields.items()))


class _OneField(Func):
    output_field = models.JSONField()

    def __init__(self, name: str, old: Any, new: Any, kept: Any) -> None:
        super().__init__(Differs(old, new), Func(Value(name), template="%(expressions)s::text"), kept)

    template = "%(expressions)s"

    def as_sql(self, compiler: Any, connection: Any, **_extra: Any) -> tuple[str, tuple[Any, ...]]:  # type: ignore[override]  # noqa: ARG002
        parts = [compiler.compile(e) for e in self.source_expressions]
        (differs, p1), (name, p2), (kept, p3) = parts
        sql = f"CASE WHEN {differs} THEN jsonb_build_object({name}, {kept}) ELSE '{{}}'::jsonb END"
        return sql, (*p1, *p2, *p3)


def text(value: str) -> Func:
    """A constant of type text, for functions that accept any type and cannot infer it."""
    return Func(Value(value), template="%(expressions)s::text", output_field=models.TextField())


def field(path: str) -> F:
    return F(path)
