"""Reverts in any order end where they would in the right one: everything as before, of every import type."""

import datetime as dt
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from sisimport.audit.models import AuditEntry
from sisimport.imports.models import ImportRun, Reverted, RunStatus
from sisimport.imports.runs import services
from ssid.models import UtahFunction
from ssid.utah.services import RequestRefusedError
from students.models import SSID, FamilyInvitation, School, SecondCheck, Student
from tests.assessments.test_score_properties import STATUS_BOX
from tests.assessments.test_usual_lines import LAYOUTS, TYPES, changes_of_cells, home, lines_of
from tests.factories import UserFactory
from tests.imports.journey import District, Report, finish, give_ssid, make_district, revert, run_file, snapshot
from tests.imports.properties import OneExample, adds_up, few
from tests.longer import one_in
from tests.roster.test_roster import JOSE, csv
from tests.roster.test_roster_properties import files as roster_files
from tests.ssid.imports.test_download_properties import files as download_files
from tests.ssid.imports.test_download_properties import make, merges, people
from tests.ssid.imports.test_ela_properties import replacement_files, sela_files
from tests.ssid.imports.test_list_properties import lists
from tests.ssid.imports.test_request_properties import request_files
from tests.ssid.utah import exchange as utah
from tests.ssid.utah.test_utah_properties import answers
from tests.ssid.utah.test_utah_properties import response as utah_response

pytestmark = pytest.mark.django_db

Step = tuple[str, str | bytes, Mapping[str, str]]
ORDERS = st.permutations(range(4))


def applied(step: Step) -> ImportRun | None:
    """Test and Update, or Import, of one file; nothing where the file was refused as a whole."""
    import_type, content, options = step
    test = run_file(import_type, content, options=options)
    if test.run.status != RunStatus.COMPLETED:
        return None
    done = finish(services.start_update(test_run=test.run, user=None, enqueue=False)).run
    assert done.status == RunStatus.COMPLETED, done.message
    return done


def undone(run: ImportRun) -> Report:
    report = revert(run)
    assert report.run.status == RunStatus.COMPLETED, report.run.message
    adds_up(report)
    return report


def everything_comes_back(steps: Iterable[Step], order: Sequence[int]) -> None:
    """Apply the files one after the other, then revert the runs in this order, each once."""
    before = snapshot()
    runs = [run for step in steps if (run := applied(step)) is not None]
    for place in order:
        if place < len(runs):
            undone(runs[place])
    assert snapshot() == before
    for run in runs:
        run.refresh_from_db()
        assert run.reverted == Reverted.WHOLLY


FILES: dict[str, st.SearchStrategy[Step]] = {
    "students": st.tuples(st.just("students"), roster_files, st.sampled_from([{"blank": "keep"}, {"blank": "clear"}])),
    "ssid-download": st.tuples(st.just("ssid-download"), download_files, st.just({"replace_retired": "1"})),
    "ela": st.tuples(st.just("ela"), download_files | sela_files, st.just({})),
    "ssid-replacement": st.tuples(st.just("ssid-replacement"), replacement_files, st.just({})),
    "ssid-request": st.tuples(st.just("ssid-request"), request_files, st.just({"replace_retired": "1"})),
    "ssid-list": st.tuples(st.just("ssid-list"), lists, st.just({})),
}


@pytest.mark.parametrize("import_type", one_in(3, list(FILES)))
@few
@given(data=st.data(), drawn=people, merged=merges, order=ORDERS)
@pytest.mark.long
def test_two_to_four_runs_of_one_type(import_type: str, data: Any, drawn: Any, merged: Any, order: Any) -> None:
    with OneExample():
        make(drawn, merged)
        everything_comes_back(data.draw(st.lists(FILES[import_type], min_size=2, max_size=4)), order)


@few
@given(steps=st.lists(st.one_of(*FILES.values()), min_size=2, max_size=4), drawn=people, merged=merges, order=ORDERS)
@pytest.mark.long
def test_two_to_four_runs_of_any_types(steps: Any, drawn: Any, merged: Any, order: Any) -> None:
    with OneExample():
        make(drawn, merged)
        everything_comes_back(steps, order)


@few
@given(
    files=st.lists(st.tuples(st.sampled_from(LAYOUTS), changes_of_cells), min_size=2, max_size=4),
    same=st.booleans(),
    order=ORDERS,
)
@pytest.mark.long
def test_two_to_four_score_files(files: Any, same: bool, order: Any) -> None:
    """Of different years and tests, or of the same one with other scores."""
    with OneExample():
        made = home()
        layouts = [files[0][0] if same else layout for layout, _changed in files]
        steps = [
            (TYPES[layout], lines_of(made, layout, changed), STATUS_BOX[layout])
            for layout, (_layout, changed) in zip(layouts, files, strict=True)
        ]
        everything_comes_back(steps, order)


