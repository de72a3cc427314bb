"""Held runs: a disaster waits for a second person, an ordinary day does not (hold)."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from assessments.models import Score
from sisimport.imports.engine.counting import Totals
from sisimport.imports.models import ImportChange, ImportRun, RunHold, RunStatus, Work
from sisimport.imports.runs import approvals, holding, services
from sisimport.imports.runs.uploads import RunRefusedError
from students.models import LEA, SSID, DistrictSettings, ELRecord, Enrollment, School, Student
from tests.assessments import score_files
from tests.files.samples import line
from tests.imports.journey import District, finish, make_district, revert, run_file
from tests.made_once import for_this_test, made_once

EACH = 120  # students of each of two schools
FIRST_BIRTH = date(2009, 9, 5)  # of grade 8 in the year of the scores
LETTERS = "ABCDEFGHIJ"


def name_of(number: int) -> str:
    return "Q" + "".join(LETTERS[int(digit)].lower() for digit in str(number))


def person(number: int, **values: str) -> dict[str, str]:
    """One student as a line of the roster; the state's SSID among it."""
    return {
        "lea": "1234567",
        "school": "0123456" if number < EACH else "0123457",
        "local_number": str(100000 + number),
        "ssid": str(9000000000 + number),
        "last_name": f"Alder{name_of(number)}",
        "first_name": f"Bea{name_of(number)}",
        "birth_date": (FIRST_BIRTH + timedelta(days=number)).isoformat(),
        "gender": "F",
        "home_language": "spa",
        "grade": "10",
        "enrollment_start": "2024-08-12",
        **values,
    }


PEOPLE = [person(number) for number in range(2 * EACH)]


@pytest.fixture(scope="module")
def full_district_once(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[District, Path]]:
    with made_once(make_full_district, tmp_path_factory.mktemp("full_district"), django_db_blocker) as made:
        yield made


@pytest.fixture
def full_district(full_district_once: tuple[District, Path], db: None) -> District:
    return for_this_test(full_district_once)


def make_full_district() -> District:
    """240 students with SSIDs, the first 100 of each school English learners; nothing was imported yet."""
    district = make_district()
    schools = {"0123456": district.school, "0123457": district.other_school}
    Student.objects.bulk_create(
        Student(
            lea=district.lea,
            school=schools[one["school"]],
            birth_date=date.fromisoformat(one["birth_date"]),
            **{
                name: one[name]
                for name in ("local_number", "last_name", "first_name", "gender", "home_language", "grade")
            },
        )
        for one in PEOPLE
    )
    students = list(Student.objects.order_by("local_number"))
    Enrollment.objects.bulk_create(
        Enrollment(student=s, school=s.school, grade=s.grade, start_date=date(2024, 8, 12)) for s in students
    )
    SSID.objects.bulk_create(
        SSID(student=s, ssid=str(9000000000 + n), origin="state_file", verified=True) for n, s in enumerate(students)
    )
    ELRecord.objects.bulk_create(
        ELRecord(student=s, program_status="EL", identified_date=date(2020, 9, 1))
        for n, s in enumerate(students)
        if n % EACH < 100
    )
    return district


def roster(people: list[dict[str, str]]) -> str:
    columns = list(PEOPLE[0])
    return "\n".join([",".join(columns), *(",".join(one[name] for name in columns) for one in people), ""])


def state_lines(people: list[dict[str, str]], **values: str) -> str:
    """These students as an SSID download, without English learner data unless `values` says otherwise."""
    names = ("lea", "school", "local_number", "ssid", "last_name", "first_name", "gender", "grade")
    return "".join(
        line(
            **{name: one[name] for name in names},
            middle_name="",
            birth_date=one["birth_date"].replace("-", ""),
            **({"elas": "", "elas_date": "", "language": ""} | values),
        )
        + "\n"
        for one in people
    )


def ela_lines(people: list[dict[str, str]], status: str) -> str:
    return "".join(
        f"SELA^A^^1234567^{one['school']}^2024-2025^{one['ssid']}^{one['first_name']}^{one['last_name']}"
        f"^{one['birth_date'].replace('-', '')}^F^{one['local_number']}^{status}^20240901^spa^\n"
        for one in people
    )


