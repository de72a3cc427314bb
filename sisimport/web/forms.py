"""Forms of the shared pages. The upload form is built from the import tool and the chosen type."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import Any

from django import forms
from django.conf import settings
from django.http import QueryDict
from django.template.defaultfilters import filesizeformat

from sisimport.files.issues import Severity
from sisimport.imports.definition.import_type import ImportType
from sisimport.imports.definition.options import Option
from sisimport.imports.definition.registry import Tool, listed_types
from sisimport.imports.models import ImportRun, Work
from sisimport.web.queries.options import option_text
from sisimport.web.queries.report import IssueFilter, IssueReport, Reader
from students.models import ReportWords, School

Usual = Callable[[ImportType], tuple[Mapping[str, str], Mapping[str, str]]]

WORK_HINTS = {
    Work.TEST: "Compare and report. Nothing is changed.",
    Work.UPDATE: "Apply a tested file, exactly as tested.",
    Work.IMPORT: "Apply the file, as its Test planned it if it was tested.",
}
ALL = "all"  # filter value: every severity
_MOST_TEXT = 80


def option_name(option: Option) -> str:
    """The name of an option's field: options must not clash with the form's own fields."""
    return f"option-{option.name}"


class UploadForm(forms.Form):
    """Import Type, Work to Perform, the type's options, File."""

    maps: ImportType | None = None  # the type on whose page users can map the columns of the refused file

    import_type = forms.ChoiceField(label="Import Type")
    work = forms.ChoiceField(label="Work to Perform", widget=forms.RadioSelect, initial=Work.TEST)
    file = forms.FileField(
        label="File",
        required=False,
        allow_empty_file=True,  # the file reader has its own message for an empty file
        max_length=1000,
        error_messages={"required": "Choose a file.", "invalid": "Choose a file."},
    )

    def __init__(
        self,
        *args: Any,
        held: bool = False,
        usual: Usual = lambda _kind: ({}, {}),
        tool: Tool,
        works: tuple[Work, ...],
        schools: Iterable[School],
        chosen: str = "",
        words: ReportWords = ReportWords.OWN,
        **kwargs: Any,
    ) -> None:
        """`schools`: those that the user may choose from. `chosen`: key of the type to show. `held`: a file was chosen
        before. `words`: the report wording of the districts concerned. `usual`: the initial values of a type's options,
        and which of them the district chose."""
        super().__init__(*args, **kwargs)
        self._held = held
        self.types = {kind.key: kind for kind in listed_types(tool.key)}
        key = (self.data.get("import_type") if self.is_bound else chosen) or ""
        self.kind: ImportType = self.types.get(str(key)) or usual_type(list(self.types.values()))
        self.fields["import_type"].choices = [(kind.key, kind.screen.label) for kind in self.types.values()]  # type: ignore[attr-defined]
        self.fields["import_type"].initial = self.kind.key
        self.works = tuple(work for work in self.kind.works if work in works)
        self.fields["work"].choices = [(work.value, work.label) for work in self.works]  # type: ignore[attr-defined]
        values, district = usual(self.kind)
        for option in map(partial(_offered, schools=schools), self.kind.options):
            field = _school_field(option, schools) if option.picks_schools else _option_field(option)
            if not option.picks_schools and option.name in values:
                value = values[option.name]
                field.initial = value == "1" if option.is_checkbox else value
            if option.name in district:
                default_text = option_text(option, district[option.name])
                field.help_text = f"{field.help_text} District default: {default_text}.".strip()
            self.fields[option_name(option)] = field
        if tool.screen_words:
            self.fields["words"] = forms.ChoiceField(
                label="Wording of the results report",
                required=False,
                choices=ReportWords.choices,
                initial=words,
                help_text="It can also be changed on the results page." + _usual_words(words),
            )

    @property
    def report_words(self) -> str:
        """The wording chosen for the run; blank for the district's, including a later choice."""
        field, chosen = self.fields.get("words"), str(self.cleaned_data.get("words") or "")
        return chosen if field is not None and chosen != field.initial else ""

    @property
    def option_groups(self) -> list[tuple[str, list[forms.BoundField]]]:
        """Fields of the type's options under their shared headings; those without a heading come alone."""
        grouped = groupby(self.kind.options, key=lambda option: option.group)
        return [(group, [self[option_name(option)] for option in options]) for group, options in grouped]

    @property
    def work_choices(self) -> list[tuple[Work, str]]:
        return [(work, WORK_HINTS[work]) for work in self.works]

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file is None and not self._held:
            raise forms.ValidationError("Choose a file.")
        if file is None:
            return None
        limit = settings.IMPORT_MAX_BYTES
        if file.size > limit:
            raise forms.ValidationError(
                f"The file is larger than {filesizeformat(limit)}. Split it, or ask your administrator to raise the limit."
            )
        return file

    def options(self) -> Mapping[str, str]:
        """Values of the type's options, as runs store them."""
        values = {}
        for option in self.kind.options:
            value = self.cleaned_data.get(option_name(option))
            if option.is_checkbox:
                values[option.name] = "1" if value else ""
            elif option.picks_schools:
                values[option.name] = ",".join(value or [])
            else:  # not on the submitted form: its type was changed in between
                values[option.name] = str(value or self.fields[option_name(option)].initial or option.default)
        return values


