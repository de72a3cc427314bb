"""Each message of the screen that we mirror is there in its own form, with the values at their places (kind 11)."""

import re

import pytest

from sisimport.files.issues import codes, render
from sisimport.imports.definition.registry import built_in_types

NUMBER = {"local_number": "100234", "warning": "WARNING: ", "effect": "it is overwritten", "hint_text": ""}
# What the screen says of each, as a form.
FORMS = {
    "SSID-PRESENT": r"StateID being imported already exists for localStudentID \(100234\)\.",
    "SSID-CONFLICT": r"StateID \(found\) being imported cannot overwrite current stateID \(record\)\.",
    "ELA-STATUS": r"WARNING: Campus LEP Status \('record'\) DOES NOT match LEP Status \('found'\) on .*\('100234'\)",
    "ELA-DATE": r"WARNING: Campus LEP Date \('record'\) DOES NOT match LEP Date on ISSID Import File .*\('100234'\)\.",
    "ELA-LANG": r"WARNING: Campus Home Primary Language \('record'\) DOES NOT match Home Primary Language \('found'\)",
    "ELA-MISSING": r"WARNING: Campus LEP .*100234",
    "DEMO-MISMATCH": r"WARNING: Campus Last name \('record'\) DOES NOT match Last name \('found'\) on .*\('100234'\)",
    "DEMO-NEAR": r"WARNING: Campus Last name \('record'\) DOES NOT match Last name \('found'\) on .*\('100234'\)",
    "SSID-RETIRED": r"StateID \(found\) being imported cannot overwrite current stateID \(record\)\.",
    "SSID-OTHER": r"WARNING: Campus stateID \(record\) DOES NOT match stateID \(found\) on ISSID Import File .*\('100234'\)\.",
    "CAND-DIFFERS": r"WARNING: Campus Last name \('record'\) DOES NOT match Last name \('found'\) on .*\('100234'\)",
}


@pytest.fixture(scope="module", autouse=True)
def every_code() -> None:
    built_in_types()


@pytest.mark.parametrize("code", FORMS)
def test_a_message_has_its_twin_in_the_words_of_the_screen(code: str) -> None:
    said = render(code, field="Last name", found="found", expected="record", params=NUMBER, screen=True)

    assert re.match(FORMS[code], said), said
    assert said != render(code, field="Last name", found="found", expected="record", params=NUMBER)


def test_no_other_code_has_words_of_the_screen() -> None:
    """A new one belongs into the list above."""
    assert {code.code for code in codes.all() if code.screen} == set(FORMS)
