"""Issue codes and how they become sentences."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sisimport.files.issues import FileError, IssueCode, IssueCodes, Severity, codes, render

DATE = IssueCode("X-DATE", "Date", "{field} is {found}; expected {expected}{hint}.", "Correct it.")


def test_severities_order_and_have_the_names_of_the_command_contract() -> None:
    assert Severity.NOTICE < Severity.WARNING < Severity.ERROR
    assert [severity.label for severity in Severity] == ["notice", "warning", "error"]


def test_a_code_is_registered_once() -> None:
    register = IssueCodes()
    register.register(DATE)

    with pytest.raises(ValueError, match="X-DATE"):
        register.register(DATE)


def test_an_unknown_code_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        IssueCodes().get("NO-SUCH")


def test_a_message_says_field_found_expected_and_parameters() -> None:
    text = render(DATE, field="Birth date", found="20110230", expected="CCYYMMDD", params={"hint": " (leap year)"})

    assert text == "Birth date is 20110230; expected CCYYMMDD (leap year)."


def test_a_value_at_the_front_of_a_message_stays_as_the_file_has_it() -> None:
    code = IssueCode("X-CODE", "Code", "{found} is not a code{what}.", "Correct it.")

    assert render(code, found="esp") == "esp is not a code."
    assert render(code, found="") == "Blank is not a code."


def test_a_message_leaves_out_missing_parameters_and_names_blanks() -> None:
    assert render(DATE, field="Birth date", found="", expected="a date") == "Birth date is blank; expected a date."


def test_a_code_no_longer_known_still_shows_its_values() -> None:
    assert render("GONE-1", field="Grade", found="13", expected="12") == "Grade: 13; expected 12."


def test_found_text_with_braces_is_shown_as_it_is() -> None:
    assert render(DATE, field="Grade", found="{0.__class__}", expected="x") == "Grade is {0.__class__}; expected x."


@given(
    template=st.text(),
    found=st.one_of(st.none(), st.text()),
    params=st.dictionaries(st.text(), st.one_of(st.none(), st.integers(), st.text(), st.lists(st.integers()))),
)
def test_rendering_never_raises(template: str, found: str | None, params: dict[str, object]) -> None:
    text = render(IssueCode("X", "x", template, "x"), field="F", found=found, expected=None, params=params)

    assert isinstance(text, str)


@pytest.mark.parametrize("code", [code for code in codes if code.code.startswith("FILE-")], ids=lambda code: code.code)
def test_every_file_code_speaks_in_full_sentences(code: IssueCode) -> None:
    names = {name for _, name, _, _ in string.Formatter().parse(code.message) if name}

    assert code.title
    assert code.title[0].isupper()
    assert not code.title.endswith(".")
    assert code.message.endswith(".")
    assert code.fix.endswith(".")
    assert names <= {
        "field",
        "found",
        "expected",
        "line",
        "byte",
        "length",
        "what",
        "noun",
        "hint",
        "example",
        "form",
    } | {"candidates", "places"}


def test_the_codes_of_the_rule_book_are_there() -> None:
    for code in ("FILE-COLUMNS", "FILE-LENGTH", "FILE-DATE", "FILE-CODE", "FILE-ENCODING"):
        assert code in codes


def test_a_file_error_reads_as_its_message() -> None:
    error = FileError("FILE-EMPTY", found="nothing at all", expected="one line for each student")

    assert str(error) == "The file contains nothing at all; expected one line for each student."
    assert error.fix == codes.get("FILE-EMPTY").fix
