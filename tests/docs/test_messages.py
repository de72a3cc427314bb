"""Every message of an import: a whole sentence with its cause, and a next step."""

import string

import pytest

from sisimport.files.issues import IssueCode, codes, render
from sisimport.imports.definition.registry import built_in_types

pytestmark = pytest.mark.usefixtures("every_code")


@pytest.fixture(scope="module")
def every_code() -> None:
    """Import types bring their issue codes along when they are looked up."""
    built_in_types()


def _fields(code: IssueCode) -> set[str]:
    return {name for _text, name, _spec, _conversion in string.Formatter().parse(code.message) if name}


def _rendered(code: IssueCode) -> list[str]:
    """The message with all of its values, with and without the sentences that may follow it."""
    optional = {name for name in _fields(code) if name.endswith("_text")} - {"rule_text"}  # which is never left out
    values = dict.fromkeys(_fields(code) - optional, "some value")
    return [
        render(
            code,
            field="Field",
            found="some value",
            expected="some value",
            params=values | dict.fromkeys(optional, more),
        )
        for more in ("", "One more sentence.")
    ]


def test_every_message_is_a_whole_sentence() -> None:
    wrong = [
        (code.code, text)
        for code in codes.all()
        for text in _rendered(code)
        if not (text[:1].isupper() or text[:1] == "“")
        or not text.endswith((".", "?", "!"))
        or any(sign in text for sign in ("  ", " .", " ;", "{"))
    ]
    assert not wrong


def test_every_code_has_a_heading_and_names_a_next_step() -> None:
    wrong = [
        code.code
        for code in codes.all()
        if not code.title[:1].isupper()
        or code.title.endswith(".")
        or not code.fix[:1].isupper()
        or not code.fix.endswith(".")
    ]
    assert not wrong
