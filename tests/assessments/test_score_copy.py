"""Scores as a plan holds them and as the table gets them: whatever their texts hold, and back again by Revert."""

import csv
import datetime as dt
import io
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from assessments.models import Score
from assessments.scores.change_kinds import SCORES
from assessments.scores.encoding import CELLS, LENGTHS, unpacked
from sisimport.files.layouts import Layout
from sisimport.imports.models import ImportChange, ImportRun
from tests.assessments.score_files import ALL, SSID_1, SSID_2, ela, start, text, undo
from tests.assessments.test_usual_lines import TYPES
from tests.imports.properties import RolledBack, few
from tests.ssid.journey import District, district

pytestmark = pytest.mark.django_db

TYPE, LAYOUT = "caaspp-2023-2024", "caaspp-2023-24"
Cells = dict[tuple[int, int, int], dict[str, str]]  # by student, assessment and school year

# What the text formats of COPY, JSON, CSV and SQL, and the packing, give a meaning to; nothing the reader itself changes.
_PIECES = [
    "\\",
    "\\N",
    "\\.",
    "\\t",
    '"',
    "'",
    "|",
    ";",
    ",",
    "{",
    "}",
    "%s",
    "%",
    "É",
    "ß",
    "漢",
    "$1",
    "NULL",
    "A",
    "7",
]
_texts = st.one_of(st.just(""), st.sampled_from(_PIECES), st.lists(st.sampled_from(_PIECES), max_size=14).map("".join))
_dates = st.sampled_from(["", "2024-04-12", "2024-05-01"])
_levels = st.sampled_from(["", "1", "2", "3"])
_grades = st.sampled_from(["", "05", "5", "KN", "\\N", "|", ";5", "É"])
_smarter_balanced = st.fixed_dictionaries(
    {
        "uin": _texts,
        "condition_code": _texts,
        "lexile_quantile": _texts,
        "grade_assessed": _grades,
        "final_test_completed_date": _dates,
        "scale_score": st.sampled_from(["", "2502", "02502", "0", "NS"]),
        "scale_score_sem": st.sampled_from(["", "24", "NS"]),
        "achievement_level": st.sampled_from(["3", "2"]),
        "composite_claim_1_score": st.sampled_from(["", "2510", "NS"]),
        "composite_claim_1_level": _levels,
        "composite_claim_2_level": _levels,
    }
)
_elpac = st.fixed_dictionaries(
    {
        "uin": _texts,
        "condition_code": _texts,
        "grade_assessed": _grades,
        "test_completed_date_1": _dates,
        "scale_score": st.sampled_from(["1500", "1490"]),
        "achievement_level": st.sampled_from(["3", "2"]),
        "oral_scale_score": st.sampled_from(["", "1480"]),
        "oral_level": _levels,
        "oral_csem": st.sampled_from(["", "12", "NS"]),
        "written_scale_score": st.sampled_from(["", "1470"]),
        "written_csem": st.sampled_from(["", "17"]),
        "listening_level": _levels,
    }
)


def _files(layout: str, record_type: str, values: st.SearchStrategy[dict[str, str]]) -> st.SearchStrategy[Any]:
    """A layout, and the lines of two students in two files of it, one after the other."""
    line = values.map(lambda held: {"record_type": record_type, "last_name": "Lee", "first_name": "Sam"} | held)
    return st.tuples(st.just(layout), *[st.tuples(line, line)] * 2)


two_files = st.one_of(_files(LAYOUT, "01", _smarter_balanced), _files("elpac-summative-2023-24", "21", _elpac))


def home() -> District:
    made = district()
    made.add("100", ssid=SSID_1)
    made.add("101", ssid=SSID_2)
    return made


def written(layout: Layout, rows: tuple[Mapping[str, str], ...]) -> bytes:
    """A file with quotes round the cells that need them."""
    stream = io.StringIO()
    file = csv.writer(stream, delimiter=layout.delimiter, quoting=csv.QUOTE_MINIMAL)
    file.writerow([column.name for column in layout.columns])
    for number, (ssid, row) in enumerate(zip((SSID_1, SSID_2), rows, strict=True)):
        cells = [""] * len(layout.columns)
        cells[-1] = layout.end_marker or ""
        uin = f"{number}{row['uin']}"  # lines with one UIN would be refused
        for name, value in {**row, "ssid": ssid, "uin": uin, "birth_date": "2011-03-04"}.items():
            cells[layout.fields[name].position - 1] = value
        file.writerow(cells)
    return stream.getvalue().encode()


