"""Findings about a record or a file: severities, the register of issue codes, and the texts shown for them.

An issue travels as a code and parameters; `render` makes the sentence only when it is shown. The wording is in modules named
`issue_codes`: the reader's next to this module, each domain's in its own folder.
"""

import enum
import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any, Final

REFUSED: Final = "refused"  # among the parameters of an issue: its line is refused for another reason
_SHOWN: Final = 120  # characters of a value that a message quotes


class Severity(enum.IntEnum):
    """An error keeps a record (or the whole file) out; a warning and a notice do not."""

    NOTICE = 1
    WARNING = 2
    ERROR = 3

    @property
    def label(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class IssueCode:
    """One kind of finding.

    `title` is the cause as a group heading, `message` a `str.format` template with field (its label), found, expected and the
    parameters, `fix` says in one sentence what to do. `skips`: the record counts as skipped, not as refused.
    `retired`: no rule raises it any more; reports of earlier runs keep its words. `screen`: the message in the words of the
    screen that the product mirrors, for districts that want them; blank if that screen has none. `ends`: what becomes of the
    value, which follows the message unless the line is refused for another reason; a template like it.
    """

    code: str
    title: str
    message: str
    fix: str
    skips: bool = False
    retired: bool = False
    screen: str = ""
    ends: str = ""

    @property
    def sentences(self) -> str:
        """The message of a line that is not refused."""
        return f"{self.message} {self.ends}".strip()


class IssueCodes:
    """The register of issue codes."""

    def __init__(self) -> None:
        self._codes: dict[str, IssueCode] = {}

    def register(self, *new: IssueCode) -> None:
        """Raises ValueError for a code that is already taken, or listed twice."""
        for code in new:
            if code.code in self._codes:
                raise ValueError(f"issue code {code.code} is registered twice")
            self._codes[code.code] = code

    def get(self, code: str) -> IssueCode:
        """Raises KeyError for an unknown code."""
        return self._codes[code]

    def all(self) -> list[IssueCode]:
        return sorted(self._codes.values(), key=lambda issue_code: issue_code.code)

    def __contains__(self, code: object) -> bool:
        return code in self._codes

    def __iter__(self) -> Iterator[IssueCode]:
        return iter(self.all())


@dataclass(frozen=True, slots=True)
class Problem:
    """An issue before it has a place: the reader's finding about one record, or about the file.

    `field` is the layout's field key (None: the whole line or file), `found` and `expected` are text for people.
    """

    code: str
    severity: Severity
    field: str | None = None
    found: str = ""
    expected: str = ""
    params: Mapping[str, Any] = dataclass_field(default_factory=dict)

    def __str__(self) -> str:
        return render(self.code, field=self.field, found=self.found, expected=self.expected, params=self.params)


def shown(text: str) -> str:
    """A value as quoted in a message, shortened."""
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


class FileError(Exception):
    """The whole file is refused; `str(error)` is the sentence that tells the user why."""

    def __init__(
        self,
        code: str,
        *,
        field: str | None = None,
        found: str = "",
        expected: str = "",
        params: Mapping[str, Any] | None = None,
    ) -> None:
        self.code, self.field, self.found, self.expected = code, field, found, expected
        self.params: dict[str, Any] = dict(params or {})
        super().__init__(code, field, found, expected)

    def __str__(self) -> str:
        return render(self.code, field=self.field, found=self.found, expected=self.expected, params=self.params)

    @property
    def fix(self) -> str:
        return codes.get(self.code).fix if self.code in codes else ""


class _Parameters(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return ""


def render(
    code: str | IssueCode,
    *,
    field: str | None = None,
    found: str | None = None,
    expected: str | None = None,
    params: Mapping[str, Any] | None = None,
    screen: bool = False,
) -> str:
    """The sentence for an issue; `field` is the label to show. `screen`: in the words of the screen, if it has any.

    Never raises: a stored issue outlives the wording it was made for, so a missing parameter is left out and an unknown code
    shows its values.
    """
    issue_code = code if isinstance(code, IssueCode) else codes.get(code) if code in codes else None
    values = _Parameters(params or {})
    values.update(field=field or "the value", found=found or "blank", expected=expected or "blank")
    template = issue_code.sentences if issue_code else "{field}: {found}; expected {expected}."
    if issue_code and values.get(REFUSED):
        template = issue_code.message
    if screen and issue_code and issue_code.screen:
        template = issue_code.screen
    try:
        text = string.Formatter().vformat(template, (), values)
    except (ValueError, KeyError, IndexError, AttributeError, TypeError):
        text = f"{values['field']}: {values['found']}; expected {values['expected']}."
    text = text.strip()  # an optional sentence at the end was left out
    # A value at the beginning stays as in the file: `esp is not a code` is not a sentence about Esp.
    quotes = template.startswith(("{found}", "{expected}")) and not text.startswith("blank")
    return text if quotes else text[:1].upper() + text[1:]


codes = IssueCodes()
