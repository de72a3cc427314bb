"""Recognizing wide layouts: the year by the header, spellings of names, end markers, the fixed-width twin."""

import dataclasses
from pathlib import Path

import pytest

from sisimport.files.issues import Severity
from sisimport.files.layouts import Layout, load_layouts
from tests.files.samples import (
    look,
    read,
)
from tests.files.test_detection import refusal

WIDE_HEAD = 'title = "{}"\nsource = "S"\ndelimiter = "^"\nheader = "required"\nany_newline = true\nend_marker = "ZZ"\n'
NAMES = [
    "Record Type",
    "SSID",
    "Blank",
    *[f"Item {n} (Score)" for n in range(40)],
    "Blank 2",
    "Scale Score",
    "End of Record",
]


@pytest.fixture
def wide(tmp_path: Path) -> dict[str, Layout]:
    """Two years of one invented test file: the second has one more item, and both have a fixed-width twin."""
    for key, names in {"wide-2022": NAMES, "wide-2023": [*NAMES[:10], "New Item", *NAMES[10:]]}.items():
        spans = [[1 + 4 * at, 4 + 4 * at] for at in range(len(names) - 1)]
        spans.append([spans[-1][1] + 1, spans[-1][1] + 2])
        quoted = ", ".join(f'"{name}"' for name in names)
        (tmp_path / f"{key}.toml").write_text(
            f"{WIDE_HEAD.format(key)}columns = [{quoted}]\nspans = {spans}\n[fields]\n"
            'record_type = "Record Type"\nssid = "SSID"\nscore = { column = "Scale Score", kind = "number" }\n'
            '[aliases]\nSSID = ["Statewide Student Identifier (SSID)"]\n'
        )
    return load_layouts(tmp_path)


def wide_file(names: list[str], rows: int = 3, separator: str = "^") -> str:
    cells = {"Record Type": "01", "SSID": "9012", "Scale Score": "2450", "End of Record": "ZZ"}
    cells["Statewide_Student_Identifier(SSID)"] = "9012"
    body = separator.join(cells.get(name, "") for name in names) + "\n"
    return separator.join(names) + "\n" + body * rows


def read_wide(text: str, wide: dict[str, Layout], *expected: str) -> list[tuple[str | None, ...]]:
    layouts = list(wide.values())
    chosen = [wide[key] for key in expected] or None
    return [row[1] for row in read(text, chosen, layouts, ["record_type", "ssid", "score"]).rows]


@pytest.mark.parametrize("key", ["wide-2022", "wide-2023"])
def test_the_header_shows_the_year(wide: dict[str, Layout], key: str) -> None:
    text = wide_file([column.name for column in wide[key].columns])

    assert look(text, list(wide.values()), list(wide.values())).layout is wide[key]


def test_another_year_than_the_chosen_one_is_refused_by_its_name(wide: dict[str, Layout]) -> None:
    error = refusal(look(wide_file(NAMES), wide["wide-2023"], list(wide.values())))

    assert str(error) == "The file looks like wide-2022; wide-2023 was chosen."


def test_names_spelled_as_another_edition_does_are_known(wide: dict[str, Layout]) -> None:
    names = [name.replace("Item", "ITEM_").replace(" (Score)", "–score") for name in NAMES]
    names[1], names[2] = "Statewide_Student_Identifier(SSID)", "Blank7"

    assert read_wide(wide_file(names), wide, "wide-2022") == [("01", "9012", "2450")] * 3


def test_a_header_with_extra_and_moved_columns_is_read_by_name(wide: dict[str, Layout]) -> None:
    names = ["Scale Score", *[name for name in NAMES if name not in {"Scale Score", "Item 3 (Score)"}], "Teacher"]

    result = read(wide_file(names), list(wide.values()), list(wide.values()), ["record_type", "ssid", "score"])

    assert result.recognition.layout is wide["wide-2022"]
    assert result.rows[0][1] == ("01", "9012", "2450")
    assert result.codes == ["FILE-COLUMN-UNKNOWN"]


