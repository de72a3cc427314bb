"""The article on test set-ups: what a new one contains, test by test, made from the same structure that imports use."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from assessments.structure import Edition, LayoutTest, tests_of
from sisimport.accounts.access import Capability, requires
from sisimport.files.layouts import Layout
from sisimport.imports.definition.registry import layouts_of, listed_types
from students.school_years import year_label

TOOL = "caaspp"
_SCORES = {"scale": "scale score", "level": "level only", "raw": "raw score"}


@dataclass(frozen=True, slots=True)
class NewSetup:
    """What an import makes for one test and the school years of one set-up."""

    name: str
    code: str
    years: str
    score: str
    parts: tuple[str, ...]
    results: tuple[str, ...]
    passing: tuple[str, ...]


@requires(Capability.READ)
@require_GET
def setup_article(request: HttpRequest) -> HttpResponse:
    layouts = [layout for kind in listed_types(TOOL) for layout in layouts_of(kind)]
    return render(request, "assessments/setup_article.html", {"setups": new_setups(layouts)})


def new_setups(layouts: Iterable[Layout]) -> list[NewSetup]:
    """One for each edition of each test in files of these layouts, in the order of the screen; newest first."""
    found: dict[tuple[str, Edition], list[LayoutTest]] = {}
    for layout in layouts:
        for test in tests_of(layout):
            found.setdefault((test.code, test.edition), []).append(test)
    order = list(dict.fromkeys(code for code, _edition in found))
    keys = sorted(found, key=lambda key: (order.index(key[0]), -(key[1].first or 0)))
    return [_new_setup(found[key]) for key in keys]


def _new_setup(tests: list[LayoutTest]) -> NewSetup:
    """`tests`: one edition in the layouts of its years. A part that one of them has no columns for is made later."""
    parent, edition = tests[0].parent, tests[0].edition
    parts = {part.code: part for test in tests for part in test.children}
    results = parent.results or {}
    return NewSetup(
        name=parent.name,
        code=parent.code,
        years=_years(edition),
        score=_SCORES[parent.score_type],
        parts=tuple(f"{part.name} ({part.code})" for part in parts.values()),
        results=tuple(name if code == name else f"{code} {name}" for code, name in results.items()),
        passing=tuple(results[code] for code in parent.passing if code in results),
    )


def _years(edition: Edition) -> str:
    first = year_label(edition.first) if edition.first else "the beginning"
    return f"from {first} on" if edition.last is None else f"from {first} to {year_label(edition.last)}"
