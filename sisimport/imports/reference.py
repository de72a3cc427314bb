"""Reference pages generated from the code: issue codes with the rules that raise them, import types with their options."""

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import transaction
from django.utils.module_loading import autodiscover_modules

from sisimport.files.detection import Recognition
from sisimport.files.issues import codes
from sisimport.files.layouts import Layout
from sisimport.imports.definition.import_type import ImportType, RunContext
from sisimport.imports.definition.registry import built_in_types, get_tool, layouts_of
from sisimport.imports.definition.rules import Rule
from sisimport.imports.definition.staged_row import StagedRow
from sisimport.imports.engine.sql import execute
from sisimport.imports.engine.staging import create_table
from sisimport.imports.models import ImportRun, Work

_YEARS = re.compile(r"-\d{4}.*")
MADE = "<!-- Made by `manage.py write_reference`; a test holds it to the code. -->"


def issue_codes_page() -> str:
    """Every issue code: severity, meaning, what to do, and which rules of which import types raise it."""
    raised: dict[str, set[tuple[str, str]]] = defaultdict(set)
    severities: dict[str, set[str]] = defaultdict(set)
    for import_type in built_in_types():
        for rule in rules_of(import_type):
            raised[rule.code].add((import_type.key, rule.number))
            severities[rule.code].add(rule.severity.label)
    lines = [
        "# Issue codes",
        "",
        MADE,
        "",
        "`FILE-` codes come from reading the file; the others from the rules of the import types named.",
        "",
        "| code | severity | cause | what to do | raised by |",
        "|---|---|---|---|---|",
    ]
    for code in codes.all():
        who = "; ".join(_by_type(raised[code.code])) or ("earlier versions" if code.retired else "reader or engine")
        severity = ", ".join(sorted(severities[code.code])) or "as found"
        if code.skips:
            severity = f"{severity if severities[code.code] else 'notice'}, the line is skipped"
        lines.append(f"| `{code.code}` | {severity} | {_cell(code.title)} | {_cell(code.fix)} | {_cell(who)} |")
    return "\n".join(lines) + "\n"


def _by_type(pairs: set[tuple[str, str]]) -> Iterator[str]:
    by_type: dict[str, set[str]] = defaultdict(set)
    for key, number in pairs:
        by_type[key].add(number)
    by_rules: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for key, numbers in by_type.items():
        by_rules[tuple(sorted(numbers))].append(key)
    for rules, keys in sorted(by_rules.items()):
        yield f"{', '.join(named(keys))} ({', '.join(rules)})"


def named(keys: Collection[str]) -> list[str]:
    """Names of import types for the pages: types that differ only by year are combined, so that a new year changes no row.

    ["caaspp-*"] for all of them; ["caaspp-2021-2023 and later"], ["caaspp-2018-2019 and earlier"] or
    ["caaspp-2016-2017 to caaspp-2018-2019"] for consecutive years; a single year by its own key.
    """
    families: dict[str, list[str]] = defaultdict(list)
    for import_type in built_in_types():
        families[_YEARS.sub("-*", import_type.key)].append(import_type.key)
    names: list[str] = []
    for family, members in families.items():
        for stretch in _stretches(sorted(members), keys):
            names += [family] if len(stretch) == len(members) > 1 else _stretch_names(stretch, sorted(members))
    return sorted(names)


def _stretches(members: Sequence[str], keys: Collection[str]) -> list[list[str]]:
    """Those of `members` that are among the keys, grouped into lists of consecutive members."""
    stretches: list[list[str]] = [[]]
    for key in members:
        if key in keys:
            stretches[-1].append(key)
        elif stretches[-1]:
            stretches.append([])
    return [stretch for stretch in stretches if stretch]


def _stretch_names(stretch: list[str], members: Sequence[str]) -> list[str]:
    first, last = stretch[0], stretch[-1]
    if last == members[-1] and len(members) > 1:
        return [f"{first} and later"]
    if first == members[0] and first != last:
        return [f"{last} and earlier"]
    return [f"{first} to {last}"] if len(stretch) > 2 else stretch


def import_types_page() -> str:
    """Every import type: screen, work, layouts, options."""
    lines = ["# Import types", "", MADE, ""]
    lines += ["| type | screen | label | work to perform | layouts |", "|---|---|---|---|---|"]
    types = [t for t in built_in_types() if t.screen.listed]
    for t in types:
        layouts = ", ".join(f"`{layout.key}`" for layout in layouts_of(t))
        works = ", ".join(Work(work).label for work in t.works)
        lines.append(
            f"| `{t.key}` | {_cell(get_tool(t.screen.tool).title)} | {_cell(t.screen.label)} | {works} | {layouts} |"
        )
    lines += ["", "## Options", "", "Given as `--option NAME=VALUE`, or on the screen.", ""]
    lines += ["| type | option | values (default first) | meaning |", "|---|---|---|---|"]
    rows: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for t in types:
        for option in t.reference_options:
            others = [c.value for c in option.choices if c.value != option.default]
            values = [option.default, *others] if option.choices else []
            shown = ", ".join(f"`{value}`" if value else "(empty)" for value in values) or f"`{option.default}`"
            meaning = option.label + (f". {option.hint}" if option.hint else "")
            rows[option.name, shown, meaning].append(t.key)
    for (name, shown, meaning), keys in rows.items():
        which = ", ".join(f"`{key}`" for key in named(keys))
        lines.append(f"| {which} | `{name}` | {shown} | {_cell(meaning)} |")
    return "\n".join(lines) + "\n"


def rules_of(import_type: ImportType) -> list[Rule]:
    """The rules a type may evaluate, for any options."""
    found: dict[tuple[str, str, str], Rule] = {}
    with transaction.atomic(), dropped(import_type.row_model):
        for context in reference_contexts(import_type, layouts_of(import_type)[0]):
            for rule in import_type.reference_rules(context):
                found[(rule.code, rule.number, rule.severity.label)] = rule
    return list(found.values())


def reference_contexts(import_type: ImportType, layout: Layout) -> Iterator[RunContext]:
    """Contexts for a file with every column of the layout: one with the defaults, and one for each other choice of an option."""
    given: list[dict[str, str]] = [{}]
    given += [{o.name: c.value} for o in import_type.reference_options for c in o.choices if c.value != o.default]
    positions = {name: column.position - 1 for name, column in layout.fields.items()}
    for options in given:
        run = ImportRun(import_type=import_type.key, work=import_type.works[0], options=options)
        context = RunContext(run=run, import_type=import_type, progress=_silent())
        context.layout = layout
        context.recognition = Recognition(layout=layout, positions=positions)
        context.fields = tuple(name for name in import_type.fields if name in layout.fields)
        yield context


@contextmanager
def dropped(row_model: type[StagedRow]) -> Iterator[None]:
    """Provide an empty staging table: some rules are built after looking at the staged lines."""
    create_table(row_model)
    yield
    execute(f"DROP TABLE {row_model._meta.db_table}")


def _silent() -> Any:
    return None


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


PAGES: dict[str, Callable[[], str]] = {"issue-codes.md": issue_codes_page, "import-types.md": import_types_page}


def all_pages() -> dict[str, Callable[[], str]]:
    """Name of a page -> the function that makes it. Apps add theirs to PAGES in a module named `reference_pages`."""
    autodiscover_modules("reference_pages")
    return PAGES
