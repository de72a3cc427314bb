"""Forms of the SSID Process pages."""

from typing import Any

from django import forms
from django.db.models import QuerySet

from ssid.models import UtahFunction
from students.models import School

HINTS = {
    UtahFunction.RETRIEVE: "Students without SSID: the state looks for numbers they already have.",
    UtahFunction.NEW: "Students without SSID: the state issues a number to every one of them.",
    UtahFunction.UPDATE: "Students whose name, birth date, gender or ethnicity changed: the state saves the new values.",
    UtahFunction.VERIFY: "Students with SSID: the state compares them. There is no response; correct errors at the state site.",
}


class RequestForm(forms.Form):
    """Which schools, which function, on which day."""

    schools = forms.ModelMultipleChoiceField(
        queryset=School.objects.none(), label="Schools", widget=forms.CheckboxSelectMultiple
    )
    function = forms.TypedChoiceField(
        label="Function", choices=UtahFunction.choices, coerce=UtahFunction, widget=forms.RadioSelect
    )
    effective_date = forms.DateField(
        label="Effective date",
        required=False,
        help_text="Only students enrolled on this day. Leave it blank for all who are enrolled at any time this school year.",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    override_reason = forms.CharField(
        label="Reason to make the New request anyway",
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, *args: Any, schools: QuerySet[School], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["schools"]
        assert isinstance(field, forms.ModelMultipleChoiceField)  # noqa: S101 - declared above
        field.queryset = schools
        self.functions = [(function, HINTS[function]) for function in UtahFunction]

    def clean_schools(self) -> list[School]:
        chosen = list(self.cleaned_data["schools"])
        if len({school.lea_id for school in chosen}) > 1:
            raise forms.ValidationError("Choose schools of one district.")
        return chosen


class WithdrawForm(forms.Form):
    """Why there will be no answer."""

    reason = forms.CharField(label="Why there will be no answer", max_length=500)
