"""A line that is a total is not a record: it is left out and named. A count that it states is compared with the records read."""

import pytest

from sisimport.files.issues import Severity
from sisimport.files.layouts import Layout
from sisimport.files.total_lines import may_hold_totals
from tests.files.samples import DOWNLOAD, ROSTER, SCORE_LAYOUTS, Read, lines, read

HEAD = "lea,school,local_number,last_name,first_name,birth_date,gender,grade,el_status"
SCORES = SCORE_LAYOUTS["caaspp-2023-24"]


def roster(*more: str, count: int = 12, end: str = "\n") -> Read:
    rows = [f"1234567,0123456,{number},Oh,Lee,2011-03-04,F,05,EO" for number in range(100, 100 + count)]
    return read("\n".join([HEAD, *rows, *more]) + end, ROSTER, [ROSTER])


def said(found: Read) -> list[str]:
    return [
        notice.code
        for notice in found.reader.notices
        if notice.code.startswith(("FILE-TOTAL", "FILE-LAST", "FILE-CUT"))
    ]


@pytest.mark.parametrize(
    "line",
    [
        "Total 12",
        "Total,12",
        "Total: 12,,,,,,,,",
        "TOTAL RECORDS: 12",
        "Grand Total",
        '"Grand Total",,,,,,,12,4.5',
        "*** 12 records ***",
        "Record Count,12",
        "Number of students = 12",
        "TRAILER,000012",
        "TRL,12",
        ",,,Total,12,,,,",
        "Total 14",  # counted with its own line and that of the column names
        "*** End of report ***",
    ],
)
@pytest.mark.parametrize("end", ["", "\r\n"])
def test_a_total_line_is_not_a_record(line: str, end: str) -> None:
    found = roster(line, end=end)

    assert len(found.rows) == 12
    assert not found.problems
    assert said(found) == ["FILE-TOTAL"]


@pytest.mark.parametrize(
    ("line", "differs"),
    [
        ("Total 1,234", True),
        ("Total records: 13", False),
        ("Total: 11", True),
        ("Total students: 11", False),  # a student may have several lines
        ("Total students: 20", True),
        ("Record Count,0000099", True),
        ("Total,,,99,,,,,", True),
        ("Grand Total,,,12,,,,99,", False),  # sums of columns
        ("Total", False),
    ],
)
def test_a_stated_count_is_compared_with_the_records(line: str, differs: bool) -> None:
    found = roster(line)

    assert said(found) == ["FILE-TOTAL", *["FILE-TOTAL-COUNT"] * differs]
    assert [n.severity for n in found.reader.notices if n.code == "FILE-TOTAL-COUNT"] == [Severity.WARNING] * differs


def test_of_several_totals_only_a_grand_total_counts_all_records() -> None:
    assert said(roster("Total 4", "Total 8")) == ["FILE-TOTAL"]
    assert said(roster("Total 4", "Total 8", "Grand total 13")) == ["FILE-TOTAL"]
    assert said(roster("Total 4", "Total 8", "Grand total 40")) == ["FILE-TOTAL", "FILE-TOTAL-COUNT"]


@pytest.mark.parametrize(
    "line",
    [
        "Total,0123456,77,Total,Lee,2011-03-04,F,05,EO",
        "1234567,0123456,77,Total,Count,2011-03-04,F,05,EO",
        "Totally,12",
        "Count,Dracula",
    ],
)
def test_a_person_or_a_broken_line_is_not_a_total(line: str) -> None:
    found = roster(line)

    assert len(found.rows) == 13
    assert not {"FILE-TOTAL", "FILE-TOTAL-COUNT"} & {*said(found)}


@pytest.mark.parametrize("layout", [DOWNLOAD, SCORES], ids=lambda layout: layout.key)
@pytest.mark.parametrize("separators", [False, True])
def test_files_of_the_state_may_end_with_a_total(layout: Layout, separators: bool) -> None:
    if layout is DOWNLOAD:
        data = lines(*({"local_number": f"{n}"} for n in range(100, 130)))
    else:
        row = ["01", *[""] * (len(layout.columns) - 2), layout.end_marker or ""]
        data = "".join(f"{'^'.join(cells)}\n" for cells in ([c.name for c in layout.columns], *[row] * 30))
    total = "Total 1,234" + ("^" * (len(layout.columns) - 1) if separators else "")
    found = read(data + total, layout, [layout])

    assert len(found.rows) == 30
    assert said(found) == ["FILE-TOTAL", "FILE-TOTAL-COUNT"]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_a_total_is_looked_for_at_the_beginning_of_lines_only(end: bytes) -> None:
    names = end.join([b"Lee,Total,2011", b"Torres,Sam Total,4 records", b"9012345678^Count"])

    assert not may_hold_totals(names)
    assert may_hold_totals(names + end + b"Grand Total,9")
    assert may_hold_totals(b"total 9" + end + names)
