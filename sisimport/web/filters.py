"""Filters of lists (django-filter)."""

from typing import Any

import django_filters as filters
from django import forms
from django.db.models import QuerySet

from sisimport.imports.definition.registry import listed_types
from sisimport.imports.models import ImportRun, Work
from sisimport.web import states


class RunFilter(filters.FilterSet):
    """History of runs: by type, work, state, who and when."""

    import_type = filters.ChoiceFilter(
        label="Import Type",
        empty_label="All",
        choices=lambda: [(kind.key, kind.screen.label) for kind in listed_types()],
    )
    work = filters.ChoiceFilter(label="Work", empty_label="All", choices=Work.choices)
    status = filters.ChoiceFilter(
        label="State", empty_label="All", choices=[(s.key, s.label) for s in states.FILTERS], method="by_state"
    )
    mine = filters.ChoiceFilter(label="By", empty_label="Everyone", choices=[("yes", "Me")], method="by_me")
    since = filters.DateFilter(
        label="Since",
        field_name="created_at",
        lookup_expr="date__gte",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )

    class Meta:
        model = ImportRun
        fields: list[str] = []

    def by_state(self, runs: QuerySet[ImportRun], _name: str, value: str) -> QuerySet[ImportRun]:
        return states.in_state(runs, value)

    def by_me(self, runs: QuerySet[ImportRun], _name: str, value: str) -> QuerySet[ImportRun]:
        user: Any = getattr(self.request, "user", None)
        return runs.filter(created_by=user) if value == "yes" else runs
