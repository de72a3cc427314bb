"""Forms: what somebody is mailed about, and a new webhook."""

from typing import Any

from django import forms

from sisimport.automation import hooks, telling
from sisimport.automation.models import Webhook
from sisimport.automation.telling import SUBJECTS


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
