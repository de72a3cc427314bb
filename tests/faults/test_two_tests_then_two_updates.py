"""Two files are tested, then both are applied: what both plans make is made once, and the second continues with it."""

import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assessments.models import Assessment, Score
from sisimport.imports.definition.change_kinds import STUDENT_KIND
from sisimport.imports.models import ImportChange, ImportRun, RunStatus, SetAside, SetAsideReason
from sisimport.imports.runs import services
from ssid.models import UtahFunction, UtahRequest
from students.models import LEA, SSID, Enrollment, School, Student
from students.models.people import NAME_FIELDS
from tests.assessments.score_files import ela, text
from tests.assessments.test_score_properties import STATUS_BOX
from tests.assessments.test_usual_lines import LAYOUTS, TYPES, changes_of_cells, home, lines_of
from tests.faults.test_reverts_in_any_order import FILES, Step, undone
from tests.imports.journey import Report, finish, run_file, snapshot
from tests.imports.properties import OneExample, RolledBack, adds_up, few
from tests.roster.test_roster import JOSE, csv
from tests.roster.test_roster_properties import files as roster_files
from tests.ssid.imports.test_download_properties import make, merges, people
from tests.ssid.utah import exchange as utah

pytestmark = pytest.mark.django_db
IDENTITY = {*NAME_FIELDS, "birth_date", "gender", "legal_gender"}  # what every line about a student is compared with


def try_out(step: Step) -> ImportRun:
    import_type, content, options = step
    return run_file(import_type, content, options=options).run


def apply(test: ImportRun) -> Report:
    done = finish(services.start_update(test_run=test, user=None, enqueue=False))
    assert done.run.status == RunStatus.COMPLETED, done.run.message
    adds_up(done)
    return done


def written(run: ImportRun) -> list[ImportChange]:
    aside = set(SetAside.objects.filter(run=run).values_list("line", "seq"))
    return [c for c in ImportChange.objects.filter(run_id=run.plan_run_id) if (c.line, c.seq) not in aside]


def is_about_the_same(later: ImportChange, first: ImportChange) -> bool:
    """Are two changes about the same fields of one student, or of one number?"""
    if later.student_id and later.student_id == first.student_id:
        identity = first.kind == STUDENT_KIND.key and bool(IDENTITY & set(first.after or {}))
        return later.kind == first.kind or identity
    numbers = [
        {(change.after or {}).get(name) for name in ("ssid", "retired_ssid", "local_number")}
        for change in (later, first)
    ]
    return later.kind == first.kind and bool(set.intersection(*numbers) - {None})


def what_is_set_aside_is_about_the_same(first: ImportRun, second: ImportRun) -> None:
    wrote = written(first)
    reasons = SetAside.objects.filter(run=second).exclude(reason=SetAsideReason.DONE)
    aside = set(reasons.values_list("line", "seq"))
    by_line: dict[int, list[ImportChange]] = {}
    for change in ImportChange.objects.filter(run_id=second.plan_run_id).order_by("line", "seq"):
        if (change.line, change.seq) in aside:
            by_line.setdefault(change.line, []).append(change)
    for line, changes in by_line.items():
        assert any(is_about_the_same(change, one) for change in changes for one in wrote), (
            line,
            [(c.kind, c.before, c.after) for c in changes],
        )


def both_orders(steps: Sequence[Step]) -> None:
    """Tested first, applied in both orders; in the end both are reverted and nothing is left of them."""
    before = snapshot()
    for order in itertools.permutations(range(2)):
        with RolledBack():
            tests = [try_out(step) for step in steps]
            if any(test.status != RunStatus.COMPLETED for test in tests):
                return
            first, second = (apply(tests[place]).run for place in order)
            what_is_set_aside_is_about_the_same(first, second)
            for run in (first, second):
                undone(run)
            assert snapshot() == before


# ---- the kinds of the fault ----


def score_step(made: Any, layout: str) -> Step:
    return TYPES[layout], lines_of(made, layout, []), {}