def test_an_alias_gives_way_to_the_column_that_has_the_name(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(
        WIDE_HEAD.format("A")
        + 'columns = ["One", "Two", "Three"]\n[fields]\nfirst = "One"\nsecond = "Two"\n[aliases]\nOne = ["Two"]\n'
    )
    layout = load_layouts(tmp_path)["a"]

    result = read("Three^Two^One\n3^2^1\n", layout, [layout])

    assert result.values == [{"first": "1", "second": "2"}]


def test_a_header_that_fits_two_years_equally_is_refused(wide: dict[str, Layout]) -> None:
    layouts = [wide["wide-2022"], load_twin(wide["wide-2022"])]

    error = refusal(look(wide_file([*NAMES, "Teacher"]), layouts, layouts))

    assert error.code == "FILE-AMBIGUOUS"


def load_twin(layout: Layout) -> Layout:
    return dataclasses.replace(layout, key="twin", title="twin")


def test_a_required_header_that_is_missing_is_asked_for(wide: dict[str, Layout]) -> None:
    body = wide_file(NAMES[1:]).split("\n", 1)[1]

    assert refusal(look(body, wide["wide-2022"], list(wide.values()))).code == "FILE-NO-HEADER"


@pytest.mark.parametrize("chosen", [True, False])
def test_records_of_a_wide_layout_are_read_without_their_column_names(wide: dict[str, Layout], chosen: bool) -> None:
    body = wide_file(NAMES).split("\n", 1)[1]

    found = read(body, wide["wide-2022"] if chosen else None, list(wide.values()), ["record_type", "ssid", "score"])

    assert [row[1] for row in found.rows] == [("01", "9012", "2450")] * 3
    assert found.codes == ["FILE-HEADERLESS"]


def test_without_column_names_two_layouts_as_wide_are_not_distinguished(wide: dict[str, Layout]) -> None:
    body = wide_file(NAMES).split("\n", 1)[1]
    twins = [wide["wide-2022"], load_twin(wide["wide-2022"])]

    assert refusal(look(body, None, twins)).code == "FILE-AMBIGUOUS"
    assert look(body, twins[1], twins).layout is twins[1]


def test_a_line_without_its_end_marker_is_warned_of(wide: dict[str, Layout]) -> None:
    text = wide_file(NAMES)
    cut = text[: -len("ZZ\n")] + "Z\n"

    result = read(cut, wide["wide-2022"], list(wide.values()))

    assert [(row[0], [p.code for p in row[2]]) for row in result.rows] == [(2, []), (3, []), (4, ["FILE-END-MARKER"])]
    assert result.problems[0].severity is Severity.WARNING


NO_END = [name for name in NAMES if name != "End of Record"]


@pytest.mark.parametrize("separator", ["^", ","])
@pytest.mark.parametrize(
    "names",
    [NO_END, [*NO_END, "Teacher"], [name for name in NO_END if name != "Item 3 (Score)"], [*NO_END, ""]],
    ids=["deleted", "another column last", "others deleted as well", "separators left"],
)
def test_a_file_without_the_column_of_the_end_marker_is_warned_of_once(
    wide: dict[str, Layout], names: list[str], separator: str
) -> None:
    result = read(wide_file(names, separator=separator), wide["wide-2022"], list(wide.values()))

    told = [problem for problem in result.reader.notices if problem.code == "FILE-END-COLUMN"]
    assert [(p.found, p.expected, p.severity) for p in told] == [("End of Record", "ZZ", Severity.WARNING)]
    assert result.problems == []


@pytest.mark.parametrize(
    "names",
    [
        [*NAMES, ""],
        ["Scale Score", *[name for name in NAMES if name != "Scale Score"]],
        [*NAMES, "Teacher"],
        [name for name in NAMES if name != "Item 3 (Score)"],
    ],
    ids=["separators left", "moved columns", "another column last", "others deleted"],
)
def test_a_file_with_the_column_of_the_end_marker_is_not(wide: dict[str, Layout], names: list[str]) -> None:
    result = read(wide_file(names), wide["wide-2022"], list(wide.values()))

    assert "FILE-END-COLUMN" not in result.codes
    assert result.problems == []


def test_the_column_of_the_end_marker_is_known_by_the_marker_under_another_name(wide: dict[str, Layout]) -> None:
    text = wide_file(NAMES).replace("End of Record", "EOR")

    whole = read(text, wide["wide-2022"], list(wide.values()))
    cut = read(text[: -len("ZZ\n")] + "\n", wide["wide-2022"], list(wide.values()))

    assert "FILE-END-COLUMN" not in whole.codes
    assert whole.problems == []
    assert [(row[0], [p.code for p in row[2]]) for row in cut.rows] == [(2, []), (3, []), (4, ["FILE-END-MARKER"])]


def test_a_layout_without_end_marker_asks_for_none(wide: dict[str, Layout]) -> None:
    layout = dataclasses.replace(wide["wide-2022"], end_marker=None)

    assert "FILE-END-COLUMN" not in read(wide_file(NO_END), layout, [layout]).codes


@pytest.mark.parametrize("separator", ["^", ","])
def test_a_wide_file_saved_by_a_spreadsheet_reads_the_same(wide: dict[str, Layout], separator: str) -> None:
    rows = wide_file(NAMES).splitlines()
    quoted = "".join(separator.join(f'"{cell}"' for cell in row.split("^")) + "\r\n" for row in rows)

    assert read_wide(quoted, wide, "wide-2022") == [("01", "9012", "2450")] * 3


def fixed(layout: Layout, **values: str) -> str:
    text = [" "] * (layout.record_length or 0)
    for name, value in values.items():
        first, last = layout.fields[name].span or (0, 0)
        text[first - 1 : last] = value.ljust(last - first + 1)
    return "".join(text)[:-2] + "ZZ"


def test_the_fixed_width_twin_is_recognized_by_its_width_and_read_by_positions(wide: dict[str, Layout]) -> None:
    layout = wide["wide-2023"]
    text = "".join(fixed(layout, record_type="01", ssid=ssid, score="245") + "\r\n" for ssid in ("9012", "José"))

    result = read(text, list(wide.values()), list(wide.values()), ["record_type", "ssid", "score"])

    assert result.recognition.layout is layout
    assert result.recognition.fixed_width
    assert [row[1] for row in result.rows] == [("01", "9012", "245"), ("01", "José", "245")]


def test_a_fixed_width_record_counted_in_bytes_reads_the_same(wide: dict[str, Layout]) -> None:
    layout = wide["wide-2022"]
    plain = fixed(layout, ssid="9012", score="245")
    counted = fixed(layout, ssid="Jo1", score="245").replace("Jo1 ", "Joé")

    result = read(f"{plain}\n{counted}\n", layout, list(wide.values()), ["ssid", "score"])

    assert [row[1] for row in result.rows] == [("9012", "245"), ("Joé", "245")]


def test_a_cut_fixed_width_record_is_an_error_of_its_line(wide: dict[str, Layout]) -> None:
    layout = wide["wide-2022"]
    good = fixed(layout, ssid="9012")

    result = read(f"{good}\n{good[:40]}\n{good}\n", layout, list(wide.values()))

    assert [[p.code for p in row[2]] for row in result.rows] == [[], ["FILE-LINE-WIDTH"], []]
