"""What a test is about and what its levels mean, in plain words for families. Texts in data/level_words.toml."""

import tomllib
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.utils.translation import gettext as _

from assessments.models import Score
from assessments.structure import DATA


@dataclass(frozen=True, slots=True)
class Meaning:
    """A level with its name in that year, and its meaning."""

    name: str
    text: str


@cache
def level_words() -> dict[str, Any]:
    loaded: dict[str, Any] = tomllib.loads((DATA / "level_words.toml").read_text(encoding="utf-8"))
    return loaded


def meanings_of(newest: Score) -> tuple[str, tuple[Meaning, ...]]:
    """What the test of a score is about, and its levels, best first; in the reader's language. Empty if nothing is
    known."""
    test = newest.assessment.parent or newest.assessment
    words = level_words()["tests"].get(test.state_code)
    if words is None:
        return "", ()
    texts = level_words()["levels"][words["levels"]]
    names = test.names_in(newest.school_year)
    return _(words["about"]), tuple(
        Meaning(_(names[code]), _(texts[code])) for code in names if code in texts and names[code]
    )
