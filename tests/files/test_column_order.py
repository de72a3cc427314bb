"""Column names in files that have none by their layout: known names give the order of the columns, or the file is refused."""

import pytest

from sisimport.files.issues import FileError
from tests.files.samples import DOWNLOAD, SSID_LAYOUTS, THREE, read

REPLACEMENT = SSID_LAYOUTS["calpads-replacement-ssid"]
NAMES = [column.name for column in DOWNLOAD.columns]


def file(order: list[int], names: list[str]) -> str:
    rows = [line.split("^") for line in THREE.splitlines()]
    return "".join("^".join(row[at] for at in order) + "\n" for row in [names, *rows])


def test_columns_in_another_order_are_read_by_their_names() -> None:
    found = read(file([*reversed(range(15))], NAMES))

    assert found.column("ssid") == ["9012345678", "9012345679", "9012345680"]


def test_another_order_with_a_name_that_is_not_known_is_refused() -> None:
    order = [0, 1, 2, 3, 5, 4, *range(6, 15)]
    with pytest.raises(FileError) as refused:
        read(file(order, ["Extra" if at == 9 else name for at, name in enumerate(NAMES)]))

    assert "Student Legal First Name in column 5; expected it in column 6" in str(refused.value)


def test_a_name_that_is_not_known_does_no_harm_in_the_usual_order() -> None:
    names = ["Extra" if at == 9 else name for at, name in enumerate(NAMES)]

    assert read(file([*range(15)], names)).column("last_name") == ["García-López", "O'Neil", "Tran"]


@pytest.mark.parametrize("names", [("Retired SSID", "Replacement SSID"), ("Old SSID", "New SSID")])
@pytest.mark.parametrize("first", ["LEA^School^Local ID", "District^School of Attendance^Student ID"])
def test_replacements_whose_columns_are_exchanged_are_not_read_by_place(first: str, names: tuple[str, str]) -> None:
    """Numbers that the state retired would become current."""
    retired, new = names
    row = "1234567^0123456^100001^9012345678^8012345678\n"
    layouts = [*SSID_LAYOUTS.values()]

    found = read(f"{first}^{retired}^{new}\n{row}", REPLACEMENT, layouts)
    assert (found.column("retired_ssid"), found.column("replacement_ssid")) == (["9012345678"], ["8012345678"])
    with pytest.raises(FileError) as refused:
        read(f"{first}^{new}^{retired}\n{row}", REPLACEMENT, layouts)
    assert "SSID in column 4; expected it in column 5" in str(refused.value)


def test_replacements_are_read_by_the_names_of_all_their_columns() -> None:
    names = "Reporting LEA^Last Known School of Attendance^Local ID^Replacement SSID^Retired SSID"
    found = read(f"{names}\n1234567^0123456^100001^9012345678^8012345678\n", REPLACEMENT, [*SSID_LAYOUTS.values()])

    assert (found.column("retired_ssid"), found.column("replacement_ssid")) == (["8012345678"], ["9012345678"])
