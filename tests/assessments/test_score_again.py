"""A file of scores that comes again: exactly what is new or differs is planned, with what was there before."""

import datetime as dt
from typing import Any

import pytest

from assessments.models import Assessment, Score
from assessments.scores import alike
from assessments.scores import plan as score_plan
from assessments.scores.change_kinds import SCORES
from assessments.scores.encoding import unpacked
from sisimport.imports.models import ImportChange, ImportRun
from tests.assessments.score_files import SSID_1, SSID_2, ela, start, text, undo
from tests.assessments.test_usual_lines import TYPES
from tests.ssid.journey import District, district

pytestmark = pytest.mark.django_db

TYPE, LAYOUT = "caaspp-2023-2024", "caaspp-2023-24"
PARTS = {
    "composite_claim_1_score": "2510",
    "composite_claim_1_level": "2",
    "composite_claim_2_level": "3",
    "scale_score_sem": "24",
    "lexile_quantile": "1045L",
    "condition_code": "INC1",
}
Planned = dict[str, tuple[dict[str, str] | None, dict[str, str]]]


@pytest.fixture(autouse=True)
def home() -> District:
    made = district()
    made.add("100", ssid=SSID_1)
    made.add("101", ssid=SSID_2, first_name="Kim")
    return made


def rows(**changed: str) -> bytes:
    """Sam's line with some cells changed, and Kim's, which always stays the same."""
    return text(LAYOUT, ela(**{**PARTS, **changed}), ela(ssid=SSID_2, first_name="Kim", uin="2", **PARTS))


def planned(run: ImportRun) -> Planned:
    """Before and after of each planned score of Sam by its code; no line but Sam's may be planned."""
    names = dict(Assessment.objects.values_list("pk", "state_code"))
    found: Planned = {}
    for change in ImportChange.objects.filter(run=run, kind=SCORES):
        assert change.student_id == change.object_id
        assert change.line == 2
        before, after = unpacked(change.before), unpacked(change.after)
        assert before.keys() <= after.keys()
        found |= {names[pk]: (before.get(pk), cells) for pk, cells in after.items()}
    return found


def stored(code: str) -> dict[str, Any]:
    score = Score.objects.get(student__local_number="100", assessment__state_code=code)
    names = ("scale_score", "raw_score", "result", "error_band", "status", "uin", "measure", "grade", "as_tested")
    return {name: getattr(score, name) for name in names} | {"date": str(score.date or "")}


def test_the_same_file_again_plans_nothing() -> None:
    start(TYPE, rows(), work="import")

    again = start(TYPE, rows())

    assert not ImportChange.objects.filter(run=again).exists()
    assert again.facts["score_counts"] == {"added": 0, "updated": 0, "unchanged": 6}


@pytest.mark.parametrize(
    ("changed", "code", "cell", "new"),
    [
        ({"composite_claim_1_score": "2511"}, "SBELA-RL", "scale_score", "2511"),
        ({"composite_claim_1_score": ""}, "SBELA-RL", "scale_score", ""),
        ({"composite_claim_2_score": "2490"}, "SBELA-WR", "scale_score", "2490"),
        ({"composite_claim_2_level": "1"}, "SBELA-WR", "result", "1"),
        ({"scale_score": "2503"}, "SBELA", "scale_score", "2503"),
        ({"lexile_quantile": "1050L"}, "SBELA", "measure", "1050L"),
        ({"condition_code": ""}, "SBELA", "status", ""),
        ({"uin": "77"}, "SBELA", "uin", "77"),
    ],
)
def test_one_changed_cell_plans_its_score_alone_with_what_was_there(
    changed: dict[str, str], code: str, cell: str, new: str
) -> None:
    start(TYPE, rows(), work="import")
    was = stored(code)

    run = start(TYPE, rows(**changed))

    assert planned(run) == {code: (was, {**was, cell: new})}
    assert run.facts["score_counts"] == {"added": 0, "updated": 1, "unchanged": 5}


