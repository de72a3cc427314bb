"""A last line that was cut off is reported for the file; one that only lacks its line break is not."""

import pytest

from sisimport.files.layouts import Layout
from tests.files.samples import ROSTER, lines, read

DOWNLOAD = lines(*({"local_number": str(number)} for number in range(100, 130)))
HEAD = "lea,school,local_number,last_name,first_name,birth_date,gender,grade,el_status"


def roster(last_column: list[str], header: str = HEAD) -> str:
    rows = [f"1234567,0123456,{number},Oh,Lee,2011-03-04,F,05,{value}" for number, value in enumerate(last_column)]
    return "\n".join([header, *rows])


def said(data: str, layout: Layout | None = None) -> list[str]:
    found = read(data) if layout is None else read(data, layout, [layout])
    return [str(notice) for notice in found.reader.notices if notice.code == "FILE-LAST-LINE"]


@pytest.mark.parametrize("less", range(2, 60))
def test_a_download_that_broke_off_within_its_last_line_is_named(less: int) -> None:
    (message,) = said(DOWNLOAD[:-less])

    assert "line 30" in message


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n", "\n\x1a", "\x1a"])
def test_a_whole_last_line_is_not(end: str) -> None:
    assert said(DOWNLOAD.rstrip("\n") + end) == []


@pytest.mark.parametrize(
    ("values", "cut"),
    [
        (["EO", "EL", "IFEP"] * 10 + ["Exited E"], False),  # no status above begins like it
        (["EO", "Exited EL"] * 15 + ["Exited E"], True),
        (["EO", "Exited EL"] * 15 + ["Exited"], False),  # a word of its own
        (["EO", "Exited EL"] * 15 + ["EO"], False),
        (["EO", "Exited EL"] * 15 + [""], True),  # right after the last separator
        (["EO", "Exited EL", ""] * 10 + [""], False),  # lines above have none either
        (["EO", "Exited EL"] * 8 + [""], False),  # too few to tell
        ([f"{month}/1/2020" for month in range(1, 13)] + ["10/1/20"], True),
        ([f"{month}/1/2020" for month in range(1, 13)] + ["1/1/2021"], False),
        ([f"9{number:09}" for number in range(9)] + ["900000"], True),
        ([f"9{number:09}" for number in range(9)] + [""], False),
        (["EO", "EL", "EO", "E"], False),  # too few to tell
    ],
)
def test_a_last_value_is_judged_by_those_above_it(values: list[str], cut: bool) -> None:
    header = HEAD if not any(map(str.isdigit, values)) else HEAD.replace("el_status", "other")
    header = header.replace("el_status", "other") if "/" in values[0] else header

    assert bool(said(roster(values, header), ROSTER)) is cut


def test_an_open_quotation_mark_at_the_end_is_named() -> None:
    assert "quotation mark" in said(roster(["EO"] * 6) + '\n1234567,0123456,7,"O', ROSTER)[0]


def test_of_a_single_line_nothing_is_reported() -> None:
    assert said(DOWNLOAD.splitlines()[0]) == []