@few
@given(said=st.lists(answers, min_size=3, max_size=3), order=st.permutations(range(3)))
@pytest.mark.long
def test_answers_to_requests_in_utah(said: Any, order: Any) -> None:
    """A request can be made when the one before it was answered, so each follows the Update of the answer before."""
    with OneExample():
        first = utah_response([("100", "", False), ("101", "1234567", True)], UtahFunction.RETRIEVE, said[0])
        assert first is not None

        def steps() -> Iterator[Step]:
            yield "utah-response", first, {}
            for answer in said[1:]:
                try:
                    made = utah.request(UtahFunction.RETRIEVE, School.objects.get(code=utah.SCHOOL_CODE))
                except RequestRefusedError:
                    return
                told = zip(utah.lines_of(made), answer, strict=False)
                lines = [utah.response_line(line, ssid, status) for line, (ssid, status, _changed) in told]
                yield "utah-response", "\n".join(lines) + "\n", {}

        everything_comes_back(steps(), order)


# ---- every order of a history that touches everything ----

NEW_STUDENT = JOSE | {"local_number": "77", "last_name": "Núñez", "first_name": "Eva", "ssid": ""}


def history(district: District) -> list[Step]:
    """A new district year: students come, get numbers, move to a new school, their numbers are replaced."""
    district.student(local_number="1")
    moved = {"school": "0000009", "enrollment_start": "2025-01-06", "home_language": "vie"}
    return [
        ("students", csv(NEW_STUDENT | {"school": "0000008"}, JOSE | {"local_number": "1", "ssid": ""}), {}),
        ("students", csv(NEW_STUDENT | moved | {"ssid": "9012345678"}, JOSE | moved | {"local_number": "1"}), {}),
        ("ssid-replacement", "1234567^0123456^77^9012345678^9012345679\n", {}),
        ("students", csv(NEW_STUDENT | {"school": "0123457", "enrollment_start": "2025-02-03"}), {}),
    ]


ALL_ORDERS = [
    pytest.param(order, id=str(order), marks=[] if number % 12 == 0 else [pytest.mark.faults])
    for number, order in enumerate(itertools.permutations(range(4)))
]


@pytest.mark.parametrize("order", ALL_ORDERS)
def test_every_order_of_a_history(order: tuple[int, ...]) -> None:
    everything_comes_back(history(make_district()), order)


# ---- what is kept is reported, and can be tried again ----


def renamed(name: str, *numbers: str) -> Step:
    return ("students", csv(*(JOSE | {"local_number": number, "alias_last_name": name} for number in numbers)), {})


@pytest.fixture
def three(db: None) -> District:
    district = make_district()
    for number in ("1", "2", "3"):
        district.student(local_number=number)
    return district


def done(step: Step) -> ImportRun:
    run = applied(step)
    assert run is not None
    return run


def test_what_a_later_run_wrote_is_kept_and_named(three: District) -> None:
    first = done(renamed("Beta", "1", "2"))
    second = done(renamed("Gamma", "1"))

    kept = undone(first)

    assert (kept.run.import_count, kept.run.set_aside_count) == (1, 1)
    assert kept.run.facts["kept"] == {"lines": 1, "partly": 0, "reasons": {"later": 1}, "later_runs": [second.pk]}
    assert f"Run {second.pk} wrote it later" in kept.issue("CHANGED-SINCE-TEST")["message"]
    first.refresh_from_db()
    assert (Report(first).json["reverted"], Report(second).json["reverted"]) == ("partly", None)


def test_the_newer_revert_finishes_the_older_one(three: District) -> None:
    before = snapshot()
    first = done(renamed("Beta", "1", "2"))
    second = done(renamed("Gamma", "1"))
    undone(first)

    last = undone(second)

    assert snapshot() == before
    (along,) = ImportRun.objects.filter(pk__in=last.run.facts["finished"])
    assert (along.reverts_id, along.import_count, along.facts["along_with"]) == (first.pk, 1, last.run.pk)
    assert services.start_revert(run=first, user=None, enqueue=False) == along, "nothing is left to be put back"


def test_a_run_that_nobody_reverted_stays_when_a_newer_one_is_reverted(three: District) -> None:
    done(renamed("Beta", "1"))
    second = done(renamed("Gamma", "1"))
    undone(second)
    assert Student.objects.get(local_number="1").alias_last_name == "Beta"


def test_what_somebody_edited_is_kept_until_it_is_tried_again(three: District) -> None:
    before = snapshot()
    run = done(renamed("Beta", "1", "2"))
    Student.objects.filter(local_number="1").update(alias_last_name="Delta")

    first = undone(run)
    assert "It has been edited since" in first.issue("CHANGED-SINCE-TEST")["message"]
    run.refresh_from_db()
    assert run.reverted == Reverted.PARTLY

    Student.objects.filter(local_number="1").update(alias_last_name="Beta")
    second = undone(run)

    assert second.run != first.run
    assert (second.run.record_count, second.run.import_count) == (1, 1)
    run.refresh_from_db()
    assert (snapshot(), run.reverted) == (before, Reverted.WHOLLY)


