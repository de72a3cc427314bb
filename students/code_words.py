"""Words for the codes on a student's record: language, country, state, race, status. Tables in code_words.toml."""

import tomllib
from functools import cache
from pathlib import Path


@cache
def code_words() -> dict[str, dict[str, str]]:
    """Set (`language`, `country`, `state`, `ethnicity`, `elas`, `enrollment_status`) -> code -> word."""
    return tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


def word_for(name: str, code: str) -> str:
    """The word for a code of a set, in any case; a code without a word, and text that is already a word, are returned
    as they are."""
    return code_words()[name].get(code) or code_words()[name].get(code.upper(), code)


def birth_place(state: str, country: str) -> str:
    """`US-CA` and `US` -> `California, United States`; one of the two alone; empty for none. A bare `CA` belongs to the
    country."""
    state, country = state.strip(), country.strip()
    full = state if "-" in state or not country else f"{country}-{state}"
    in_words = word_for("state", full)
    place = state if in_words == full else in_words
    return ", ".join(filter(None, (place, word_for("country", country))))


def code_choices(name: str, *, state: str = "") -> list[tuple[str, str]]:
    """(code, `Panjabi (pan)`) of a set, by word. For races, the codes of the state: letters in Utah, numbers in
    California."""
    codes = code_words()[name]
    if name == "ethnicity" and state:
        codes = {code: word for code, word in codes.items() if code.isalpha() == (state == "UT")}
    return sorted(((code, f"{word} ({code})") for code, word in codes.items()), key=lambda choice: choice[1])
