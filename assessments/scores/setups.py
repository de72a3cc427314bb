"""Which set-ups the scores of a file go to: the chosen one, the one that fits, or new ones, which the run plans to make."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from assessments.models import Assessment, Score
from assessments.scores.change_kinds import ASSESSMENT_KIND
from assessments.structure import Edition, LayoutTest, Part, school_year, structure, tests_of
from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.engine.sql import execute, fetch_all, fetch_one
from sisimport.runtime.row_scope import across_schools

NEW, SKIP = "new", "skip"  # choices of an assessment's option, besides the keys of existing records


@dataclass(frozen=True, slots=True)
class Target:
    """A test of the file and the set-ups its scores go to, by state code; `missing` are those that do not exist yet."""

    test: LayoutTest
    ids: dict[str, int]
    missing: tuple[Part, ...]


def targets(context: RunContext) -> list[Target]:
    """The targets of all tests that the layout may hold and that are to be imported; computed once per run."""
    assert context.layout is not None  # noqa: S101 - a staged file has one
    if "targets" not in context.notes:
        tests = [test for test in tests_of(context.layout) if context.option(test.code) != SKIP]
        there = setups_of([test.code for test in tests], with_parts=True)
        context.notes["targets"] = [_target(context, test, there.get(test.code, [])) for test in tests]
    found: list[Target] = context.notes["targets"]
    return found


def setups_of(codes: Sequence[str], *, with_parts: bool = False) -> dict[str, list[Assessment]]:
    """Whole tests on record by state code. `with_parts`: their children are read with them."""
    found: dict[str, list[Assessment]] = {}
    setups = Assessment.objects.filter(parent__isnull=True, state_code__in=codes).order_by("pk")
    for setup in setups.prefetch_related("children") if with_parts else setups:
        found.setdefault(setup.state_code, []).append(setup)
    return found


def fits(setup: Assessment, edition: Edition) -> bool:
    """Whether a set-up may take scores of this edition of its test: it is for these years, or for all of them."""
    year = edition.last or edition.first
    return setup.covers(edition.first) or setup.covers(year)


def default_of(edition: Edition, there: Iterable[Assessment], year: int) -> Assessment | None:
    """The set-up that scores of a school year go to when none was chosen; None: a new one.

    Among those for the year: the one to be used from now on, else the newest. A set-up without years, as 1.0 made them,
    keeps receiving the scores of its test, unless the test has changed and it holds no score of that year.
    """
    certain, undated = _fitting(there, year)
    if certain or not undated:
        return certain
    if edition.own or len(undated) > 1:
        holding = [setup for setup in undated if _holds_scores(setup, year)]
        undated = holding or ([] if edition.own else undated)
    return undated[0] if undated else None


def default_in_words(edition: Edition, there: Iterable[Assessment]) -> str:
    """What the import screen says about the set-up that `default_of` takes, without looking at the scores."""
    certain, undated = _fitting(there, edition.last or edition.first)
    if certain:
        return certain.name
    if not undated:
        return "new test set-up"
    if not edition.own and len(undated) == 1:
        return undated[0].name
    return "the set-up with scores of that year, else " + ("a new one" if edition.own else undated[0].name)


def _fitting(there: Iterable[Assessment], year: int) -> tuple[Assessment | None, list[Assessment]]:
    """The set-up that is sure to be the one, if any; and those without years, newest first."""
    fitting = sorted((setup for setup in there if setup.covers(year)), key=lambda setup: -setup.pk)
    dated = [setup for setup in fitting if setup.first_year is not None or setup.last_year is not None]
    wanted = [setup for setup in fitting if setup.preferred]
    return next(iter([*wanted, *dated]), None), [setup for setup in fitting if setup not in dated]


def _holds_scores(setup: Assessment, year: int) -> bool:
    with across_schools():  # of any school: districts share their set-ups
        return Score.objects.filter(assessment_id=setup.pk, school_year=year).exists()


def _target(context: RunContext, test: LayoutTest, there: Sequence[Assessment]) -> Target:
    """Where the scores of a test go. `there`: its set-ups. New ones get their keys before they are made, so that a plan can name
    them."""
    assert context.layout is not None  # noqa: S101 - a staged file has one
    choice = context.option(test.code)
    parent: Assessment | None = None
    if choice.isdigit():
        parent = next((setup for setup in there if setup.pk == int(choice)), None)
    elif choice != NEW:
        parent = default_of(test.edition, there, school_year(context.layout.key))
    there_ids = {} if parent is None else {child.state_code: child.pk for child in parent.children.all()}
    if parent is not None:
        there_ids[test.code] = parent.pk
    missing = tuple(part for part in test.parts if part.code not in there_ids)
    planned = {} if context.lines is None else planned_setups(context.run.pk, test, parent)
    fresh = [part.code for part in missing if part.code not in planned]
    if fresh:
        ids = [pk for (pk,) in fetch_all(
            "SELECT nextval(pg_get_serial_sequence('assessments_assessment', 'id')) FROM generate_series(1, %s)", [len(fresh)]
        )]  # fmt: skip
        planned |= dict(zip(fresh, ids, strict=True))
    part_ids = planned | there_ids
    return Target(test=test, ids={part.code: part_ids[part.code] for part in test.parts}, missing=missing)


def planned_setups(run_id: int, test: LayoutTest, parent: Assessment | None) -> dict[str, int]:
    """Keys of the set-ups that a Test plans to make for a test, by state code: lines planned again keep using them."""
    rows = fetch_all(
        "SELECT object_id, after->>'state_code', (after->>'parent_id')::bigint FROM imports_importchange"
        " WHERE run_id = %s AND line = 0 AND kind = %s AND part = %s ORDER BY seq",
        [run_id, ASSESSMENT_KIND.key, test.code[:8]],
    )
    whole = {code: pk for pk, code, above in rows if above is None and code == test.code}
    top = parent.pk if parent is not None else whole.get(test.code)
    return whole | {code: pk for pk, code, above in rows if above is not None and above == top}


def plan_setups(context: RunContext, target: Target) -> None:
    """Write the changes that make missing set-ups, on line 0 of the run."""
    assert context.layout is not None  # noqa: S101 - a staged file has one
    test, ids, edition = target.test, target.ids, target.test.edition
    first = edition.first or school_year(context.layout.key)
    order = list(structure()["tests"])
    (last,) = fetch_one(
        "SELECT coalesce(max(seq), -1) FROM imports_importchange WHERE run_id = %s AND line = 0", [context.run.pk]
    )
    shown = _shown_before(test) if target.missing else frozenset()
    for seq, part in enumerate(target.missing, last + 1):
        is_parent = part.code == test.code
        results = [
            {"code": code, "name": name, "passing": code in part.passing} for code, name in (part.results or {}).items()
        ]
        after: dict[str, Any] = {
            "parent_id": None if is_parent else ids[test.code],
            "state_code": part.code,
            # Where a new one was chosen, not where there was none: another run may make the same one before this plan
            # is applied.
            "name": _free_name(part) if is_parent and context.option(test.code) == NEW else part.name,
            "score_type": part.score_type,
            "position": order.index(test.code) + 1 if is_parent else test.children.index(part) + 1,
            "start_date": f"{first - 1}-07-01",
            "first_year": edition.first if is_parent else None,
            "last_year": edition.last if is_parent else None,
            "ranged": edition.ranged,
            "results": results,
            "comments": edition.comments if is_parent else "",
            "shown_to_families": part.code in shown,
        }
        execute(
            "INSERT INTO imports_importchange (run_id, line, seq, part, kind, object_id, student_id, guard, before, after)"
            " VALUES (%s, 0, %s, %s, %s, %s, NULL, NULL, NULL, %s)",
            [context.run.pk, seq, test.code[:8], ASSESSMENT_KIND.key, ids[part.code], json.dumps(after)],
        )


def _shown_before(test: LayoutTest) -> frozenset[str]:
    """Parts whose newest set-up is shown to families: those of later years are shown too, until a person hides them."""
    newest = Assessment.objects.filter(parent__isnull=True, state_code=test.code).order_by("-pk").first()
    if newest is None or not newest.shown_to_families:
        return frozenset()
    hidden = set(newest.children.filter(shown_to_families=False).values_list("state_code", flat=True))
    return frozenset(part.code for part in test.parts if part.code not in hidden)


def _free_name(part: Part) -> str:
    """The test's name, with a number if set-ups of that name already exist."""
    names = set(Assessment.objects.filter(parent__isnull=True, state_code=part.code).values_list("name", flat=True))
    name, number = part.name, 2
    while name in names:
        name, number = f"{part.name} ({number})", number + 1
    return name
