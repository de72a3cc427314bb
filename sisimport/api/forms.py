"""The form that makes a token."""

from typing import Any

from django import forms

from sisimport.accounts.scopes import SCOPES
from sisimport.api import tokens
from students.access import visible_school_ids, visible_schools
from students.models import School


class TokenForm(forms.Form):
    """For whom, for what, for which schools, for how long. Users cannot give schools that they do not see."""

    name = forms.CharField(
        label="Name", max_length=80, help_text="What it is for: Nightly roster. It also names the service."
    )
    person = forms.CharField(
        label="User name of a person",
        max_length=150,
        required=False,
        help_text="Blank: a service, which has no password and acts only through its tokens, as a registrar.",
    )
    scopes = forms.MultipleChoiceField(
        label="Scopes",
        choices=[(str(scope), f"{scope}: {text}") for scope, text in SCOPES.items()],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one."},
    )
    schools: Any = forms.ModelMultipleChoiceField(
        School.objects.none(), label="Schools", required=False, widget=forms.CheckboxSelectMultiple
    )
    days = forms.IntegerField(label="Valid for days", min_value=1, max_value=3650, initial=tokens.USUAL_DAYS)

    def __init__(self, *args: Any, admin: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.admin = admin
        self.sees_all = visible_school_ids(admin) is None
        schools: Any = self.fields["schools"]
        schools.queryset = visible_schools(admin)
        schools.help_text = "None chosen: all that the user sees; a service sees all." if self.sees_all else ""

    def clean_person(self) -> Any:
        """The person; None for a service."""
        name = self.cleaned_data["person"]
        if not name:
            return None
        person = tokens.person_for_token(self.admin, name)
        if person is None:
            raise forms.ValidationError(
                "No one with this user name may sign in, or this person has more rights than you. Choose someone else."
            )
        return person

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or {}
        if cleaned.get("person") is None and not self.sees_all and not cleaned.get("schools"):
            self.add_error("schools", "Choose at least one: you see only some of the schools.")
        return cleaned

    def make(self) -> tokens.Made | None:
        """The token; None if it cannot be made, with the reason on the form."""
        given = self.cleaned_data
        try:
            return tokens.make_token(
                name=given["name"],
                scopes=given["scopes"],
                schools=list(given["schools"]) or None,
                days=given["days"],
                user=given["person"],
                created_by=self.admin,
            )
        except tokens.TokenError as error:
            self.add_error(None, str(error))
            return None
