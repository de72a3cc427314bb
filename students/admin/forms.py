"""Forms of the admin of student records. The reason goes to the student's time line."""

from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from sisimport.runtime.row_scope import across_schools
from students.code_words import code_choices
from students.exit_reasons import exit_reason_choices
from students.grades import grade_choices
from students.models import LEA, SSID, Enrollment, StateProfile, Student
from students.profiles import state_problem
from students.services import HELD_BY_ANOTHER, SSIDRefusedError, clean_ssid

KEEP, MISTAKE = "keep", "mistake"
# Student fields with a set of codes, and the set's name in code_words.toml.
CODED = {"birth_country": "country", "birth_state": "state", "home_language": "language", "ethnicity": "ethnicity"}


def offer_codes(form: forms.BaseForm, name: str, choices: list[tuple[str, str]], *, on_record: str) -> None:
    """Let a field be chosen by words with their codes. The value on record stays even if it is not one of them."""
    if name not in form.fields:  # read-only users see it as text
        return
    held = [] if not on_record or on_record in dict(choices) else [(on_record, f"{on_record}, as on record")]
    field = form.fields[name]
    form.fields[name] = forms.ChoiceField(
        label=field.label,
        required=field.required,
        help_text=field.help_text,
        choices=[("", "not recorded"), *held, *choices],
        widget=UnfoldAdminSelectWidget,
    )


class EnrollmentForm(forms.ModelForm):
    """An enrollment; grade and exit reason are chosen by words."""

    class Meta:
        model = Enrollment
        fields = ("school", "grade", "start_date", "exit_date", "exit_reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer_codes(self, "grade", grade_choices(), on_record=self.instance.grade)
        offer_codes(self, "exit_reason", exit_reason_choices(), on_record=self.instance.exit_reason)


class LEAForm(forms.ModelForm):
    """An LEA; its state can change while the SSIDs of its students fit the other state."""

    class Meta:
        model = LEA
        fields = ("code", "name", "state")

    def clean_state(self) -> str:
        state: str = self.cleaned_data["state"]
        problem = state_problem(self.instance, StateProfile(state)) if self.instance.pk else ""
        if problem:
            raise forms.ValidationError(problem)
        return state


class ReasonForm(forms.ModelForm):
    """A form that asks for a reason if something is changed."""

    reason = forms.CharField(
        label="Reason",
        max_length=200,
        required=False,
        help_text="Why the record is changed: shown on the student's time line.",
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if self.has_changed() and not (cleaned.get("reason") or "").strip():
            self.add_error("reason", "Say why this is changed.")
        return cleaned


class StudentForm(ReasonForm):
    """A student's record information; the SSID is its first line."""

    ssid = forms.CharField(
        label="SSID",
        max_length=20,
        required=False,
        help_text="The state's number for this student. If you clear it, the number is retired.",
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off", "inputmode": "numeric", "spellcheck": "false"}),
    )
    old_number = forms.ChoiceField(
        label="The number on record until now",
        choices=[
            (MISTAKE, "was a typing error: remove it, its owner may need it"),
            (KEEP, "was replaced by the state: keep it as a former number"),
        ],
        initial=MISTAKE,
        required=False,
        widget=UnfoldAdminRadioSelectWidget,
    )

    class Meta:
        model = Student
        fields = "__all__"  # noqa: DJ007 - the admin names its fields

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        current = SSID.objects.filter(student=self.instance.pk, retired_at__isnull=True).first()
        self.initial["ssid"] = current.ssid if current else ""
        if current is None:
            self.fields["old_number"].widget = forms.HiddenInput()
        offer_codes(self, "grade", grade_choices(), on_record=self.instance.grade)
        state = self.instance.lea.state if self.instance.lea_id else ""
        for name, of in CODED.items():
            offer_codes(self, name, code_choices(of, state=state), on_record=getattr(self.instance, name))

    def clean_ssid(self) -> str:
        text = str(self.cleaned_data.get("ssid") or "")
        if not text.strip() or "ssid" not in self.changed_data:
            return text.strip()
        student = self.instance
        if student.lea_id is None:
            lea = self.cleaned_data.get("lea")
            if lea is None:  # reported at its own field
                return text.strip()
            student.lea = lea
        student.local_number = self.cleaned_data.get("local_number") or student.local_number
        try:
            number = clean_ssid(text, student=student)
        except SSIDRefusedError as error:
            raise forms.ValidationError(str(error)) from None
        with across_schools():  # a number belongs to one student of the state
            holder = SSID.objects.filter(state=student.lea.state, ssid=number).first()
        if holder is not None and holder.student_id != student.pk:
            raise forms.ValidationError(HELD_BY_ANOTHER)
        if holder is not None and holder.retired_at is not None:
            raise forms.ValidationError("This is a retired SSID of this student. Enter the current one.")
        return number