@pytest.mark.parametrize(
    "blank",
    [
        ("uin",),
        ("scale_score_sem",),
        ("lexile_quantile",),
        ("grade_assessed",),
        ("uin", "scale_score_sem", "grade_assessed"),
    ],
)
def test_a_blank_beside_the_same_score_takes_nothing_from_the_record(blank: tuple[str, ...]) -> None:
    start(TYPE, rows(), work="import")

    run = start(TYPE, rows(**dict.fromkeys(blank, "")))

    assert planned(run) == {}
    assert run.facts["score_counts"] == {"added": 0, "updated": 0, "unchanged": 6}


def test_another_score_takes_what_belonged_to_the_old_one_and_keeps_the_uin() -> None:
    start(TYPE, rows(), work="import")
    was = stored("SBELA")

    run = start(TYPE, rows(scale_score="2503", uin="", lexile_quantile="", scale_score_sem="", grade_assessed=""))

    assert planned(run)["SBELA"] == (was, {**was, "scale_score": "2503", "measure": "", "error_band": ""})


@pytest.mark.parametrize("cell", ["lexile_quantile", "scale_score_sem", "condition_code"])
def test_a_blank_cell_at_the_end_that_is_filled_is_a_change(cell: str) -> None:
    without = {**PARTS, "lexile_quantile": "", cell: ""}
    start(TYPE, text(LAYOUT, ela(**without)), work="import")
    was = stored("SBELA")

    run = start(TYPE, text(LAYOUT, ela(**without | {cell: PARTS[cell]})))

    names = {"lexile_quantile": "measure", "scale_score_sem": "error_band", "condition_code": "status"}
    assert planned(run) == {"SBELA": (was, {**was, names[cell]: PARTS[cell]})}


@pytest.mark.parametrize(
    ("changed", "cell", "new"),
    [
        ({"final_test_completed_date": "2024-05-02"}, "date", "2024-05-02"),
        ({"grade_assessed": "06"}, "grade", "06"),
    ],
)
def test_a_changed_date_or_grade_changes_every_score_of_the_line(changed: dict[str, str], cell: str, new: str) -> None:
    start(TYPE, rows(), work="import")
    was = {code: stored(code) for code in ("SBELA", "SBELA-RL", "SBELA-WR")}

    run = start(TYPE, rows(**changed))

    assert planned(run) == {code: (cells, {**cells, cell: new}) for code, cells in was.items()}


def test_a_line_that_lost_its_date_changes_no_dated_score() -> None:
    """Nothing says that it is of the same school year."""
    start(TYPE, rows(), work="import")

    run = start(TYPE, rows(final_test_completed_date=""))

    assert (planned(run), run.refused_count) == ({}, 1)  # of two lines; the other is as it was


def test_a_grade_without_its_zero_is_the_same_grade() -> None:
    start(TYPE, rows(), work="import")

    assert planned(start(TYPE, rows(grade_assessed="5"))) == {}


def test_a_child_that_comes_later_is_added_under_the_parent_there_is() -> None:
    start(TYPE, rows(), work="import")
    Score.objects.filter(assessment__state_code="SBELA-WR").delete()
    Assessment.objects.filter(state_code="SBELA-WR").delete()
    parent = Assessment.objects.get(state_code="SBELA")
    before = {code: stored(code) for code in ("SBELA", "SBELA-RL")}

    run = start(TYPE, text(LAYOUT, ela(**PARTS)), work="import")

    assert run.facts["score_counts"] == {"added": 1, "updated": 0, "unchanged": 2}
    (change,) = ImportChange.objects.filter(run=run, kind=SCORES)
    child = Assessment.objects.get(state_code="SBELA-WR")
    assert child.parent == parent
    assert (change.before, list(unpacked(change.after))) == (None, [child.pk])
    assert {code: stored(code) for code in before} == before
    undo(run)
    assert not Assessment.objects.filter(state_code="SBELA-WR").exists()
    assert {code: stored(code) for code in before} == before


def test_an_added_child_beside_a_changed_one_has_no_before() -> None:
    start(TYPE, rows(composite_claim_2_level=""), work="import")
    was = stored("SBELA-RL")

    found = planned(start(TYPE, rows(composite_claim_1_level="1")))

    assert set(found) == {"SBELA-RL", "SBELA-WR"}
    assert found["SBELA-RL"] == (was, {**was, "result": "1"})
    assert found["SBELA-WR"][0] is None