@pytest.mark.parametrize(
    "layouts",
    [
        ("caaspp-2021-22", "caaspp-2023-24"),
        ("caaspp-2017-18", "caaspp-2018-19"),
        ("elpac-initial-2018-19", "elpac-initial-2024-25"),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.combinations
def test_two_years_of_scores_on_a_fresh_district(layouts: tuple[str, str], turned: bool) -> None:
    made = home()
    before = snapshot()
    tests = [try_out(score_step(made, layout)) for layout in layouts]

    done = [apply(test) for test in (tests[::-1] if turned else tests)]

    for report in done:
        test = report.run.test_run
        assert test is not None
        assert test.planned_count > 0
        assert (report.run.import_count, report.run.set_aside_count) == (test.planned_count, 0)
    parents = Assessment.objects.filter(parent=None)
    assert parents.count() == parents.values("state_code", "name").distinct().count()
    assert not Score.objects.exclude(assessment__in=Assessment.objects.values("pk")).exists()
    assert Score.objects.values("school_year").distinct().count() == 2
    for report in done:
        undone(report.run)
    assert snapshot() == before


def test_the_report_of_a_linked_import_names_what_is_there() -> None:
    made = home()
    tests = [try_out(score_step(made, layout)) for layout in ("caaspp-2021-22", "caaspp-2023-24")]
    apply(tests[0])
    second = apply(tests[1])
    codes = {change["field"].split(" ")[0] for change in second.changes if change["what"] == "scores"}
    assert codes == set(Assessment.objects.filter(scores__run_id=second.run.pk).values_list("state_code", flat=True))
    assert set(second.codes()) <= {"SKIP-UNSCORED"}  # the sample has students without a score


def test_the_same_score_file_under_two_tests_is_imported_once() -> None:
    made = home()
    tests = [try_out(score_step(made, "caaspp-2023-24")) for _ in range(2)]
    apply(tests[0])
    after = snapshot()
    second = apply(tests[1])
    assert (second.run.import_count, second.run.set_aside_count) == (0, 0)
    assert snapshot() == after


EVA = JOSE | {"local_number": "200", "last_name": "Núñez", "first_name": "Eva", "birth_date": "2010-01-01", "ssid": ""}


@pytest.mark.parametrize("turned", [False, True])
def test_two_rosters_that_make_the_same_district_school_and_student(turned: bool) -> None:
    shared = JOSE | {"ssid": ""}
    tests = [
        try_out(("students", csv(shared, EVA), {})),
        try_out(
            ("students", csv(EVA | {"local_number": "201", "last_name": "Ortiz"}, shared | {"el_status": "EL"}), {})
        ),
    ]

    done = [apply(test).run for test in (tests[::-1] if turned else tests)]

    assert (LEA.objects.count(), School.objects.count(), Student.objects.count()) == (1, 1, 3)
    assert Enrollment.objects.count() == 3
    assert done[1].set_aside_count == 0
    assert Student.objects.get(local_number=JOSE["local_number"]).el.program_status == "EL"
    for run in done:
        undone(run)
    assert not LEA.objects.exists()


def test_another_person_under_the_same_number_is_not_taken_for_the_planned_one() -> None:
    tests = [
        try_out(("students", csv(JOSE), {})),
        try_out(
            ("students", csv(EVA | {"local_number": JOSE["local_number"], "ssid": "9099999999", "el_status": "EL"}), {})
        ),
    ]
    apply(tests[0])
    second = apply(tests[1])
    assert (second.run.import_count, second.run.set_aside_count) == (0, 1)
    student = Student.objects.get()
    assert student.last_name == JOSE["last_name"]
    assert not student.ssids.filter(ssid="9099999999").exists()


def test_someone_who_moves_to_a_school_that_both_files_make_moves_there() -> None:
    student = home().add("300", last_name="García-López", first_name="José")
    moved = {"lea": "1234567", "school": "0000009", "local_number": "300", "enrollment_start": "2025-01-06"}
    tests = [
        try_out(("students", csv(EVA | {"school": "0000009"}), {})),
        try_out(("students", csv(JOSE | moved | {"ssid": ""}), {})),
    ]
    apply(tests[0])
    second = apply(tests[1])
    student.refresh_from_db()
    assert second.run.set_aside_count == 0
    assert student.school is not None
    assert student.school.code == "0000009"


# ---- any two runs ----


@few
@given(steps=st.lists(st.one_of(*FILES.values()), min_size=2, max_size=2), drawn=people, merged=merges)
@pytest.mark.long
def test_any_two_runs_of_any_types(steps: Any, drawn: Any, merged: Any) -> None:
    with OneExample():
        make(drawn, merged)
        both_orders(steps)


@few
@given(contents=st.tuples(roster_files, roster_files), blank=st.sampled_from(["keep", "clear"]))
@pytest.mark.long
def test_any_two_rosters_of_a_fresh_installation(contents: tuple[str, str], blank: str) -> None:
    with OneExample():
        both_orders([("students", content, {"blank": blank}) for content in contents])


@few
@given(files=st.tuples(*[st.tuples(st.sampled_from(LAYOUTS), changes_of_cells)] * 2), same=st.booleans())
@pytest.mark.long
def test_any_two_score_files_of_a_fresh_district(files: Any, same: bool) -> None:
    with OneExample():
        made = home()
        layouts = [files[0][0] if same else layout for layout, _changed in files]
        both_orders(
            [
                (TYPES[layout], lines_of(made, layout, changed), STATUS_BOX[layout])
                for layout, (_layout, changed) in zip(layouts, files, strict=True)
            ]
        )


INITIAL = "elpac-initial-2024-25"


def statuses_of(students: Iterable[Student]) -> Step:
    """A file of scores of these students, by which all are English learners."""
    numbers = dict(SSID.objects.filter(retired_at=None).values_list("student_id", "ssid"))
    rows = [
        ela(
            INITIAL,
            record_type="22",
            scale_score="200",
            achievement_level="Novice English Learner",
            calculated_elas="EL",
            ssid=numbers[student.pk],
            last_name=student.last_name,
            first_name=student.first_name,
            birth_date=f"{student.birth_date}",
            uin=f"{student.pk:016}",
        )
        for student in students
        if student.pk in numbers
    ]
    return TYPES[INITIAL], text(INITIAL, *rows).decode(), STATUS_BOX[INITIAL]


@few
@given(other=st.one_of(*FILES.values()), drawn=people, merged=merges)
def test_any_file_about_students_and_scores_that_bring_a_status(other: Any, drawn: Any, merged: Any) -> None:
    """Scores share with the other types the student they are matched by, the numbers, and the English learner record."""
    with OneExample():
        make(drawn, merged)
        both_orders([other, statuses_of(Student.objects.order_by("pk"))])


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("last_name", ["Lee", "Leeds"])
@pytest.mark.combinations
def test_a_roster_and_scores_of_the_same_student(turned: bool, last_name: str) -> None:
    """A roster that changes the name keeps out what was matched by the old one, and nothing else; the status comes in once."""
    home()
    student = Student.objects.get(local_number="100")
    named = {
        "local_number": "100",
        "last_name": last_name,
        "first_name": "Sam",
        "middle_name": "",
        "birth_date": "2011-03-04",
    }
    row = JOSE | named | {"grade": "05", "ssid": "", "el_status": "EL"}
    tests = [try_out(("students", csv(row), {})), try_out(statuses_of([student]))]
    assert [test.planned_count for test in tests] == [1, 1]

    done = [apply(test).run for test in (tests[::-1] if turned else tests)]

    what_is_set_aside_is_about_the_same(*done)
    assert Student.objects.get(local_number="100").el.program_status == "EL"
    assert done[0].set_aside_count == 0
    assert Score.objects.exists() == (turned or last_name == "Lee")


# ---- answers of Utah ----

RETRIEVED = ("Match", "Match", "Match", "No Match", "Error")
NUMBERS = st.lists(st.sampled_from(["1234567", "1234568", "1234569", ""]), min_size=4, max_size=4)


def answer_of_utah(made: UtahRequest, ssids: Sequence[str], statuses: Sequence[str]) -> Step:
    """The state's answer, a line of the request after the other."""
    told = iter(zip(ssids, statuses, strict=False))
    return "utah-response", "\n".join(utah.answered(made, lambda _line: next(told))) + "\n", {}


@few
@given(ssids=st.tuples(NUMBERS, NUMBERS), statuses=st.permutations(RETRIEVED), own=NUMBERS)
def test_two_answers_of_utah_or_one_and_a_roster(
    ssids: tuple[list[str], list[str]], statuses: list[str], own: list[str]
) -> None:
    """Requests of two schools, each answered, with the same SSID for several students or in both answers."""
    with OneExample():
        made = utah.utah()
        for number in range(4):
            school = made.other_school if number > 1 else made.school
            made.add(f"{100 + number}", school=school, first_name=("Ana", "Bo", "Cy", "Di")[number])
        requests = [
            utah.request(UtahFunction.RETRIEVE, made.school),
            utah.request(UtahFunction.RETRIEVE, made.other_school),
        ]
        answers = [answer_of_utah(*asked, statuses) for asked in zip(requests, ssids, strict=True)]
        both_orders(answers)
        rows = [
            {"lea": utah.LEA_CODE, "school": utah.SCHOOL_CODE, "local_number": student.local_number, "ssid": ssid,
             "last_name": student.last_name, "first_name": student.first_name, "birth_date": "2011-03-04"}
            for student, ssid in zip(Student.objects.filter(school=made.school).order_by("local_number"), own, strict=False)
        ]  # fmt: skip
        both_orders([answers[0], ("students", csv(*rows), {})])


@pytest.mark.parametrize("turned", [False, True])
def test_an_answer_of_utah_and_a_roster_that_give_one_student_the_same_ssid(turned: bool) -> None:
    made = utah.utah()
    made.add("100", first_name="Ana")
    step = answer_of_utah(utah.request(UtahFunction.RETRIEVE, made.school), ["1234567"], ["Match"])
    row = {"lea": "07", "school": "0123", "local_number": "100", "ssid": "1234567", "last_name": "Lee",
           "first_name": "Ana", "birth_date": "2011-03-04", "enrollment_start": "2024-08-12"}  # fmt: skip
    tests = [try_out(step), try_out(("students", csv(row), {}))]
    assert [test.planned_count for test in tests] == [1, 1], [test.message for test in tests]

    done = [apply(test).run for test in (tests[::-1] if turned else tests)]

    assert done[0].import_count == 1
    what_is_set_aside_is_about_the_same(*done)
    assert SSID.objects.get().ssid == "1234567"
