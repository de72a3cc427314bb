"""Signs that begin or end no name are left out of it, whatever name it is and whichever file it is in."""

import pytest

from sisimport.files import tallies
from sisimport.files.damage import is_name
from sisimport.files.formula_guard import safe_cell
from sisimport.files.issues import Severity
from sisimport.files.layouts import Column, Layout
from sisimport.files.values import read_value
from tests.files.samples import ROSTER, read
from tests.files.test_damage import roster
from tests.files.test_put_together import LAYOUTS

NAMES = [
    (layout, column)
    for layout in LAYOUTS
    for column in layout.columns
    if is_name(column) and not column.codes and not layout.own_export
]


@pytest.mark.parametrize(
    ("name", "bare"),
    [
        *[
            ("-Peña", "Peña"),
            ("Peña.", "Peña"),
            ("Peña;", "Peña"),
            (" Peña : ", "Peña"),
            ("--Peña--", "Peña"),
            ("/Peña", "Peña"),
        ],
        *[
            ("\\Peña", "Peña"),
            ("Peña &", "Peña"),
            (".Peña", "Peña"),
            ("García-", "García"),
            ("Pena.", "Pena"),
            ("Pena!", "Pena"),
        ],
        *[("\u2010Peña\u2011", "Peña"), ("Jr..", "Jr."), ("Jr.;", "Jr."), ("\xa0-Peña", "Peña")],
    ],
)
def test_signs_at_the_ends_of_a_name_are_left_out_and_reported(name: str, bare: str) -> None:
    result = read(roster(name), ROSTER)

    assert result.column("last_name") == [bare]
    assert [(p.code, p.severity, p.expected) for p in result.problems] == [("FILE-STRAY", Severity.NOTICE, bare)]


@pytest.mark.parametrize(
    "name",
    [
        "Jr.",
        "Wm. J.",
        "María del C.",
        "J.R.",
        "J. R.",
        "Ma.",
        "St. John",
        "O'",
        "'Iolani",
        "de la O",
        "Fco.",
        "Smith-St.",
        "A",
    ],
)
def test_what_may_begin_or_end_a_name_stays(name: str) -> None:
    result = read(roster(name), ROSTER)

    assert (result.column("last_name"), result.problems) == ([name], [])


@pytest.mark.parametrize("text", [",", ";", "...", "-.-", "\\"])
def test_a_needed_name_of_signs_alone_is_missing(text: str) -> None:
    result = read(roster(f'"{text}"'), ROSTER)

    assert [(p.code, p.severity) for p in result.problems] == [("FILE-REQUIRED", Severity.ERROR)]


def test_an_optional_name_of_signs_alone_is_blank() -> None:
    result = read(roster("Lee", middle='","'), ROSTER)

    assert (result.column("middle_name"), result.codes) == ([None], ["FILE-PLACEHOLDER"])


@pytest.mark.parametrize(("layout", "column"), NAMES, ids=[f"{one.key} {column.field}" for one, column in NAMES])
def test_every_name_of_every_layout_is_read_so(layout: Layout, column: Column) -> None:
    for text in ("-Pérez", "Pérez,", "Perez.", ";Perez"):
        value, problem = read_value(layout, column, text)

        assert (value, problem and problem.code) == (text.strip("-,.;"), "FILE-STRAY")


def test_a_list_that_we_wrote_gives_the_names_on_record_back() -> None:
    (ours,) = (layout for layout in LAYOUTS if layout.own_export)

    for name in ("-Ana", "Lee;", "Pena."):
        assert read_value(ours, ours.fields["last_name"], safe_cell(name)) == (name, None)


def test_of_many_names_the_first_are_named_and_all_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tallies, "_STRAY_NOTICES", 2)
    text = roster("Lee") + "".join(roster(f"Lee {end};").splitlines()[1] + "\n" for end in ("I", "V", "X", "L"))

    result = read(text, ROSTER)

    assert [p.code for p in result.problems].count("FILE-STRAY") == 2
    assert [(p.code, p.found) for p in result.reader.notices if p.code == "FILE-STRAYS"] == [("FILE-STRAYS", "4")]
