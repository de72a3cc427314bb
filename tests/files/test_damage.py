"""What is not a part of a value: hidden characters, words that mean blank, damaged letters, quotation marks after a space."""

import pytest

from sisimport.files.issues import Severity
from tests.files.samples import DOWNLOAD, ROSTER, SSID_LAYOUTS, line, lines, read

HEADER = "lea,school,local_number,last_name,first_name,middle_name,birth_date,birth_country\n"


def roster(last: str, *, middle: str = "", country: str = "") -> str:
    return f"{HEADER}1234567,0123456,1,{last},Sam,{middle},2011-03-04,{country}\n"


@pytest.mark.parametrize(
    "name",
    [
        "O’Brien",
        "O'Brien",
        "Núñez-Åkesson",
        "Kaʻahumanu",
        "‘Aukai",
        "Иванов",
        "Παπαδόπουλος",
        "Œuvrard",
        "Žižek",
        "De la O.",
        "Nguyễn",
        "Null",
        "D´Angelo",
    ],
)
def test_names_as_people_have_them_pass_silently(name: str) -> None:
    result = read(roster(name), ROSTER)

    assert (result.column("last_name"), result.problems) == ([name], [])


@pytest.mark.parametrize(
    "name",
    [
        *(
            "Pe\ufffda",
            "Pe?a",
            "?lvarez",
            "Jos?",
            "Nœ–ez",
            "Garc—a",
            "Zo‘",
            "Pe√a",
            "Pe&nosuch;a",
            "N+APoA8Q-ez",
            "Nguy+HsU-n",
        ),
        *("Pe\\~na", "N\\u{n}ez", "\\L ukasz", "\\o rsted"),
        *("Voss<br>", "<b>Voss</b>", "ida@example.org", "Pen~a", "Mun¨oz", "Gonz\xa0lez", "V_x000D_oss"),
        *("A\x1b[31mB", "A\x07B", "A\x7fB", "A\u202eB"),
        *(
            "\u0420eña",
            "Peñ\u0430",
            "\u039dúñez",
            "\u041e'Neil",
            "D'\u0410rcy",
        ),  # letters of another alphabet that look like P, a and N
    ],
)
def test_a_damaged_name_is_an_error_where_names_are_written(name: str) -> None:
    result = read(roster(name), ROSTER)

    assert result.column("last_name") == [None]
    assert [(p.code, p.severity, p.field) for p in result.problems] == [("FILE-DAMAGED", Severity.ERROR, "last_name")]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        *[("Pe&ntilde;a", "Peña"), ("O&#39;Brien", "O'Brien"), ("Garc&#xED;a", "García"), ("GarcÃ­a", "García")],
        *[("PEÃ‘A", "PEÑA"), ("Ã“scar", "Óscar"), ("JosÃƒÂ©", "José"), ("Oâ€™Brien", "O’Brien")],
        *[("Pe√±a", "Peña"), ("Garc√≠a", "García"), ("Pe├▒a", "Peña"), ("O‚ÄôBrien", "O’Brien")],
        *[("Garc%C3%ADa", "García"), ("Garc\\u00eda", "García"), ("Garc=EDa", "García"), ("Garc<ed>a", "García")],
        *[("Garc\\xeda", "García"), ("\uff30\uff45ña", "Peña"), ("\ufb01gueroa", "figueroa")],
        *[
            ("“Duran”", "Duran"),
            ("'Duran'", "Duran"),
            ("‘Duran’", "Duran"),
            ("«Duran»", "Duran"),
            ('="Duran"', "Duran"),
        ],
    ],
)
def test_damage_that_can_be_undone_without_doubt_is_undone_and_reported(name: str, meant: str) -> None:
    result = read(roster(name), ROSTER)

    assert result.column("last_name") == [meant]
    assert [(p.code, p.severity) for p in result.problems] == [("FILE-REPAIRED", Severity.NOTICE)]


def test_where_names_are_only_compared_damage_is_named_as_the_cause() -> None:
    result = read(line(last_name="Pe\ufffda"))

    assert result.column("last_name") == ["Pe\ufffda"]
    assert [(p.code, p.severity, p.field) for p in result.problems] == [("FILE-DAMAGED", Severity.WARNING, "last_name")]


