"""Forms of column mappings."""

from typing import Any

from django import forms

from students.models import LEA


class SharedForm(forms.Form):
    """A mapping that was shared as a file."""

    file = forms.FileField(label="File of a mapping", help_text="As it was exported: TOML or JSON.")
    name = forms.CharField(label="Name", max_length=80, required=False, help_text="Blank: as in the file.")
    lea = forms.ChoiceField(label="District")
    school = forms.RegexField(
        r"^[0-9]{7}\Z",
        label="School of all lines",
        required=False,
        help_text="Only for files without a school column: its seven-digit code.",
    )

    def __init__(self, *args: Any, leas: list[LEA], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["lea"].choices = [(lea.code, str(lea)) for lea in leas] or [("", "As in the file")]  # type: ignore[attr-defined]
        self.fields["lea"].required = bool(leas)


class RenameForm(forms.Form):
    name = forms.CharField(label="Name", max_length=80)