def scores(people: list[dict[str, str]], scale: Callable[[int], int] = lambda n: 2500 + n % 50) -> bytes:
    return score_files.text(
        "caaspp-2023-24",
        *(
            score_files.ela(
                ssid=one["ssid"],
                last_name=one["last_name"],
                first_name=one["first_name"],
                birth_date=one["birth_date"],
                grade_assessed="08",
                scale_score=str(scale(n)),
                achievement_level="2",
                uin=str(1000000000000000 + n),
            )
            for n, one in enumerate(people)
        ),
    )


def reasons(import_type: str, content: str | bytes, **more: Any) -> set[str]:
    """Codes of the limits that the plan of this file goes beyond."""
    test = run_file(import_type, content, **more).run
    assert test.status == RunStatus.COMPLETED, test.message
    counts = {name: getattr(test, name) for name in ("record_count", "planned_count")}
    found = holding.reasons_to_hold(test, Totals(counts=counts, **test.summary), lea_ids=test.lea_ids)
    for reason in found:
        assert f"{reason.count:,}" in reason.sentence, "every reason says how many"
    return {reason.code for reason in found}


def test_one_line_is_not_called_lines() -> None:
    one = holding.Reason(holding.LINES, 0.6, 80, 1, 169)

    assert one.sentence == "It has 1 line; last time's file had 169: 0.6%, and at least 80% is usual."
    assert "Only 1 of its 169 lines is about" in replace(one, code=holding.MATCHED).sentence
    assert "with 1 student, in" in replace(one, code=holding.DISTRICT).sentence


def applied(import_type: str, content: str | bytes) -> ImportRun:
    """The file brought in on an earlier day."""
    work = Work.IMPORT if import_type.startswith("caaspp") else Work.UPDATE
    run = run_file(import_type, content, work).run
    assert run.status == RunStatus.COMPLETED, run.message
    return run


def swapped(one: dict[str, str]) -> dict[str, str]:
    return one | {"last_name": one["first_name"], "first_name": one["last_name"]}


def later(one: dict[str, str], **values: str) -> dict[str, str]:
    return one | values


# ---- twelve disasters ----


WRITTEN = {"other_people": "write"}


def refused_unless_said_to_be_right(content: str) -> bool:
    """A roster that gives everybody another value is refused; where somebody says that it is right, it is held all the same."""
    report = run_file("students", content)
    assert (report.run.status, [i["code"] for i in report.issues]) == (RunStatus.REJECTED, ["COLUMN-SORTED"])
    return bool(reasons("students", content, options=WRITTEN) & {holding.STUDENTS, holding.MATCHED})


def test_disaster_1_names_swapped_in_a_roster(full_district: District) -> None:
    assert refused_unless_said_to_be_right(roster([swapped(one) for one in PEOPLE]))


def test_disaster_2_birth_dates_of_the_line_before(full_district: District) -> None:
    moved = [later(one, birth_date=PEOPLE[n - 1]["birth_date"]) for n, one in enumerate(PEOPLE)]
    assert refused_unless_said_to_be_right(roster(moved))


def test_disaster_3_half_a_roster(full_district: District) -> None:
    applied("students", roster(PEOPLE))
    assert reasons("students", roster(PEOPLE[:EACH])) == {holding.LINES}


def test_disaster_4_half_an_ssid_download(full_district: District) -> None:
    applied("ssid-download", state_lines(PEOPLE))
    assert reasons("ssid-download", state_lines(PEOPLE[:EACH])) == {holding.LINES}


def test_disaster_5_half_a_score_file(full_district: District) -> None:
    applied("caaspp-2023-2024", scores(PEOPLE))
    assert reasons("caaspp-2023-2024", scores(PEOPLE[:EACH])) == {holding.LINES}


def test_disaster_6_the_roster_of_another_district(full_district: District) -> None:
    foreign = [later(one, lea="7654321", school="0999999", ssid="") for one in PEOPLE]
    assert holding.DISTRICT in reasons("students", roster(foreign), options={"new_students": "yes"})


def test_disaster_7_another_districts_students_under_our_code(full_district: District) -> None:
    strangers = [
        later(one, local_number=f"5{one['local_number']}", ssid="", last_name=f"Other{one['last_name']}")
        for one in PEOPLE
    ]
    assert holding.MATCHED in reasons("students", roster(strangers))


