"""A line that repeats a refused one takes its place: what is called unchanged, or imported, is on record (in every type)."""

import pytest

from students.models import SSID, ELRecord, SSIDReplacement
from tests.files.samples import line
from tests.imports.journey import District, Report, Work, give_ssid, make_district, run_file
from tests.ssid.request_files import HEADER, RESULT

pytestmark = pytest.mark.django_db
LIST = "School,Local Student Number,Last Name,First Name,Birth Date,SSID\n"
GOOD = "0123456,100234,García-López,José,2009-02-14,9012345678\n"


@pytest.fixture
def district() -> District:
    made = make_district()
    made.student()
    return made


def _outcomes(report: Report) -> dict[str, int]:
    return {name: n for name, n in report.counts.items() if name != "skipped"}


@pytest.mark.parametrize("repeats", [1, 2, 5])
def test_a_repeat_in_a_schools_list_replaces_a_line_with_another_name(district: District, repeats: int) -> None:
    strange = GOOD.replace("García-López", "Poe")

    report = run_file("ssid-list", LIST + strange + GOOD * repeats, Work.UPDATE)

    unchanged = {"unchanged": repeats - 1} if repeats > 1 else {}
    assert _outcomes(report) == {"imported": 1, "refused": 1} | unchanged
    assert SSID.objects.get().ssid == "9012345678"
    assert report.codes(3) == []
    assert all(report.codes(number) == ["DUP-SAME"] for number in range(4, 3 + repeats))


def test_repeats_of_refused_lines_are_refused_for_the_same_reason(district: District) -> None:
    strange = GOOD.replace("García-López", "Poe")

    report = run_file("ssid-list", LIST + strange * 4)

    assert _outcomes(report) == {"refused": 4}
    assert [report.codes(number) for number in (2, 3, 4, 5)] == [["DEMO-MISMATCH"]] * 4


@pytest.mark.parametrize("import_type", ["ssid-download", "ela"])
def test_a_repeat_replaces_a_line_that_the_reader_refused(district: District, import_type: str) -> None:
    give_ssid(district.student(local_number="9", first_name="Bo"), "9012345699")
    bad = line(school="01234567890")

    report = run_file(import_type, f"{bad}\n{line()}\n{line()}\n", Work.UPDATE)

    assert _outcomes(report) == {"imported": 1, "refused": 1, "unchanged": 1}
    assert ELRecord.objects.get().program_status == "EL"


def test_a_repeated_replacement_replaces_a_line_that_the_reader_refused(district: District) -> None:
    give_ssid(district.student(local_number="9", first_name="Bo"), "9012345670")
    lines = [f"1234567^{school}^9^9012345670^9012345671" for school in ("01234567890", "0123456", "0123456")]

    report = run_file("ssid-replacement", "\n".join(lines), Work.UPDATE)

    assert _outcomes(report) == {"imported": 1, "refused": 1, "unchanged": 1}
    assert SSIDReplacement.objects.exists()


def _answer(school: str, last: str, elas: str = "EL") -> str:
    return (
        f"1234567,{school},X,100234,{last},José,Luis,9012345678,20160810,Multiple Match,91%,M,20090214,"
        f"García-López,José,M,20090214,{elas},20190901,spa,,"
    )


def test_a_chosen_candidate_replaces_one_that_was_refused(district: District) -> None:
    lines = [_answer("0123456", "P�rez"), _answer("0123457", "García-López")]

    report = run_file("ssid-request", "\n".join([f"{HEADER},{RESULT}", *lines]), Work.UPDATE)

    assert report.run.import_count == 1
    assert SSID.objects.get().ssid == "9012345678"


def test_two_answers_about_one_student_that_differ_in_the_status_are_not_repeats(district: District) -> None:
    lines = [_answer("0123456", "García-López"), _answer("0123457", "García-López", "IFEP")]

    report = run_file("ssid-request", "\n".join([f"{HEADER},{RESULT}", *lines]), Work.UPDATE)

    assert all("DUP-DIFFERS" in report.codes(number) for number in (2, 3))
    assert not ELRecord.objects.exists()
