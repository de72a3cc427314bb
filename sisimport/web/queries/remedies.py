"""What can be done about all lines of one cause at once: where it stands in the product already, the report leads there.

decide      the match desk, for causes that ask whose record a line is
test again  with the one option of the import type that settles the cause (`ImportType.remedies`)
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sisimport.files.issues import Severity
from sisimport.imports.definition.import_type import ImportType
from sisimport.imports.models import ImportRun
from sisimport.web.deciding import queues
from sisimport.web.queries.report import Cause


@dataclass(frozen=True, slots=True)
class Action:
    """`url_name`: a page of the run where its lines are decided on; else the file is tested again, by the cause's remedy."""

    label: str
    url_name: str = ""
    cause: str = ""


def action_for(kind: ImportType, run: ImportRun, cause: Cause) -> Action | None:
    """The one thing to do about all lines of a cause; None where they are put right one by one."""
    asked = kind.matching.near_codes if cause.severity == Severity.ERROR else kind.matching.near_warnings
    if kind.matching.remembers_matches and cause.code in asked:
        for queue in queues():
            if queue.takes_near_lines:
                return Action("Decide on the match desk", url_name=queue.url_name)
    for name, value in remedy_options(kind, cause.code).items():
        option = next(option for option in kind.options if option.name == name)
        if run.options.get(name, option.default) != value:
            chosen = next((choice.label for choice in option.choices if choice.value == value), value)
            said = option.label if option.is_checkbox else f"{option.label}: {chosen}"
            return Action(f"Test again with “{said}”", cause=cause.code)
    return None


def remedy_options(kind: ImportType | None, cause: str) -> Mapping[str, str]:
    """The option that settles a cause, and its value; none for causes without a remedy."""
    remedy = kind.remedies.get(cause) if kind is not None else None
    return {remedy[0]: remedy[1]} if remedy else {}
