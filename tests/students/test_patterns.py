"""Patterns and conditions that many rules need are written once, and read alike in Python and PostgreSQL."""

import re
from pathlib import Path

import pytest
from django.db import connection

from sisimport.files import workbook_process
from sisimport.imports.definition.ssid_rules import held_by_other
from students.models import SSID, StateProfile
from students.patterns import KNOWN_SUFFIX, NAME_SUFFIX, TEN_DIGITS, UP_TO_TEN_DIGITS, well_formed
from students.profiles import PROFILES

ROOT = Path(__file__).parents[2]
NUMBERS = ["9012345678", "0123456789", "901234567", "90123456789", "", " 9012345678", "9012345678 ", "901234567a", "1",
           "٩٠١٢٣٤٥٦٧٨", "9012345678\n", "9.01E+09"]  # fmt: skip
NAMES = ["Garcia Jr", "Garcia, Jr.", "Garcia JR", "Garcia  iii", "Garcia,Sr", "Garcia ,  IV", "Garcia V", "Garcia v.", "Iv", "Jr",
         "Garciajr", "Garcia Jr Lopez", "Garcia VI", "O'Neill ii", "Ibáñez jr", "Garcia jr..", " Jr", ""]  # fmt: skip


def asked(sql: str, text: str, pattern: str) -> object:
    with connection.cursor() as cursor:
        cursor.execute(sql, [text, pattern])
        (found,) = cursor.fetchone()
    return found


@pytest.mark.django_db
@pytest.mark.parametrize("pattern", [TEN_DIGITS, UP_TO_TEN_DIGITS])
def test_ssids_are_recognized_alike_by_python_and_postgresql(pattern: str) -> None:
    for text in NUMBERS:
        python = re.fullmatch(pattern, text, re.ASCII) is not None
        assert asked("SELECT %s ~ %s", text, pattern) is python, repr(text)


@pytest.mark.django_db
def test_suffixes_are_cut_alike_by_python_and_postgresql() -> None:
    for name in NAMES:
        python = re.sub(NAME_SUFFIX, "", name, flags=re.IGNORECASE)
        assert asked("SELECT regexp_replace(%s, %s, '', 'i')", name, NAME_SUFFIX) == python, repr(name)
        # What imports of 1.0.0 cut off: values of files come with plain blanks, so nothing changed for them.
        assert asked("SELECT regexp_replace(%s, %s, '', 'i')", name, r"[ ,]+(jr|sr|ii|iii|iv|v)\.?$") == python


@pytest.mark.django_db
def test_what_is_cut_from_names_is_a_known_suffix_in_python_and_postgresql() -> None:
    ends = [found[0].strip(" ,") for name in NAMES if (found := re.search(NAME_SUFFIX, name, re.IGNORECASE))]
    assert len(ends) > 5
    for text in [*ends, "VIII", "Ph.D.", "5th", "Lopez", "JrJr", "vv", ""]:
        python = re.search(KNOWN_SUFFIX, text, re.IGNORECASE) is not None
        assert asked("SELECT %s ~* %s", text, KNOWN_SUFFIX) is python, text
        assert python is (text not in ("Lopez", "JrJr", "vv", "")), text


def test_profiles_the_constraint_and_workbooks_ask_for_the_same_digits() -> None:
    assert PROFILES[StateProfile.CALIFORNIA].ssid_pattern == TEN_DIGITS
    assert PROFILES[StateProfile.UTAH].ssid_pattern == UP_TO_TEN_DIGITS
    (constraint,) = [c for c in SSID._meta.constraints if c.name == "ssid_is_digits"]
    assert constraint.condition == well_formed()  # type: ignore[attr-defined]
    for text in NUMBERS:
        if text and len(text) != 7:  # a workbook may have blank cells, and numbers of Utah
            expected = re.fullmatch(TEN_DIGITS, text) is not None
            assert (workbook_process._SSID.match(text) is not None and text.isascii()) == expected, repr(text)


@pytest.mark.parametrize(
    ("what", "place"),
    [
        (r"\[0-9\]\{10\}", "students/patterns.py"),
        (r"jr\|sr", "students/patterns.py"),
        (r'Differs\(F\("holder__student_id"\)', "sisimport/imports/definition/ssid_rules.py"),
        (r'"other": F\(f"\{student\}__local_number"\)', "sisimport/imports/definition/ssid_rules.py"),
        (
            r"no completed Test of exactly this file with these options\. Run the Test",
            "sisimport/imports/runs/services.py",
        ),
    ],
)
def test_what_many_rules_need_is_written_once(what: str, place: str) -> None:
    found = [
        str(file.relative_to(ROOT))
        for folder in ("sisimport", "students", "ssid", "assessments")
        for file in (ROOT / folder).rglob("*.py")
        if "migrations" not in file.parts and re.search(what, file.read_text())
    ]
    assert found == [place]


def test_held_by_another_names_the_student_of_the_line() -> None:
    assert "student_pk" in str(held_by_other("student_pk"))
    assert "student__id" in str(held_by_other())
