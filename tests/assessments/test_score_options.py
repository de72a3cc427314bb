"""What a run of scores is asked to do: which assessments, which set-up, which schools."""

import pytest

from assessments.models import Assessment, Score
from assessments.structure import school_year
from students.models import School
from tests.assessments.score_files import counts, dated, ela, report, start, text
from tests.assessments.score_home import LAYOUT, TYPE, TYPES, WITH_PARTS
from tests.longer import first_and_last_years
from tests.ssid.journey import District, codes

pytestmark = pytest.mark.django_db


def test_an_assessment_that_is_not_chosen_is_skipped(home: District) -> None:
    done = report(TYPE, text(LAYOUT, ela()), work="import", SBELA="skip")

    assert (counts(done), codes(done)) == ({"skipped": 1}, ["SKIP-OPTION"])


def test_new_makes_a_second_set_up_under_its_own_name(home: District) -> None:
    start(TYPE, text(LAYOUT, ela()), work="import")

    start(TYPE, text(LAYOUT, ela()), work="import", SBELA="new")

    parents = Assessment.objects.filter(parent__isnull=True).order_by("pk")
    assert [a.name for a in parents] == [
        "Smarter Balanced for ELA 2021-2024",
        "Smarter Balanced for ELA 2021-2024 (2)",
    ]
    assert Score.objects.count() == 2


def test_editing_a_set_up_does_not_break_later_imports(home: District) -> None:
    start(TYPE, text(LAYOUT, ela(**WITH_PARTS)), work="import")
    Assessment.objects.filter(state_code="SBELA").update(
        name="Our ELA test", passing_score="2500", shown_to_families=True
    )

    again = report(TYPE, text(LAYOUT, ela(**WITH_PARTS)), work="import")

    assert counts(again) == {"unchanged": 1}
    assert Assessment.objects.filter(parent__isnull=True).count() == 1


def test_new_set_ups_carry_results_and_children(home: District) -> None:
    start(TYPE, text(LAYOUT, ela()), work="import")

    parent = Assessment.objects.get(state_code="SBELA")
    assert [r["code"] for r in parent.results] == ["4", "3", "2", "1", "9"]
    assert [c.name for c in parent.children.all()] == ["Reading and Listening", "Writing and Research"]
    assert not parent.shown_to_families


def test_no_set_up_is_made_when_no_line_is_imported(home: District) -> None:
    done = report(TYPE, text(LAYOUT, ela(first_name="Tom")), work="import")

    assert counts(done) == {"refused": 1}
    assert not Assessment.objects.exists()


@pytest.mark.parametrize(("chosen", "found"), [("", []), ("7654321", ["EXC-SCHOOL"]), ("7654321,0123456", [])])
def test_schools_limit_the_import(home: District, chosen: str, found: list[str]) -> None:
    done = report(TYPE, text(LAYOUT, ela()), options={"schools": chosen})

    assert codes(done) == found


WRITTEN = ["'{}", '="{}"', "{}.0", "9.000000110E+09", "\u200b{}", "90000 00110", "9000-000-110"]


@pytest.mark.parametrize(
    ("layout", "form"),
    [
        pytest.param(
            *layout.values, WRITTEN[place % len(WRITTEN)], marks=layout.marks
        )  # each form in `script/test` too
        for place, layout in enumerate(sorted(first_and_last_years(TYPES), key=lambda one: len(one.marks)))
    ],
)
def test_id9_an_ssid_is_read_without_the_marks_of_a_spreadsheet(home: District, layout: str, form: str) -> None:
    written = form.format("9000000110").encode()

    done = report(TYPES[layout], dated(layout, f"{school_year(layout)}-04-12").replace(b"9000000110", written))

    assert done["status"] == "completed", done["message"]
    assert "EXC-SSID" not in codes(done)
    assert "FILE-MARKS" in codes(done) or "FILE-HIDDEN" in codes(done)


def test_id9_a_chosen_school_is_found_though_its_code_lost_the_zero(home: District) -> None:
    School.objects.filter(pk=home.school.pk).update(code="0123456")

    assert codes(report(TYPE, text(LAYOUT, ela()), options={"schools": "123456"})) == []


def test_a_run_limited_to_other_schools_does_not_name_the_student(home: District) -> None:
    done = report(TYPE, text(LAYOUT, ela()), schools=[0])

    assert codes(done) == ["DIS-NOTFOUND"]
