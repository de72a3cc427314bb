"""A decision plans the lines that it touches, with the same result as planning the whole file again."""

from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from sisimport.imports.engine.sql import execute
from sisimport.imports.models import ImportRun, MatchDecision, RunStatus
from sisimport.imports.runs.decisions import ACCEPT, MATCH, REFUSE, Decision, decide, take_back
from students.models import Student
from tests.assessments.score_files import ALL, ela, start, text
from tests.assessments.test_score_properties import (
    STATUS_BOX,
    district_with_old_numbers,
    repeated_lines,
    with_repeats,
)
from tests.assessments.test_usual_lines import LAYOUTS, TYPES, changes_of_cells, lines_of
from tests.imports.planned_anew import clear, lines_planned, said, same_as_whole
from tests.imports.properties import OneExample, few
from tests.ssid.journey import district

pytestmark = pytest.mark.django_db
TYPE, LAYOUT = "caaspp-2023-2024", "caaspp-2023-24"
UNKNOWN = "9055555555"
# Line of the file (from the records on), whose student (by place, None: nobody's), take back.
steps = st.lists(
    st.tuples(st.integers(0, 30), st.sampled_from(["accept", "accept", "accept", "refuse", "back"]), st.integers(0, 3)),
    min_size=1,
    max_size=3,
)


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    return lines_planned(monkeypatch)


def take(run: ImportRun, at: int, what: str, student: Student) -> bool:
    """One decision, and whether the line may be decided on."""
    decided = MatchDecision.objects.filter(run=run, line=at).exists()
    if what == "back":
        if decided:
            take_back(run_id=run.pk, lines=[at], subject=MATCH, user=None)
        return decided
    answer = ACCEPT if what == "accept" else REFUSE
    chosen = student.pk if answer == ACCEPT else None
    decide(
        run_id=run.pk,
        decisions=[Decision(line=at, subject=MATCH, answer=answer, student_id=chosen)],
        user=None,
        schools=None,
    )
    return True


@few
@given(layout=st.sampled_from(LAYOUTS), changed=changes_of_cells, repeats=repeated_lines, decisions=steps)
@pytest.mark.long
def test_lines_planned_alone_come_to_what_the_whole_file_comes_to(
    layout: str,
    changed: list[tuple[int, str, int]],
    repeats: list[tuple[int, str]],
    decisions: list[tuple[int, str, int]],
) -> None:
    with OneExample():
        home = district_with_old_numbers()
        data = with_repeats(layout, lines_of(home, layout, changed), repeats).encode()
        home.add("103", first_name="Nobody")  # without SSID
        students = list(Student.objects.order_by("pk"))
        run = start(TYPES[layout], data, options=STATUS_BOX[layout])
        if run.status != RunStatus.COMPLETED:
            return
        lines = data.count(b"\n")
        for at, what, whose in decisions:
            clear()
            if take(run, 2 + at % (lines - 1), what, students[whose]):
                event(what)
                same_as_whole(run)


@pytest.mark.parametrize(
    "cells",
    [
        pytest.param({"birth_date": "NS"}, id="refused, and without a date"),
        pytest.param({"achievement_level": "IFEP"}, id="a level beside its condition code", marks=pytest.mark.faults),
        pytest.param({}, id="not scored"),
    ],
)
def test_a_line_without_scores_counts_the_same_alone(cells: dict[str, str]) -> None:
    """Only planned lines count as scores, and a refused one says nothing of its dates."""
    layout = "elpac-initial-2024-25"
    home = district_with_old_numbers()
    header, first, *others = lines_of(home, layout, []).decode().splitlines()
    changed = first.split("^")
    for name, value in cells.items():
        changed[ALL[layout].fields[name].position - 1] = value
    data = "".join(f"{line}\n" for line in [header, "^".join(changed), *others]).encode()
    run = start(TYPES[layout], data, options=STATUS_BOX[layout])

    for _ in range(2):
        clear()
        take(run, 2, "accept", Student.objects.order_by("pk")[0])
        same_as_whole(run)


