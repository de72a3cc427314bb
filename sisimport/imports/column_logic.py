"""What an import type does with the columns of a layout: which checks apply to a column, and which record it is written to.

Read from the same declarations that a run uses, so that a page about a layout cannot differ from them.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from django.db import transaction
from django.db.models import Case, F, Q

from sisimport.files.issues import Severity, codes
from sisimport.imports.definition.registry import get_type, layouts_of
from sisimport.imports.definition.rules import PlannedChange, PlannedUpdate
from sisimport.imports.reference import dropped, reference_contexts


@dataclass(frozen=True, slots=True)
class Check:
    """One finding that a column may have."""

    severity: Severity
    code: str
    title: str


@dataclass(slots=True)
class ColumnLogic:
    """`written`: fields of records that take the value, in words. `checks`: most serious first."""

    written: list[str] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)


@cache
def logic_of(type_key: str, layout_key: str) -> Mapping[str, ColumnLogic]:
    """Field of the layout -> what is done with it; a field that the type only reads has an empty entry."""
    import_type = get_type(type_key)
    layout = next(candidate for candidate in layouts_of(import_type) if candidate.key == layout_key)
    read = [name for name in import_type.fields if name in layout.fields]
    checks: dict[str, dict[tuple[str, str], Check]] = defaultdict(dict)
    written: dict[str, dict[str, None]] = defaultdict(dict)
    for context in reference_contexts(import_type, layout):
        with transaction.atomic(), dropped(import_type.row_model):
            for rule in import_type.reference_rules(context):
                title = codes.get(rule.code).title if rule.code in codes else rule.code
                checks[rule.field][rule.code, rule.severity.label] = Check(rule.severity, rule.code, title)
            for step in import_type.reference_plan(context):
                for name, label in _written(step, read):
                    written[name][label] = None
    for name, label in import_type.column_notes(layout).items():
        written[name][label] = None
    return {
        name: ColumnLogic(
            list(written.get(name, {})),
            sorted(checks.get(name, {}).values(), key=lambda check: (-check.severity, check.code)),
        )
        for name in read
    }


def _written(step: PlannedChange, read: Collection[str]) -> Iterator[tuple[str, str]]:
    """(column, `EL record: Program status`) of everything a step writes."""
    pairs: Iterable[tuple[str, Any]] = (
        ((name, new) for name, (_old, new) in step.fields.items())
        if isinstance(step, PlannedUpdate)
        else step.values.items()
    )
    for name, value in pairs:
        for column in sorted(_columns_of(value) & set(read)):
            yield column, f"{step.kind.label}: {step.kind.name_of(name)}"


def _columns_of(value: Any) -> set[str]:
    """Columns of the line that a value is made from; for a constant per case, the columns that determine the case."""
    if isinstance(value, F):
        name = str(value.name)  # type: ignore[attr-defined]
        return set() if "__" in name else {name}
    if isinstance(value, Q):
        return set().union(*(_columns_of_condition(child) for child in value.children))
    if isinstance(value, Case):
        results = [case.result for case in value.cases] + [value.default]
        found = set().union(*map(_columns_of, results))
        return found or set().union(*(_columns_of(case.condition) for case in value.cases))
    if hasattr(value, "get_source_expressions"):
        return set().union(*map(_columns_of, filter(None, value.get_source_expressions())))
    return set()


def _columns_of_condition(child: Any) -> set[str]:
    if isinstance(child, tuple):
        name = str(child[0]).partition("__")[0]
        return {name} if name not in ("student", "current", "holder") else set()
    return _columns_of(child)
