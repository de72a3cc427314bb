"""What a Test says after a decision, to be compared with what planning its whole file again says."""

from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import Case, F, Value, When

from assessments.models import Assessment
from sisimport.imports.engine import replanning
from sisimport.imports.engine.replanning import plan_again
from sisimport.imports.models import AbsentList, ImportChange, ImportIssue, ImportRun
from students.models import LEA

_COUNTS = (
    "record_count", "planned_count", "refused_count", "skipped_count", "unchanged_count", "error_count", "warning_count",
    "notice_count",
)  # fmt: skip
_OF_STUDENTS = ("student", "el", "scores")  # kinds whose object is the student, or has the student's key


def clear() -> None:
    """Temporary tables of a run go with its transaction; tests run several in one."""
    with connection.cursor() as cursor:
        cursor.execute("DISCARD TEMP")


def plan_whole(run: ImportRun) -> None:
    clear()
    with transaction.atomic():
        plan_again(run, None)
    clear()


def same_as_whole(run: ImportRun) -> None:
    clear()
    by_lines = said(run)
    plan_whole(run)
    whole = said(run)
    differing = {name: (by_lines[name], whole[name]) for name in whole if by_lines[name] != whole[name]}
    assert not differing, f"planned by lines, and as a whole: {differing}"


def lines_planned(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Which lines are planned again from now on, by decision; None: all of them."""
    planned: list[Any] = []
    stage = replanning.staging.stage

    def noted(context: Any) -> None:
        planned.append(None if context.lines is None else sorted(context.lines))
        stage(context)

    monkeypatch.setattr(replanning.staging, "stage", noted)
    return planned


def said(run: ImportRun) -> dict[str, Any]:
    """Findings in their order, plan, counts, summary and facts of a Test; keys of what it would make by their names."""
    run.refresh_from_db()
    names, new = _setups(run), _new_objects(run)
    # Findings about the whole file (line 0) are in the order in which they were found.
    in_order = Case(When(line__gt=0, then=F("seq")), default=Value(0))
    issues = ImportIssue.objects.filter(run=run).order_by("line", in_order, "code", "field")
    changes = ImportChange.objects.filter(run=run).order_by("line", "seq")
    fields = [f.attname for f in ImportIssue._meta.concrete_fields if f.attname not in {"run_id", "seq"}]
    absent = AbsentList.objects.filter(run=run).values_list("students", "with_el")
    return {
        "issues": list(issues.values(*fields)),
        "changes": [_change(change, names, new) for change in changes],
        "counts": {name: getattr(run, name) for name in _COUNTS},
        "summary": run.summary,
        "facts": _named_facts(run.facts, names),
        "leas": sorted(
            LEA.objects.filter(pk__in=run.lea_ids).values_list("code", flat=True)
        ),  # keys of new ones are drawn
        "absent": [[str(value) for value in row] for row in absent],
    }


def _setups(run: ImportRun) -> dict[int, str]:
    names = {pk: f"set-up {pk}" for pk in Assessment.objects.values_list("pk", flat=True)}
    for change in ImportChange.objects.filter(run=run, line=0, kind="assessment"):
        names[change.object_id] = f"new {change.part} {(change.after or {}).get('state_code')}"
    return names


# Kinds whose objects other changes of a plan name -> the field that tells them apart.
_TOLD_APART_BY = {"student": "local_number", "school": "code", "lea": "code"}
_New = dict[tuple[str, int | None], str]


def _new_objects(run: ImportRun) -> _New:
    made = ImportChange.objects.filter(run=run, kind__in=_TOLD_APART_BY, before__isnull=True)
    return {
        (change.kind, change.object_id): f"new {change.kind} {(change.after or {})[_TOLD_APART_BY[change.kind]]}"
        for change in made
    }


def _change(change: ImportChange, names: dict[int, str], new: _New) -> dict[str, Any]:
    own = {
        f.attname: getattr(change, f.attname) for f in change._meta.concrete_fields if f.attname not in {"run_id", "pk"}
    }
    own["student_id"] = new.get(("student", change.student_id), change.student_id)
    if change.kind == "assessment":
        own["object_id"] = names[change.object_id]
    elif change.kind in _OF_STUDENTS:
        own["object_id"] = new.get(("student", change.object_id), change.object_id)
    elif change.before is None:
        own["object_id"] = new.get((change.kind, change.object_id))  # else drawn again
    return own | {"before": _named(change.before, names, new), "after": _named(change.after, names, new)}


def _named(side: dict[str, Any] | None, names: dict[int, str], new: _New) -> Any:
    if side is None:
        return None
    held = dict(side)
    held |= {
        key: new.get((key.removesuffix("_id"), held[key]), held[key]) for key in {"school_id", "lea_id"} & set(held)
    }
    if held.get("parent_id") is not None:
        held["parent_id"] = names.get(held["parent_id"], held["parent_id"])
    if "scores" in held:
        scores = [text.split("|", 1) for text in held["scores"].split(";")]
        held["scores"] = sorted([names.get(int(key), key), *cells] for key, *cells in scores)
    return held


def _named_facts(facts: dict[str, Any], names: dict[int, str]) -> dict[str, Any]:
    found = dict(facts)
    if "targets" in found:
        found["targets"] = sorted(names.get(pk, str(pk)) for pk in found["targets"])
    if "to_plan_lines_anew" in found:
        kept = dict(found["to_plan_lines_anew"])
        kept["spread"] = sorted([names.get(pk, str(pk)), *rest] for pk, *rest in kept["spread"])
        found["to_plan_lines_anew"] = kept
    return found