def test_a_decision_reads_only_the_lines_it_touches(alone: list[Any]) -> None:
    home = district()
    sam = home.add("100", ssid="9012345678")
    others = [home.add(f"{200 + n}", ssid=f"90200000{n:02}", first_name=f"Kim{n}") for n in range(8)]
    rows = [
        ela(ssid=f"90200000{n:02}", first_name=other.first_name, uin=f"50000000000000{n:02}")
        for n, other in enumerate(others)
    ]
    run = start(
        TYPE, text(LAYOUT, *rows, ela(ssid=UNKNOWN, uin="7"), ela(record_type="02", uin="8", lexile_quantile=""))
    )

    alone.clear()
    clear()
    take(run, 10, "accept", sam)

    assert alone == [[10, 11]]
    same_as_whole(run)


def test_the_first_score_of_a_test_makes_its_set_up_and_the_last_takes_it_away(alone: list[Any]) -> None:
    home = district()
    sam = home.add("100", ssid="9012345678")
    run = start(TYPE, text(LAYOUT, ela(ssid=UNKNOWN), ela(record_type="02", uin="8", lexile_quantile="")))
    before = {c["after"]["state_code"] for c in said(run)["changes"] if c["kind"] == "assessment"}
    alone.clear()

    clear()
    take(run, 2, "accept", sam)
    with_ela = {c["after"]["state_code"] for c in said(run)["changes"] if c["kind"] == "assessment"}
    same_as_whole(run)
    take(run, 2, "refuse", sam)
    same_as_whole(run)

    assert before < with_ela
    assert {c["after"]["state_code"] for c in said(run)["changes"] if c["kind"] == "assessment"} == before
    assert alone[0] == alone[2] == [2, 3]


def test_a_number_that_two_students_share_is_reported_once_whoever_gets_the_line(alone: list[Any]) -> None:
    home = district()
    sam = home.add("100", ssid="9012345678")
    kim = home.add("101", ssid="9087654321", first_name="Kim")
    run = start(
        TYPE,
        text(
            LAYOUT,
            ela(uin="7"),
            ela(ssid=UNKNOWN, uin="7"),
            ela(ssid=kim.ssids.get().ssid, first_name="Kim", uin="9"),
            ela(ssid="9077777777", uin="9", first_name="Zoe"),
        ),
    )

    alone.clear()
    clear()
    take(run, 3, "accept", sam)

    assert alone == [[2, 3]]
    same_as_whole(run)


@pytest.mark.parametrize(
    "off",
    [
        pytest.param(["enable_hashagg"], id="groups by sorting", marks=pytest.mark.faults),
        pytest.param(["enable_hashagg", "enable_hashjoin"], id="join by sorting"),
        pytest.param(["enable_nestloop", "enable_mergejoin"], id="join by hashing"),
    ],
)
def test_scores_of_a_line_keep_their_order_however_the_database_joins_and_groups(off: list[str]) -> None:
    """The first of them is the test's own: results are counted by it."""
    layout = "caaspp-2015-16"
    home = district_with_old_numbers()
    data = lines_of(home, layout, [])
    for name in off:
        execute(f"SET LOCAL {name} = off")
    run = start("caaspp-2015-2016", data)
    students = Student.objects.order_by("pk")

    for line in range(2, 2 + len(students)):
        clear()
        take(run, line, "accept", students[line - 2])
        same_as_whole(run)


def test_set_ups_that_came_since_ask_for_the_whole_file(alone: list[Any]) -> None:
    home = district()
    sam = home.add("100", ssid="9012345678")
    data = text(LAYOUT, ela(), ela(ssid=UNKNOWN, record_type="02", uin="8", lexile_quantile=""))
    run = start(TYPE, data)
    start(TYPE, text(LAYOUT, ela()), work="import")
    alone.clear()

    clear()
    take(run, 3, "accept", sam)

    assert alone == [None]
    same_as_whole(run)