def test_disaster_8_the_scores_of_another_district(full_district: District) -> None:
    strangers = [later(one, ssid=str(8000000000 + n)) for n, one in enumerate(PEOPLE)]
    assert holding.MATCHED in reasons("caaspp-2023-2024", scores(strangers))


def test_disaster_9_ssids_of_the_line_before_in_a_download(full_district: District) -> None:
    """The rules refuse each of these lines already: nothing is left that could be held."""
    moved = [later(one, ssid=PEOPLE[n - 1]["ssid"]) for n, one in enumerate(PEOPLE)]
    assert run_file("ssid-download", state_lines(moved)).run.planned_count == 0


def test_disaster_10_ssids_of_many_students_are_overwritten(full_district: District) -> None:
    """Retired at the state, and replaced by the file: 60 of 120 students of one school."""
    from students.models import SSIDReplacement

    new = [later(one, ssid=str(9100000000 + n)) for n, one in enumerate(PEOPLE[:60])]
    SSIDReplacement.objects.bulk_create(
        SSIDReplacement(retired_ssid=old["ssid"], replacement_ssid=one["ssid"])
        for old, one in zip(PEOPLE, new, strict=False)
    )
    content = state_lines([*new, *PEOPLE[60:]])
    assert reasons("ssid-download", content, options={"replace_retired": "1"}) == {holding.SSIDS}


def test_disaster_11_every_english_learner_becomes_english_only(full_district: District) -> None:
    assert reasons("ela", ela_lines(PEOPLE, "EO")) == {holding.EL}


def test_disaster_12_every_score_on_record_gets_another_value(full_district: District) -> None:
    applied("caaspp-2023-2024", scores(PEOPLE))
    assert reasons("caaspp-2023-2024", scores(PEOPLE, lambda n: 2510 + n % 50)) == {holding.STUDENTS}


# ---- twelve ordinary days: the first two, which begin with nobody, are in test_holding_first_loads.py ----


def test_ordinary_3_first_load_into_a_new_school(full_district: District) -> None:
    School.objects.create(lea=full_district.lea, code="0123458", name="Elm High")
    new = [later(person(1000 + n), school="0123458") for n in range(300)]
    assert reasons("students", roster([*PEOPLE, *new])) == set()


def test_ordinary_4_the_same_roster_again(full_district: District) -> None:
    applied("students", roster(PEOPLE))
    assert reasons("students", roster(PEOPLE)) == set()


def test_ordinary_5_a_new_school_year(full_district: District) -> None:
    """Everybody a grade up and enrolled again, a tenth gone, a tenth new."""
    applied("students", roster(PEOPLE))
    stayed = [later(one, grade="11", enrollment_start="2025-08-11") for one in PEOPLE[24:]]
    new = [later(person(1000 + n), enrollment_start="2025-08-11") for n in range(24)]
    assert reasons("students", roster([*stayed, *new])) == set()


def test_ordinary_6_a_few_names_corrected(full_district: District) -> None:
    changed = [later(one, last_name=f"{one['last_name']}-Ash") for one in PEOPLE[:8]]
    assert reasons("students", roster([*changed, *PEOPLE[8:]])) == set()


def test_ordinary_7_first_ssids_for_everybody(full_district: District) -> None:
    SSID.objects.all().delete()
    assert reasons("ssid-download", state_lines(PEOPLE)) == set()


def test_ordinary_8_first_english_learner_data_for_everybody(full_district: District) -> None:
    ELRecord.objects.all().delete()
    assert reasons("ela", ela_lines(PEOPLE, "EL")) == set()


def test_ordinary_9_reclassification_of_a_few_in_spring(full_district: District) -> None:
    assert reasons("ela", ela_lines(PEOPLE[:20], "RFEP")) == set()


def test_ordinary_10_the_first_scores_of_a_year(full_district: District) -> None:
    assert reasons("caaspp-2023-2024", scores(PEOPLE)) == set()


def test_ordinary_11_the_renewed_score_file_with_more_lines(full_district: District) -> None:
    applied("caaspp-2023-2024", scores(PEOPLE[:200]))
    assert reasons("caaspp-2023-2024", scores(PEOPLE)) == set()


