"""A candidate taken by the score alone, with every fact of another person: lines or columns of the file were moved."""

import pytest

from students.models import SSID
from tests.imports.evaluating import report_of
from tests.ssid.request_files import HEADER, RESULT, line, make_district, make_student

pytestmark = pytest.mark.django_db
OTHER = {"last": "Ruiz", "first": "Eva", "born": "20120506"}


def codes(*, pick: str = "", last: str = "Lee", first: str = "Sam", born: str = "20110304") -> set[str]:
    make_student(make_district())
    row = line(pick=pick, category="Single Match", score="100%", more=f"{last},{first},M,{born},,,,,")
    report = report_of("ssid-request", f"{HEADER},{RESULT}\n{row}\n")
    assert SSID.objects.count() == 0
    return {issue["code"] for issue in report.issues if issue["severity"] == "error"}


def test_a_candidate_with_other_names_and_another_birth_date_is_not_taken_by_the_score() -> None:
    assert codes(**OTHER) == {"CAND-OTHER"}


@pytest.mark.parametrize("same", ["last", "first", "born"])
def test_one_fact_in_common_leaves_it_to_the_state(same: str) -> None:
    assert codes(**{name: value for name, value in OTHER.items() if name != same}) == set()


def test_a_person_may_choose_such_a_candidate() -> None:
    assert codes(pick="Y", **OTHER) == set()
