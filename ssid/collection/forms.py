"""Forms of the SSID collection pages."""

from typing import Any

from django import forms
from django.conf import settings

from ssid.collection.school_lists import COLUMNS
from students.models import CollectionPolicy, School, Student
from students.profiles import profile_of

DOCUMENT, TOLD = "document", "told"
MISTAKE, KEEP = "mistake", "keep"
# The columns a school needs to find a student; the rest is for convenience (rule M-5).
USUAL_COLUMNS = ("Last Name", "First Name", "Birth Date", "Grade")


class SSIDForm(forms.Form):
    """The SSID of one student, first on the page: one field and Enter are enough to work through a list."""

    ssid = forms.CharField(label="SSID", max_length=30, required=True)
    source = forms.ChoiceField(
        label="Where is it from?",
        choices=[(DOCUMENT, "A state or school document"), (TOLD, "The student told me")],
        initial=DOCUMENT,
        help_text="A number that a student gave stays unverified until someone compares it with a document.",
    )
    old_number = forms.ChoiceField(
        label="The number on record until now",
        choices=[
            (MISTAKE, "was a typing error: remove it, its owner may need it"),
            (KEEP, "was replaced by the state: keep it as a former number"),
        ],
        initial=MISTAKE,
        help_text="Either one is an entry on the time line, which can be undone.",
    )
    reason = forms.CharField(label="Note for the time line", max_length=200, required=False)

    def __init__(self, *args: Any, student: Student, has_ssid: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["ssid"]
        field.help_text = f"{profile_of(student.lea.state).ssid_words.capitalize()}; blanks and hyphens do not matter."
        field.widget.attrs |= {"inputmode": "numeric", "autocomplete": "off", "autofocus": True, "spellcheck": "false"}
        if not has_ssid:
            del self.fields["old_number"]


class PolicyForm(forms.ModelForm):
    """Settings of the collection."""

    online_schools = forms.ModelMultipleChoiceField(
        queryset=School.objects.order_by("name", "code"),
        label="Schools whose families enroll online",
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    class Meta:
        model = CollectionPolicy
        fields = ["required_from", "families_may_enter", "online_enrollment", "online_schools"]
        widgets = {"required_from": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")}

    def clean_online_schools(self) -> list[int]:
        return sorted(school.pk for school in self.cleaned_data["online_schools"])


class ListForm(forms.Form):
    """Which columns a school's list has, and its format."""

    columns = forms.MultipleChoiceField(
        label="Columns",
        choices=[(name, name) for name in COLUMNS if name != "SSID"],
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text="SSID is the last column, blank to be filled in.",
    )

    def clean_columns(self) -> list[str]:
        chosen: list[str] = self.cleaned_data["columns"] or list(USUAL_COLUMNS)
        by_name = {"Last Name", "First Name", "Birth Date"}
        if "Local Student Number" not in chosen and not by_name <= set(chosen):
            raise forms.ValidationError(
                "Without the local student number the list needs last name, first name and birth date: "
                "otherwise it could not be read back."
            )
        return chosen


class InviteForm(forms.Form):
    """Which students an account will see: the student of the page and siblings."""

    others = forms.CharField(
        label="Brothers and sisters",
        required=False,
        max_length=200,
        help_text="Their local student numbers, separated by commas. Leave blank for this student alone.",
    )
    language = forms.ChoiceField(
        label="Language of the letter", choices=settings.LANGUAGES, initial="en", required=False
    )

    def clean_language(self) -> str:
        return self.cleaned_data["language"] or settings.LANGUAGES[0][0]
