"""Numbers without marks and groups: what is undone, and what is left for somebody to look at."""

import pytest

from sisimport.files.numbers import bare_code, bare_local_number, bare_number, bare_ssid, bare_whole


@pytest.mark.parametrize(
    "written",
    [
        *("90123 45678", "901 234 5678", "9012-345-678", "901-234-5678", "9012.345.678", "9,012,345,678"),
        *("SSID: 9012345678", "SSID 9012345678", "ID# 9012345678", "#9012345678", "+9012345678", "9012345678*"),
        *("9,012345678E+09", "9012345678,0", "".join(chr(0xFF10 + int(digit)) for digit in "9012345678")),
        *("9012\u2013345\u2013678", "9012\u00a0345\u00a0678", "9012\u2009345678", "'9012-345-678", '="90123 45678"'),
    ],
)
def test_id9_an_ssid_in_groups_is_the_number_they_make(written: str) -> None:
    assert bare_ssid(written) == "9012345678"


@pytest.mark.parametrize("written", ["123 4567", "123-4567", "1234-567"])
def test_id9_seven_digits_in_two_groups_are_an_ssid_of_utah(written: str) -> None:
    assert bare_ssid(written) == "1234567"


@pytest.mark.parametrize(
    "written",
    [
        *("2015-03-04", "13-4-2015", "3.4.2015", "04-2015", "12 3456", "9012345678 9012345679", "9012345678-"),
        *("9012--345678", "9012 -345678", "90,123,45678", "901/234/5678", "SSAN 9012345678", "9012345 678x"),
    ],
)
def test_id9_what_may_be_a_date_or_two_numbers_is_left_as_it_is(written: str) -> None:
    assert bare_ssid(written) == written


@pytest.mark.parametrize(
    "written", ["4042,0", "#4042", "+4042", "4042*", "No. 4042", "4,042", "\uff14\uff10\uff14\uff12"]
)
def test_id9_what_people_write_beside_a_local_number_is_not_part_of_it(written: str) -> None:
    assert bare_local_number(written) == "4042"


@pytest.mark.parametrize("written", ["4042?", "S-4042", "ID4042", "4042A", "-4042", "40 42", "40/42", "4042,5"])
def test_id9_what_may_be_part_of_a_local_number_stays(written: str) -> None:
    assert bare_local_number(written) == written


@pytest.mark.parametrize("written", ["1234567", "1,234,567", "12-34567", "1234567.0", "\uff11234567"])
def test_id9_a_district_code_is_read_without_what_a_spreadsheet_makes_of_it(written: str) -> None:
    assert bare_code(written, "lea") == "1234567"


def test_id9_thousands_are_not_decimals() -> None:
    assert (bare_local_number("109,000"), bare_whole("2,400")) == ("109000", "2400")


def test_id9_only_ssids_are_written_in_groups() -> None:
    assert bare_number("90123 45678") == "90123 45678"


@pytest.mark.parametrize("written", ["2450.0", "'2450", '="2450"', "2,450", "2.450E+03", "='2450'"])
def test_e4_a_score_is_the_whole_number_that_a_spreadsheet_made_of_it(written: str) -> None:
    assert bare_whole(written) == "2450"


@pytest.mark.parametrize(
    "written", ["24,50", "2450.5", "2.4567E+03", "2.45E+03", "2E+03", "2.45E+09", "2450?", "24 50", "-2450"]
)
def test_e4_what_may_be_another_number_is_left(written: str) -> None:
    assert bare_whole(written) == written


@pytest.mark.parametrize("written", ["3.0", "3.00E+00", "3E+00"])
def test_e4_a_level_is_the_digit_that_a_spreadsheet_made_of_it(written: str) -> None:
    assert bare_whole(written) == "3"
