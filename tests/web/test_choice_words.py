"""A choice that is not offered is refused in words, without what was sent: that may be the number of a row of ours."""

import re

import pytest
from django import forms

from students.models import School
from tests.factories import SchoolFactory

pytestmark = pytest.mark.django_db
NUMBER = 987654321


class _Form(forms.Form):
    plain = forms.ChoiceField(choices=[("1", "One")])
    typed = forms.TypedChoiceField(choices=[("1", "One")], coerce=int)
    several = forms.MultipleChoiceField(choices=[("1", "One")])
    several_typed = forms.TypedMultipleChoiceField(choices=[("1", "One")], coerce=int)
    school = forms.ModelChoiceField(queryset=School.objects.all())
    schools = forms.ModelMultipleChoiceField(queryset=School.objects.all())


@pytest.mark.parametrize("sent", [str(NUMBER), f"no-number-{NUMBER}"])
def test_no_form_repeats_what_it_does_not_offer(sent: str) -> None:
    SchoolFactory()
    form = _Form({name: [sent] if "several" in name or name == "schools" else sent for name in _Form.base_fields})

    assert set(form.errors) == set(_Form.base_fields)
    text = re.sub(r'id="[^"]*"', "", str(form.errors))
    assert text.count("Choose from the list") == len(_Form.base_fields)
    assert str(NUMBER) not in text
    assert "Select a valid choice" not in text
