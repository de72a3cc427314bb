"""Files with a line for each of some students, by import type, that would give them SSIDs."""

import datetime as dt

from students.models import Student
from tests.imports.evaluating import report_of
from tests.imports.journey import District, Report
from tests.ssid.imports.test_shifted_ssids import HEADERS

_PLACE = "1234567,0123456"


def put_on_record(made: District, number: str, last: str, born: dt.date) -> Student:
    """A student of grade 7 without SSID."""
    return made.student(
        local_number=number,
        last_name=last,
        first_name="Ann",
        middle_name="",
        birth_date=born,
        grade="07",
        gender="F",
    )


def line_of(kind: str, student: Student, ssid: str, *, retired: str = "", dated: bool = True) -> str:
    """`retired`: the SSID that a line of replacements names as the former one; `dated`: does a list have the birth date?"""
    number, last, born = student.local_number, student.last_name, student.birth_date
    day = f"{born:%Y%m%d}"
    return {
        "students": f"{_PLACE},{number},{ssid},{last},Ann,{born}",
        "ssid-list": f"{_PLACE},{number},{last},Ann,,{born if dated else ''},07,{ssid}",
        "ssid-request": f"{_PLACE},X,{number},{last},Ann,,{ssid},20160810,Single Match,91%,F,{day}",
        "ssid-download": f"1234567^0123456^{ssid}^{number}^{last}^Ann^^F^{day}^20240812^07^^^eng^20160810",
        "ssid-replacement": f"1234567^0123456^{number}^{retired}^{ssid}",
    }[kind]


def report_on(kind: str, lines: list[str]) -> Report:
    return report_of(kind, "\n".join([*HEADERS.get(kind, []), *lines, ""]))