def usual_type(types: Sequence[ImportType]) -> ImportType:
    """The type a screen starts with: the first or, if types are for successive years, the newest."""

    def family(kind: ImportType) -> str:
        return kind.key.rstrip("0123456789-")

    return max((kind for kind in types if family(kind) == family(types[0])), key=lambda kind: kind.key)


def _usual_words(words: ReportWords) -> str:
    return " District default: the wording of the CALPADS screen." if words == ReportWords.SCREEN else ""


def _offered(option: Option, *, schools: Iterable[School]) -> Option:
    """The option with the choices that are for all districts, or for a district of these schools."""
    if not any(choice.lea for choice in option.choices):
        return option
    return option.offered_to({school.lea.code for school in schools} or None)


class SchoolsField(forms.MultipleChoiceField):
    """Checkboxes for schools; their number decides whether they can be filtered."""

    widget = forms.CheckboxSelectMultiple
    picks_schools = True
    many = 8

    @property
    def is_long(self) -> bool:
        return len(self.choices) > self.many  # type: ignore[arg-type]


def _school_field(option: Option, schools: Iterable[School]) -> forms.Field:
    named = sorted((school.name or school.code, school.code) for school in schools)
    return SchoolsField(
        label=option.label,
        required=False,
        choices=[(code, name) for name, code in named],
        error_messages={"invalid_choice": "%(value)s is not one of your schools."},
    )


def _option_field(option: Option) -> forms.Field:
    if option.is_checkbox:
        return forms.BooleanField(
            label=option.label, required=False, initial=option.default == "1", help_text=option.hint
        )
    if option.choices:
        hints = [f"{choice.label}: {choice.hint}" for choice in option.choices if choice.hint]
        return forms.ChoiceField(
            label=option.label,
            required=False,
            initial=option.default,
            choices=[(choice.value, choice.label) for choice in option.choices],
            help_text=" ".join([option.hint, *hints]).strip(),
        )
    return forms.RegexField(
        regex=f"^(?:{option.pattern})$" if option.pattern else r".*",
        label=option.label,
        required=False,
        initial=option.default,
        help_text=option.hint,
        max_length=100,
    )


class IssueFilterForm(forms.Form):
    """Filter of a report: severity, cause and school are in the address; the text, which may be a name, is not."""

    severity = forms.ChoiceField(required=False)
    code = forms.ChoiceField(label="Cause", required=False)
    school = forms.ChoiceField(label="School", required=False)
    text = forms.CharField(
        label="Text", required=False, max_length=_MOST_TEXT, help_text="A value, a name, a line or local number"
    )

    def __init__(self, data: QueryDict, *, run: ImportRun, reader: Reader, text: str = "") -> None:
        values = {name: data.get(name, "") for name in ("severity", "code", "school")}
        values["text"] = data.get("text", text)
        super().__init__(values)
        report = IssueReport(run, reader)
        self.fields["severity"].choices = [  # type: ignore[attr-defined]
            ("", "Worst first"),
            (ALL, "All"),
            *((severity.label, severity.label) for severity in Severity),
        ]
        self._worst = report.worst
        self.fields["code"].choices = [  # type: ignore[attr-defined]
            ("", "All causes"),
            *dict.fromkeys((cause.code, cause.title) for cause in report.causes),
        ]
        schools = School.objects.all() if reader.schools is None else School.objects.filter(pk__in=reader.schools)
        self.fields["school"].choices = [  # type: ignore[attr-defined]
            ("", "All schools"),
            *((str(school.pk), school.name or school.code) for school in schools),
        ]
        self.is_valid()

    def _value(self, name: str) -> str:
        return str(getattr(self, "cleaned_data", {}).get(name) or "")

    @property
    def search_text(self) -> str:
        return self._value("text")

    @property
    def severity_shown(self) -> Severity | None:
        """The listed severity; None: all. A report opens on its errors, else on its warnings; a search by cause, school
        or text covers all severities."""
        severity = self._value("severity")
        if severity and severity != ALL:
            return Severity[severity.upper()]
        return None if severity or self.is_filtering else self._worst

    def wanted(self) -> IssueFilter:
        """The requested filter; a value that is not offered is ignored."""
        school = self._value("school")
        return IssueFilter(
            severity=self.severity_shown,
            code=self._value("code"),
            school=int(school) if school else None,
            text=self.search_text,
        )

    @property
    def query(self) -> str:
        """The part of the filter that may be in an address."""
        query = QueryDict(mutable=True)
        for name in ("severity", "code", "school"):
            if self._value(name):
                query[name] = self._value(name)
        return query.urlencode()

    @property
    def is_filtering(self) -> bool:
        return bool(self.query or self.search_text)
