"""Options of an import type, on its screen and on the command line."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace


@dataclass(frozen=True, kw_only=True)
class Choice:
    """`lea`: code of the district whose people are offered it; blank: all people."""

    value: str
    label: str
    hint: str = ""
    lea: str = ""


@dataclass(frozen=True, kw_only=True)
class Option:
    """An option of an import type, on its screen and as `--option NAME=VALUE`. Two choices "" and "1" make a checkbox.

    `picks_schools`: its value is comma-separated school codes; the screen lists the schools of the user.
    """

    name: str
    label: str
    choices: tuple[Choice, ...] = ()
    default: str = ""
    hint: str = ""
    pattern: str = ""  # for free values: a regular expression the whole value must match
    picks_schools: bool = False
    district_default: bool = False  # a district may choose its default
    group: str = ""  # the screen puts consecutive options with the same group under one heading

    @property
    def is_checkbox(self) -> bool:
        return tuple(choice.value for choice in self.choices) == ("", "1")

    def offered_to(self, leas: Collection[str] | None) -> "Option":
        """The option with the choices for people of these districts (codes; None: all)."""
        if leas is None or not any(choice.lea for choice in self.choices):
            return self
        return replace(self, choices=tuple(one for one in self.choices if not one.lea or one.lea in leas))

    def clean(self, value: str) -> str:
        """The value if it is allowed; raises ValueError with a sentence if not."""
        import re

        if self.choices and value not in {choice.value for choice in self.choices}:
            allowed = ", ".join(choice.value or "(empty)" for choice in self.choices)
            raise ValueError(f"{self.name} accepts one of: {allowed}.")
        if self.pattern and value and not re.fullmatch(self.pattern, value):
            raise ValueError(f"{self.name} cannot be {value!r}. {self.hint}")
        if self.picks_schools:  # the same schools in another order are the same choice
            return ",".join(sorted({code.strip() for code in value.split(",") if code.strip()}))
        return value


@dataclass(frozen=True, kw_only=True)
class Question:
    """What some values of a field mean, which only the district's people know: a choice of `option` answers it for the whole
    file.

    `settles`: does the answer resolve this value, as it is in the file?
    """

    option: Option
    field: str
    settles: Callable[[str], bool]


def checkbox(name: str, label: str, *, hint: str = "", default: str = "", district_default: bool = False) -> Option:
    return Option(
        district_default=district_default,
        name=name,
        label=label,
        hint=hint,
        default=default,
        choices=(Choice(value="", label="No"), Choice(value="1", label="Yes")),
    )
