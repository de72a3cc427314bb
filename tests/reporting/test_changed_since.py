"""`changed_since` is true: what was written, put back, taken away or edited since is there, whole, and nothing else."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from assessments.models import Score
from sisimport.imports.models import ImportRun, Work
from sisimport.reporting.exports import Export, ExportRefusedError
from students.editing import change_ssid, save_enrollment, update_student
from students.models import Enrollment, RecordEdit, Student
from students.undoing import undo_edit
from tests.api.client import Program
from tests.assessments.score_files import SSID_1, ela, start, text, undo
from tests.factories import EnrollmentFactory, StudentFactory, UserFactory
from tests.files.samples import line
from tests.imports.journey import District, give_ssid, make_district, merge_ssids
from tests.reporting.conftest import Scored
from tests.reporting.test_exports import command, read
from tests.roster.test_roster import ANA, JOSE
from tests.roster.test_roster import update as update_roster
from tests.ssid.downloads import update

pytestmark = pytest.mark.django_db


def changed(what: str, since: dt.datetime, **asked: Any) -> list[dict[str, Any]]:
    export = Export(what=what, changed_since=since, **asked)
    return [dict(zip(export.columns, row, strict=True)) for row in export.rows()]


def numbers(rows: list[dict[str, Any]]) -> set[str]:
    return {row["local_number"] for row in rows}


@pytest.fixture
def replaced() -> District:
    """A student whose SSID the state merged into another: a run retired the old one and gave the new one."""
    made = make_district()
    give_ssid(made.student(), "9012345600")
    merge_ssids("9012345600", "9012345678")
    assert update(line(), options={"replace_retired": "1"}).counts == {"imported": 1}
    return made


def test_an_ssid_that_a_revert_made_current_again_is_there(replaced: District) -> None:
    run = ImportRun.objects.get(work=Work.UPDATE)
    assert run.finished_at is not None
    assert {(row["ssid"], row["is_current"]) for row in changed("ssids", run.finished_at)} == {
        ("9012345600", False),
        ("9012345678", True),
    }
    since = timezone.now()
    assert changed("ssids", since) == changed("students", since) == []
    undo(run)
    assert [(row["ssid"], row["is_current"]) for row in changed("ssids", since)] == [("9012345600", True)]
    assert [row["ssid"] for row in changed("students", since)] == ["9012345600"]


def test_an_ssid_that_a_file_confirmed_is_there() -> None:
    student = make_district().student()
    given = give_ssid(student, "9012345600", verified=False)
    since = timezone.now()
    assert changed("ssids", since) == []
    change_ssid(student=student, ssid="9012345600", user=UserFactory(), reason="Seen on the card")
    given.refresh_from_db()
    assert given.verified
    assert [(row["ssid"], row["verified"]) for row in changed("ssids", since)] == [("9012345600", True)]


def test_an_edit_and_its_undo_are_there(replaced: District) -> None:
    student, user = Student.objects.get(), UserFactory(import_admin=True)
    since = timezone.now()
    update_student(student=student, values={"grade": "11"}, user=user, reason="Moved up")
    assert [row["grade"] for row in changed("students", since)] == ["11"]
    assert changed("ssids", since) == []
    edits = list(RecordEdit.objects.filter(field="grade").values_list("pk", flat=True))
    since = timezone.now()
    undo_edit(student=student, edits=edits, user=user)
    assert [row["grade"] for row in changed("students", since)] == ["10"]


def test_a_student_who_left_is_there_and_one_with_scores_only_is_not(two_scored: Scored) -> None:
    since = two_scored.run.created_at
    assert changed("students", since) == []
    first = two_scored.people[0]
    enrollment = Enrollment.objects.filter(student=first).first() or EnrollmentFactory(
        student=first, school=first.school
    )
    enrollment.exit_date = timezone.localdate() - dt.timedelta(days=2)
    save_enrollment(enrollment=enrollment, user=UserFactory(), reason="Moved away")
    (row,) = changed("students", since)
    assert (row["local_number"], row["enrolled"]) == (first.local_number, False)


def test_a_line_that_was_set_aside_changed_nobody() -> None:
    make_district()
    assert update_roster(JOSE, ANA).counts == {"imported": 2}
    since = timezone.now()
    update_roster(JOSE | {"grade": "11"}, ANA | {"grade": "08"})
    run = ImportRun.objects.filter(work=Work.UPDATE).latest("pk")
    assert numbers(changed("students", since)) == {"100234", "100235"}
    assert run.test_run is not None
    for change in run.test_run.changes.filter(line=3):
        run.set_aside.create(line=change.line, seq=change.seq, reason="changed")
    assert numbers(changed("students", since)) == {"100234"}


def test_scores_that_a_revert_put_back_come_with_those_of_their_year_alone(two_scored: Scored) -> None:
    first = two_scored.people[0]
    test = Score.objects.filter(student=first, assessment__state_code="SBELA").get()
    Score.objects.create(student=first, assessment=test.assessment, school_year=2023, run_id=test.run_id)
    again = start("caaspp-2023-2024", text("caaspp-2023-24", ela(scale_score="2503")), work=Work.IMPORT)
    assert again.import_count == 1
    since = timezone.now()
    assert changed("scores", since) == []
    undo(again)
    found = changed("scores", since)
    assert {(row["ssid"], row["school_year"]) for row in found} == {(SSID_1, "2023-24")}
    assert "2502" in {row["scale_score"] for row in found}


def test_a_wide_row_is_whole_though_one_score_changed(two_scored: Scored) -> None:
    first = two_scored.people[0]
    whole = next(row for row in _wide() if row["local_number"] == first.local_number)
    since = timezone.now()
    assert changed("scores", since, form="wide") == []
    later = start("caaspp-2023-2024", text("caaspp-2023-24", ela(scale_score="2503")), work=Work.IMPORT)
    Score.objects.exclude(assessment__state_code="SBELA").update(run_id=two_scored.run.pk)
    (row,) = changed("scores", since, form="wide")
    assert {name for name, value in whole.items() if value} <= {name for name, value in row.items() if value}
    assert row["SBELA_scale_score"] == "2503"
    # And what a Revert put back.
    since = timezone.now()
    undo(later)
    (row,) = changed("scores", since, form="wide")
    assert row["SBELA_scale_score"] == "2502"


def _wide() -> list[dict[str, Any]]:
    export = Export(what="scores", form="wide")
    return [dict(zip(export.columns, row, strict=True)) for row in export.rows()]


@pytest.mark.parametrize("what", ["students", "ssids"])
def test_a_moment_since_which_not_all_is_known_any_more_is_refused(
    what: str, replaced: District, tmp_path: Path
) -> None:
    """What runs changed is kept for a time (KEEP_PLANS_DAYS): after it, fewer rows than changed would be taken for all."""
    run = ImportRun.objects.get(work=Work.UPDATE)
    assert run.finished_at is not None
    ImportRun.objects.filter(pk=run.test_run_id).update(plan_removed_at=timezone.now())
    since = timezone.localtime(run.finished_at).replace(hour=0, minute=0, second=0, microsecond=0)
    with pytest.raises(ExportRefusedError, match="choose a later day, or export everything"):
        list(Export(what=what, changed_since=since).rows())
    message = command(f"export_{what}", tmp_path / "a.csv", "--changed-since", f"{since:%Y-%m-%d}", code=2)
    assert "is no longer kept" in message["message"]
    assert (
        Program().get(what, {"changed_since": since.isoformat()}, status=409)["code"]
        == Program(name="files").get(f"exports/{what}", {"changed_since": since.isoformat()}, status=409)["code"]
        == "REFUSED"
    )
    assert list(Export(what=what, changed_since=timezone.now()).rows()) == []
    command(f"export_{what}", tmp_path / "a.csv")
    assert len(read(tmp_path / "a.csv")) > 0


def test_lists_of_the_api_say_the_same_as_files(two_scored: Scored) -> None:
    since = timezone.now()
    StudentFactory()
    update_student(student=two_scored.people[1], values={"grade": "11"}, user=UserFactory(), reason="Moved up")
    asked = {"changed_since": since.isoformat()}
    listed = Program().get("students", asked)["items"]
    assert numbers(listed) == numbers(changed("students", since)) == {"000502"}
    assert Program(name="scores").get("scores", asked)["items"] == []