def test_scores_of_other_years_and_set_ups_are_neither_compared_nor_touched() -> None:
    last_year = text("caaspp-2022-23", ela(final_test_completed_date="2023-04-12"))
    start(TYPES["caaspp-2022-23"], last_year, work="import")
    other = Assessment.objects.create(state_code="OTHER", name="Other", score_type="scale", start_date="2023-07-01")
    sam = Score.objects.filter(assessment__state_code="SBELA").get().student
    Score.objects.create(student=sam, assessment=other, school_year=2024, scale_score="1")
    untouched = set(Score.objects.values_list())

    first = start(TYPE, rows(), work="import")
    assert [c.before for c in ImportChange.objects.filter(run=first, kind=SCORES)] == [None, None]
    assert planned(start(TYPE, rows())) == {}
    changed = start(TYPE, rows(scale_score="2503"), work="import")
    assert set(planned(changed)) == {"SBELA"}

    assert untouched <= set(Score.objects.values_list())
    undo(changed)
    assert untouched <= set(Score.objects.values_list())


def test_lines_on_record_as_they_are_need_no_comparing_score_by_score(monkeypatch: pytest.MonkeyPatch) -> None:
    start(TYPE, rows(), work="import")

    def compared(*_given: Any) -> int:
        raise AssertionError("compared score by score")

    monkeypatch.setattr(score_plan, "_insert_differing", compared)

    assert start(TYPE, rows()).facts["score_counts"] == {"added": 0, "updated": 0, "unchanged": 6}


_OF_SCORES = {
    **dict.fromkeys(("scale_score", "raw_score", "result", "error_band", "status", "uin", "measure", "as_tested"), "7"),
    "grade": "05",
    "date": dt.date(2024, 3, 3),
}


@pytest.mark.parametrize("value", ["other", "blank"])
@pytest.mark.parametrize("name", _OF_SCORES)
@pytest.mark.parametrize("code", ["SBELA", "SBELA-RL", "SBELA-WR"])
def test_whatever_differs_on_record_is_planned_as_if_every_score_was_compared(
    code: str, name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(TYPE, rows(), work="import")
    held = Score.objects.filter(student__local_number="100", assessment__state_code=code)
    blank = None if name == "date" else ""
    assert held.update(**{name: _OF_SCORES[name] if value == "other" else blank}) == 1

    quickly = planned_texts(start(TYPE, rows()))
    monkeypatch.setattr(alike, "unlike", lambda _context, _present, lines: (lines, True))

    assert planned_texts(start(TYPE, rows())) == quickly


def test_a_score_that_is_gone_from_the_record_is_planned(monkeypatch: pytest.MonkeyPatch) -> None:
    start(TYPE, rows(), work="import")
    Score.objects.filter(student__local_number="100", assessment__state_code="SBELA-WR").delete()

    assert planned(start(TYPE, rows())).keys() == {"SBELA-WR"}


def planned_texts(run: ImportRun) -> list[Any]:
    return list(
        ImportChange.objects.filter(run=run, kind=SCORES).order_by("line").values_list("line", "before", "after")
    )


def test_lines_of_several_tests_of_a_student_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    mathematics = {"record_type": "02", "uin": "3", "lexile_quantile": "900Q", "condition_code": "INC1"}
    lines = (ela(**PARTS), ela(**mathematics), ela(ssid=SSID_2, first_name="Kim", uin="2", **PARTS))
    start(TYPE, text(LAYOUT, *lines), work="import")
    compared: list[str] = []
    differing = score_plan._insert_differing
    monkeypatch.setattr(score_plan, "_insert_differing", lambda *given: compared.append(given[2]) or differing(*given))

    assert start(TYPE, text(LAYOUT, *lines)).facts["score_counts"]["added"] == 0
    assert not compared

    found = planned(start(TYPE, text(LAYOUT, ela(**PARTS | {"scale_score_sem": "25"}), *lines[1:])))
    assert compared == ["unlike_line AS p"]
    assert found.keys() == {"SBELA"}