@pytest.mark.parametrize(
    ("name", "value"),
    [("Da\ufeffna", "Dana"), ("Da\u200bna", "Dana"), ("Da\u00adna", "Dana"), ('"A\nB"', "A B"), ('"A\r\nB"', "A B")],
)
def test_what_is_taken_out_of_a_value_is_reported(name: str, value: str) -> None:
    result = read(roster(name), ROSTER)

    assert result.column("last_name") == [value]
    assert [(p.code, p.severity, p.field) for p in result.problems] == [("FILE-HIDDEN", Severity.WARNING, "last_name")]


@pytest.mark.parametrize("word", ["NULL", "N/A", "#N/A", "nan", "None", "-", "."])
def test_a_word_that_means_blank_is_blank_with_one_notice_for_the_file(word: str) -> None:
    result = read(roster("Null", middle=word, country=word), ROSTER)

    assert result.column("last_name") == ["Null"]
    assert result.column("middle_name") == result.column("birth_country") == [None]
    assert result.problems == []
    assert [notice.code for notice in result.reader.notices if notice.code != "FILE-COLUMN-ABSENT"] == [
        "FILE-PLACEHOLDER"
    ]


@pytest.mark.parametrize("word", ["NULL", "N/A", "#N/A", "-", "'", '""'])
def test_a_word_that_means_blank_is_a_missing_number(word: str) -> None:
    quoted = '"' + word.replace('"', '""') + '"'
    result = read(roster("Quist").replace(",1,", f",{quoted},"), ROSTER)

    assert result.column("local_number") == [None]
    assert [(p.code, p.severity, p.field, p.found) for p in result.problems] == [
        ("FILE-REQUIRED", Severity.ERROR, "local_number", word)
    ]


@pytest.mark.parametrize(("word", "name"), [("Null", "Null"), ("NONE", "NONE"), ("N/A", None), ("-", None)])
def test_a_word_that_people_are_called_is_compared_as_a_name(word: str, name: str | None) -> None:
    sheet = SSID_LAYOUTS["calpads-ela-import"]
    result = read(line(last_name=word, first_name=word, middle_name=word), sheet)

    assert result.column("last_name") == result.column("first_name") == [name]
    assert result.column("middle_name") == [None]


@pytest.mark.parametrize("separator", [",", "^"])
def test_a_tab_inside_a_name_is_taken_out_and_reported(separator: str) -> None:
    layout = ROSTER if separator == "," else DOWNLOAD
    data = roster("Pe\tña") if separator == "," else line(last_name="Pe\tña")
    result = read(data, layout)

    assert result.column("last_name") == ["Pe ña"]
    assert [(p.code, p.params["what"]) for p in result.problems] == [("FILE-HIDDEN", "a tab")]


def test_a_tab_at_the_edge_of_a_value_is_a_space() -> None:
    result = read(roster("\tQuist \t"), ROSTER)

    assert (result.column("last_name"), result.problems) == (["Quist"], [])


def test_an_ssid_of_nothing_but_zeros_is_none() -> None:
    result = read(lines({"ssid": "0000000000"}, {"ssid": "0000000001"}), DOWNLOAD)

    assert result.column("ssid") == [None, "0000000001"]
    assert "FILE-PLACEHOLDER" in result.codes


def test_quotation_marks_after_a_space_are_quotation_marks() -> None:
    result = read(f'{HEADER}1234567, 0123456, 1, "Duran, Jr" , "Vera", , 2011-03-04,\n', ROSTER)

    assert (result.column("last_name"), result.column("first_name")) == (["Duran, Jr"], ["Vera"])


@pytest.mark.parametrize(
    ("given", "name"),
    [("Pe_x00F1_a", "Peña"), ("Pe&ntildea", "Peña"), ("Garc&iacutea", "García"), ("O\\'Neil", "O'Neil")],
)
def test_letters_of_workbooks_web_pages_and_databases_are_read(given: str, name: str) -> None:
    result = read(roster(given), ROSTER)

    assert result.column("last_name") == [name]
    assert [p.code for p in result.problems] == ["FILE-REPAIRED"]


@pytest.mark.parametrize("space", ["\xa0", "\u2009", "\u202f", "\u3000"])
def test_no_space_but_that_of_the_keyboard_goes_into_a_name(space: str) -> None:
    result = read(roster(f"María{space}de{space}la{space}Luz"), ROSTER)

    assert result.column("last_name") == ["María de la Luz"]
    assert {p.code for p in result.problems} <= {"FILE-HIDDEN", "FILE-REPAIRED"}
