"""The forms of the page Data out: what to export, for which schools and years."""

import datetime as dt
from collections.abc import Iterable
from importlib.util import find_spec
from typing import Any

from django import forms
from django.utils import timezone

from sisimport.accounts.access import visible_runs
from sisimport.reporting.changes import ChangesFile
from sisimport.reporting.edfi import LOCAL, NAMESPACE, SSID, EdFiFile
from sisimport.reporting.exports import LONG, WIDE, Export, ExportRefusedError
from sisimport.reporting.oneroster import OneRosterFile
from sisimport.reporting.writing import CSV, JSONL, PARQUET, XLSX, ZIP, Source, TableFile
from students.access import User, visible_school_ids
from students.models import School
from students.school_years import spring_of, year_label

_YEARS = 12  # school years to choose from, newest first


class DataForm(forms.Form):
    """What all of them share: the schools of the user."""

    ending = ""
    school = forms.ModelChoiceField(label="School", queryset=School.objects.none(), required=False, empty_label="All")

    def __init__(self, *args: Any, user: User, schools: Iterable[School], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        ids = [school.pk for school in schools]
        self.fields["school"].queryset = School.objects.filter(pk__in=ids)  # type: ignore[attr-defined]

    @property
    def schools(self) -> list[int] | frozenset[int] | None:
        """Ids of the requested schools, among those the user may see; None: all."""
        school = self.cleaned_data["school"]
        return [school.pk] if school else visible_school_ids(self.user)

    @property
    def file_ending(self) -> str:
        """The ending of the requested file."""
        return self.ending

    def source(self) -> Source:
        """What the valid form requests. Raises ExportRefusedError."""
        raise NotImplementedError


class YearForm(DataForm):
    """With the school years, newest first."""

    school_year = forms.ChoiceField(label="School year", required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["school_year"].choices = [("", "All"), *((year, year) for year in _school_years())]  # type: ignore[attr-defined]


class TableForm(YearForm):
    """Students, SSIDs or scores."""

    what = forms.ChoiceField(
        label="What",
        choices=[("scores", "Scores"), ("students", "Students"), ("ssids", "SSIDs, current and former")],
    )
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
    file_type = forms.ChoiceField(label="File")
    field_order = ["what", "school", "school_year", "shape", "changed_since", "file_type"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        types = [(CSV, "CSV, values as they are"), (XLSX, "Excel workbook")]
        types += [(PARQUET, "Parquet")] if find_spec("pyarrow") else []
        self.fields["file_type"].choices = [(ending.removeprefix("."), label) for ending, label in types]  # type: ignore[attr-defined]
        self.fields["school_year"].help_text = "Scores of that year; students enrolled in it, and their SSIDs."

    @property
    def file_ending(self) -> str:
        return f".{self.cleaned_data['file_type']}"

    def source(self) -> Source:
        choices = self.cleaned_data
        scores = choices["what"] == "scores"  # choices that apply only to scores are ignored, as the page says
        return TableFile(
            Export(
                what=choices["what"],
                school_year=choices["school_year"],
                schools=self.schools,
                changed_since=beginning_of(choices["changed_since"]),
                form=choices["shape"] or LONG if scores else LONG,
            )
        )


class ChangesForm(DataForm):
    """What a run or a period changed."""

    run = forms.IntegerField(
        label="Run", required=False, min_value=1, help_text="Number of an Update, an Import or a Revert; or a period:"
    )
    since = forms.DateField(
        label="From", required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    until = forms.DateField(
        label="Before",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text="Blank: until now.",
    )
    field_order = ["run", "since", "until", "school"]
    ending = ZIP

    def source(self) -> Source:
        choices = self.cleaned_data
        run = None
        if choices["run"] is not None:
            run = visible_runs(self.user).filter(pk=choices["run"]).first()
            if run is None:  # includes runs of others: whether they exist is not revealed
                raise ExportRefusedError(f"There is no run {choices['run']}.")
        return ChangesFile(
            run=run, since=beginning_of(choices["since"]), until=beginning_of(choices["until"]), schools=self.schools
        )


class OneRosterForm(YearForm):
    ending = ZIP

    def source(self) -> Source:
        choices = self.cleaned_data
        return OneRosterFile(export=Export(what="scores", school_year=choices["school_year"], schools=self.schools))


class EdFiForm(YearForm):
    namespace = forms.CharField(
        label="Namespace", initial=NAMESPACE, max_length=255, help_text="Of the assessments in the other system."
    )
    student_id = forms.ChoiceField(
        label="Students are identified by",
        choices=[(LOCAL, "Local student number"), (SSID, "SSID; students without one are left out")],
    )
    ending = JSONL

    def source(self) -> Source:
        choices = self.cleaned_data
        return EdFiFile(
            export=Export(what="scores", school_year=choices["school_year"], schools=self.schools),
            namespace=choices["namespace"],
            student=choices["student_id"],
        )


def beginning_of(day: dt.date | None) -> dt.datetime | None:
    """The beginning of the day, in local time."""
    return timezone.make_aware(dt.datetime.combine(day, dt.time.min)) if day else None


def _school_years() -> list[str]:
    """Newest first."""
    newest = spring_of(timezone.localdate())
    return [year_label(year) for year in range(newest, newest - _YEARS, -1)]