def stored() -> Cells:
    return {
        (score.student_id, score.assessment_id, score.school_year): {
            name: str(getattr(score, name) or "") for name in (*CELLS, "as_tested")
        }
        for score in Score.objects.all()
    }


def planned(run: ImportRun, side: str = "after") -> Cells:
    """The cells in one side of the run's changes, as the reports read them."""
    found: Cells = {}
    for change in ImportChange.objects.filter(run=run.test_run or run, kind=SCORES):
        held = getattr(change, side)
        for assessment, cells in unpacked(held).items():
            found[change.student_id or 0, assessment, int(held["school_year"])] = cells
    return found


def kept(value: str, cell: str) -> str:
    """What is stored of a text of the file: no separators, and no more than fits."""
    return value.translate({ord("|"): None, ord(";"): None})[: LENGTHS[cell]]


@few
@given(files=two_files)
@pytest.mark.long
def test_what_is_stored_is_what_the_plan_says_for_any_text_and_revert_brings_back_every_cell(
    files: tuple[str, tuple[dict[str, str], ...], tuple[dict[str, str], ...]],
) -> None:
    layout, first, second = files
    with RolledBack():
        home()

        one = start(TYPES[layout], written(ALL[layout], first), work="import")
        assert one.status == "completed", one.message
        before = stored()
        assert before == planned(one)

        two = start(TYPES[layout], written(ALL[layout], second), work="import")
        event(f"updates: {bool(planned(two, 'before'))}, adds: {planned(two).keys() - before.keys() != set()}")
        assert planned(two, "before").items() <= before.items()
        assert stored() == before | planned(two)

        undo(two)
        assert stored() == before
        undo(one)
        assert stored() == {}


@pytest.mark.parametrize(
    "value", ["\\", "1\\N", "\\.", "\\t\\n", '"', "O'Neil", "ÉÑ漢", "{a,b}", "%s", "|", "a;b", "a|b", "x" * 30]
)
def test_a_text_is_stored_as_it_is_without_separators_and_cut_to_its_length(value: str) -> None:
    home()
    row = ela(uin=f"7{value}", lexile_quantile=value, condition_code=value.upper(), final_test_completed_date="")

    assert start(TYPE, written(ALL[LAYOUT], (row, ela(uin="8"))), work="import").status == "completed"

    score = Score.objects.get(student__local_number="100")
    assert score.uin == kept(f"07{value}", "uin")
    assert score.measure == kept(value, "measure")
    assert score.status == kept(value.upper(), "status")
    assert score.date is None


def test_accents_are_cut_by_characters_and_not_by_bytes() -> None:
    home()
    start(TYPE, written(ALL[LAYOUT], (ela(uin="É" * 19), ela(uin="Ñ" * 30))), work="import")

    found = Score.objects.order_by("student__local_number").values_list("uin", flat=True)
    assert list(found) == ["0" + "É" * 19, "1" + "Ñ" * 19]


def test_a_date_that_a_file_adds_is_taken_away_again_by_revert() -> None:
    home()
    start(TYPE, text(LAYOUT, ela(final_test_completed_date="", composite_claim_2_level="3")), work="import")
    before = stored()
    assert {cells["date"] for cells in before.values()} == {""}

    run = start(TYPE, text(LAYOUT, ela(composite_claim_2_level="3")), work="import")
    assert set(Score.objects.values_list("date", flat=True)) == {dt.date(2024, 4, 12)}
    undo(run)

    assert stored() == before
    assert set(Score.objects.values_list("date", flat=True)) == {None}


def test_revert_of_one_changed_child_leaves_its_siblings_as_they_were() -> None:
    home()
    parts = {"composite_claim_1_score": "2510", "composite_claim_1_level": "2", "composite_claim_2_level": "3"}
    first = start(TYPE, text(LAYOUT, ela(**parts)), work="import")
    before = stored()

    run = start(TYPE, text(LAYOUT, ela(**{**parts, "composite_claim_2_level": "1"})), work="import")
    assert [(key in before, cells["result"]) for key, cells in planned(run).items()] == [(True, "1")]
    assert set(Score.objects.values_list("assessment__state_code", "run_id")) == {
        ("SBELA", first.pk),
        ("SBELA-RL", first.pk),
        ("SBELA-WR", run.pk),
    }
    undo(run)

    assert stored() == before
