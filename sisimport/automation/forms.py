"""Forms: what a user is mailed about, a new webhook, a new pick-up place, a new delivery."""

from typing import Any

from django import forms

from sisimport.automation import hooks, schedule, telling
from sisimport.automation.adding import LEAST_MINUTES, MOST_MINUTES, AddingError, add_delivery, add_place
from sisimport.automation.models import ExportDelivery, PickUpPlace, Webhook
from sisimport.automation.telling import SUBJECTS
from sisimport.imports.definition.registry import listed_types
from sisimport.web.exports.deliverables import Choice, Deliverable, deliverables
from students.access import visible_school_ids, visible_schools
from students.models import School


class MailForm(forms.Form):
    """One checkbox for each subject that is offered to this user."""

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
    """A new webhook of the admin who fills in the form."""

    name = forms.CharField(label="Name", max_length=80, help_text="What it is for: Data warehouse.")
    url = forms.CharField(
        label="Address",
        max_length=500,
        help_text="https://… of the program that gets the events. It must be a public address.",
    )
    events = forms.MultipleChoiceField(
        label="Notify it when",
        choices=[(str(event), f"{text} ({event})") for event, text in hooks.WORDS.items()],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one."},
    )

    def make(self, user: Any) -> Webhook | None:
        """The webhook; None if it cannot be made, with the reason on the form."""
        try:
            return hooks.make_webhook(user=user, **self.cleaned_data)
        except hooks.WebhookError as error:
            self.add_error(error.field, str(error))
            return None


class AddressForm(forms.Form):
    """Where a place is, and for which schools: the chosen ones, or all if the admin sees all."""

    name = forms.CharField(label="Name", max_length=80, help_text="What it is for: State files, nightly.")
    path = forms.CharField(
        label="Folder",
        max_length=500,
        required=False,
        help_text="Its full path on the machine that runs the workers. Blank for an SFTP server.",
    )
    sftp = forms.CharField(
        label="SFTP server", max_length=500, required=False, help_text="sftp://user@host/folder. Blank for a folder."
    )
    host_key = forms.CharField(
        label="Fingerprint of the server's key",
        max_length=60,
        required=False,
        help_text="SHA256:… from its administrator. If its key is a different one, nothing is sent to it.",
    )
    schools: Any = forms.ModelMultipleChoiceField(
        School.objects.none(), label="Schools", required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, admin: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sees_all = visible_school_ids(admin) is None
        schools: Any = self.fields["schools"]
        schools.queryset = visible_schools(admin)
        schools.help_text = "None chosen: all." if self.sees_all else ""
        self.order_fields([*(name for name in self.fields if name != "schools"), "schools"])

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or {}
        if not self.sees_all and not cleaned.get("schools"):
            self.add_error("schools", "Choose at least one: you see only some of the schools.")
        return cleaned

    @property
    def chosen_schools(self) -> list[School] | None:
        return list(self.cleaned_data["schools"]) or None

    def refuse(self, error: AddingError) -> None:
        self.add_error(error.field if error.field in self.fields else None, str(error))


class PlaceForm(AddressForm):
    """A new place that files are picked up from."""

    pattern = forms.CharField(label="Files", max_length=120, initial="*", help_text="SSID*.txt; * for all.")
    import_type = forms.ChoiceField(label="Import Type")
    work = forms.ChoiceField(label="Work to Perform", choices=PickUpPlace.Work.choices)
    every_minutes = forms.IntegerField(
        label="Check every … minutes", min_value=LEAST_MINUTES, max_value=MOST_MINUTES, initial=15
    )
    needs_mark = forms.BooleanField(
        label="Take a file only once its .done file is next to it",
        required=False,
        help_text="Otherwise it is picked up when its size has not changed between two checks.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kinds: Any = self.fields["import_type"]
        kinds.choices = [
            ("auto", "By the file's layout"),
            *((one.key, one.screen.label) for one in listed_types()),
        ]

    def make(self) -> PickUpPlace | None:
        """The place; None if it cannot be made, with the reason on the form."""
        try:
            return add_place(**(self.cleaned_data | {"schools": self.chosen_schools}))
        except AddingError as error:
            self.refuse(error)
            return None


class DeliveryForm(AddressForm):
    """A new delivery of an export."""

    name = forms.CharField(label="Name", max_length=80, help_text="What it is for: Data warehouse, nightly.")

    what = forms.ChoiceField(label="Export")
    file_name = forms.CharField(
        label="Name of the files",
        max_length=120,
        help_text="students-{date}.csv. {date}, {time} and {year} are filled in; the ending sets the format.",
    )
    school_year = forms.CharField(
        label="School year", max_length=9, required=False, help_text="2023-24, current or last. Blank: all."
    )
    every_minutes = forms.IntegerField(
        label="Deliver every … minutes",
        min_value=LEAST_MINUTES,
        max_value=MOST_MINUTES,
        initial=schedule.DAY,
        help_text="1,440 are a day, 10,080 a week.",
    )
    at = forms.TimeField(
        label="First time at",
        required=False,
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        help_text="By the district's clock. Blank: now.",
    )
    since = forms.DateField(
        label="Changes from",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text="For what changed: where the first delivery begins. Blank: now.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offers: Any = self.fields["what"]
        offers.choices = [
            (one.key, f"{one.label} ({', '.join(ending.removeprefix('.') for ending in one.endings)})")
            for one in deliverables().values()
        ]
        for offer in deliverables().values():
            for choice in offer.choices:
                self.fields[f"{offer.key}_{choice.key}"] = self._field(offer, choice)
        self.order_fields([*(name for name in self.fields if name != "schools"), "schools"])

    @property
    def usual(self) -> list[forms.BoundField]:
        """The fields of every delivery."""
        return [field for field in self if field.name not in self._single]

    @property
    def single(self) -> list[forms.BoundField]:
        """Options that only one export has: folded until the user opens them."""
        return [field for field in self if field.name in self._single]

    @property
    def _single(self) -> set[str]:
        return {f"{offer.key}_{choice.key}" for offer in deliverables().values() for choice in offer.choices}

    @staticmethod
    def _field(offer: Deliverable, choice: Choice) -> forms.Field:
        about = {
            "label": choice.label,
            "required": False,
            "help_text": f"Only for: {offer.label}. {choice.hint}".strip(),
        }
        if choice.values:
            return forms.ChoiceField(choices=choice.values, **about)  # type: ignore[arg-type]
        return forms.CharField(max_length=255, initial=choice.usual, **about)  # type: ignore[arg-type]

    def make(self) -> ExportDelivery | None:
        """The delivery; None if it cannot be made, with the reason on the form."""
        choices = self.cleaned_data
        plain = ("name", "path", "sftp", "host_key", "what", "file_name", "school_year", "every_minutes", "at", "since")
        offer = deliverables()[choices["what"]]
        options = {choice.key: choices[f"{offer.key}_{choice.key}"] for choice in offer.choices}
        options = {key: value for key, value in options.items() if value}
        try:
            return add_delivery(**{name: choices[name] for name in plain}, options=options, schools=self.chosen_schools)
        except AddingError as error:
            self.refuse(error)
            return None
