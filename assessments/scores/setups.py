"""Which set-ups the scores of a file go to: the chosen one, the one that fits, or new ones, which the run plans to make."""

import json
from dataclasses import dataclass
from typing import Any

from assessments.models import Assessment
from assessments.scores.change_kinds import ASSESSMENT_KIND
from assessments.structure import LayoutTest, Part, school_year, structure, tests_of
from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.engine.sql import execute, fetch_all, fetch_one

NEW, SKIP = "new", "skip"  # choices of an assessment's option, beside the keys of existing records


@dataclass(frozen=True, slots=True)
class Target:
    """A test of the file and the set-ups its scores go to, by state code; `missing` are those that are not there yet."""

    test: LayoutTest
    ids: dict[str, int]
    missing: tuple[Part, ...]


def targets(context: RunContext) -> list[Target]:
    """Those of all tests that the layout may hold and that are to be imported; told once in a run."""
    assert context.layout is not None  # noqa: S101 - a staged file has one
    if "targets" not in context.kept:
        tests = [test for test in tests_of(context.layout) if context.option(test.code) != SKIP]
        context.kept["targets"] = [_target(context, test) for test in tests]
    found: list[Target] = context.kept["targets"]
    return found


def _target(context: RunContext, test: LayoutTest) -> Target:
    """New set-ups have their keys before they are made, so that a plan can name them."""
    choice = context.option(test.code)
    parent: Assessment | None = None
    if choice.isdigit():
        parent = Assessment.objects.filter(pk=int(choice), parent__isnull=True, state_code=test.code).first()
    elif choice != NEW:
        parent = Assessment.objects.filter(parent__isnull=True, state_code=test.code).order_by("pk").first()
    there = {} if parent is None else {child.state_code: child.pk for child in parent.children.all()}
    if parent is not None:
        there[test.code] = parent.pk
    missing = tuple(part for part in test.parts if part.code not in there)
    if missing:
        ids = [pk for (pk,) in fetch_all(
            "SELECT nextval(pg_get_serial_sequence('assessments_assessment', 'id')) FROM generate_series(1, %s)", [len(missing)]
        )]  # fmt: skip
        there |= {part.code: pk for part, pk in zip(missing, ids, strict=True)}
    return Target(test=test, ids={part.code: there[part.code] for part in test.parts}, missing=missing)


def plan_setups(context: RunContext, target: Target) -> None:
    """Write the changes that make what is missing, on line 0 of the run."""
    assert context.layout is not None  # noqa: S101 - a staged file has one
    test, ids = target.test, target.ids
    start = f"{school_year(context.layout.key) - 1}-07-01"
    order = list(structure()["tests"])
    (last,) = fetch_one(
        "SELECT coalesce(max(seq), -1) FROM imports_importchange WHERE run_id = %s AND line = 0", [context.run.pk]
    )
    for seq, part in enumerate(target.missing, last + 1):
        is_parent = part.code == test.code
        results = [
            {"code": code, "name": name, "passing": code in part.passing} for code, name in (part.results or {}).items()
        ]
        after: dict[str, Any] = {
            "parent_id": None if is_parent else ids[test.code],
            "state_code": part.code,
            # Where one was asked for, not where there was none: another run may make the same one before this plan is applied.
            "name": _free_name(part) if is_parent and context.option(test.code) == NEW else part.name,
            "score_type": part.score_type,
            "position": order.index(test.code) + 1 if is_parent else test.children.index(part) + 1,
            "start_date": start,
            "results": results,
        }
        execute(
            "INSERT INTO imports_importchange (run_id, line, seq, part, kind, object_id, student_id, guard, before, after)"
            " VALUES (%s, 0, %s, %s, %s, %s, NULL, NULL, NULL, %s)",
            [context.run.pk, seq, test.code[:8], ASSESSMENT_KIND.key, ids[part.code], json.dumps(after)],
        )


def _free_name(part: Part) -> str:
    """The test's name, with a number where set-ups of that name are there already."""
    taken = set(Assessment.objects.filter(parent__isnull=True, state_code=part.code).values_list("name", flat=True))
    name, number = part.name, 2
    while name in taken:
        name, number = f"{part.name} ({number})", number + 1
    return name
