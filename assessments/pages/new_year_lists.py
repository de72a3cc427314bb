"""The list of added school years: by import type and year, sorted and exported like every other list."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from assessments.models import AddedLayout
from assessments.new_year import services
from sisimport.imports.definition.registry import get_type
from sisimport.web.lists import Column, List, Listing
from sisimport.web.moments import moment_text
from students.school_years import year_label

LAYOUTS = List(
    key="added-years",
    columns=(
        Column(name="type", label="Import type", order=("label",)),
        Column(name="layout", label="Layout", order=("key",)),
        Column(name="columns", label="Columns"),
        Column(name="added", label="Added", order=("made_at",)),
        Column(name="by", label="By", css="w-m", order=("by",), then=("label",)),
        Column(name="runs", label="Runs", order=("runs",), then=("label",), number=True),
        Column(name="undo", label="Undo", hidden=True),
    ),
    start="-added",
    filters=("year",),
    file_name="added-school-years",
)


@dataclass(frozen=True, slots=True)
class Added:
    """An added layout: its row, its import type with its screen, and how many runs used it."""

    row: AddedLayout
    type_key: str
    label: str
    tool: str
    runs: int

    @property
    def key(self) -> str:
        return self.row.key

    @property
    def school_year(self) -> int:
        return self.row.school_year

    @property
    def year(self) -> str:
        return year_label(self.row.school_year)

    @property
    def made_at(self) -> dt.datetime:
        return self.row.made_at

    @property
    def by(self) -> str:
        return self.row.made_by.get_username() if self.row.made_by else "the command line"

    @property
    def columns(self) -> str:
        """How the file differs from that of the similar year."""
        comparison = self.row.comparison
        kept, renamed, new, gone = (
            comparison["kept"],
            len(comparison["renamed"]),
            len(comparison["added"]),
            len(comparison["missing"]),
        )
        return f"{kept:,} kept, {renamed} renamed, {new} new, {gone} removed"

    def cells(self) -> tuple[Any, ...]:
        """Its row in the export."""
        return self.label, self.key, self.columns, moment_text(self.made_at), self.by, self.runs


def all_added() -> list[Added]:
    """Every added layout, with the runs that used it."""
    rows = list(AddedLayout.objects.exclude(text="").select_related("made_by"))
    used = services.runs_of([row.key for row in rows])
    kinds: list[Any] = [get_type(services.import_type_of(row.key)) for row in rows]
    return [
        Added(row, kind.key, kind.screen.label, kind.screen.tool, used[row.key])
        for row, kind in zip(rows, kinds, strict=True)
    ]


def chosen(added: Iterable[Added], listing: Listing) -> list[Added]:
    """The selected ones, sorted as requested."""
    year, text = listing.chosen.get("year", ""), listing.text.casefold()
    return listing.sorted(
        one
        for one in added
        if year in ("", str(one.school_year)) and text in f"{one.label} {one.key} {one.row.file_name}".casefold()
    )
