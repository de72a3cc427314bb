"""Replacement SSIDs that contradict each other, and chains: what cannot be written is refused by Test, the rest goes in."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from sisimport.imports.models import ImportRun, RunStatus, Work
from sisimport.imports.runs import services
from ssid.imports import replacement_chains
from students.models import SSID, SSIDReplacement, Student
from students.ssids import students_with_ssid
from tests.imports.journey import Report, finish, revert, run_file, snapshot
from tests.imports.properties import OneExample, adds_up, few
from tests.ssid.journey import District, codes, district, record, update

pytestmark = pytest.mark.django_db

A, B, C, D = (f"970000000{n}" for n in range(1, 5))


@pytest.fixture
def valley() -> District:
    return district()


def line(retired: str, replacement: str, number: str = "100") -> str:
    return f"1234567^0123456^{number}^{retired}^{replacement}"


def numbers_of(student: Student) -> tuple[str | None, list[str]]:
    kept = record(student)
    return kept["ssid"], sorted(kept["retired_ssids"])


@pytest.mark.parametrize("has", [A, B], ids=["has the first", "has the second"])
@pytest.mark.parametrize("turned", [False, True])
def test_two_numbers_that_replace_each_other_are_refused_both(valley: District, has: str, turned: bool) -> None:
    student = valley.add("100", ssid=has)
    lines = [line(A, B), line(B, A)]

    report = update("ssid-replacement", lines[::-1] if turned else lines)

    assert (report["status"], codes(report, severity="error")) == ("completed", ["REP-CIRCLE", "REP-CIRCLE"])
    assert (report["changes"], numbers_of(student)) == ([], (has, []))


def test_a_circle_of_three_and_what_leads_into_it_are_refused(valley: District) -> None:
    student = valley.add("100", ssid=A)
    report = update("ssid-replacement", [line(A, B), line(B, C), line(C, A), line(D, A)])
    assert codes(report, severity="error") == ["REP-CIRCLE"] * 4
    assert (SSIDReplacement.objects.count(), numbers_of(student)) == (0, (A, []))


def test_a_circle_closed_by_what_is_on_record_is_refused(valley: District) -> None:
    student = valley.add("100", ssid=A)
    SSIDReplacement.objects.create(retired_ssid=B, replacement_ssid=C)
    report = update("ssid-replacement", [line(A, B), line(C, A)])
    assert codes(report, severity="error") == ["REP-CIRCLE"] * 2
    assert numbers_of(student) == (A, [])


def test_a_person_entered_twice_gets_no_number_twice(valley: District) -> None:
    first, second = valley.add("100", ssid=A), valley.add("200", ssid=C)

    report = update("ssid-replacement", [line(A, B), line(B, C, "200")])

    assert (report["status"], codes(report, severity="error")) == ("completed", ["REP-SHARED", "REP-SHARED"])
    assert (numbers_of(first), numbers_of(second)) == ((A, []), (C, []))


def test_a_person_entered_twice_is_distinguished_from_what_is_on_record_too(valley: District) -> None:
    valley.add("100", ssid=A)
    valley.add("200", ssid=C)
    SSIDReplacement.objects.create(retired_ssid=B, replacement_ssid=C)
    report = update("ssid-replacement", [line(A, B)])
    assert "REP-SHARED" in codes(report, severity="error")
    assert report["changes"] == []


def test_a_number_that_leads_to_another_student_is_not_given_by_local_number(valley: District) -> None:
    valley.add("100", ssid=D)
    valley.add("200", ssid=C)
    report = update("ssid-replacement", [line(A, B), line(B, C, "200")])
    by_line = {issue["line"]: issue["code"] for issue in report["issues"] if issue["severity"] == "error"}
    assert by_line == {1: "REP-SHARED"}
    assert not SSID.objects.filter(ssid=A).exists()


def test_a_chain_whose_end_the_student_has_keeps_every_former_number(valley: District) -> None:
    student = valley.add("100", ssid=C)
    lines = [line(A, B), line(B, C)]

    report = update("ssid-replacement", lines)
    again = update("ssid-replacement", lines)

    assert (codes(report, severity="error"), report["import_count"]) == ([], 2)
    assert numbers_of(student) == (C, [A, B])
    assert [students_with_ssid(number).get() for number in (A, B, C)] == [student] * 3
    assert (codes(again, severity="error"), again["import_count"], again["unchanged_count"]) == ([], 0, 2)


def test_a_chain_that_ends_on_record_keeps_the_former_number(valley: District) -> None:
    student = valley.add("100", ssid=C)
    SSIDReplacement.objects.create(retired_ssid=B, replacement_ssid=C)
    report = update("ssid-replacement", [line(A, B, number="999")])
    assert codes(report) == ["REP-NUMBER-GONE"]
    assert numbers_of(student) == (C, [A])


def test_a_chain_from_the_current_number_is_written_whole(valley: District) -> None:
    student = valley.add("100", ssid=A)
    before = snapshot()
    lines = [line(A, B), line(B, C), line(D, C)]
    first, second = (update("ssid-replacement", lines) for _ in range(2))
    assert (codes(first, severity="error"), first["import_count"]) == ([], 3)
    assert (codes(second, severity="error"), second["import_count"]) == ([], 0)
    assert numbers_of(student) == (C, [A, B, D])
    assert [students_with_ssid(number).get() for number in (A, B, C, D)] == [student] * 4
    revert(ImportRun.objects.get(pk=first["run"]))
    assert snapshot() == before


@pytest.mark.parametrize("former", [False, True], ids=["a number nobody had", "a former number"])
def test_a_chain_continues_from_what_is_on_record(valley: District, former: bool) -> None:
    student = valley.add("100", ssid=A)
    SSIDReplacement.objects.create(retired_ssid=A, replacement_ssid=B)
    if former:
        SSID.objects.create(student=student, ssid=B, origin="staff", retired_at=dt.datetime(2024, 1, 1, tzinfo=dt.UTC))
    report = update("ssid-replacement", [line(A, B), line(B, C)])
    assert codes(report, severity="error") == []
    assert numbers_of(student) == (C, [A, B])


def test_a_chain_whose_end_was_taken_since_the_test_is_kept_as_far_as_it_is_true(valley: District) -> None:
    student = valley.add("100", ssid=A)
    test = run_file("ssid-replacement", f"{line(A, B)}\n{line(B, C)}\n")
    valley.add("200", ssid=C)

    done = finish(services.start_update(test_run=test.run, user=None, enqueue=False)).run

    assert (done.import_count, done.set_aside_count) == (1, 1)
    assert numbers_of(student) == (A, [])
    assert list(SSIDReplacement.objects.values_list("retired_ssid", "replacement_ssid")) == [(A, B)]


@pytest.mark.parametrize(
    ("middle", "refused"),
    [(line(B, C, number="200"), "REP-CHAIN"), (line(B, C, number=B), "SSID-FORMAT")],
    ids=["about another student", "damaged"],
)
def test_a_chain_with_a_line_in_doubt_is_not_written_beyond_it(valley: District, middle: str, refused: str) -> None:
    student = valley.add("100", ssid=A)
    valley.add("200", gender="F", ssid=D)
    report = update("ssid-replacement", [line(A, B), middle, line(C, "9700000009")])
    assert refused in codes(report, severity="error")
    assert numbers_of(student) == (B, [A])


@pytest.mark.parametrize("bad", ["each other", "entered twice"])
def test_one_bad_pair_does_not_keep_two_hundred_good_lines_out(valley: District, bad: str) -> None:
    lines = []
    for number in range(200):
        valley.add(str(1000 + number), ssid=f"91{number:08d}")
        lines.append(line(f"91{number:08d}", f"92{number:08d}", str(1000 + number)))
    valley.add("100", ssid=A)
    valley.add("200", ssid=C)
    lines[100:100] = [line(A, B), line(B, A)] if bad == "each other" else [line(A, B), line(B, C, "200")]

    report = update("ssid-replacement", lines)

    assert (report["status"], report["import_count"], report["refused_count"]) == ("completed", 200, 2)
    assert SSID.objects.filter(retired_at=None, ssid__startswith="92").count() == 200


def test_a_long_chain_is_read_in_bounded_time(valley: District) -> None:
    """Every number is visited once: with a walk from every line on its own, these would be two million steps."""
    last = 2000
    student = valley.add("100", ssid=f"93{last:08d}")
    report = update("ssid-replacement", [line(f"93{n:08d}", f"93{n + 1:08d}") for n in range(last)])
    assert (codes(report, severity="error"), report["import_count"]) == ([], last)
    assert record(student)["ssid"] == f"93{last:08d}"
    assert SSID.objects.filter(student=student).count() == last + 1


def test_lines_that_share_no_number_are_not_walked(valley: District) -> None:
    """Finding chains took a third of the Test of an ordinary file, which has none."""
    valley.add("100", ssid=A)
    SSIDReplacement.objects.create(retired_ssid=D, replacement_ssid="9700000009")
    with CaptureQueriesContext(connection) as asked:
        alone = run_file("ssid-replacement", f"{line(A, B)}\n", Work.TEST)
    with CaptureQueriesContext(connection) as asked_of_record:
        on_record = run_file("ssid-replacement", f"{line(A, D)}\n", Work.TEST)
    with CaptureQueriesContext(connection) as asked_of_two:
        two = run_file("ssid-replacement", f"{line(A, B)}\n{line(B, C)}\n", Work.TEST)

    def walked(queries: CaptureQueriesContext) -> bool:
        return any("replacement_edge" in query["sql"] for query in queries.captured_queries)

    assert (walked(asked), walked(asked_of_record), walked(asked_of_two)) == (False, True, True)
    assert [report.run.planned_count for report in (alone, on_record, two)] == [1, 0, 2]


def test_a_line_that_waits_names_the_first_of_the_lines_it_waits_for(valley: District) -> None:
    """Repeats of the two are not joined with each other: five thousand of each took minutes."""
    valley.add("100", ssid=A)
    lines = (
        [line(A, B)] * 3 + [line(B, C)] * 3 + [line(C, D, number=C)]
    )  # the last is damaged, so the chain is in doubt
    report = run_file("ssid-replacement", "".join(f"{one}\n" for one in lines), Work.TEST)
    (waiting,) = [issue for issue in report.issues if issue["code"] == "REP-CHAIN" and issue["line"] == 4]
    assert "line 1" in waiting["message"]


# ---- any graph ----

_number = st.integers(min_value=0, max_value=7)
_ssid = "98000000{:02d}".format
_edges = st.lists(st.tuples(_number, _number, st.integers(min_value=0, max_value=4)), min_size=1, max_size=9)
_records = st.lists(st.tuples(_number, st.integers(min_value=0, max_value=3), st.booleans()), max_size=7)
_known = st.dictionaries(_number, _number, max_size=4)


def _arrange(records: list[tuple[int, int, bool]], known: dict[int, int]) -> None:
    """Four students, of whom one is of another gender; numbers current or former; replacements on record."""
    valley = district()
    people = [valley.add(str(100 + n), gender="F" if n == 3 else "M") for n in range(4)]
    taken: set[int] = set()
    with_current: set[int] = set()
    for number, person, is_current in records:
        if number in taken:
            continue
        taken.add(number)
        current = is_current and person not in with_current
        if current:
            with_current.add(person)
        retired_at = None if current else dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
        SSID.objects.create(student=people[person], ssid=_ssid(number), origin="staff", retired_at=retired_at)
    for retired, replacement in known.items():
        if retired != replacement:
            SSIDReplacement.objects.create(retired_ssid=_ssid(retired), replacement_ssid=_ssid(replacement))


def _applied(content: str) -> Report:
    """Test, then exactly that by Update."""
    test = run_file("ssid-replacement", content)
    assert test.run.status == RunStatus.COMPLETED, test.run.message
    done = finish(services.start_update(test_run=test.run, user=None, enqueue=False))
    assert done.run.status == RunStatus.COMPLETED, done.run.message
    assert (done.changes, done.run.set_aside_count) == (test.changes, 0)
    adds_up(done)
    return done


@given(edges=_edges, records=_records, known=_known)
@few
def test_whatever_replaces_what_a_test_can_be_applied(
    edges: list[tuple[int, int, int]], records: list[tuple[int, int, bool]], known: dict[int, int]
) -> None:
    with OneExample():
        _arrange(records, known)
        before = snapshot()
        owners = dict(SSID.objects.values_list("ssid", "student_id"))
        content = "".join(line(_ssid(a), _ssid(b), str(100 + person)) + "\n" for a, b, person in edges)
        runs = []
        for _ in range(len(edges) + 1):  # a chain takes one Update for each of its links
            runs.append(_applied(content).run)
            if not runs[-1].import_count:
                break
        assert not runs[-1].import_count, "the file never comes to rest"
        after = dict(SSID.objects.values_list("ssid", "student_id"))
        assert owners.items() <= after.items(), "a number changed hands, or was lost"
        for number, student in after.items():
            assert student in students_with_ssid(number).values_list("pk", flat=True)
        for run in reversed(runs):
            revert(run)
        assert snapshot() == before


_WALKED_ALL = "GROUP BY n.state, n.number HAVING count(*) > 0 OR bool_or(n.moves_on)"


@given(edges=_edges, records=_records, known=_known)
@few
def test_lines_that_are_not_walked_get_what_the_walk_would_find(
    edges: list[tuple[int, int, int]], records: list[tuple[int, int, bool]], known: dict[int, int]
) -> None:
    content = "".join(line(_ssid(a), _ssid(b), str(100 + person)) + "\n" for a, b, person in edges)
    walked_all = replacement_chains._LINKED.replace(
        "GROUP BY n.state, n.number HAVING count(*) > 1 OR bool_or(n.moves_on)", _WALKED_ALL
    )
    assert walked_all != replacement_chains._LINKED
    with OneExample():
        _arrange(records, known)
        walked_some = run_file("ssid-replacement", content, Work.TEST)
        with pytest.MonkeyPatch.context() as changed:
            changed.setattr(replacement_chains, "_LINKED", walked_all)
            whole = run_file("ssid-replacement", content, Work.TEST)
    assert (walked_some.issues, _without_keys(walked_some)) == (whole.issues, _without_keys(whole))


def _without_keys(report: Report) -> list[dict[str, object]]:
    """The changes, without the keys that each run draws for what it creates, and without its time."""
    return [
        {name: value for name, value in change.items() if name != "object_id"}
        | ({"after": "now"} if change["field"] == "retired_at" else {})
        for change in report.changes
    ]
