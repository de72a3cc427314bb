"""Files that were put one after another, and what DOS leaves at the end of a file: for every layout that is read."""

from collections.abc import Callable

import pytest

from sisimport.files import chunks
from sisimport.files.issues import FileError, Severity
from sisimport.files.layouts import Column, ColumnKind, Header, Layout, load_layouts
from tests.files.samples import (
    DOWNLOAD,
    ROOT,
    ROSTER,
    ROSTER_LAYOUTS,
    SCORE_LAYOUTS,
    SSID_LAYOUTS,
    Read,
    line,
    lines,
    look,
    read,
)

LAYOUTS = [
    *SSID_LAYOUTS.values(),
    *ROSTER_LAYOUTS.values(),
    *SCORE_LAYOUTS.values(),
    *load_layouts(ROOT / "assessments" / "research" / "layouts").values(),
]
DELIMITED = [one for one in LAYOUTS if not one.record_length]
DATES = {"CCYYMMDD": "20100204", "CCYY-MM-DD": "2010-02-04", "MM/DD/CCYY": "02/04/2010"}
DOS_END = "\x1a"


def _value(layout: Layout, column: Column, number: int) -> str:
    if layout.end_marker and column.position == len(layout.columns):
        return layout.end_marker
    if column.codes:
        return next(iter(column.codes))
    if column.kind is ColumnKind.DATE:
        return DATES[layout.date_formats[0]]
    if column.kind in {ColumnKind.DIGITS, ColumnKind.NUMBER}:
        return "1" * (column.length or 1)
    return f"{number}"


def _names(layout: Layout) -> str:
    return layout.delimiter.join(column.name for column in layout.columns) + "\n"


def _record(layout: Layout, number: int) -> str:
    return layout.delimiter.join(_value(layout, column, number) for column in layout.columns) + "\n"


def _fixed(layout: Layout) -> str:
    cells = [" "] * (layout.record_length or 0)
    for column in layout.columns:
        first, last = column.span or (1, 0)
        cells[first - 1 : last] = _value(layout, column, 1)[: last - first + 1].ljust(last - first + 1)
    return "".join(cells) + "\n"


def _read(text: str, layout: Layout) -> Read:
    return read(text, layout, [layout])


def _id(layout: Layout) -> str:
    return layout.key


@pytest.mark.parametrize("layout", DELIMITED, ids=_id)
def test_column_names_in_the_middle_are_passed_over_with_one_warning(layout: Layout) -> None:
    one, two = _names(layout) + _record(layout, 1) + _record(layout, 2), _names(layout) + _record(layout, 3)
    text, alone = one + two + "\n" + two, _read(one, layout)

    found = _read(text, layout)

    assert [row[0] for row in found.rows] == [2, 3, 5, 8]
    assert found.reader.record_count == 4
    assert [[p.code for p in row[2]] for row in found.rows[:2]] == [[p.code for p in row[2]] for row in alone.rows]
    assert "FILE-COLUMNS" not in {problem.code for problem in found.problems}
    (said,) = [notice for notice in found.reader.notices if notice.code == "FILE-HEADER-AGAIN"]
    assert (said.severity, said.found, said.params["line"]) == (Severity.WARNING, "2", 4)


@pytest.mark.parametrize("layout", DELIMITED, ids=_id)
def test_a_file_without_column_names_says_nothing_of_them(layout: Layout) -> None:
    found = _read(_names(layout) + _record(layout, 1) * 3, layout)

    assert "FILE-HEADER-AGAIN" not in found.codes


@pytest.mark.parametrize("again", ["quoted", "capitals", "mark", "dos", "blank columns", "spaces"])
def test_column_names_are_known_again_however_they_were_saved(again: str) -> None:
    names = _names(ROSTER).strip()
    spelled = {
        "quoted": ",".join(f'"{name}"' for name in names.split(",")),
        "capitals": names.upper(),
        "mark": f"\ufeff{names}",
        "dos": f"{DOS_END}{names}",
        "blank columns": f"{names},,,",
        "spaces": names.replace(",", " , "),
    }[again]

    found = _read(_names(ROSTER) + _record(ROSTER, 1) + spelled + "\n" + _record(ROSTER, 2), ROSTER)

    assert [row[0] for row in found.rows] == [2, 4]
    assert "FILE-HEADER-AGAIN" in found.codes


