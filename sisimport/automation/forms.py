"""Forms: what somebody is mailed about, a new webhook, a new pick-up place."""

from typing import Any

from django import forms

from sisimport.automation import hooks, telling
from sisimport.automation.adding import LEAST_MINUTES, MOST_MINUTES, AddingError, add_place
from sisimport.automation.models import PickUpPlace, Webhook
from sisimport.automation.telling import SUBJECTS
from sisimport.imports.definition.registry import listed_types
from students.access import visible_school_ids, visible_schools
from students.models import School


class MailForm(forms.Form):
    """One box for each subject that is offered to this user."""

    subjects = forms.MultipleChoiceField(label="Send me mail when", required=False, widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        field: Any = self.fields["subjects"]
        field.choices = [
            (str(subject), f"{SUBJECTS[subject].label}. {SUBJECTS[subject].hint}")
            for subject in telling.subjects_for(user)
        ]
        self.initial["subjects"] = sorted(telling.wishes_of(user))

    def save(self) -> None:
        telling.choose(self.user, self.cleaned_data["subjects"])


class WebhookForm(forms.Form):
    """A new webhook of the admin who fills it in."""

    name = forms.CharField(label="Name", max_length=80, help_text="What it is for: Data warehouse.")
    url = forms.CharField(
        label="Address", max_length=500, help_text="https://… of the program that is told. It must be a public address."
    )
    events = forms.MultipleChoiceField(
        label="Tell it when",
        choices=[(str(event), f"{text} ({event})") for event, text in hooks.WORDS.items()],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one."},
    )

    def make(self, user: Any) -> Webhook | None:
        """The webhook; None when it cannot be, with the reason on the form."""
        try:
            return hooks.make_webhook(user=user, **self.cleaned_data)
        except hooks.WebhookError as error:
            self.add_error(error.field, str(error))
            return None


class PlaceForm(forms.Form):
    """A new place; its runs are for the chosen schools, or for all where the admin sees all."""

    name = forms.CharField(label="Name", max_length=80, help_text="What it is for: State files, nightly.")
    path = forms.CharField(
        label="Folder",
        max_length=500,
        required=False,
        help_text="Its whole path on the machine with the workers. Blank for an SFTP server.",
    )
    sftp = forms.CharField(
        label="SFTP server", max_length=500, required=False, help_text="sftp://user@host/folder. Blank for a folder."
    )
    host_key = forms.CharField(
        label="Fingerprint of the server's key",
        max_length=60,
        required=False,
        help_text="SHA256:… as its administrator tells it. With another key nothing is picked up.",
    )
    pattern = forms.CharField(label="Files", max_length=120, initial="*", help_text="SSID*.txt; * for all.")
    import_type = forms.ChoiceField(label="Import Type")
    work = forms.ChoiceField(label="Work to Perform", choices=PickUpPlace.Work.choices)
    every_minutes = forms.IntegerField(
        label="Look every … minutes", min_value=LEAST_MINUTES, max_value=MOST_MINUTES, initial=15
    )
    needs_mark = forms.BooleanField(
        label="Take a file only once its .done file lies beside it",
        required=False,
        help_text="Else it is taken when its size stood still for two looks.",
    )
    schools: Any = forms.ModelMultipleChoiceField(
        School.objects.none(), label="Schools", required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, admin: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sees_all = visible_school_ids(admin) is None
        kinds: Any = self.fields["import_type"]
        kinds.choices = [
            ("auto", "As the file's layout tells"),
            *((one.key, one.screen.label) for one in listed_types()),
        ]
        schools: Any = self.fields["schools"]
        schools.queryset = visible_schools(admin)
        schools.help_text = "None chosen: all." if self.sees_all else ""

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or {}
        if not self.sees_all and not cleaned.get("schools"):
            self.add_error("schools", "Choose at least one: you see some schools only.")
        return cleaned

    def make(self) -> PickUpPlace | None:
        """The place; None when it cannot be, with the reason on the form."""
        try:
            return add_place(**(self.cleaned_data | {"schools": list(self.cleaned_data["schools"]) or None}))
        except AddingError as error:
            self.add_error(error.field if error.field in self.fields else None, str(error))
            return None
