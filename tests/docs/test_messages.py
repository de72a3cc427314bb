"""Every message of an import: a whole sentence with its cause, and a next step."""

import re
import string
from collections.abc import Iterator

import pytest

from sisimport.files.issues import IssueCode, codes, render
from sisimport.imports.definition.registry import built_in_types
from tests.docs.test_refusals import DOUBLED, NEXT_STEP, PUZZLING

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
        # A value of the file at the front stays as the file has it.
        if not (text[:1].isupper() or text[:1] == "“" or code.message.startswith(("{found}", "{expected}")))
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


def test_no_message_says_a_sentence_twice() -> None:
    wrong = [
        (code.code, text)
        for code in codes.all()
        for text in (*_rendered(code), f"{_rendered(code)[0]} {code.fix}")
        if DOUBLED.search(text)
    ]
    assert not wrong


def test_every_next_step_is_an_instruction_or_says_that_nothing_is_to_be_done() -> None:
    assert [(code.code, code.fix) for code in codes.all() if not NEXT_STEP.search(code.fix)] == []


# Said of a file, whose lines end in their own ways.
OF_FILES = {
    *(
        "AMB-UIN",
        "COLUMN-BORN",
        "COLUMN-DAY",
        "COLUMN-OTHER",
        "EXC-APART",
        "EXC-CROSSED",
        "EXC-CODE-LOWEST",
        "EXC-CODE-MANY",
    ),
    *(
        "EXC-COLUMN-OTHER",
        "EXC-EXCHANGED",
        "EXC-FILLED",
        "EXC-INCLUDE",
        "EXC-LEVELS",
        "EXC-TESTED-CODE",
        "EXC-UIN-BLANK",
        "EXC-UIN-SPOILED",
    ),
}
WRITTEN = re.compile(r"\b(?:is|are) (?:imported|written)(?: with it)?(?: anyway)?\.")


def test_what_becomes_of_a_value_is_reported_apart_from_what_was_found() -> None:
    """It is left out where another error refuses the line."""
    found = {
        code.code for code in codes.all() if WRITTEN.search(code.message) and "othing is written" not in code.message
    }
    assert found - OF_FILES == set()


def test_what_the_screen_says_is_a_whole_sentence_with_the_same_values() -> None:
    for code in codes.all():
        if code.screen:
            named = {name for _text, name, _spec, _conversion in string.Formatter().parse(code.screen) if name}
            assert named <= _fields(code) | {"field", "found", "expected", "local_number", "warning"}, code.code
            assert code.screen.rstrip("}").endswith((".", "_text")), code.code


def _on_screen() -> Iterator[tuple[str, str]]:
    """Place and text of every message and option of an import."""
    for code in codes.all():
        yield code.code, f"{code.title}. {code.message} {code.fix}"
    for import_type in built_in_types():
        for option in import_type.reference_options:
            said = [option.label, option.hint, *(f"{one.label} {one.hint}" for one in option.choices)]
            yield f"{import_type.key} {option.name}", " ".join(said)


def test_messages_and_options_have_no_idiom_that_puzzles_a_registrar() -> None:
    texts = list(_on_screen())
    assert len(texts) > 300
    assert [(place, match[0]) for place, text in texts for match in PUZZLING.finditer(text)] == []