@pytest.mark.parametrize("spelled", [str.strip, str.upper, str.title])
@pytest.mark.parametrize("size", [100, 150, 300, 1000])
def test_lines_keep_their_numbers_wherever_the_names_stand(
    spelled: Callable[[str], str], size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "_CHUNK_BYTES", size)
    names, rows = _names(ROSTER), [_record(ROSTER, number) for number in range(30)]
    text = names + "".join(rows[:11]) + spelled(names.strip()) + "\n" + "".join(rows[11:])

    found = _read(text, ROSTER)

    assert [row[0] for row in found.rows] == [*range(2, 13), *range(14, 33)]
    assert found.column("local_number") == [f"{number}" for number in range(30)]
    (said,) = [notice for notice in found.reader.notices if notice.code == "FILE-HEADER-AGAIN"]
    assert (said.found, said.params["line"]) == ("1", 13)


@pytest.mark.parametrize("name", ["enrollment_exit_reason", "Enrollment Exit Reason", "ENROLLMENT_EXIT_REASON"])
def test_a_name_of_a_column_in_a_value_is_not_a_line_of_names(name: str) -> None:
    odd = _record(ROSTER, 1).replace("1,1,1,1", f"1,{name},1,1")

    found = _read(_names(ROSTER) + odd + _record(ROSTER, 2), ROSTER)

    assert [row[0] for row in found.rows] == [2, 3]


def test_a_file_without_a_header_line_may_be_followed_by_one_with_it() -> None:
    found = read(lines({}, {}) + _names(DOWNLOAD) + lines({}))

    assert [row[0] for row in found.rows] == [1, 2, 4]
    assert "FILE-HEADER-AGAIN" in found.codes


@pytest.mark.parametrize("layout", DELIMITED, ids=_id)
def test_the_same_names_in_another_order_refuse_the_file_for_its_values_would_move(layout: Layout) -> None:
    cells = _names(layout).strip("\n").split(layout.delimiter)
    turned = layout.delimiter.join([*cells[1:], cells[0]]) + "\n"

    with pytest.raises(FileError) as refused:
        _read(_names(layout) + _record(layout, 1) * 2 + turned + _record(layout, 2), layout)

    assert refused.value.code == "FILE-MIXED"
    assert "ine 4 begins records with other columns" in str(refused.value)
    assert "import each one separately" in refused.value.fix


@pytest.mark.parametrize("end", [DOS_END, f"{DOS_END}\r\n", DOS_END * 100, f"\n{DOS_END}\n\n", f" {DOS_END}"])
@pytest.mark.parametrize("layout", LAYOUTS, ids=_id)
def test_the_end_of_a_dos_file_is_not_a_record(layout: Layout, end: str) -> None:
    if layout.record_length:
        text = _fixed(layout) * 2
    else:
        text = (_names(layout) if layout.header is not Header.NONE else "") + _record(layout, 1) * 2
    plain = _read(text, layout)

    found = _read(text + end, layout)

    assert found.rows == plain.rows
    assert found.problems == plain.problems


def test_the_sign_at_the_end_of_the_last_record_is_not_part_of_it() -> None:
    found = read(lines({}, {"ssid_created": "20140815"}).strip("\n") + DOS_END)

    assert found.column("ssid_created") == ["2014-08-15", "2014-08-15"]
    assert found.problems == []


def test_a_dos_file_of_one_column_has_no_record_more() -> None:
    layout = SSID_LAYOUTS["ssid-list"]
    column = next(one for one in layout.columns if one.field == "ssid")

    found = _read(f"{column.name},{layout.columns[0].name}\n9000000001,1\n{DOS_END}", layout)

    assert len(found.rows) == 1


def test_nothing_but_the_sign_is_an_empty_file() -> None:
    assert look(f"{DOS_END}\n").error is not None
    with pytest.raises(FileError) as refused:
        _read(_names(ROSTER) + DOS_END, ROSTER)

    assert refused.value.code == "FILE-EMPTY"


def test_signs_inside_a_record_are_still_reported() -> None:
    (problem,) = read(line(middle_name=f"Lu{DOS_END}is")).problems

    assert problem.code == "FILE-HIDDEN"
