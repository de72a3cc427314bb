"""The form of the page Exports."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from sisimport.reporting.exports import LONG, WIDE, Export, ExportRefusedError
from students.models import School
from students.school_years import spring_of, year_label

CSV, XLSX = "csv", "xlsx"
_YEARS = 12  # school years to choose from, newest first


class ExportForm(forms.Form):
    """What to take out, from which schools and since when. Schools are those the user may see."""

    what = forms.ChoiceField(
        label="What",
        choices=[("scores", "Scores"), ("students", "Students"), ("ssids", "SSIDs, current and former")],
    )
    school = forms.ModelChoiceField(label="School", queryset=School.objects.none(), required=False, empty_label="All")
    school_year = forms.ChoiceField(label="School year", required=False, help_text="For scores only.")
    shape = forms.ChoiceField(
        label="Rows",
        choices=[(LONG, "One row per score"), (WIDE, "One row per student and school year")],
        required=False,
        help_text="For scores only.",
    )
    changed_since = forms.DateField(
        label="Changed since",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text="Only what a run or a person wrote on this day or later.",
    )
    file_type = forms.ChoiceField(label="File", choices=[(CSV, "CSV"), (XLSX, "Excel workbook")])

    def __init__(self, *args: Any, schools: Iterable[School], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._schools = [school.pk for school in schools]
        self.fields["school"].queryset = School.objects.filter(pk__in=self._schools)  # type: ignore[attr-defined]
        self.fields["school_year"].choices = [("", "All"), *((year, year) for year in _school_years())]  # type: ignore[attr-defined]

    def export(self, schools: frozenset[int] | None) -> Export:
        """What the valid form asks for, of the schools the user may see (None: all)."""
        asked = self.cleaned_data
        day = asked["changed_since"]
        return Export(
            what=asked["what"],
            school_year=asked["school_year"],
            schools=[asked["school"].pk] if asked["school"] else schools,
            changed_since=timezone.make_aware(dt.datetime.combine(day, dt.time.min)) if day else None,
            form=asked["shape"] or LONG,
        )

    def clean(self) -> dict[str, Any]:
        asked: dict[str, Any] = super().clean() or {}
        if asked.get("what") != "scores":  # what applies to scores only is left out, as the page says
            asked |= {"school_year": "", "shape": LONG}
        try:
            Export(
                what=asked.get("what", "scores"),
                school_year=asked.get("school_year", ""),
                form=asked.get("shape") or LONG,
            )
        except ExportRefusedError as error:
            raise ValidationError(str(error)) from error
        return asked


def _school_years() -> list[str]:
    """Newest first."""
    newest = spring_of(timezone.localdate())
    return [year_label(year) for year in range(newest, newest - _YEARS, -1)]