def test_a_line_of_which_a_part_is_kept_is_not_counted_as_put_back(three: District) -> None:
    """A student who was created and has a number since: the enrollment goes, the student stays."""
    run = done(("students", csv(NEW_STUDENT), {}))
    SSID.objects.create(student=Student.objects.get(local_number="77"), ssid="9012345678", origin="staff")

    kept = undone(run)

    assert (kept.run.import_count, kept.run.set_aside_count) == (0, 1)
    assert kept.run.facts["kept"]["partly"] == 1
    assert "Other records now use it" in kept.issue("CHANGED-SINCE-TEST")["message"]
    run.refresh_from_db()
    assert run.reverted == Reverted.PARTLY


def test_a_revert_that_could_put_nothing_back_has_not_reverted_the_run(three: District) -> None:
    run = done(renamed("Beta", "1"))
    Student.objects.filter(local_number="1").update(alias_last_name="Delta")
    kept = undone(run)
    run.refresh_from_db()
    assert (kept.run.set_aside_count, run.reverted, Report(run).json["reverted"]) == (1, "", None)


def test_equal_values_of_a_later_run_are_not_taken_for_its_own(three: District) -> None:
    """A, then B, then A, then B: each revert takes back its own step only."""
    before = snapshot()
    runs = [done(renamed(name, "1")) for name in ("Beta", "Alpha", "Beta")]
    undone(runs[0])
    assert Student.objects.get(local_number="1").alias_last_name == "Beta"
    undone(runs[2])
    assert Student.objects.get(local_number="1").alias_last_name == "Alpha"
    undone(runs[1])
    assert snapshot() == before


@few
@given(changed=changes_of_cells.filter(bool))
@pytest.mark.long
def test_scores_that_a_revert_puts_back_are_those_of_the_run_before(changed: list[tuple[int, str, int]]) -> None:
    """With the run and line that wrote them."""
    with OneExample():
        made, layout = home(), "caaspp-2023-24"
        done((TYPES[layout], lines_of(made, layout, []), {}))
        before = snapshot()
        second = applied((TYPES[layout], lines_of(made, layout, changed), {}))
        if second is not None:
            undone(second)
        assert snapshot() == before


# ---- what else is in the way of a revert ----


def created(three: District) -> ImportRun:
    return done(("students", csv(NEW_STUDENT), {}))


def test_a_created_student_whom_somebody_looked_at_can_be_removed(three: District) -> None:
    """The note of who looked stays, as it does when a student is deleted by hand."""
    before = snapshot()
    run = created(three)
    student = Student.objects.get(local_number="77")
    view = AuditEntry.objects.create(students=[student.pk], kind="page", subject="77")
    undone(run)
    assert snapshot() == before
    assert AuditEntry.looks.get(pk=view.pk).students == [student.pk]


@pytest.mark.parametrize("by", ["invitation", "second check"])
def test_a_created_student_who_is_known_elsewhere_stays(three: District, by: str) -> None:
    run = created(three)
    student = Student.objects.get(local_number="77")
    if by == "invitation":
        expires = timezone.now() + dt.timedelta(days=1)
        FamilyInvitation.objects.create(token_hash="0", expires_at=expires).students.add(student)
    else:
        SecondCheck.objects.create(student=student, user=UserFactory(), passed=True)

    kept = undone(run)

    assert kept.run.facts["kept"]["reasons"] == {"in_use": 1}
    assert Student.objects.filter(pk=student.pk).exists()


def test_a_number_comes_back_only_when_the_one_in_its_place_goes(three: District) -> None:
    """The replacement was verified by a list since: it stays, so the retired number stays retired, and no run breaks."""
    before = snapshot()
    give_ssid(Student.objects.get(local_number="1"), "9012345678", verified=False)
    first = done(("ssid-replacement", "1234567^0123456^1^9012345678^9012345679\n", {}))
    SSID.objects.filter(ssid="9012345679").update(verified=False)

    kept = undone(first)
    assert kept.run.set_aside_count == 1
    assert SSID.objects.get(retired_at=None).ssid == "9012345679"

    SSID.objects.filter(ssid="9012345679").update(verified=True)
    undone(first)
    SSID.objects.all().delete()
    assert snapshot() == before


def test_someone_who_was_moved_on_by_hand_keeps_the_school_they_came_from(three: District) -> None:
    """A school that the run made is not removed while a later run's revert would need it."""
    before = snapshot()
    there = JOSE | {"ssid": "", "local_number": "1", "enrollment_start": "2025-01-06"}
    runs = [done(("students", csv(there | {"school": school}), {})) for school in ("0000008", "0000009", "0123456")]
    for place in (0, 2, 1):
        undone(runs[place])
    assert snapshot() == before
