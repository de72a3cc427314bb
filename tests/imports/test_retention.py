"""What is kept how long (issue 16, 5): removed after its days and no day before, and never from under what still needs it."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from sisimport.imports.management.run_in_process import run_to_end
from sisimport.imports.models import AbsentList, ImportChange, ImportFile, ImportIssue, ImportRun, RunStatus, Work
from sisimport.imports.runs import services
from sisimport.imports.runs.uploads import RunRefusedError
from sisimport.imports.storage import retention
from sisimport.imports.storage.files import RemovedFileError, open_file
from sisimport.runtime.retention import Kept, all_kept, register_kept
from students.models import SSID
from tests.files.samples import lines
from tests.imports.journey import District, make_district, run_file

pytestmark = pytest.mark.django_db

LINES = lines({}, {"local_number": "999999", "last_name": "Nobody", "ssid": "9012345699"})


@pytest.fixture
def district() -> District:
    made = make_district()
    made.student()
    made.another()
    return made


def applied() -> ImportRun:
    return run_file("ssid-download", LINES, Work.UPDATE).run


def age(days: int) -> dt.datetime:
    """The moment at which everything made now is so many days old, and a minute."""
    return timezone.now() + dt.timedelta(days=days, minutes=1)


def purge(django_capture_on_commit_callbacks: Any, days: int, **options: Any) -> dict[str, int]:
    with django_capture_on_commit_callbacks(execute=True):
        return retention.purge(now=age(days), **options)


class TestUploads:
    def test_the_bytes_go_after_their_days_and_the_record_stays(
        self, district: District, django_capture_on_commit_callbacks: Any
    ) -> None:
        run = applied()
        assert run.file is not None
        path = Path(run.file.file.path)

        assert purge(django_capture_on_commit_callbacks, 89)["uploads"] == 0
        assert path.exists()
        assert purge(django_capture_on_commit_callbacks, 90)["uploads"] == 1
        assert not path.exists()

        file = ImportFile.objects.get(pk=run.file.pk)
        assert (file.name, file.sha256, file.size) == (run.file.name, run.file.sha256, run.file.size)
        with pytest.raises(RemovedFileError, match="upload the file again"), open_file(file):
            pass
        assert purge(django_capture_on_commit_callbacks, 91)["uploads"] == 0

    def test_what_was_applied_can_be_reverted_without_its_file(
        self, district: District, django_capture_on_commit_callbacks: Any
    ) -> None:
        run = applied()
        purge(django_capture_on_commit_callbacks, 100)

        revert = run_to_end(services.start_revert(run=ImportRun.objects.get(pk=run.pk), user=None, enqueue=False))

        assert revert.status == RunStatus.COMPLETED
        assert not SSID.objects.filter(ssid="9012345678").exists()

    @pytest.mark.parametrize("status", [RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.HELD])
    def test_no_file_goes_that_an_undecided_run_reads(
        self, district: District, django_capture_on_commit_callbacks: Any, status: RunStatus
    ) -> None:
        run = applied()
        assert run.test_run is not None
        ImportRun.objects.create(
            file=run.file, import_type=run.import_type, work=Work.UPDATE, test_run=run.test_run, status=status
        )

        assert purge(django_capture_on_commit_callbacks, 1000)["uploads"] == 0
        assert ImportChange.objects.filter(run=run.plan_run_id).exists()

    def test_a_rejected_file_goes_earlier_unless_another_run_took_it(
        self, district: District, django_capture_on_commit_callbacks: Any
    ) -> None:
        rejected = run_file("ssid-download", b"\x00\x01nothing\n" * 3, Work.TEST).run
        assert rejected.status == RunStatus.REJECTED
        applied()

        assert purge(django_capture_on_commit_callbacks, 6)["refused_uploads"] == 0
        assert purge(django_capture_on_commit_callbacks, 7)["refused_uploads"] == 1
        assert ImportFile.objects.filter(removed_at__isnull=False).count() == 1

    def test_a_new_run_of_a_removed_file_is_refused_with_the_next_step(
        self, district: District, django_capture_on_commit_callbacks: Any
    ) -> None:
        run = applied()
        purge(django_capture_on_commit_callbacks, 90)

        with pytest.raises(RunRefusedError, match="upload the file again"):
            services.start_run(
                file=ImportFile.objects.get(pk=run.file_id),
                import_type=run.import_type,
                work=Work.TEST,
                options={},
                user=None,
                schools=None,
            )


class TestPlans:
    def test_rows_by_line_go_and_records_and_counts_stay(
        self, district: District, django_capture_on_commit_callbacks: Any
    ) -> None:
        run = applied()
        plan = run.plan_run_id
        assert ImportChange.objects.filter(run=plan).exists()
        assert ImportIssue.objects.filter(run=plan).exists()

        assert purge(django_capture_on_commit_callbacks, 399)["plans"] == 0
        assert purge(django_capture_on_commit_callbacks, 400)["plans"] == 2

        assert not ImportChange.objects.filter(run=plan).exists()
        assert not ImportIssue.objects.filter(run=plan).exists()
        assert SSID.objects.filter(ssid="9012345678").exists()
        after = ImportRun.objects.get(pk=run.pk)
        assert (after.import_count, after.error_count) == (run.import_count, run.error_count)
        assert after.plan_removed_at is not None

    def test_a_plan_stays_as_long_as_an_update_of_it_does(
        self, district: District, django_capture_on_commit_callbacks: Any
    ) -> None:
        run = applied()
        assert run.test_run is not None
        ImportRun.objects.filter(pk=run.test_run_id).update(finished_at=timezone.now() - dt.timedelta(days=300))

        assert purge(django_capture_on_commit_callbacks, 200)["plans"] == 0
        assert run_to_end(services.start_revert(run=run, user=None, enqueue=False)).status == RunStatus.COMPLETED

    def test_neither_update_nor_revert_begins_without_its_plan(
        self, district: District, django_capture_on_commit_callbacks: Any
    ) -> None:
        run = applied()
        purge(django_capture_on_commit_callbacks, 400)
        run = ImportRun.objects.select_related("test_run").get(pk=run.pk)
        assert run.test_run is not None

        with pytest.raises(RunRefusedError, match="test it"):
            services.start_update(test_run=run.test_run, user=None)
        with pytest.raises(RunRefusedError, match="can no longer be reverted"):
            services.start_revert(run=run, user=None)
        found = services.find_test(
            sha256=run.file.sha256 if run.file else "", import_type=run.import_type, options=run.options
        )
        assert found is None

    @pytest.mark.parametrize("work", [Work.UPDATE, Work.REVERT])
    def test_a_run_queued_at_the_moment_of_a_purge_fails_and_writes_nothing(
        self, district: District, work: Work
    ) -> None:
        """Started before the purge committed, done after it: as two processes can."""
        run = applied()
        assert run.test_run is not None
        about = {"test_run": run.test_run} if work == Work.UPDATE else {"reverts": run}
        late = ImportRun.objects.create(
            file=run.file, import_type=run.import_type, work=work, options=run.options, **about
        )
        ImportRun.objects.update(plan_removed_at=timezone.now())
        ImportChange.objects.all().delete()

        ended = run_to_end(late)

        assert ended.status == RunStatus.FAILED
        assert "was removed on" in ended.message
        assert SSID.objects.filter(ssid="9012345678").exists()

    def test_whatever_is_kept_by_line_of_a_run_goes_with_the_plan(self) -> None:
        names = {model.__name__ for model in retention._by_line()}

        assert names >= {"ImportIssue", "ImportChange", "SetAside", "LineDraft", "MatchDecision", "MatchRequest"}
        assert "AbsentList" not in names


def test_lists_of_absent_students_go_and_their_page_says_so(
    district: District, admin_client: Client, admin_user: Any, django_capture_on_commit_callbacks: Any
) -> None:
    run = run_file("ssid-download", LINES, Work.TEST).run
    assert AbsentList.objects.filter(run=run).exists()

    assert purge(django_capture_on_commit_callbacks, 29)["absent_lists"] == 0
    assert purge(django_capture_on_commit_callbacks, 30)["absent_lists"] == 1
    assert not AbsentList.objects.exists()
    admin_client.force_login(admin_user)  # sessions go too
    page = admin_client.get(reverse("run_absent", args=[run.pk])).content.decode()
    assert "The list was kept until" in page


def test_the_page_of_a_run_says_until_when(
    district: District, admin_client: Client, admin_user: Any, django_capture_on_commit_callbacks: Any
) -> None:
    run = applied()
    address = reverse("run", args=[run.pk])
    day = timezone.localtime(run.finished_at) + dt.timedelta(days=400)

    page = admin_client.get(address).content.decode()
    assert f'kept until <time datetime="{day.date().isoformat()}"' in page
    assert "can be reverted until then" in page

    purge(django_capture_on_commit_callbacks, 400)
    admin_client.force_login(admin_user)  # sessions go too
    page = admin_client.get(address).content.decode()
    assert page.count("removed on <time") == 2
    assert admin_client.post(reverse("start_revert", args=[run.pk]), follow=True).status_code == 200
    assert not ImportRun.objects.filter(work=Work.REVERT).exists()


def test_zero_days_is_for_good(district: District, settings: Any, django_capture_on_commit_callbacks: Any) -> None:
    run = applied()
    settings.KEEP_UPLOADS_DAYS = settings.KEEP_PLANS_DAYS = settings.KEEP_ABSENT_DAYS = 0

    assert not any(purge(django_capture_on_commit_callbacks, 100_000).values())
    assert retention.plan_kept_until(run) is None


def test_the_command_counts_first_and_then_removes(district: District, capsys: pytest.CaptureFixture[str]) -> None:
    applied()
    ImportRun.objects.update(finished_at=timezone.now() - dt.timedelta(days=31))

    def called(*words: str) -> dict[str, Any]:
        with transaction.atomic():
            call_command("purge", *words, "--json")
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return found

    counted = called("--dry-run")
    assert counted["dry_run"]
    assert counted["removed"]["absent_lists"] == 1
    assert AbsentList.objects.exists()
    assert called()["removed"] == counted["removed"]
    assert not AbsentList.objects.exists()
    assert not any(called()["removed"].values())


def test_two_purges_at_once_are_one(other_session: Any) -> None:
    other_session.execute("SELECT pg_advisory_lock(%s, %s)", retention._LOCK)
    try:
        assert retention.purge() == {}
    finally:
        other_session.execute("SELECT pg_advisory_unlock(%s, %s)", retention._LOCK)


def test_kinds_have_names_of_their_own() -> None:
    assert {"uploads", "refused_uploads", "plans", "absent_lists", "mails", "sessions"} <= {
        kept.kind for kept in all_kept()
    }
    with pytest.raises(ValueError, match="twice"):
        register_kept(Kept("uploads", "", days=lambda: 1, remove=lambda _before, _dry: 0))


def test_the_runs_that_take_the_most_room_are_listed(district: District, capsys: pytest.CaptureFixture[str]) -> None:
    run = applied()
    assert run.test_run is not None
    assert run.file is not None
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE imports_importissue, imports_importchange")
    call_command("purge", "--dry-run", "--runs", "5", "--json")

    test, update = json.loads(capsys.readouterr().out)["runs"]
    assert (test["run"], update["run"]) == (run.test_run.pk, run.pk)
    assert test["file_bytes"] == run.file.size
    tables = (ImportIssue, ImportChange, AbsentList)
    rows = sum(model._default_manager.filter(run=run.test_run).count() for model in tables)
    assert test["rows"] == rows > 0
    assert test["bytes"] > 0
    assert update["rows"] == 0
