"""A good name on record is not replaced by a poorer spelling of it; another name is (kind 3)."""

import pytest

from sisimport.imports.engine import kept_names
from sisimport.imports.engine.sql import fetch_all
from sisimport.imports.models import Work
from tests.imports.evaluating import report_of
from tests.imports.journey import District, Report, make_district

pytestmark = pytest.mark.django_db

POORER = [
    *[("García", "GARCIA"), ("García", "Garcia"), ("García", "garcía"), ("García", "GARCÍA"), ("José", "Jose")],
    *[("O'Brien", "OBRIEN"), ("O'Brien", "O'BRIEN"), ("O'Brien", "Obrien"), ("O'Brien", "O'brien"), ("Lee", "LEE")],
    *[("De La Cruz", "DE LA CRUZ"), ("De La Cruz", "DELACRUZ"), ("De La Cruz", "De la cruz"), ("A", "a")],
    *[("de la Cruz", "De La Cruz"), ("McDonald", "Mcdonald"), ("García-López", "GARCIA LOPEZ"), ("Jo Ann", "Joann")],
    *[("García-López", "Garcia-Lopez"), ("Núñez", "Nunéz"), ("St. John", "ST JOHN"), ("Kaʻulani", "KAULANI")],
    *[("O'Brien", "OBrien"), ("Smith-Jones", "SmithJones"), ("Kaʻiulani", "Kaiulani"), ("Ka'iulani", "Kaiulani")],
    *[
        ("Kaʻiulani", "Ka'iulani"),
        ("Kaʻiulani", "Ka`iulani"),
        ("O’Brien", "O'Brien"),
        ("Đặng", "Dang"),
        ("Ørsted", "Orsted"),
    ],
    *[
        ("García-López", "Garci´a-Lo´pez"),
        ("Ørsted", "ORSTED"),
        ("Đặng", "DANG"),
        ("Nguyễn", "Nguyên"),
        ("Ana Maria", "Ana  Maria"),
    ],
    # Capitals say nothing of small letters, whatever they add.
    *[("Garcia", "GARCÍA"), ("Garcia Lopez", "GARCIA-LOPEZ"), ("Delacruz", "DE LA CRUZ")],
    # Signs around the name on record, with and without another poorer spelling.
    *[
        ("Peña", "'Peña"),
        ("Peña", "Peña*"),
        ("Lee", "Lee."),
        ("Peña", "PENA."),
        ("Iolani", "'Iolani"),
        ("Peña", "(Peña)"),
    ],
    *[("Weiß", "WEISS"), ("Weiß", "Weiss"), ("Kjær", "KJAER"), ("Lœuillet", "Loeuillet"), ("Þórdís", "Thordis")],
    *[("Jr", "Jr."), ("Peña", "-Peña"), ("Peña", "Peña\\"), ("O'Brien", "_O'Brien_")],
]
ANOTHER = [
    *[("Weiss", "Weiß"), ("Weiß", "Weis"), ("Weiß", "Weisse"), ("Kjaer", "Kjær")],
    *[("García", "Garza"), ("Garcia", "Gracia"), ("Müller", "Mueller"), ("Garcia", "García"), ("GARCIA", "Garcia")],
    *[("GARCIA", "GARCÍA"), ("Renée", "Renèe"), ("De La Cruz", "de la Cruz"), ("García López", "García-López")],
    *[("Ka'iulani", "Kaʻiulani"), ("Kaiulani", "Kaʻiulani"), ("Dang", "Đặng"), ("Obrien", "OBrien")],
    *[("OBrien", "O’Brien"), ("Jo Ann", "JoAnn"), ("Mcdonald", "McDonald"), ("Lee", "Lee"), ("", "Ana"), ("Ana", "")],
    *[("Peña", "-Penna"), ("-Peña", "Peña"), ("Peña,", "Peña"), ("Peña", "Peña-Ruiz"), ("Ana", "-"), ("José", "Jos*")],
]


def test_which_spelling_is_poorer_and_which_is_another_name() -> None:
    pairs = [*POORER, *ANOTHER]
    rows = fetch_all(
        f"SELECT kept, given, {kept_names._poorer('given', 'kept')} FROM unnest(%s::text[], %s::text[]) AS t(kept, given)",
        [[kept for kept, _ in pairs], [given for _, given in pairs]],
    )

    assert [(kept, given) for kept, given, poorer in rows if poorer] == POORER


@pytest.fixture
def district() -> District:
    made = make_district()
    made.student(local_number="1", last_name="García", first_name="José", middle_name="")
    made.student(local_number="2", last_name="O'Brien", first_name="Ana", middle_name="", alias_first_name="Anaïs")
    return made


def file(*names: tuple[str, str, str, str]) -> str:
    lines = [f"1234567,0123456,{number},{last},{first},{alias},2009-02-14" for number, last, first, alias in names]
    return "\n".join(["lea,school,local_number,last_name,first_name,alias_first_name,birth_date", *lines, ""])


CAPITALS = file(("1", "GARCIA", "JOSE", ""), ("2", "OBRIEN", "ANA", "ANAIS"))


def kept(report: Report) -> list[tuple[int, str, str, str]]:
    return [(i["line"], i["field"], i["found"], i["expected"]) for i in report.issues if i["code"] == "NAME-KEPT"]


def test_a_roster_in_capitals_changes_no_name_and_says_which_it_kept(district: District) -> None:
    report = report_of("students", CAPITALS, work=Work.UPDATE)

    assert kept(report) == [
        (2, "last_name", "GARCIA", "García"),
        (2, "first_name", "JOSE", "José"),
        (3, "last_name", "OBRIEN", "O'Brien"),
        (3, "first_name", "ANA", "Ana"),
        (3, "alias_first_name", "ANAIS", "Anaïs"),
    ]
    assert {i["severity"] for i in report.issues} == {"notice"}
    assert not [change for change in report.changes if change["field"].endswith("_name")]


def test_a_change_of_name_in_the_same_line_goes_in(district: District) -> None:
    report = report_of("students", file(("1", "GARCIA", "Julián", "")))

    assert [field for _line, field, _given, _kept in kept(report)] == ["last_name"]
    assert [(c["field"], c["after"]) for c in report.changes if c["field"].endswith("_name")] == [
        ("first_name", "Julián")
    ]


def test_the_option_writes_names_as_the_file_has_them(district: District) -> None:
    report = report_of("students", CAPITALS, options={"poorer_names": "write"})

    assert kept(report) == []
    assert {c["after"] for c in report.changes if c["field"].endswith("_name")} >= {"GARCIA", "JOSE", "OBRIEN", "ANAIS"}


def test_of_many_lines_the_first_are_named_and_all_are_counted(
    district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_names, "_NAMED_ONE_BY_ONE", 1)

    report = report_of("students", CAPITALS)

    assert {line for line, _field, _given, _kept in kept(report)} == {2}
    assert report.issue("NAMES-KEPT")["line"] == 0
    assert "5 names in 2 lines" in report.issue("NAMES-KEPT")["message"]


def test_a_run_of_another_school_does_not_see_the_name_on_record(district: District) -> None:
    report = report_of("students", CAPITALS, schools=[district.other_school.pk])

    assert kept(report) == []


def test_a_name_that_stays_is_not_said_to_have_changed(district: District) -> None:
    student = district.student(local_number="9", last_name="Weiß", first_name="Eva", middle_name="")
    header = "lea,school,local_number,last_name,first_name,birth_date"
    report = report_of("students", f"{header}\n1234567,0123456,9,WEISS,EVA,{student.birth_date}\n")

    assert {issue["code"] for issue in report.issues} == {"NAME-KEPT"}
