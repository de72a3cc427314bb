"""link: a record that a plan was going to create, and one that now exists under the same key, are the same thing.

When two files are tested before either is applied, both plans create the same school, student or set-up, each under a key of its
own. By the time the second is applied, the first has created it, and the second plan continues with the existing record: its rows
are rewritten with that key, so that report, Revert and time line name the record that really exists.
"""

from collections.abc import Collection

from django.db import models

from sisimport.imports.definition.change_kinds import LEA_KIND, STUDENT_KIND, ChangeKind, all_kinds
from sisimport.imports.engine.sql import execute, fetch_all, quoted
from sisimport.imports.models import ImportRun

CREATE = "create"


def makes_places(present: Collection[tuple[str, str]]) -> bool:
    """Whether a plan creates objects that runs of other districts may create too; such runs take turns (`students.locks`)."""
    return any((kind.key, CREATE) in present for kind in all_kinds() if kind.same_as and kind.of_all)


def link_leas(plan_run_id: int, present: Collection[tuple[str, str]]) -> None:
    """Link the districts that the plan creates, so that the process applying it takes the update locks of the real ones."""
    if (LEA_KIND.key, CREATE) in present:
        _link(LEA_KIND, plan_run_id)


def link(plan_run_id: int, present: Collection[tuple[str, str]]) -> None:
    """Link everything else the plan creates to existing records. The caller holds the update locks."""
    for kind in all_kinds():
        if kind.same_as and kind is not LEA_KIND and (kind.key, CREATE) in present:
            # Parts of an object that was just linked can now be found.
            while _link(kind, plan_run_id) and _points_at_itself(kind):
                pass


def _points_at_itself(kind: ChangeKind) -> bool:
    return any(child is kind for child, _column in pointing_at(kind))


def pointing_at(kind: ChangeKind) -> list[tuple[ChangeKind, str]]:
    """Kinds and their columns that hold keys of this kind."""
    return [
        (child, str(field.column))
        for child in all_kinds()
        for field in child.model._meta.concrete_fields
        if isinstance(field, models.ForeignKey) and field.related_model is kind.model and field.column in child.fields
    ]


def _link(kind: ChangeKind, plan_run_id: int) -> bool:
    """Find the existing records of one kind and write them into the plan. Returns whether any were found."""
    pk = quoted(kind.pk)
    rows = fetch_all(
        f"""
        SELECT DISTINCT ON (c.object_id) c.object_id, t.{pk}
        FROM imports_importchange c JOIN {quoted(kind.table)} t ON {kind.same_as} AND t.{pk} <> c.object_id
        WHERE c.run_id = %s AND c.kind = %s AND c.before IS NULL {"AND c.line = 0" if kind.of_file else ""}
          AND NOT EXISTS (SELECT 1 FROM {quoted(kind.table)} x WHERE x.{pk} = c.object_id)
        ORDER BY c.object_id, t.{pk}
        """,
        [plan_run_id, kind.key],
    )
    if not rows:
        return False
    execute("DROP TABLE IF EXISTS linked_object")
    execute("CREATE TEMP TABLE linked_object (planned bigint, actual bigint) ON COMMIT DROP")
    planned, actual = [row[0] for row in rows], [row[1] for row in rows]
    execute("INSERT INTO linked_object SELECT * FROM unnest(%s::bigint[], %s::bigint[])", [planned, actual])
    execute("CREATE INDEX ON linked_object (planned)")
    execute("ANALYZE linked_object")
    _rewrite(kind, plan_run_id, dict(rows))
    return True


def _rewrite(kind: ChangeKind, plan_run_id: int, linked: dict[int, int]) -> None:
    """Put the keys of existing records into the plan, wherever it names what it was going to create."""
    change = "UPDATE imports_importchange c SET {values} FROM linked_object l WHERE c.run_id = %s AND {where}"
    own = f"c.kind = '{kind.key}' AND c.object_id = l.planned"
    execute(change.format(values="object_id = l.actual", where=own), [plan_run_id])
    for child, column in pointing_at(kind):
        where = f"c.kind = '{child.key}' AND (c.after->>'{column}')::bigint = l.planned"
        values = f"after = jsonb_set(c.after, '{{{column}}}', to_jsonb(l.actual))"
        execute(change.format(values=values, where=where), [plan_run_id])
    for child in all_kinds():
        if child.writer is not None:
            child.writer.link(plan_run_id, kind, linked)
    if kind is STUDENT_KIND:
        # Records that are one-to-one with their student have the student's key.
        keyed = ", ".join(f"'{k.key}'" for k in all_kinds() if k.pk == k.student_column or k.writer is not None)
        values = f"student_id = l.actual, object_id = CASE WHEN c.kind IN ({keyed}) THEN l.actual ELSE c.object_id END"
        execute(change.format(values=values, where="c.student_id = l.planned"), [plan_run_id])
    if kind is LEA_KIND:
        plan = ImportRun.objects.get(pk=plan_run_id)
        ImportRun.objects.filter(pk=plan_run_id).update(lea_ids=sorted({linked.get(pk, pk) for pk in plan.lea_ids}))
