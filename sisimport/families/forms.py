"""Forms of the pages of students and parents, in the language of the reader."""

from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.contrib.auth.password_validation import validate_password
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _


class JoinForm(forms.Form):
    """Open an account. The password is entered once, by the rules of the installation."""

    username = forms.CharField(
        label=_("User name"),
        max_length=60,
        help_text=_("Letters, digits and @ . + - _ only. Not your SSID or school number."),
        validators=[RegexValidator(r"^[\w.@+-]+\Z", _("Letters, digits and @ . + - _ only."))],
    )
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("At least 12 characters; several words are best."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].widget.attrs |= {
            "autocomplete": "username",
            "autocapitalize": "none",
            "spellcheck": "false",
        }

    def clean_username(self) -> str:
        name: str = self.cleaned_data["username"]
        if name.isdigit():
            raise forms.ValidationError(_("A number alone is easy to guess and may be personal: add letters."))
        if get_user_model().objects.filter(username__iexact=name).exists():
            raise forms.ValidationError(_("This user name is taken."))
        return name

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        validate_password(password)
        return password


class CodeForm(forms.Form):
    """The code of an invitation, typed from the letter or filled in by the link."""

    code = forms.CharField(
        label=_("Code of the invitation"), max_length=60, help_text=_("Four groups of letters and digits.")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].widget.attrs |= {
            "autocomplete": "off",
            "autocapitalize": "characters",
            "spellcheck": "false",
        }


class NumberForm(forms.Form):
    """An SSID typed by a student or parent."""

    ssid = forms.CharField(
        label=_("SSID"), max_length=30, help_text=_("Ten digits. It is not your school's student number.")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["ssid"].widget.attrs |= {"inputmode": "numeric", "autocomplete": "off", "spellcheck": "false"}