def test_ordinary_12_a_small_file_after_a_small_file(full_district: District) -> None:
    """Below the floor nothing is held, whatever its share."""
    applied("students", roster(PEOPLE[:40]))
    assert reasons("students", roster([swapped(one) for one in PEOPLE[:10]]), options=WRITTEN) == set()


# ---- what is counted ----


def test_as_tested_facts_added_to_scores_on_record_replace_no_result(full_district: District) -> None:
    """A file of before is imported again to learn who was tested: an ordinary day."""
    from assessments.models import Score

    applied("caaspp-2023-2024", scores(PEOPLE))
    Score.objects.update(as_tested="")
    assert reasons("caaspp-2023-2024", scores(PEOPLE)) == set()


def test_replacements_that_name_the_number_they_replace_are_not_held(full_district: District) -> None:
    content = "".join(
        f"1234567^{one['school']}^{one['local_number']}^{one['ssid']}^{9200000000 + n}\n"
        for n, one in enumerate(PEOPLE)
    )
    assert reasons("ssid-replacement", content) == set()


def test_pending_may_always_become_another_status(full_district: District) -> None:
    ELRecord.objects.update(program_status="Pending")
    assert reasons("ela", ela_lines(PEOPLE, "EL")) == set()


def test_corrected_lines_and_reverts_are_never_held(full_district: District) -> None:
    run = applied("caaspp-2023-2024", scores(PEOPLE))
    undone = revert(run).run
    assert undone.status == RunStatus.COMPLETED
    assert undone.import_count == len(PEOPLE)


def test_limits_of_several_districts_are_the_strictest(full_district: District) -> None:
    one, other = LEA.objects.create(code="1111111"), LEA.objects.create(code="2222222")
    DistrictSettings.objects.create(lea=one, hold_floor=20, hold_students_percent=30)
    DistrictSettings.objects.create(lea=other, hold_floor=90, hold_students_percent=5, hold_matched_percent=70)
    limits = holding.limits_of([one.pk, other.pk])
    assert (limits.floor, limits.students, limits.matched) == (20, 5, 70)


def test_a_district_that_does_not_hold_lets_everything_through(full_district: District) -> None:
    DistrictSettings.objects.create(lea=full_district.lea, holds_updates=False)
    assert reasons("ela", ela_lines(PEOPLE, "EO")) == set()


def test_a_limit_of_the_district_decides(full_district: District) -> None:
    DistrictSettings.objects.create(lea=full_district.lea, hold_el_percent=100)
    assert reasons("ela", ela_lines(PEOPLE, "EO")) == set()


# ---- held, approved, rejected ----


@pytest.fixture
def approver(db: None) -> User:
    return User.objects.create_user("second", password=None)


def held_update(user: User | None = None) -> ImportRun:
    test = run_file("ela", ela_lines(PEOPLE, "EO")).run
    run = finish(services.start_update(test_run=test, user=user, enqueue=False)).run
    assert run.status == RunStatus.HELD
    return run


def statuses() -> set[str]:
    return set(ELRecord.objects.values_list("program_status", flat=True))


def test_a_held_update_changes_nothing_and_says_why(full_district: District) -> None:
    run = held_update()
    assert statuses() == {"EL"}
    assert (run.import_count, run.outcome_counts["imported"]) == (0, len(PEOPLE))
    assert run.planned_count == len(PEOPLE)
    (reason,) = holding.reasons_of(run)
    assert (reason.code, reason.limit, reason.count, reason.of) == (holding.EL, 10, 100, EACH)
    assert reason.sentence in run.message


def test_an_approved_update_writes_what_its_test_showed(full_district: District, approver: User) -> None:
    run = approvals.approve(run=held_update(), user=approver, why="The state closed the program.", enqueue=False)
    ended = finish(run).run
    assert ended.status == RunStatus.COMPLETED
    assert ended.import_count == len(PEOPLE)
    assert statuses() == {"EO"}
    assert ended.hold.decided_by == approver
    assert ended.hold.why == "The state closed the program."


def test_an_approved_update_sets_aside_whoever_changed_meanwhile(full_district: District, approver: User) -> None:
    run = held_update()
    Student.objects.filter(local_number="100000").update(last_name="Edited")
    ended = finish(approvals.approve(run=run, user=approver, why="Right", enqueue=False)).run
    assert (ended.set_aside_count, ended.import_count) == (1, len(PEOPLE) - 1)


