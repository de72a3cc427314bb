"""Codes as other systems write them: read with one notice, or refused with the choices they leave."""

import pytest

from sisimport.files.issues import Severity
from sisimport.files.layouts import ColumnKind
from sisimport.files.spellings import _tables
from tests.files.samples import ALL_LAYOUTS, DOWNLOAD, ROSTER, SSID_LAYOUTS, lines, read

HEAD = "lea,school,local_number,last_name,first_name,birth_date,gender,home_language,grade,el_status\n"


def roster(*rows: tuple[str, str, str, str]) -> str:
    return HEAD + "".join(
        f"1234567,0123456,{n},Lee,Sam,2011-03-04,{gender},{language},{grade},{status}\n"
        for n, (gender, language, grade, status) in enumerate(rows, 1)
    )


def test_everyday_words_are_read_as_their_codes_with_one_notice_for_the_file() -> None:
    found = read(
        roster(
            ("Female", "English", "K", "English learner"),
            ("male", "es", "KG", "Reclassified"),
            ("NONBINARY", "vie", "pk", "English Only"),
            ("Boy", "Cantonese", "Transitional Kindergarten", "R-FEP"),
        ),
        expected=ROSTER,
    )

    assert found.column("gender") == ["F", "M", "X", "M"]
    assert found.column("home_language") == ["eng", "spa", "vie", "yue"]
    assert found.column("grade") == ["KN", "KN", "PS", "TK"]
    assert found.column("el_status") == ["EL", "RFEP", "EO", "RFEP"]
    assert found.problems == []
    (notice,) = [one for one in found.reader.notices if one.code == "FILE-CODE-SPELLING"]
    assert str(notice).startswith("15 codes were written as other systems write them and were read (")
    assert notice.severity is Severity.NOTICE


@pytest.mark.parametrize(
    ("grade", "code"),
    [
        *[
            ("Grade 9", "09"),
            ("grade 09", "09"),
            ("Gr. 9", "09"),
            ("9th Grade", "09"),
            ("Ninth grade", "09"),
            ("9", "09"),
        ],
        *[
            ("'09", "09"),
            ("9.0", "09"),
            ("Freshman", "09"),
            ("Senior", "12"),
            ("Kinder", "KN"),
            ("tk", "TK"),
            ("kn", "KN"),
        ],
    ],
)
def test_a_grade_that_means_one_thing_is_read(grade: str, code: str) -> None:
    found = read(roster(("F", "eng", grade, "EO")), expected=ROSTER)

    assert found.column("grade") == [code]
    assert found.problems == []


@pytest.mark.parametrize(
    ("grade", "choices"),
    [
        ("K5", "KN (kindergarten) or 05"),
        ("Fifth", "05"),
        ("0", "KN (kindergarten) or TK"),
        ("-1", "TK (transitional kindergarten) or PS"),
        ("T1", "TK"),
        ("UN", "UE"),
        ("5th", "05"),
    ],
)
def test_a_grade_that_means_two_things_is_refused_with_the_choices(grade: str, choices: str) -> None:
    found = read(roster(("F", "eng", grade, "EO")), expected=ROSTER)

    (problem,) = found.problems
    assert (problem.code, problem.severity, problem.field) == ("FILE-CODE", Severity.ERROR, "grade")
    assert choices in str(problem)
    assert found.column("grade") == [None]


def test_a_gender_that_is_not_known_is_refused_with_the_choices() -> None:
    assert "blank where it is not known" in str(read(roster(("U", "", "", "")), expected=ROSTER).problems[0])


def test_state_files_read_the_same_words() -> None:
    found = read(lines({"gender": "Male", "grade": "K"}, {"gender": "F", "grade": "9"}), expected=DOWNLOAD)

    assert (found.column("gender"), found.column("grade")) == (["M", "F"], ["KN", "09"])


@pytest.mark.parametrize("layout", ALL_LAYOUTS, ids=lambda layout: layout.key)
def test_every_column_of_grades_and_genders_knows_the_words(layout) -> None:  # type: ignore[no-untyped-def]
    for column in layout.columns:
        if column.codes is None or column.kind is not ColumnKind.CODE:
            continue
        if {"KN", "TK", "12"} <= set(column.codes):
            assert column.spellings["k"] == "KN"
        if {"M", "F"} <= set(column.codes):
            assert column.spellings["female"] == "F"


def test_no_word_takes_the_place_of_a_code() -> None:
    """`PS` is preschool in a state file although other systems mean postsecondary by it."""
    utah = SSID_LAYOUTS["utah-ssid-response"].code_sets
    for name, sets in [
        ("grade", ROSTER.code_sets),
        ("gender", ROSTER.code_sets),
        ("utah_gender", utah),
    ]:
        codes = sets[name]
        assert not {text.casefold() for text in _tables()[name]} & {code.casefold() for code in codes}
        assert set(_tables()[name].values()) <= set(codes)
