"""What can be done about all lines of one cause at once: if the product has a page for it, the report links to it.

decide      the match desk, for causes about whose record a line is
test again  with the option of the import type that resolves the cause (`ImportType.remedies`)
say         what values mean that only the district knows: each choice of an option tests again (`ImportType.questions`)
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sisimport.files.issues import Severity
from sisimport.imports.definition.import_type import ImportType
from sisimport.imports.definition.options import Option
from sisimport.imports.models import ImportIssue, ImportRun
from sisimport.web.deciding import queues
from sisimport.web.queries.report import Cause

_LOOKED_AT = 500  # different values of one cause


@dataclass(frozen=True, slots=True)
class Action:
    """`url_name`: a page of the run where its lines are decided; else the file is tested again, with the cause's remedy
    or with `answer` to its question."""

    label: str
    url_name: str = ""
    cause: str = ""
    answer: str = ""


def actions_for(kind: ImportType, run: ImportRun, cause: Cause) -> list[Action]:
    """What to do about all lines of a cause; empty if they are corrected one by one."""
    codes = kind.matching.near_codes if cause.severity == Severity.ERROR else kind.matching.near_warnings
    if kind.matching.remembers_matches and cause.code in codes:
        for queue in queues():
            if queue.takes_near_lines:
                return [Action("Decide on the match desk", url_name=queue.url_name)]
    remedies = [_again(kind, run, name, value, cause) for name, value in remedy_options(kind, cause.code).items()]
    return [*filter(None, remedies), *_answers(kind, run, cause)]


def _again(kind: ImportType, run: ImportRun, name: str, value: str, cause: Cause) -> Action | None:
    option = next(option for option in kind.options if option.name == name)
    if run.options.get(name, option.default) == value:
        return None
    text = option.label if option.is_checkbox else f"{option.label}: {_label(option, value)}"
    return Action(f"Test again with “{text}”", cause=cause.code)


def _answers(kind: ImportType, run: ImportRun, cause: Cause) -> list[Action]:
    """One choice for each possible meaning of this cause's values, if choosing it resolves some of them."""
    question = kind.questions.get(cause.code)
    if question is None:
        return []
    option, issues = question.option, ImportIssue.objects.filter(run=run, code=cause.code, field=question.field)
    found = issues.order_by("found").values_list("found", flat=True).distinct()[:_LOOKED_AT]
    if not any(map(question.settles, found)):
        return []
    chosen = run.options.get(option.name, option.default)
    ways = [choice.value for choice in option.choices if choice.value not in {option.default, chosen}]
    return [Action(f"Test again: {_label(option, way)}", cause=cause.code, answer=way) for way in ways]


def _label(option: Option, value: str) -> str:
    return next((choice.label for choice in option.choices if choice.value == value), value)


def remedy_options(kind: ImportType | None, cause: str, answer: str = "") -> Mapping[str, str]:
    """The option that resolves a cause, and its value; empty for causes without a remedy. `answer`: to the cause's
    question."""
    question = kind.questions.get(cause) if kind is not None and answer else None
    if question is not None:
        return {question.option.name: answer}
    remedy = kind.remedies.get(cause) if kind is not None else None
    return {remedy[0]: remedy[1]} if remedy else {}
