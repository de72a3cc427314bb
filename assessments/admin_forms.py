"""Forms of the admin of test set-ups. Result statuses are edited as lines and validated, since pages read the stored
values."""

from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminTextareaWidget

from assessments.models import Assessment
from assessments.scores.encoding import CELL, SCORE

_PASSING = "passing"
_LONGEST_CODE = 40
_LONGEST_NAME = 80


class ResultsField(forms.CharField):
    """Result statuses, best first, one line for each: `4 | Standard Exceeded | passing`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            required=False,
            widget=UnfoldAdminTextareaWidget(attrs={"rows": 6}),
            help_text=(
                "One line for each, best first: the code as files have it, a | and its name; add | passing to those that pass."
                " Imports do not depend on this list."
            ),
            **kwargs,
        )

    def prepare_value(self, value: Any) -> str:
        if isinstance(value, str):
            return value
        return "\n".join(
            f" {CELL} ".join([str(r["code"]), str(r["name"]), *([_PASSING] if r.get("passing") else [])])
            for r in value or []
        )

    def to_python(self, value: Any) -> Any:
        found: list[dict[str, Any]] = []
        for number, line in enumerate(str(super().to_python(value)).splitlines(), 1):
            if line.strip():
                found.append(_result(number, [part.strip() for part in line.split(CELL)]))
        codes = [result["code"] for result in found]
        twice = next((code for code in codes if codes.count(code) > 1), None)
        if twice is not None:
            raise forms.ValidationError(f"The code {twice} is in two lines. Remove one of them.")
        return found

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.to_python(data) != (initial or []))
        except forms.ValidationError:
            return True


def _result(number: int, parts: list[str]) -> dict[str, Any]:
    code, name = parts[0], parts[1] if len(parts) > 1 else parts[0]
    last = parts[2].lower() if len(parts) > 2 else ""
    if not code or not name or len(parts) > 3 or last not in {"", _PASSING} or SCORE in code:
        raise forms.ValidationError(f"Line {number}: enter code | name, or code | name | passing.")
    if len(code) > _LONGEST_CODE or len(name) > _LONGEST_NAME:
        raise forms.ValidationError(
            f"Line {number}: a code has at most {_LONGEST_CODE} characters, a name {_LONGEST_NAME}."
        )
    return {"code": code, "name": name, "passing": last == _PASSING}


class AssessmentForm(forms.ModelForm):
    results = ResultsField(label="Result statuses")

    class Meta:
        model = Assessment
        fields = (
            "name",
            "state_code",
            "parent",
            "score_type",
            "start_date",
            "first_year",
            "last_year",
            "preferred",
            "position",
            "results",
            "ranged",
            "passing_score",
            "comments",
            "shown_to_families",
        )

    def clean_state_code(self) -> str:
        return str(self.cleaned_data["state_code"]).strip().upper()

    def clean_parent(self) -> Assessment | None:
        parent: Assessment | None = self.cleaned_data["parent"]
        if parent is not None and parent.parent_id is not None:
            raise forms.ValidationError("This is itself a part: choose the whole test.")
        return parent

    def clean_last_year(self) -> int | None:
        first, last = self.cleaned_data.get("first_year"), self.cleaned_data["last_year"]
        if first and last and last < first:
            raise forms.ValidationError("The last school year is before the first. Change one of them.")
        return int(last) if last else None

    def clean_passing_score(self) -> str:
        score = str(self.cleaned_data["passing_score"]).strip()
        if score and not score.isdecimal():
            raise forms.ValidationError("A passing score is a whole number: enter the lowest scale score that passes.")
        return score
