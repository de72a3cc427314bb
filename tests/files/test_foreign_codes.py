"""Codes of other systems by declared tables: one meaning in one system, a choice where even that leaves one."""

import pytest

from sisimport.files.foreign_codes import foreign_codes, systems
from students.code_words import code_words
from students.grades import GRADES

WHATS = ("grade", "gender", "language")


@pytest.mark.parametrize(
    ("system", "what", "text", "code"),
    [
        ("oneroster", "grade", "kg", "KN"),
        ("oneroster", "grade", "PK", "PS"),
        ("oneroster", "grade", " 05 ", "05"),
        ("oneroster", "gender", "Female", "F"),
        ("oneroster", "gender", "other", "X"),
        ("oneroster", "gender", "unspecified", ""),
        ("aeries", "grade", "-1", "TK"),
        ("powerschool", "grade", "0", "KN"),
        ("iso639", "language", "ES", "spa"),
        ("iso639", "language", "arm", "hye"),
        ("iso639", "language", "vie", "vie"),
        ("nobody", "grade", "KG", "KG"),
    ],
)
def test_a_code_is_read_by_the_table_of_its_system(system: str, what: str, text: str, code: str) -> None:
    assert foreign_codes(system, what).read(text) == code


@pytest.mark.parametrize(
    ("system", "what", "text", "choice"),
    [
        ("oneroster", "grade", "PS", "postsecondary"),
        ("oneroster", "grade", "13", "AD (adult)"),
        ("oneroster", "grade", "OTHER", "KG"),
        ("powerschool", "grade", "-1", "TK"),
        ("iso639", "language", "zh", "yue"),
    ],
)
def test_a_code_that_leaves_a_choice_is_not_guessed(system: str, what: str, text: str, choice: str) -> None:
    table = foreign_codes(system, what)

    assert table.read(text) is None
    assert choice in table.unclear_choices(text)


def test_every_table_leads_to_codes_that_records_have() -> None:
    for system in systems():
        assert set(foreign_codes(system, "grade").codes.values()) <= set(GRADES)
        assert set(foreign_codes(system, "gender").codes.values()) <= {"M", "F", "X", ""}
        for code in foreign_codes(system, "language").codes.values():
            assert code in code_words()["language"], code
        for what in WHATS:
            table = foreign_codes(system, what)
            assert not set(table.codes) & set(table.unclear)