def test_an_approved_update_can_be_reverted(full_district: District, approver: User) -> None:
    ended = finish(approvals.approve(run=held_update(), user=approver, why="Right", enqueue=False)).run
    assert revert(ended).run.import_count == len(PEOPLE)
    assert statuses() == {"EL"}


def test_a_held_import_keeps_its_plan_and_writes_it_when_approved(full_district: District, approver: User) -> None:
    applied("caaspp-2023-2024", scores(PEOPLE))
    run = run_file("caaspp-2023-2024", scores(PEOPLE, lambda n: 2510 + n % 50), Work.IMPORT).run
    assert run.status == RunStatus.HELD
    planned = ImportChange.objects.filter(run=run).count()
    assert planned >= len(PEOPLE)
    ended = finish(approvals.approve(run=run, user=approver, why="Rescored", enqueue=False)).run
    assert (ended.status, ended.import_count) == (RunStatus.COMPLETED, len(PEOPLE))
    assert ImportChange.objects.filter(run=run).count() == planned
    assert revert(ended).run.import_count == len(PEOPLE)


def test_a_held_import_of_a_new_year_sets_aside_whoever_changed_meanwhile(
    full_district: District, approver: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its plan was not made under the lock under which it is written."""
    monkeypatch.setattr(holding, "reasons_to_hold", lambda *_, **__: [holding.Reason(holding.EL, 83.0, 10, 100, EACH)])
    run = run_file("caaspp-2023-2024", scores(PEOPLE), Work.IMPORT).run
    assert run.status == RunStatus.HELD
    Student.objects.filter(local_number="100000").update(last_name="Somebody", first_name="Else")
    Student.objects.filter(local_number="100001").delete()

    ended = finish(approvals.approve(run=run, user=approver, why="Right", enqueue=False)).run

    assert (ended.import_count, ended.set_aside_count) == (len(PEOPLE) - 2, 2)
    assert not Score.objects.exclude(student_id__in=Student.objects.values("pk")).exists()


def test_an_import_compares_nothing_again_that_it_planned_under_its_own_lock(full_district: District) -> None:
    applied("caaspp-2023-2024", scores(PEOPLE[:3]))

    with CaptureQueriesContext(connection) as sent:
        again = run_file("caaspp-2023-2024", scores(PEOPLE[:5], lambda n: 2510 + n % 50), Work.IMPORT).run

    assert again.import_count == 5
    assert not [sql for sql in (one["sql"] for one in sent) if "AS judged" in sql]


def test_a_rejected_run_ends_and_changes_nothing(full_district: District, approver: User) -> None:
    run = approvals.reject(run=held_update(), user=approver, why="Wrong file")
    assert run.status == RunStatus.CANCELLED
    assert "Wrong file" in run.message
    assert statuses() == {"EL"}


def test_nobody_decides_on_their_own_run(full_district: District, approver: User) -> None:
    run = held_update(approver)
    with pytest.raises(RunRefusedError, match="second person"):
        approvals.approve(run=run, user=approver, why="Mine", enqueue=False)
    run.refresh_from_db()
    assert run.status == RunStatus.HELD


def test_a_decision_needs_a_reason_and_is_made_once(full_district: District, approver: User) -> None:
    run = held_update()
    with pytest.raises(RunRefusedError, match="why"):
        approvals.approve(run=run, user=approver, why="  ", enqueue=False)
    approvals.reject(run=run, user=approver, why="No")
    with pytest.raises(RunRefusedError, match="a decision was already made"):
        approvals.approve(run=run, user=approver, why="Yes", enqueue=False)
    assert RunHold.objects.get(run=run).decision == "rejected"


def test_a_held_run_can_be_withdrawn(full_district: District) -> None:
    run = held_update()
    assert services.cancel_run(run=run)
    run.refresh_from_db()
    assert run.status == RunStatus.CANCELLED


def test_a_second_click_on_update_finds_the_held_run(full_district: District) -> None:
    run = held_update()
    assert run.test_run is not None
    assert services.start_update(test_run=run.test_run, user=None, enqueue=False).pk == run.pk
