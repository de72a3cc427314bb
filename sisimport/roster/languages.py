"""Home languages of the roster: codes of three letters, as the state writes them; words and two-digit codes have been
translated before."""

from collections.abc import Callable

from django.db.models import F, Q

from sisimport.files.issues import Severity
from sisimport.imports.definition.expressions import Differs
from sisimport.imports.definition.rules import Rule
from students.code_words import code_words

_FIELD = "home_language"


def rules(rule: Callable[..., Rule]) -> list[Rule]:
    """`rule` makes one of the roster's rules."""
    unknown = ~Q(**{_FIELD: ""}) & ~Q(**{f"{_FIELD}__in": sorted(code_words()["language"])})
    shaped = Q(**{f"{_FIELD}__regex": "^[A-Za-z]{3}$"})
    new_or_other = Q(is_new=True) | Q(Differs(F(_FIELD), F(f"student__{_FIELD}")))
    return [
        rule("roster", "LANG-CODE", Severity.ERROR, _FIELD, unknown & ~shaped),
        rule("roster", "LANG-ODD", Severity.WARNING, _FIELD, unknown & shaped & new_or_other),
    ]
