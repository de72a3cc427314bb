"""Codes as other systems write them: read with one notice, or refused with the choices they leave."""

import tomllib

import pytest

from sisimport.files.issues import Severity
from sisimport.files.layouts import Column, ColumnKind, Layout
from sisimport.files.spellings import _tables, set_of, spellings_of
from sisimport.files.values import read_value
from students.code_words import code_words
from tests.files.samples import (
    ALL_LAYOUTS,
    DOWNLOAD,
    ROOT,
    ROSTER,
    ROSTER_LAYOUTS,
    SCORE_LAYOUTS,
    SSID_LAYOUTS,
    lines,
    read,
)

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


READ_AS_GRADES = {
    "08": (
        "8",
        "08",
        "8.0",
        "08.0",
        "Grade 8",
        "Grade8",
        "grade  08",
        "GRADE: 8",
        "Gr 8",
        "gr8",
        "Gr. 08",
        "G8",
        "g-8",
        "8 grade",
    ),
    "KN": ("K", "KN", "kn", "KG", "Kinder", "Kindergarten", "Grade K", "Gr. KN"),
    "TK": ("TK", "tk", "T-K", "Grade TK", "gr tk", "Transitional Kindergarten"),
    "01": ("1", "1st Grade", "1st graders", "First Grade", "first-grade", "Grade One", "1.0"),
    "12": ("12", "12.0", "12th grade", "12th-Grade", "GRADE 12"),
    "PS": ("PK", "Pre-K", "pre k", "Grade Pre-K"),
}
ORDINALS = {"8th": "08", "08th": "08", "8 th": "08", "1ST": "01", "Eighth": "08", "12th": "12"}
UNCLEAR = ("0", "Grade 0", "-1", "13", "Grade 13", "UN", "TK/K", "K5")
NO_GRADES = ("Grade", "green", "gr", "G", "Grade 99", "8x", "8th street", "Girl")
SCORES = SCORE_LAYOUTS.values()
OF_STUDENTS = [
    (layout, column)
    for layout in [*ALL_LAYOUTS, *ROSTER_LAYOUTS.values()]
    for column in layout.columns
    if column.field and {"KN", "TK", "12"} <= set(column.codes or ())
]
TESTED = [(layout, column) for layout in SCORES for column in layout.columns if column.field == "grade_assessed"]


def _as_code(layout: Layout, column: Column, text: str) -> str:
    """What a value becomes, in the two digits of the state (score columns keep the number as it is written)."""
    value, problem = read_value(layout, column, text)
    assert problem is None or problem.severity is Severity.NOTICE or not value
    return f"{value:0>2}" if value.isdigit() else value


@pytest.mark.parametrize(("layout", "column"), [*OF_STUDENTS, *TESTED], ids=lambda one: getattr(one, "key", ""))
def test_every_type_reads_the_same_grades(layout: Layout, column: Column) -> None:
    of_tests = column.field == "grade_assessed"

    for code, texts in READ_AS_GRADES.items():
        assert {text: _as_code(layout, column, text) for text in texts} == dict.fromkeys(texts, code)
    # An ordinal alone may be a place or a level in a list of students; where a test was taken it is the grade.
    assert {text: _as_code(layout, column, text) for text in ORDINALS} == (
        ORDINALS if of_tests else dict.fromkeys(ORDINALS, "")
    )


@pytest.mark.parametrize(("layout", "column"), OF_STUDENTS, ids=lambda one: getattr(one, "key", ""))
def test_no_type_reads_a_grade_that_is_none(layout: Layout, column: Column) -> None:
    for text in (*ORDINALS, *UNCLEAR, *NO_GRADES):
        value, problem = read_value(layout, column, text)
        assert not value, text
        assert problem is not None, text
        assert problem.code in {"FILE-CODE", "FILE-LENGTH"}, text
    for text, code in ORDINALS.items():
        assert str(read_value(layout, column, text)[1]).endswith(f"expected {code}, if grade {int(code)} is meant."), (
            text
        )


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


def test_the_two_digits_of_a_language_are_read_as_the_state_reads_them() -> None:
    codes = tomllib.loads((ROOT / "ssid" / "layouts" / "codes.toml").read_text(encoding="utf-8"))["language_2_to_3"]

    found = read(roster(*(("M", code, "05", "") for code in [*codes, "SPA"])), expected=ROSTER)

    assert found.column("home_language") == [*codes.values(), "spa"]


def test_the_names_on_the_states_lists_of_languages_are_read_as_their_codes() -> None:
    sets = tomllib.loads((ROOT / "ssid" / "layouts" / "codes.toml").read_text(encoding="utf-8"))
    names = {sets["language_2"][two]: three for two, three in sets["language_2_to_3"].items()}
    names = {name: code for code, name in sets["language_3"].items()} | names
    unclear = {"Chinese", "Unknown"}  # refused with the choices
    asked = {name: code for name, code in names.items() if name not in unclear}

    read_as = {name: spellings_of(set_of(None, "home_language"), None, {})[0].get(name.casefold()) for name in asked}

    assert read_as == asked


@pytest.mark.parametrize("name", ["country", "state"])
def test_words_for_birth_places_lead_to_codes_of_the_record(name: str) -> None:
    words, on_record = _tables()[name], code_words()[name]

    assert set(words.values()) <= set(on_record)
    assert {text: on_record[code] for text, code in words.items() if text in on_record.values()} == {
        text: text for text in words if text in on_record.values()
    }


@pytest.mark.parametrize("grade", ["03", "05", "11", "KN", "AD"])
def test_a_grade_that_is_its_code_already_is_not_a_spelling(grade: str) -> None:
    layout = SCORE_LAYOUTS["caaspp-2024-25"]

    assert read_value(layout, layout.fields["grade_assessed"], grade) == (grade, None)
