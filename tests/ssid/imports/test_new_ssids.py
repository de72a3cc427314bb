"""SSIDs that a file would give to students, looked at together: made from another column, a line too far, of another length. No
student has an SSID yet, so no record contradicts them."""

import datetime as dt
import random

import pytest

from students.models import SSID, Student
from tests.imports.evaluating import report_of
from tests.imports.journey import Report, give_ssid, make_district
from tests.ssid.imports.lines_with_ssids import line_of, put_on_record, report_on
from tests.ssid.imports.test_shifted_ssids import HEADERS

pytestmark = pytest.mark.django_db
TYPES = ("students", "ssid-download", "ssid-list", "ssid-request")
CODES = ("SSID-ZEROS", "SSID-NEXT", "SSID-COLUMN", "SSID-LIKE", "SSID-LENGTH")
COUNT = 40
RISING = [f"{4_000_000_000 + at * 7_654_321}" for at in range(COUNT)]
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def born(at: int) -> dt.date:
    return dt.date(2008, 1, 5) + dt.timedelta(days=61 * at)


def report(kind: str, ssids: list[str], *, order: list[int], dated: bool = True) -> Report:
    """Of a file with a line for each student, in this order of their birth dates, with the SSIDs as they come."""
    made = make_district()
    lines = []
    for at, ssid in zip(order, ssids, strict=True):
        student = put_on_record(made, f"3{at:02}", f"L{LETTERS[at % 26]}{LETTERS[at * 7 % 26]}x", born(at))
        lines.append(line_of(kind, student, ssid, dated=dated))
    return report_on(kind, lines)


def said(report: Report) -> list[str]:
    return [i["code"] for i in report.issues if i["code"] in CODES]


def mixed() -> list[int]:
    order = list(range(COUNT))
    random.Random(5).shuffle(order)
    return order


@pytest.mark.combinations
@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize(("turn", "where"), [(1, "above"), (-1, "below")])
def test_ssids_that_go_with_the_birth_dates_of_the_next_line_are_a_warning(kind: str, turn: int, where: str) -> None:
    """Every line has its neighbor's SSID, and the last one's is in the first line."""
    order = mixed()
    ssids = [RISING[at] for at in order]

    found = report(kind, ssids[-turn:] + ssids[:-turn], order=order)

    assert said(found) == ["SSID-NEXT"]
    assert f"the line {where}" in found.issues[0]["message"]


@pytest.mark.parametrize("kind", TYPES)
def test_ssids_in_the_order_of_birth_dates_or_in_none_say_nothing(kind: str) -> None:
    order = mixed()

    assert said(report(kind, [RISING[at] for at in order], order=order)) == []


@pytest.mark.parametrize("seed", range(3))
def test_ssids_without_relation_to_birth_dates_say_nothing(seed: int) -> None:
    dice = random.Random(seed)

    assert said(report("ssid-list", [f"{dice.randrange(10**9, 10**10)}" for _ in range(COUNT)], order=mixed())) == []


@pytest.mark.combinations
@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("form", ["%Y%m%d{:02}", "{:02}%m%d%Y", "%d%m%Y{:02}", "1{:02}0%y%m%d"])
def test_ssids_made_from_birth_dates_refuse_the_file(kind: str, form: str) -> None:
    found = report(kind, [f"{born(at):{form.format(at)}}" for at in range(COUNT)], order=list(range(COUNT)))

    assert (found.run.status, said(found)) == ("rejected", ["SSID-COLUMN"])
    assert "irth" in found.run.message
    assert not SSID.objects.exists()


def test_local_numbers_with_leading_zeros_are_not_ssids() -> None:
    found = report("ssid-download", [f"{300 + at:010}" for at in range(COUNT)], order=list(range(COUNT)))

    assert (found.run.status, said(found)) == ("rejected", ["SSID-COLUMN"])


def test_one_ssid_with_the_birth_date_in_it_is_a_warning() -> None:
    dice = random.Random(1)
    ssids = [f"{dice.randrange(10**9, 10**10)}" for _ in range(COUNT)]
    ssids[4] = f"{born(4):%Y%m%d}77"

    found = report("ssid-list", ssids, order=list(range(COUNT)))

    assert (found.run.status, said(found)) == ("completed", ["SSID-LIKE"])
    assert "line 6 is the first" in found.issues[0]["message"]


def test_birth_dates_that_the_list_leaves_out_are_those_on_record() -> None:
    found = report(
        "ssid-list", [f"{born(at):%Y%m%d}{at:02}" for at in range(COUNT)], order=list(range(COUNT)), dated=False
    )

    assert said(found) == ["SSID-COLUMN"]


@pytest.mark.combinations
@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize(("form", "where"), [("{:07}000", "end"), ("0{:09}", "begin")])
def test_ssids_that_all_begin_or_end_with_a_zero_are_a_warning(kind: str, form: str, where: str) -> None:
    dice = random.Random(3)

    found = report(kind, [form.format(dice.randrange(10**6, 10**7)) for _ in range(COUNT)], order=mixed())

    assert "SSID-ZEROS" in said(found)
    assert f"all {where} with a zero" in " ".join(issue["message"] for issue in found.issues)


# -- Utah ---------------------------------------------------------------------------------------------------------------


def of_utah(ssids: list[str], *, on_record: int = 0) -> Report:
    made = make_district()
    made.lea.state = "UT"
    made.lea.save()
    lines = []
    for at, ssid in enumerate(ssids):
        made.student(local_number=f"3{at:02}", last_name="Ade", first_name="Ann", middle_name="", birth_date=born(at))
        lines.append(f"1234567,0123456,3{at:02},Ade,Ann,,{born(at)},07,{ssid}")
    for at in range(on_record):
        give_ssid(made.student(local_number=f"9{at:02}"), f"{1_500_000 + at}", state="UT")
    return report_of("ssid-list", "\n".join([*HEADERS["ssid-list"], *lines, ""]))


@pytest.mark.parametrize("odd", ["184000", "1840001234"])
def test_an_ssid_of_utah_with_other_digits_than_the_rest_is_a_warning(odd: str) -> None:
    ssids = [f"{1_840_001 + 37 * at}" for at in range(12)]

    assert said(of_utah(ssids)) == []
    Student.objects.all().delete()
    ssids[3] = odd

    found = report_of("ssid-list", _list_of(ssids))

    assert said(found) == ["SSID-LENGTH"]
    assert f"in line 5, with {len(odd)} digits" in found.issues[0]["message"]


def _list_of(ssids: list[str]) -> str:
    from students.models import LEA, School

    lea, school = LEA.objects.get(), School.objects.order_by("code").first()
    for at in range(len(ssids)):
        Student.objects.create(lea=lea, school=school, local_number=f"3{at:02}", last_name="Ade", first_name="Ann",
                               birth_date=born(at), grade="07")  # fmt: skip
    lines = [f"1234567,0123456,3{at:02},Ade,Ann,,{born(at)},07,{ssid}" for at, ssid in enumerate(ssids)]
    return "\n".join([*HEADERS["ssid-list"], *lines, ""])


def test_ssids_on_record_show_the_usual_length() -> None:
    found = of_utah(["184001"], on_record=20)

    assert said(found) == ["SSID-LENGTH"]
