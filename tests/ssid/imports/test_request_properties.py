"""Request File and the decisions of people: what holds for any file over any small district."""

from typing import Any

import pytest
from django.db import transaction
from hypothesis import event, given
from hypothesis import strategies as st

from sisimport.imports.engine.replanning import plan_again
from sisimport.imports.models import AbsentList, ImportRun, RunStatus
from sisimport.imports.runs import services
from sisimport.imports.runs.decisions import (
    ACCEPT,
    CANDIDATE,
    MATCH,
    REFUSE,
    Decision,
    DecisionRefusedError,
    decide,
    take_back,
)
from sisimport.imports.runs.report import run_json
from ssid.models import MatchRequest
from students.models import Student
from tests.imports.journey import drop_temporary_tables, finish, revert, run_file, snapshot
from tests.imports.properties import OneExample, adds_up, edits_are_kept, few, journey_holds
from tests.ssid.imports.test_download_properties import NUMBERS, SSIDS, edits, files, make, merges, people
from tests.ssid.imports.test_ela_properties import together
from tests.ssid.request_files import HEADER, RESULT

CHANGES = {
    "lea": ["7654321"],
    "pick": ["", "", "N", "1"],
    "number": ["9", ""],
    "last": ["Garcia Lopez", "Poe"],
    "middle": [""],
    "ssid": ["", "123", "1"],
    "category": ["Single Match", "No Match", "Odd"],
    "score": ["91%", "60", "", "high"],
    "born": ["20090215", "20090230"],
    "result_gender": ["F", ""],
    "elas": ["TVD", "FEP", "XX"],
    "day": ["20000101", "soon"],
    "language": ["zz9"],
}
a_change = st.sampled_from(list(CHANGES)).flatmap(lambda name: st.tuples(st.just(name), st.sampled_from(CHANGES[name])))


def request_row(changes: list[tuple[str, str]], **drawn: str) -> str:
    """One candidate of a request for a student whom `make` invents, but for the changes."""
    known = {"lea": "1234567", "last": "García-López", "middle": "Luis", "score": "100%", "born": "20090214"}
    v = {**known, "category": "Multiple Match", "result_gender": "M", **drawn, **dict(changes)}
    return (
        f"{v['lea']},0123456,{v['pick']},{v['number']},{v['last']},José,{v['middle']},{v['ssid']},20160810,{v['category']},"
        f"{v['score']},M,{v['born']},García-López,José,{v['result_gender']},20090214,{v['elas']},{v['day']},{v['language']},Li,Bo"
    )


rows = st.builds(
    request_row,
    st.just([]) | st.lists(a_change, max_size=2),
    pick=st.sampled_from(["X", "X", "x", ""]),
    number=st.sampled_from(NUMBERS),
    ssid=st.sampled_from(SSIDS),
    elas=st.sampled_from(["EL", "IFEP", "RFEP", "TBD", "EO", ""]),
    day=st.sampled_from(["20150901", "20160901", ""]),
    language=st.sampled_from(["spa", "01", "vie", ""]),
)
request_files = st.lists(rows, min_size=1, max_size=8).map(lambda drawn: "\n".join([f"{HEADER},{RESULT}", *drawn]))
short_rows = rows.map(lambda row: ",".join(row.split(",")[:13]))
short_files = st.lists(short_rows, min_size=1, max_size=6).map("\n".join)
options = st.fixed_dictionaries(
    {
        "single_match_score": st.sampled_from(["100", "91", "0"]),
        "replace_retired": st.sampled_from(["", "1"]),
        "rfep_date": st.sampled_from(["identified", "exit"]),
    }
)
# Line, what about it, the answer (or none: take it back), and whom a match means.
answers = st.lists(
    st.tuples(
        st.integers(1, 9),
        st.sampled_from([MATCH, CANDIDATE]),
        st.sampled_from([ACCEPT, REFUSE, None]),
        st.sampled_from(NUMBERS),
    ),
    min_size=1,
    max_size=5,
)


@pytest.mark.django_db
@few
@given(drawn=people, merged=merges, content=request_files | short_files, chosen=options)
@pytest.mark.long
def test_a_request_update_does_what_its_test_planned_and_revert_restores(drawn, merged, content, chosen) -> None:  # type: ignore[no-untyped-def]
    with OneExample():
        make(drawn, merged)
        journey_holds("ssid-request", content, chosen)


@pytest.mark.django_db
@few
@given(drawn=people, content=request_files, chosen=options, since_test=edits, since_update=edits)
def test_edits_beside_a_request_file_are_kept(drawn, content, chosen, since_test, since_update) -> None:  # type: ignore[no-untyped-def]
    with OneExample():
        make(drawn, [])
        edits_are_kept("ssid-request", content, chosen, together(since_test), together(since_update))


@pytest.mark.django_db
@few
@given(
    drawn=people,
    merged=merges,
    made_of=st.tuples(st.just("ssid-request"), request_files)
    | st.tuples(st.sampled_from(["ssid-download", "ela"]), files),
    decided=answers,
)
@pytest.mark.long
def test_decisions_make_the_plan_that_the_whole_file_gives_and_update_applies_it(
    drawn, merged, made_of, decided
) -> None:  # type: ignore[no-untyped-def]
    """However many decisions on however few lines: the Test is as if the whole file had been planned with all of them."""
    import_type, content = made_of
    with OneExample():
        make(drawn, merged)
        before = snapshot()
        test = run_file(import_type, content).run
        if test.status != RunStatus.COMPLETED:
            return
        taken = sum(answer(test, *one) for one in decided)
        event(f"decisions taken: {bool(taken)}")
        said = state_of(test)
        plan_again(test, None)
        drop_temporary_tables()
        assert state_of(test) == said

        test.refresh_from_db()
        update = finish(services.start_update(test_run=test, user=None, enqueue=False))
        assert update.run.status == RunStatus.COMPLETED, update.run.message
        adds_up(update)
        assert update.run.import_count == test.planned_count
        assert update.run.set_aside_count == 0
        revert(update.run)
        assert snapshot() == before


def answer(test: ImportRun, line: int, subject: Any, said: Any, number: str) -> int:
    """Decide as a person would; what cannot be decided is refused and leaves everything as it was."""
    student = (
        Student.objects.get(local_number=number).pk if Student.objects.filter(local_number=number).exists() else None
    )
    before = state_of(test)
    try:
        with transaction.atomic():
            if said is None:
                take_back(run_id=test.pk, lines=[line], subject=subject, user=None)
            else:
                named = student if (subject, said) == (MATCH, ACCEPT) else None
                if (subject, said) == (MATCH, ACCEPT) and named is None:
                    return 0
                made = Decision(line=line, subject=subject, answer=said, student_id=named)
                decide(run_id=test.pk, decisions=[made], user=None, schools=None)
    except DecisionRefusedError:
        drop_temporary_tables()
        assert state_of(test) == before
        return 0
    drop_temporary_tables()
    return 1


def state_of(test: ImportRun) -> dict[str, Any]:
    """All that a Test says, but for the keys that each plan draws again."""
    run = ImportRun.objects.get(pk=test.pk)
    report = run_json(run)
    requests = list(MatchRequest.objects.filter(run=run).order_by("line").values())
    absent = [list(map(str, row)) for row in AbsentList.objects.filter(run=run).values_list("students", "with_el")]
    return {**report, "summary": run.summary, "requests": requests, "absent": absent}
