"""Forms of the *People* pages."""

from typing import Any, cast

from django import forms
from django.contrib.auth.password_validation import validate_password

from sisimport.accounts.access import GROUPS, REGISTRAR
from sisimport.accounts.giving import roles_to_give
from sisimport.web.forms import SchoolsField
from sisimport.web.help.roles import ABOUT, WORDS
from students.access import visible_school_ids, visible_schools
from students.models import School

LETTER, LINK = "mail", "link"


class AccessForm(forms.Form):
    """Roles and schools on one form, among those that the giver may grant."""

    roles = forms.MultipleChoiceField(
        label="Roles",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose a role.", "invalid_choice": "You cannot give the role %(value)s."},
    )
    schools = SchoolsField(
        label="Schools",
        required=False,
        error_messages={"invalid_choice": "Choose only your own schools: one that was sent is not yours."},
    )
    all_schools = forms.BooleanField(label="All schools of the district, including later ones", required=False)

    def __init__(self, giver: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        give, own = roles_to_give(giver), visible_schools(giver)
        roles, schools = cast(Any, self.fields["roles"]), cast(Any, self.fields["schools"])
        roles.choices = [(role, role.capitalize() if role.islower() else role) for role in give]
        self.kept_back = [role for role in GROUPS if role not in give]
        named = sorted((school.name or school.code, school.pk) for school in own)
        schools.choices = [(str(pk), name) for name, pk in named]
        if visible_school_ids(giver) is not None:
            del self.fields["all_schools"]
            if len(named) == 1:
                schools.initial = [str(named[0][1])]

    def role_boxes(self) -> list[tuple[Any, str, list[str]]]:
        """Each checkbox with the role's purpose and what it may do, in words."""
        return [
            (box, ABOUT[role], [WORDS[capability][0] for capability in WORDS if capability in GROUPS[role]])
            for box in self["roles"]
            for role in [str(box.data["value"])]
        ]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not (cleaned.get("schools") or cleaned.get("all_schools")) and "schools" not in self.errors:
            self.add_error("schools", "Choose a school: without one, a person sees no students.")
        return cleaned

    def given(self) -> dict[str, Any]:
        """The arguments for `people.invite` and `people.change_person`."""
        chosen = [int(pk) for pk in self.cleaned_data["schools"]]
        return {
            "roles": self.cleaned_data["roles"],
            "schools": list(School.objects.filter(pk__in=chosen)),
            "all_schools": self.cleaned_data.get("all_schools", False),
        }


class InviteForm(AccessForm):
    email = forms.EmailField(label="E-mail", max_length=150, help_text="Also the user name to sign in with.")
    name = forms.CharField(label="Name (may be left empty)", max_length=150, required=False)
    send = forms.ChoiceField(
        label="The invitation",
        choices=[(LETTER, "is sent by e-mail"), (LINK, "is a link that I give them")],
        initial=LETTER,
        widget=forms.RadioSelect,
    )
    field_order = ("email", "name", "roles", "schools", "all_schools", "send")

    def __init__(self, giver: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(giver, *args, **kwargs)
        self.fields["email"].widget.attrs |= {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        self.fields["name"].widget.attrs["autocomplete"] = "off"
        if REGISTRAR not in self.kept_back:
            self.fields["roles"].initial = [REGISTRAR]


class PasswordForm(forms.Form):
    """The password of an invited account, chosen once, by the rules of the installation."""

    password = forms.CharField(
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="At least 12 characters; several words are best.",
    )

    def __init__(self, user: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        validate_password(password, self.user)
        return password


class CodeForm(forms.Form):
    code = forms.CharField(
        label="Code of the invitation", max_length=60, help_text="Four groups of letters and digits."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].widget.attrs |= {
            "autocomplete": "off",
            "autocapitalize": "characters",
            "spellcheck": "false",
        }
