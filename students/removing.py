"""Removing a district with everything that belongs to it: one statement for each table, whatever the number of
students."""

from typing import Any

from django.db.models import SET_NULL, Model, QuerySet


def remove(rows: QuerySet[Any]) -> None:
    """Delete rows after all rows that refer to them; a reference that may be null is set to null instead.

    Runs inside the caller's transaction. References between rows of one table are left to the database, which checks them
    when the statement ends.
    """
    model: type[Model] = rows.model
    rows = rows.order_by()
    for relation in model._meta.get_fields(include_hidden=True):
        if not relation.auto_created or relation.concrete or not (relation.one_to_many or relation.one_to_one):
            continue
        related: Any = relation.related_model
        field: Any = relation.field  # type: ignore[union-attr]
        if not related._meta.managed or related._meta.proxy:
            continue
        naming = related._base_manager.filter(**{f"{field.name}__in": rows})
        if field.null and field.remote_field.on_delete is SET_NULL:
            naming.update(**{field.name: None})
        elif related is not model:
            remove(naming)
    rows._raw_delete(rows.db)
